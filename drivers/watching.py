"""A folder that files arrive in: which of them are complete, and what is made of them in turn.

A file is complete when its size and time were the same at two looks and it has rested for a
while; names of temporary files are passed by. What a pipeline makes of files is its quick look.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Final, Protocol

from .files import natural_order

TEMPORARY: Final = (".*", "*.tmp", "*.temp", "*.part", "*.partial", "*.swp", "*.lock", "*~")


class QuickLook(Protocol):
    """What a pipeline makes of the files of a folder."""

    pattern: str
    """Names of its files."""

    def update(self, new: Sequence[Path], complete: Sequence[Path]) -> Iterator[str]:
        """Take new files, given all that are complete; one line a new file."""


@dataclass(frozen=True)
class Stamp:
    """What changes when a file grows or is replaced."""

    size: int
    mtime_ns: int
    inode: int


@dataclass
class ArrivingFiles:
    """The files of a folder that match a pattern, looked at again and again.

    ``settled_s`` is how long a file must have rested.
    """

    folder: Path
    pattern: str
    settled_s: float
    _before: dict[Path, Stamp] = field(default_factory=dict)
    _taken: dict[Path, Stamp] = field(default_factory=dict)

    def look(self, now: float) -> list[Path]:
        """Files that have become complete since the last look, in natural order."""
        seen = self._stamps()
        new = [
            path
            for path, stamp in seen.items()
            if self._before.get(path) == stamp
            and self._taken.get(path) != stamp
            and stamp.size > 0
            and now - stamp.mtime_ns * 1e-9 >= self.settled_s
        ]
        self._before = seen
        self._taken = {p: s for p, s in self._taken.items() if p in seen}
        self._taken |= {path: seen[path] for path in new}
        return sorted(new, key=lambda p: natural_order(p.name))

    @property
    def complete(self) -> list[Path]:
        """Every file that was complete when it was last looked at, in natural order."""
        return sorted(self._taken, key=lambda p: natural_order(p.name))

    def _stamps(self) -> dict[Path, Stamp]:
        found = {}
        for path in self.folder.iterdir():
            is_temporary = any(fnmatch(path.name, p) for p in TEMPORARY)
            if is_temporary or not fnmatch(path.name, self.pattern):
                continue
            try:
                stat = path.stat()
            except FileNotFoundError:
                continue
            if path.is_file():
                found[path] = Stamp(stat.st_size, stat.st_mtime_ns, stat.st_ino)
        return found


def watched(
    arriving: ArrivingFiles,
    quick_look: QuickLook,
    *,
    interval_s: float,
    once: bool,
    wait: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.time,
) -> Iterator[str]:
    """One line a file as files become complete; ends after two looks with ``once``."""
    arriving.look(clock())
    while True:
        wait(interval_s)
        new = arriving.look(clock())
        if new:
            yield from quick_look.update(new, arriving.complete)
        if once:
            return
