"""``radiograph transients extract``: recordings as files, where a run folder is whole or absent.

One reader an archive, since a gzip stream is read from its beginning; several archives at a time.
"""

from __future__ import annotations

import csv
import os
import shutil
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import xxhash

from ....schemas.errors import EXIT_INPUT, EXIT_USAGE, InputError, UsageError
from ....schemas.transients.manifest import Archive
from .ledger import Ledger
from .locks import held
from .members import HostileArchive, Skipped, check_python, members
from .places import CampaignPlaces
from .telling import Telling
from .verifying import workers

ExtractState = Literal[
    "extracted",
    "present",
    "absent",
    "not_verified",
    "hostile",
    "damaged",
    "exists",
    "would_extract",
]
PARTIAL: Final = ".partial"
MEMBERS: Final = "members.csv"
_GOOD: Final = ("extracted", "present", "would_extract")
_NAMES_SHOWN: Final = 3


@dataclass(frozen=True)
class Extracted:
    """What became of an archive: files that were written, files that were left out."""

    run: str
    state: ExtractState
    files: int = 0
    foreign: int = 0
    too_large: int = 0
    message: str = ""

    def plain(self) -> dict[str, Any]:
        """As an answer to a machine."""
        return dict(vars(self))


@dataclass(frozen=True)
class ExtractWishes:
    """Options of the command."""

    processes: int
    largest: int
    unverified: bool = False
    overwrite: bool = False
    dry_run: bool = False


def extracted(
    archives: Sequence[Archive], places: CampaignPlaces, wishes: ExtractWishes, telling: Telling
) -> list[Extracted]:
    """Unpack archives, and report each; one that fails leaves the others alone.

    UsageError if nothing can be written.
    """
    check_python()
    stopped = threading.Event()
    work = _Extraction(places, wishes, telling, stopped.is_set)
    with ThreadPoolExecutor(workers(wishes.processes, max(len(archives), 1))) as pool:
        try:
            return list(pool.map(work.archive, archives))
        except BaseException:
            stopped.set()
            pool.shutdown(cancel_futures=True)
            raise


@dataclass(frozen=True)
class _Extraction:
    places: CampaignPlaces
    wishes: ExtractWishes
    telling: Telling
    stopped: Callable[[], bool]

    def archive(self, archive: Archive) -> Extracted:
        """Unpack one archive if it is not unpacked yet."""
        self.telling.files_of(archive.name, archive.name)
        try:
            found = self._one(archive)
        except OSError as reason:
            msg = (
                f"{self.places.raw}: {archive.name} cannot be unpacked "
                f"({reason.strerror or reason}). Make room, or name another folder in "
                "transients.retrieval.raw_dir."
            )
            raise UsageError(msg, file=self.places.raw, code="read_only") from reason
        text = f"{found.state}{f' ({found.files} files)' if found.files else ''}"
        text += f": {found.message}" if found.message else ""
        self.telling.said(archive.name, text, warning=found.state not in _GOOD)
        return found

    def _one(self, archive: Archive) -> Extracted:
        paths = [self.places.file(part) for part in archive.parts]
        absent = [path.name for path in paths if not path.is_file()]
        if absent:
            return Extracted(archive.name, "absent", message=f"{absent[0]} is not here; fetch it")
        sums, fault = self._sums(archive, paths)
        if fault and not self.wishes.unverified:
            return Extracted(archive.name, "not_verified", message=fault)
        if self.wishes.dry_run:
            return self._present(archive, sums) or Extracted(archive.name, "would_extract")
        self.places.raw.mkdir(parents=True, exist_ok=True)
        target = self.places.unpacked(archive)
        lock = target.with_name(f"{target.name}.lock")
        with held(lock, lambda by: self._wait_for(archive, by), self.stopped):
            return self._present(archive, sums) or self._unpacked(archive, paths, sums)

    def _wait_for(self, archive: Archive, holder: str) -> None:
        self.telling.said(archive.name, f"is being unpacked by {holder}; waiting")

    def _sums(self, archive: Archive, paths: Sequence[Path]) -> tuple[tuple[str, ...], str]:
        """The md5 of the parts as they were verified, and what is wrong with that."""
        ledger = Ledger(self.places.ledger, read_only=True)
        known = [ledger.known(path) for path in paths]
        for part, path, one in zip(archive.parts, paths, known, strict=True):
            if one is None:
                text = f"{path.name} has not been verified; verify it, or give --unverified"
                return (), text
            if part.md5 not in ("", one.md5):
                text = f"{path.name} is not what the manifest says now; verify it"
                return (), text
        sums = tuple(one.md5 for one in known if one is not None)
        if archive.split and archive.md5 and ledger.joined_md5(archive.name, sums) != archive.md5:
            return sums, "the joined parts have not been verified; verify the run"
        return sums, ""

    def _present(self, archive: Archive, sums: tuple[str, ...]) -> Extracted | None:
        target = self.places.unpacked(archive)
        if not target.exists():
            return None
        known = Ledger(self.places.ledger, read_only=True).unpacked(archive.name)
        if (target / MEMBERS).is_file() and known is not None and sums and known.parts == sums:
            return Extracted(archive.name, "present", known.members, known.skipped)
        if self.wishes.overwrite:
            return None
        text = f"{target} is there and not of this archive; give --overwrite, or move it away"
        return Extracted(archive.name, "exists", message=text)

    def _unpacked(
        self, archive: Archive, paths: Sequence[Path], sums: tuple[str, ...]
    ) -> Extracted:
        target = self.places.unpacked(archive)
        partial = target.with_name(target.name + PARTIAL)
        shutil.rmtree(partial, ignore_errors=True)
        skipped = Skipped()
        try:
            partial.mkdir()
            files = self._write(archive, paths, partial, skipped)
        except HostileArchive as reason:
            shutil.rmtree(partial, ignore_errors=True)
            text = f"is hostile: {reason}; nothing of it was kept"
            return Extracted(archive.name, "hostile", message=text)
        except InputError as reason:
            shutil.rmtree(partial, ignore_errors=True)
            return Extracted(archive.name, "damaged", message=reason.message)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        _put_in_place(partial, target)
        Ledger(self.places.ledger).note_unpacked(archive.name, sums, files, len(skipped.foreign))
        foreign, large = len(skipped.foreign), len(skipped.too_large)
        return Extracted(
            archive.name,
            "extracted",
            files,
            foreign,
            large,
            _left_out(skipped, self.wishes.largest),
        )

    def _write(
        self, archive: Archive, paths: Sequence[Path], partial: Path, skipped: Skipped
    ) -> int:
        """Write the files of an archive and the list of them; how many there are."""
        made: set[Path] = set()
        n = 0
        with (partial / MEMBERS).open("x", newline="", encoding="utf-8") as text:
            table = csv.writer(text, lineterminator="\n")
            table.writerow(("name", "size", "xxh3"))
            for place, content in members(archive, paths, self.wishes.largest, skipped):
                if self.stopped():
                    raise KeyboardInterrupt
                path = partial / place
                if path.parent not in made:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    made.add(path.parent)
                _write_new(path, content)
                table.writerow((place, len(content), xxhash.xxh3_64_hexdigest(content)))
                n += 1
            text.flush()
            os.fsync(text.fileno())
        return n


def _write_new(path: Path, content: bytes) -> None:
    """A new file, never one that a link leads to."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o644)
    with open(descriptor, "wb", buffering=0) as file:  # noqa: PTH123 (a descriptor)
        view = memoryview(content)
        while view:
            view = view[file.write(view) :]


def _put_in_place(partial: Path, target: Path) -> None:
    """Give the folder its name; one that was there goes when the new one stands."""
    if target.exists():
        replaced = target.with_name(f"{target.name}.replaced")
        shutil.rmtree(replaced, ignore_errors=True)
        target.replace(replaced)
        partial.replace(target)
        shutil.rmtree(replaced)
    else:
        partial.replace(target)


def _left_out(skipped: Skipped, largest: int) -> str:
    texts = []
    for names, what in (
        (skipped.foreign, "not of the layout"),
        (skipped.too_large, f"larger than {largest:,} bytes"),
    ):
        if names:
            some = ", ".join(names[:_NAMES_SHOWN]) + (" ..." if len(names) > _NAMES_SHOWN else "")
            texts.append(f"{len(names)} left out, {what}: {some}")
    return "; ".join(texts)


def exit_code(found: Sequence[Extracted]) -> int:
    """0 if every archive is unpacked whole; 2 if the only trouble is what stands there; else 3."""
    bad = [one for one in found if one.state not in _GOOD or one.too_large]
    if bad and all(one.state == "exists" for one in bad):
        return EXIT_USAGE
    return EXIT_INPUT if bad else 0
