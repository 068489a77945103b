"""``radiograph transients verify``: files against their md5, joined parts against theirs."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from ....schemas.errors import EXIT_INPUT, InputError
from ....schemas.transients.manifest import Archive, RemoteFile
from .contents import is_html
from .ledger import Ledger
from .partial import PART
from .places import CampaignPlaces
from .telling import Telling

VerifyState = Literal["ok", "no_checksum", "corrupt", "missing", "incomplete"]
_GOOD: Final = ("ok", "no_checksum")
_BLOCK: Final = 1 << 20


@dataclass(frozen=True)
class Verified:
    """The state of a file, or of the joined parts of a run (``file`` is then its name)."""

    run: str
    file: str
    state: VerifyState
    size: int
    message: str = ""

    def plain(self) -> dict[str, Any]:
        """As an answer to a machine."""
        return {
            "run": self.run,
            "file": self.file,
            "state": self.state,
            "bytes": self.size,
            "message": self.message,
        }


def workers(asked: int, most: int) -> int:
    """How many archives are read at a time."""
    return max(1, min(asked or os.cpu_count() or 1, most))


def verified(
    archives: Sequence[Archive],
    places: CampaignPlaces,
    processes: int,
    telling: Telling,
    *,
    keep: bool = False,
    dry_run: bool = False,
) -> list[Verified]:
    """Read every file once, several archives at a time; hashes release the interpreter.

    What is corrupt is removed unless ``keep``; a dry run reads as well, and changes nothing.
    """
    stopped = threading.Event()
    check = _Check(places, telling, keep or dry_run, dry_run, stopped.is_set)
    with ThreadPoolExecutor(workers(processes, max(len(archives), 1))) as pool:
        try:
            return [one for many in pool.map(check.archive, archives) for one in many]
        except BaseException:
            stopped.set()
            pool.shutdown(cancel_futures=True)
            raise


@dataclass(frozen=True)
class _Check:
    places: CampaignPlaces
    telling: Telling
    keep: bool
    dry_run: bool
    stopped: Callable[[], bool]

    def archive(self, archive: Archive) -> list[Verified]:
        """The state of each part, and of the whole of an archive that was cut."""
        self.telling.files_of(archive.name, *(part.file for part in archive.parts))
        joined = hashlib.md5(usedforsecurity=False)
        found: list[Verified] = []
        sums: list[str] = []
        for part in archive.parts:
            state, md5 = self._part(archive, part, joined)
            found.append(state)
            sums.append(md5)
            self._say(state)
        if archive.split and all(state.state in _GOOD for state in found):
            found.append(self._whole(archive, joined.hexdigest(), tuple(sums), found))
            self._say(found[-1])
        return found

    def _say(self, found: Verified) -> None:
        text = f"{found.state}{f': {found.message}' if found.message else ''}"
        self.telling.said(found.file, text, warning=found.state not in _GOOD)

    def _part(self, archive: Archive, part: RemoteFile, joined: Any) -> tuple[Verified, str]:
        path = self.places.file(part)
        partial = path.with_name(path.name + PART)
        if not path.is_file():
            if partial.is_file():
                size = partial.stat().st_size
                text = f"{size:,} bytes are here; fetch goes on with them"
                return Verified(archive.name, part.file, "incomplete", size, text), ""
            text = "is not here; fetch it"
            return Verified(archive.name, part.file, "missing", 0, text), ""
        size, md5, sha256, first = self._read(path, joined)
        fault = _fault(part, size, md5, sha256, first)
        if fault:
            return self._corrupt(archive, part, path, size, fault), md5
        checked = bool(part.md5 or part.sha256)
        if not self.dry_run:
            ledger = Ledger(self.places.ledger)
            ledger.note_file(path, md5, sha256, "ok" if checked else "no_checksum")
        state: VerifyState = "ok" if checked else "no_checksum"
        return Verified(archive.name, part.file, state, size), md5

    def _corrupt(
        self, archive: Archive, part: RemoteFile, path: Path, size: int, fault: str
    ) -> Verified:
        if self.keep:
            fault += "; kept"
        else:
            path.unlink()
            fault += "; removed, fetch it again"
        if not self.dry_run:
            Ledger(self.places.ledger).forget_file(path.name)
        return Verified(archive.name, part.file, "corrupt", size, fault)

    def _whole(
        self, archive: Archive, md5: str, sums: tuple[str, ...], parts: Sequence[Verified]
    ) -> Verified:
        size = sum(part.size for part in parts)
        if not archive.md5:
            return Verified(archive.name, archive.name, "no_checksum", size)
        if md5 != archive.md5:
            text = (
                f"the joined parts have md5 {md5}, by the manifest {archive.md5}, though each part "
                "is what its row says: the manifest contradicts itself; nothing was removed"
            )
            return Verified(archive.name, archive.name, "corrupt", size, text)
        if not self.dry_run:
            Ledger(self.places.ledger).note_joined(archive.name, md5, sums)
        return Verified(archive.name, archive.name, "ok", size)

    def _read(self, path: Path, joined: Any) -> tuple[int, str, str, bytes]:
        """Size, md5, sha256 and first bytes of a file; its bytes go into ``joined`` as well."""
        md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
        size, first = 0, b""
        try:
            with path.open("rb", buffering=0) as stream:
                while block := stream.read(_BLOCK):
                    if self.stopped():
                        raise KeyboardInterrupt
                    first = first or block[:512]
                    md5.update(block)
                    sha256.update(block)
                    joined.update(block)
                    size += len(block)
                    self.telling.moved(path.name, size, None)
        except OSError as reason:
            msg = f"{path}: cannot be read ({reason.strerror or reason})."
            raise InputError(msg, file=path) from None
        self.telling.ended(path.name)
        return size, md5.hexdigest(), sha256.hexdigest(), first


def _fault(part: RemoteFile, size: int, md5: str, sha256: str, first: bytes) -> str:
    if part.size is not None and size != part.size:
        return f"has {size:,} bytes, by the manifest {part.size:,}"
    if part.md5 not in ("", md5):
        what = ", it is an HTML page" if is_html(first) else ""
        return f"its md5 is {md5}, by the manifest {part.md5}{what}"
    if part.sha256 not in ("", sha256):
        return f"its sha256 is {sha256}, by the manifest {part.sha256}"
    return "is an HTML page, not an archive" if is_html(first) else ""


def exit_code(found: Sequence[Verified]) -> int:
    """0 if all is ok or has no checksum, otherwise 3."""
    return 0 if all(one.state in _GOOD for one in found) else EXIT_INPUT
