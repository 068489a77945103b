"""``radiograph transients fetch``: the archives of the chosen runs, several files at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....schemas.errors import EXIT_INPUT, UsageError
from ....schemas.transients.manifest import FPGA_DATA, Archive, Manifest, RemoteFile
from ....schemas.transients.retrieval import Retrieval
from .answers import Connections
from .ledger import Ledger
from .partial import PART
from .places import CampaignPlaces
from .telling import Telling
from .transfer import Means, Room, Transfer, Transferred, places_of

_GOOD = ("fetched", "present", "unverified")


@dataclass(frozen=True)
class FileReport:
    """What became of a file; ``state`` as in Transferred, of a dry run whole, partial, absent."""

    run: str
    file: str
    state: str
    size: int
    received: int
    message: str

    def plain(self) -> dict[str, Any]:
        """As an answer to a machine."""
        return {
            "run": self.run,
            "file": self.file,
            "state": self.state,
            "bytes": self.size,
            "received": self.received,
            "message": self.message,
        }


def with_fpga_data(manifest: Manifest, chosen: Sequence[Archive]) -> list[Archive]:
    """The archives, and that of the FPGA where one of a run is among them."""
    wanted = {archive.name for archive in chosen}
    if any(archive.number is not None for archive in chosen):
        wanted.add(FPGA_DATA)
    return [archive for archive in manifest.archives if archive.name in wanted]


def mirror_urls(mirrors: Sequence[str], folder: Path) -> list[str]:
    """Roots of the mirrors as URLs: a folder is one of this machine, relative to the settings."""
    return [
        mirror if "://" in mirror else (folder / mirror).expanduser().absolute().as_uri()
        for mirror in mirrors
    ]


def fetched(
    archives: Sequence[Archive],
    places: CampaignPlaces,
    settings: Retrieval,
    mirrors: Sequence[str],
    telling: Telling,
    *,
    keep: bool = False,
) -> list[FileReport]:
    """Fetch the files of archives, and report each in the order of the manifest.

    UsageError if nothing can be written; KeyboardInterrupt after all transfers have ended.
    """
    try:
        places.downloads.mkdir(parents=True, exist_ok=True)
    except OSError as reason:
        msg = f"{places.downloads}: cannot be made ({reason.strerror}). Name another folder."
        raise UsageError(msg, file=places.downloads, code="read_only") from None
    _check_names(archives, places)
    connections = Connections(settings.connect_timeout_s, settings.read_timeout_s)
    means = Means(settings, connections, Ledger(places.ledger), telling, Room(), keep)
    files = [(archive, part) for archive in archives for part in archive.parts]
    for archive in archives:
        telling.files_of(archive.name, *(part.file for part in archive.parts))
    sizes = [part.size for _, part in files]
    total = None if None in sizes else sum(size or 0 for size in sizes)

    def one(part: RemoteFile) -> Transferred:
        found = Transfer(part, places.file(part), places_of(part, mirrors), means).carried_out()
        telling.ended(part.file)
        telling.said(part.file, _line(found), warning=found.state not in _GOOD)
        return found

    with telling.progress(total):
        found = _each(one, [part for _, part in files], connections, settings.connections)
    return [
        FileReport(archive.name, part.file, done.state, done.size, done.received, done.message)
        for (archive, part), done in zip(files, found, strict=True)
    ]


def _check_names(archives: Sequence[Archive], places: CampaignPlaces) -> None:
    """UsageError if an archive would take the place of a file that the campaign is known by."""
    taken = {path.absolute() for path in (places.manifest, places.logbook, places.ledger)}
    for archive in archives:
        for part in archive.parts:
            path = places.file(part)
            if path.absolute() in taken:
                msg = (
                    f"{path}: {archive.name} would replace this file of the campaign; name another "
                    "transients.retrieval.download_dir."
                )
                raise UsageError(msg, file=path, key="transients.retrieval.download_dir")


def _each(
    one: Callable[[RemoteFile], Transferred],
    parts: Sequence[RemoteFile],
    connections: Connections,
    most: int,
) -> list[Transferred]:
    """Every transfer, ``most`` at a time.

    What ends one of them for good, or an interrupt, ends all of them, whenever it comes: else the
    pool would wait for transfers that nobody stops.
    """
    with ThreadPoolExecutor(most) as pool:
        futures: list[Future[Transferred]] = []
        try:
            for part in parts:
                futures.append(pool.submit(one, part))
            waiting = set(futures)
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
        except BaseException:
            connections.stop()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return [future.result() for future in futures]


def _line(found: Transferred) -> str:
    text = f"{found.state} ({found.size:,} bytes, {found.received:,} came)"
    return f"{text}: {found.message}" if found.message else text


def foreseen(archives: Sequence[Archive], places: CampaignPlaces) -> list[FileReport]:
    """What a fetch would begin with; nothing is asked for and nothing is written."""
    ledger = Ledger(places.ledger, read_only=True)
    reports = []
    for archive in archives:
        for part in archive.parts:
            path = places.file(part)
            partial = path.with_name(path.name + PART)
            known = ledger.known(path)
            if known is not None and part.md5 in ("", known.md5):
                state, size = "whole", known.size
            elif path.exists():
                state, size = "not verified", path.stat().st_size
            elif partial.exists():
                state, size = "partial", partial.stat().st_size
            else:
                state, size = "absent", 0
            reports.append(FileReport(archive.name, part.file, state, size, 0, part.url))
    return reports


def exit_code(reports: Sequence[FileReport]) -> int:
    """0 if every file is here, otherwise 3."""
    return 0 if all(report.state in _GOOD for report in reports) else EXIT_INPUT
