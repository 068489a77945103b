"""Archives fetched from this machine beside curl: wall time, and the most memory that is held.

The project's own server sends FILES files of MEGABYTES (10^6 bytes, no room on the disk of the
server). What is fetched goes to the folder for temporary files (TMPDIR) and is deleted each time.
radiograph computes md5 and sha256 and waits until the disk has all. curl does neither: beside it
alone stands what a user does to have as much, curl and then both sums and ``sync``.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from radiograph.drivers.transients.campaign_server import CampaignServer

from .figures import Figure

FILES = int(os.environ.get("RADIOGRAPH_FILES", "4"))
MEGABYTES = int(os.environ.get("RADIOGRAPH_MEGABYTES", "1000"))
REPEATS = 3
SETTINGS = '[pipeline]\nname = "transients"\n[io]\ninput_path = "campaign"\n'
SERVER = (
    "import sys; from pathlib import Path\n"
    f"from {CampaignServer.__module__} import CampaignServer\n"
    "server = CampaignServer(Path(sys.argv[1])); print(server.url, flush=True)\n"
    "server.serve_forever()"
)
COMMAND = "from radiograph.drivers.main import cli; cli()"
_BLOCK = 1 << 24
_AS_MUCH = "curl, both sums and sync"


def _served(folder: Path) -> dict[str, str]:
    """Files of zeros but for the first byte, and their md5."""
    zeros, found = bytes(_BLOCK), {}
    for k in range(FILES):
        path = folder / f"run_{k + 1:03d}.tar"
        first = bytes([k + 1])
        path.write_bytes(first)
        size = MEGABYTES * 10**6
        os.truncate(path, size)
        digest = hashlib.md5(first, usedforsecurity=False)
        for at in range(1, size, _BLOCK):
            digest.update(zeros[: min(_BLOCK, size - at)])
        found[path.name] = digest.hexdigest()
    return found


def _measured(command: list[str], folder: Path) -> tuple[float, float]:
    """Wall time in seconds and the most memory in MB of a process that must end well."""
    begin = time.perf_counter()
    child = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    wall = time.perf_counter() - begin
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    # macOS counts bytes.
    return wall, used.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def _summed(place: tuple[Path, str]) -> str:
    path, kind = place
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, kind).hexdigest()


def figures() -> Iterator[Figure]:
    """Seconds, megabytes a second and their ratio; no figure without curl."""
    curl = shutil.which("curl")
    if curl is None:
        print("curl is not on the path: nothing to compare with", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory(prefix="radiograph-") as name:
        folder = Path(name)
        (folder / "there").mkdir()
        (folder / "campaign").mkdir()
        (folder / "t.toml").write_text(SETTINGS)
        sums = _served(folder / "there")
        served = [sys.executable, "-c", SERVER, str(folder / "there")]
        server = subprocess.Popen(served, stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            yield from _compared(curl, folder, server.stdout.readline().strip(), sums)
        finally:
            server.kill()
            server.wait()
            server.stdout.close()


def _compared(curl: str, folder: Path, url: str, sums: dict[str, str]) -> Iterator[Figure]:
    lines = [f"{file[:-4]},{url}{file},{md5}\n" for file, md5 in sums.items()]
    (folder / "campaign" / "runs_summary.csv").write_text("name,url,md5sum\n" + "".join(lines))
    by_curl = [
        curl,
        "-sS",
        "--fail",
        "--parallel",
        "--no-progress-meter",
        "--remote-name-all",
        *(url + f for f in sums),
    ]
    ours = [sys.executable, "-c", COMMAND, "transients", "fetch", "../t.toml", "--quiet"]
    walls: dict[str, list[float]] = {"curl": [], _AS_MUCH: [], "radiograph": []}
    memory = []
    for _ in range(REPEATS):
        place = folder / "by_curl"
        place.mkdir()
        begin = time.perf_counter()
        walls["curl"].append(_measured(by_curl, place)[0])
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            list(pool.map(_summed, [(place / f, kind) for f in sums for kind in ("md5", "sha256")]))
        subprocess.run(["sync", *sums], cwd=place, check=True)
        walls[_AS_MUCH].append(time.perf_counter() - begin)
        shutil.rmtree(place)
        wall, most_MB = _measured(ours, folder / "campaign")
        walls["radiograph"].append(wall)
        memory.append(most_MB)
        for left in ("download", "logs"):
            shutil.rmtree(folder / "campaign" / left)
        for left in (folder / "campaign").glob("ledger.sqlite*"):
            left.unlink()
    amount = f"{FILES} files of {MEGABYTES:,} MB"
    median = {who: statistics.median(found) for who, found in walls.items()}
    for who, wall in median.items():
        yield Figure(f"{amount} by {who}", wall, "s")
    for who, mark in (("curl", ">= 0.7"), (_AS_MUCH, "")):
        ratio = median[who] / median["radiograph"]
        yield Figure(f"fetched: times as fast as {who}", ratio, "x", mark)
    yield Figure("the most memory of a fetch", max(memory), "MB", "<= 100")
