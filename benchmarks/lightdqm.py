"""Light data quality: CPU, memory and bytes of a report, all events against the disk, numpy.

Files of 500 and 5000 events (0.5 and 5.1 GB) are simulated into the folder for temporary files
(TMPDIR) and deleted afterwards.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from .figures import Figure

EVENTS = 500
LONG_EVENTS = 5000
FEW_EVENTS = 20
EVENT_BYTES = 8 * 64 * 1000 * 2
_READ_AT_ONCE = 1 << 24

SETTINGS = """
[pipeline]
name = "lightdqm"
[io]
input_path = "{input}"
output_path = "{output}"
overwrite = true
[lightdqm]
max_evts = {most}
"""

# One command in a process of its own: what it used, on the last line.
MEASURED = """
import json, resource, sys
from radiograph.drivers.main import guarded
def bytes_read():
    with open("/proc/self/io") as stream:
        return int(stream.readline().split()[1])
before = bytes_read()
code = guarded(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_SELF)
cpu = used.ru_utime + used.ru_stime
# The peak that getrusage knows begins with that of the process that started this one.
with open("/proc/self/status") as stream:
    peak = next(int(line.split()[1]) for line in stream if line.startswith("VmHWM"))
print()
print(json.dumps([code, cpu, peak / 1024, bytes_read() - before]))
"""


@dataclass(frozen=True)
class Used:
    """What a command used: CPU seconds of its process, peak MB, bytes read, wall seconds."""

    cpu_s: float
    peak_MB: float
    n_bytes: int
    wall_s: float


def figures() -> list[Figure]:
    """CPU, memory and bytes at two lengths of file; all events; against plain numpy."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        few = _simulated(folder / "few", FEW_EVENTS)
        short = _simulated(folder / "short", EVENTS)
        # The first run compiles what is not compiled yet and is not counted.
        least = [_report(few, EVENTS) for _ in range(2)][1]
        report = _of_report(_report(short, EVENTS), least, EVENTS)
        found = [*report, *_against_numpy(short, few)]
        short.unlink()
        long = _simulated(folder / "long", LONG_EVENTS)
        found += _of_report(_report(long, EVENTS), least, LONG_EVENTS)
        return [*found, *_all_events(long)]


def _simulated(folder: Path, n: int) -> Path:
    from radiograph.drivers.lightdqm.simulation import write_light_simulation
    from radiograph.schemas.light_simulation import LightSimulationSettings

    return write_light_simulation(LightSimulationSettings(n_events=n, seed=5), folder).out


def _report(file: Path, most: int, *options: str) -> Used:
    """``radiograph run`` on one file with an empty cache."""
    settings = file.with_suffix(".toml")
    output = file.parent / "out"
    settings.write_text(SETTINGS.format(input=file, output=output, most=most))
    with tempfile.TemporaryDirectory() as cache:
        command = ["run", str(settings), "--quiet", "--cache-dir", cache, *options]
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, *command], capture_output=True, text=True, check=True
        )
        wall = time.perf_counter() - started
    code, cpu, peak, n_bytes = json.loads(done.stdout.splitlines()[-1])
    if code:
        raise RuntimeError(done.stderr)
    return Used(cpu, peak, n_bytes, wall)


def _of_report(used: Used, least: Used, length: int) -> list[Figure]:
    """What reading the events of a report took; programs and fonts are read for few as well."""
    chosen = (EVENTS - FEW_EVENTS) * EVENT_BYTES
    what = f"default report, {EVENTS} of {length} events"
    return [
        Figure(f"{what}: CPU", used.cpu_s, "s", "<= 8"),
        Figure(f"{what}: CPU beyond that of {FEW_EVENTS} events", used.cpu_s - least.cpu_s, "s"),
        Figure(f"{what}: peak memory", used.peak_MB, "MB", "<= 1024"),
        Figure(
            f"{what}: bytes read over those of its events",
            (used.n_bytes - least.n_bytes) / chosen,
            "x",
            "<= 1.1",
        ),
    ]


def _against_numpy(file: Path, few: Path) -> list[Figure]:
    """The same numbers from the graph and from plain numpy, programs started and not counted."""
    targets = ("--target", "dqm_verdict", "--target", "power_spectra", "--no-cache")
    ours, floor = (_report(f, EVENTS, *targets).cpu_s for f in (file, few))
    theirs, their_floor = (_plain_numpy(f) for f in (file, few))
    gain = (theirs.cpu_s - their_floor.cpu_s) / (ours - floor)
    return [
        Figure(f"verdict and spectra, {EVENTS} events: CPU", ours, "s"),
        Figure(f"formulas in plain numpy, {EVENTS} events: CPU", theirs.cpu_s, "s"),
        Figure("formulas in plain numpy: peak memory", theirs.peak_MB, "MB"),
        Figure(
            f"CPU of plain numpy over the graph's, beyond that of {FEW_EVENTS} events", gain, "x"
        ),
    ]


def _plain_numpy(file: Path) -> Used:
    command = [sys.executable, "-m", "benchmarks.light_formulas", str(file), str(EVENTS)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    return Used(found["cpu_s"], found["peak_MB"], 0, 0.0)


def _all_events(file: Path) -> list[Figure]:
    """All events of a long file against reading it, both from the disk and not from memory."""
    size = file.stat().st_size
    _forget(file)
    plain = _seconds_to_read(file)
    _forget(file)
    used = _report(file, 0, "--target", "dqm_fractions")
    _forget(file)
    verdict = _report(file, 0, "--target", "dqm_verdict")
    return [
        Figure(f"plain read of {size / 1e9:.1f} GB", size / plain / 1e6, "MB/s"),
        Figure("all events to fractions", size / used.wall_s / 1e6, "MB/s"),
        Figure("all events to fractions over a plain read, wall", used.wall_s / plain, "x"),
        Figure("all events to fractions: CPU", used.cpu_s, "s"),
        Figure("all events to fractions: peak memory", used.peak_MB, "MB", "<= 1024"),
        Figure("all events to the verdict over a plain read, wall", verdict.wall_s / plain, "x"),
        Figure("all events to the verdict: peak memory", verdict.peak_MB, "MB", "<= 1024"),
    ]


def _forget(file: Path) -> None:
    """Let the system drop what it keeps of a file in memory."""
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def _seconds_to_read(file: Path) -> float:
    started = time.perf_counter()
    buffer = bytearray(_READ_AT_ONCE)
    with file.open("rb", buffering=0) as stream:
        while stream.readinto(buffer):
            pass
    return time.perf_counter() - started
