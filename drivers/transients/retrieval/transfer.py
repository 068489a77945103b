"""One file from the server to its name: resumed, hashed while it is written, verified.

A file takes its name when it is whole and its checksum is that of the manifest, not before.
"""

from __future__ import annotations

import errno
import random
import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol
from urllib.parse import quote

from ....schemas.errors import UsageError
from ....schemas.transients.manifest import RemoteFile
from ....schemas.transients.retrieval import Retrieval
from .answers import Answer, Connections, NothingMore, NotToBeHad, OtherBytes, TryAgain
from .contents import is_html
from .ledger import Ledger
from .locks import held
from .partial import PART, Origin, PartialFile

TransferState = Literal["fetched", "present", "unverified", "corrupt", "failed"]
CORRUPT: Final = ".corrupt"
_WHOLE_TRIES: Final = 2


class Listener(Protocol):
    """Is told how a transfer goes."""

    def moved(self, file: str, size: int, total: int | None) -> None:
        """So many bytes are here."""

    def said(self, file: str, text: str, *, warning: bool = False) -> None:
        """Something that a user may want to know."""


@dataclass(frozen=True)
class Transferred:
    """How a transfer ended. ``received`` counts bytes that came, ``size`` those of the file."""

    state: TransferState
    size: int
    received: int
    message: str = ""


class Room:
    """Space on the disk that transfers have promised to fill, so that none ends half way."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sizes: dict[Path, int] = {}

    def need(self, partial: Path, size: int) -> None:
        """Reserve the rest of a file; UsageError that says how much is missing."""
        with self._lock:
            self._sizes[partial] = size
            free = shutil.disk_usage(partial.parent).free
            needed = sum(max(n - _size_of(path), 0) for path, n in self._sizes.items())
        if needed > free:
            msg = (
                f"{partial}: no room: the transfers need {needed:,} bytes more and {free:,} are "
                f"free, {needed - free:,} are missing. Make room, or name another "
                "transients.retrieval.download_dir."
            )
            raise UsageError(msg, file=partial, code="no_space")

    def done(self, partial: Path) -> None:
        """A file needs no more."""
        with self._lock:
            self._sizes.pop(partial, None)


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


@dataclass(frozen=True)
class Means:
    """What all transfers share."""

    settings: Retrieval
    connections: Connections
    ledger: Ledger
    listener: Listener
    room: Room
    keep: bool = False


class Transfer:
    """One file from one of several places, tried in order."""

    def __init__(self, part: RemoteFile, target: Path, places: Sequence[str], means: Means) -> None:
        self.part = part
        self.target = target
        self.places = places
        self.means = means
        self.received = 0
        self._best = 0
        self._wrong = 0
        self._restarts = 0
        self._corrupt = ""
        self._ended_at: tuple[int, str] | None = None
        self._noise = random.Random()

    def carried_out(self) -> Transferred:
        """Fetch the file if it is not here; UsageError if there is no room or no permission."""
        lock = self.target.with_name(self.target.name + ".lock")
        try:
            with held(lock, self._wait_for, self.means.connections.stopped.is_set):
                present = self._present()
                return present or self._fetched()
        except OSError as reason:
            if reason.errno in (errno.ENOSPC, errno.EDQUOT):
                text, code = "the disk is full; make room and call fetch again", "no_space"
            else:
                text, code = f"cannot be written ({reason.strerror or reason})", "read_only"
            msg = f"{self.target}: {text}. What has come is kept."
            raise UsageError(msg, file=self.target, code=code) from reason
        finally:
            self.means.room.done(self.target.with_name(self.target.name + PART))

    def _wait_for(self, holder: str) -> None:
        self.means.listener.said(self.part.file, f"is being fetched by {holder}; waiting")

    def _present(self) -> Transferred | None:
        """The answer for a file that has its name already and is what the manifest says."""
        known = self.means.ledger.known(self.target)
        if known is not None and (not self.part.md5 or known.md5 == self.part.md5):
            return Transferred("present", known.size, 0)
        if not self.target.is_file():
            return None
        if not self.part.md5:
            return self._of_the_same_size()
        # Whatever put it there, it has not been verified: its bytes are a transfer's to go on with.
        self._take_name_away()
        with PartialFile(self.target, self.means.connections.stopped.is_set) as partial:
            if self._is_right(partial):
                return self._named(partial, "present")
        return None

    def _take_name_away(self) -> None:
        self.target.replace(self.target.with_name(self.target.name + PART))
        self.means.ledger.forget_file(self.target.name)

    def _of_the_same_size(self) -> Transferred | None:
        """The answer for a file that nothing but its size can confirm."""
        size = self.target.stat().st_size
        if any(self._size_at(place, size) == size for place in self.places):
            self._take_name_away()
            with PartialFile(self.target, self.means.connections.stopped.is_set) as partial:
                return self._named(partial, "unverified")
        return None

    def _size_at(self, place: str, have: int) -> int | None:
        """The size that a place gives; it is asked for what follows ``have`` bytes."""
        try:
            answer = self.means.connections.answer(place, have)
        except NothingMore as end:
            return end.total
        except (TryAgain, NotToBeHad, OtherBytes):
            return None
        answer.close()
        return answer.total

    def _fetched(self) -> Transferred:
        reason = "no place to fetch it from"
        with PartialFile(self.target, self.means.connections.stopped.is_set) as partial:
            for place in self.places:
                try:
                    return self._from(place, partial)
                except NotToBeHad as why:
                    reason = str(why)
                    self.means.listener.said(self.part.file, reason, warning=True)
            if not self._corrupt:
                return Transferred("failed", partial.size, self.received, reason)
            return self._given_up(partial)

    def _given_up(self, partial: PartialFile) -> Transferred:
        size, reason = partial.size, self._corrupt
        if self.means.keep and size:
            kept = self.target.with_name(self.target.name + CORRUPT)
            partial.become(kept)
            reason += f"; kept as {kept.name}"
        partial.drop()
        return Transferred("corrupt", size, self.received, reason)

    def _from(self, place: str, partial: PartialFile) -> Transferred:
        """The file from one place; NotToBeHad if it does not give it."""
        self._wrong = self._restarts = failures = 0
        self._ended_at = None
        self._best = partial.size
        while True:
            try:
                whole = self._tried(place, partial)
                if whole is not None:
                    return whole
                continue
            except TryAgain as why:
                if self.means.connections.stopped.is_set():
                    raise KeyboardInterrupt from None
                moved = partial.size > self._best
                failures = 0 if moved else failures + 1
                self._best = max(self._best, partial.size)
                settings = self.means.settings
                if failures >= settings.tries:
                    msg = f"{why}; given up after {failures} tries that brought nothing"
                    raise NotToBeHad(msg) from None
                wait_s = max(why.wait_s, self._backoff_s(failures))
                self.means.listener.said(self.part.file, f"{why}; trying again", warning=True)
                if self.means.connections.stopped.wait(wait_s):
                    raise KeyboardInterrupt from None

    def _backoff_s(self, failures: int) -> float:
        """Exponential, with jitter, so that many clients do not come back together."""
        settings = self.means.settings
        longest = min(settings.backoff_s * 2.0 ** max(failures - 1, 0), settings.backoff_max_s)
        return longest * self._noise.uniform(0.5, 1.0)

    def _tried(self, place: str, partial: PartialFile) -> Transferred | None:
        """One request. None = ask again at once; TryAgain = later."""
        self._drop_what_nothing_proves(place, partial)
        have = partial.size
        # A tag belongs to a place: another one's would not match.
        tag = partial.origin.tag if partial.origin.url == place else ""
        try:
            answer = self.means.connections.answer(place, have, tag)
        except NothingMore as end:
            if have and end.total == have:
                return self._judged(partial, certain=True)
            self._begin_again(partial, "the server has no bytes after those here")
            return None
        except OtherBytes as why:
            self._begin_again(partial, str(why))
            return None
        try:
            return self._taken(place, answer, partial)
        finally:
            answer.close()

    def _drop_what_nothing_proves(self, place: str, partial: PartialFile) -> None:
        """Without a checksum only a tag can prove that a rest is of the same file."""
        proven = self.part.md5 or self.part.sha256 or self._ended_at is not None
        if partial.size and not proven and not (partial.origin.url == place and partial.origin.tag):
            partial.restart()

    def _begin_again(self, partial: PartialFile, why: str) -> None:
        had = partial.size
        partial.restart()
        partial.is_of(Origin())
        text = f"{why}; beginning again at the first byte"
        self._best = 0
        if not had:
            raise TryAgain(why)
        self._restarts += 1
        if self._restarts > self.means.settings.tries:
            msg = f"{why}; given up after {self._restarts} beginnings"
            raise NotToBeHad(msg)
        self.means.listener.said(self.part.file, text, warning=True)

    def _taken(self, place: str, answer: Answer, partial: PartialFile) -> Transferred | None:
        origin = partial.origin
        expected = self.part.size if self.part.size is not None else answer.total
        if answer.total is not None and answer.total != expected:
            msg = f"{place}: has {answer.total} bytes, and {expected} by the manifest"
            raise NotToBeHad(msg)
        other_total = None not in (origin.total, answer.total) and origin.total != answer.total
        other_tag = origin.url == place and "" != origin.tag != answer.tag != ""
        if answer.start and (other_total or other_tag):
            self._begin_again(partial, "the file on the server is another one now")
            return None
        partial.is_of(Origin(place, answer.tag, answer.modified, expected))
        if expected is not None:
            self.means.room.need(partial.path, expected)
        had = partial.size
        if not self._joined(answer, partial):
            self._begin_again(partial, "the server's bytes are not those that are here")
            return None
        if expected is not None and partial.size < expected:
            if partial.size > had:
                return None
            msg = f"the server gave {answer.promised} bytes and none that was missing"
            raise TryAgain(msg)
        return self._judged(partial, certain=answer.total is not None)

    def _joined(self, answer: Answer, partial: PartialFile) -> bool:
        """Append an answer; what it repeats is compared with what is here. False if it differs."""
        at = answer.start
        for block in answer.blocks():
            self.received += len(block)
            overlap = min(max(partial.size - at, 0), len(block))
            if overlap and not partial.holds(block[:overlap], at):
                return False
            at += len(block)
            if overlap < len(block):
                partial.append(block[overlap:])
            self.means.listener.moved(self.part.file, partial.size, partial.origin.total)
        return True

    def _judged(self, partial: PartialFile, *, certain: bool) -> Transferred | None:
        """What a transfer that ended has brought. ``certain`` = the server said how long it is."""
        ended_at = (partial.size, partial.digests()[0])
        twice = self._ended_at == ended_at
        self._ended_at = ended_at
        checked = bool(self.part.md5 or self.part.sha256)
        if checked and self._is_right(partial):
            return self._named(partial, "fetched")
        if not (certain or twice):
            msg = "the server does not say how long the file is, so that it may go on"
            raise TryAgain(msg)
        if is_html(partial.first_bytes(512)):
            msg = f"{partial.origin.url}: is an HTML page, not an archive"
            partial.restart()
            raise NotToBeHad(msg)
        if not checked:
            return self._named(partial, "unverified")
        self._wrong += 1
        msg = (
            f"whole ({partial.size} bytes) and its md5 is {ended_at[1]}, by the manifest "
            f"{self.part.md5 or self.part.sha256}"
        )
        if self._wrong >= _WHOLE_TRIES:
            self._corrupt = f"{msg}, twice"
            raise NotToBeHad(self._corrupt)
        self._ended_at = None
        self._begin_again(partial, msg)
        return None

    def _is_right(self, partial: PartialFile) -> bool:
        md5, sha256 = partial.digests()
        wanted = self.part
        right_size = wanted.size is None or wanted.size == partial.size
        return right_size and wanted.md5 in ("", md5) and wanted.sha256 in ("", sha256)

    def _named(self, partial: PartialFile, state: TransferState) -> Transferred:
        md5, sha256 = partial.digests()
        partial.become(self.target)
        self.means.ledger.note_file(
            self.target, md5, sha256, "no_checksum" if state == "unverified" else "ok"
        )
        return Transferred(state, partial.size, self.received)


def places_of(part: RemoteFile, roots: Sequence[str]) -> list[str]:
    """The URLs of a file: that of the manifest, then the same name at each mirror."""
    return [part.url, *(f"{root.rstrip('/')}/{quote(part.file)}" for root in roots)]
