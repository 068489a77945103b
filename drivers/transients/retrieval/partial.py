"""A file that is not whole yet: its bytes under a name of its own, what they are of, their hash."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from .digests import Digests

_BLOCK: Final = 1 << 20
PART: Final = ".part"
NOTE: Final = ".part.json"


@dataclass(frozen=True)
class Origin:
    """What the bytes of an unfinished transfer are of; empty and None = not known."""

    url: str = ""
    tag: str = ""
    modified: str = ""
    total: int | None = None


class PartialFile:
    """``NAME.part`` and ``NAME.part.json`` beside the name that the file will have.

    Bytes are only ever appended, or all dropped. Used as a context; both files stay when it ends
    unless ``become`` or ``drop`` was called.
    """

    def __init__(self, target: Path, stopped: Callable[[], bool] = lambda: False) -> None:
        self.target = target
        self._stopped = stopped
        self.path = target.with_name(target.name + PART)
        self._note = target.with_name(target.name + NOTE)
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self.origin = self._read_origin()
        self.size = os.fstat(self._file).st_size
        self._digests = Digests()
        self._hashed = 0

    def __enter__(self) -> PartialFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._digests.close()
        os.close(self._file)
        if self.size == 0:
            self._remove(self.path, self._note)

    def _read_origin(self) -> Origin:
        try:
            data = json.loads(self._note.read_text("utf-8"))
            return Origin(
                str(data["url"]), str(data["tag"]), str(data["modified"]), _number(data["total"])
            )
        except (OSError, ValueError, TypeError, KeyError):
            return Origin()

    def is_of(self, origin: Origin) -> None:
        """Remember what the bytes are of."""
        if origin == self.origin:
            return
        temporary = self._note.with_name(self._note.name + ".new")
        temporary.write_text(json.dumps(asdict(origin)), "utf-8")
        temporary.replace(self._note)
        self.origin = origin

    def restart(self) -> None:
        """Drop all bytes."""
        os.ftruncate(self._file, 0)
        self.size = self._hashed = 0
        self._digests.close()
        self._digests = Digests()

    def append(self, block: bytes) -> None:
        """Add bytes at the end, and to the hashes."""
        self._hash_rest()
        view = memoryview(block)
        while view:
            view = view[os.pwrite(self._file, view, self.size + len(block) - len(view)) :]
        self._digests.update(block)
        self.size += len(block)
        self._hashed += len(block)

    def holds(self, block: bytes, at: int) -> bool:
        """Whether the bytes from ``at`` on are those of ``block``."""
        return os.pread(self._file, len(block), at) == block

    def first_bytes(self, n: int) -> bytes:
        """The first bytes."""
        return os.pread(self._file, n, 0)

    def digests(self) -> tuple[str, str]:
        """md5 and sha256 of all bytes, hexadecimal."""
        self._hash_rest()
        return self._digests.hexadecimal()

    def _hash_rest(self) -> None:
        """Take the bytes of an earlier transfer into the hashes; KeyboardInterrupt if stopped."""
        while self._hashed < self.size:
            if self._stopped():
                raise KeyboardInterrupt
            block = os.pread(self._file, min(_BLOCK, self.size - self._hashed), self._hashed)
            if not block:
                self.size = self._hashed
                return
            self._digests.update(block)
            self._hashed += len(block)

    def become(self, path: Path) -> None:
        """Take a name: on the disk first, then at once."""
        os.fsync(self._file)
        self.path.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self._remove(self._note)

    def drop(self) -> None:
        """Remove the bytes and what is known of them."""
        self.restart()
        self._remove(self.path, self._note)

    @staticmethod
    def _remove(*paths: Path) -> None:
        for path in paths:
            with suppress(FileNotFoundError):
                path.unlink()


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) else None
