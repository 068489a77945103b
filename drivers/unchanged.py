"""Whether an input file is still the one whose content is known.

The content is known by a hash, and the file by its stamp: size, inode and times. A file that has
the stamp it was hashed with has not been written to nor replaced, so what was read of it until
then is of that content.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from ..schemas.errors import ChangedInputError
from ..schemas.sources import FileRef, FileStamp

# Clocks of file systems tick: two writes within a tick leave the same time. Those that count
# fractions of a second tick at least every 10 ms, the others every one or two seconds.
_TICK_NS: Final = 50_000_000
_COARSE_TICK_NS: Final = 2_100_000_000
_FRACTION_NS: Final = 10_000_000


def stamp_of(stream: BinaryIO) -> FileStamp:
    """The stamp of an open file."""
    stat = os.fstat(stream.fileno())
    return FileStamp(stat.st_size, stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns)


def settled_stamp(stream: BinaryIO) -> FileStamp:
    """The stamp of an open file that a later write is sure to change.

    Waits where the last change is so recent that the next could get the same time: 50 ms, or two
    seconds on file systems that count whole seconds.
    """
    changed_ns = stamp_of(stream).ctime_ns
    tick_ns = _TICK_NS if changed_ns % _FRACTION_NS else _COARSE_TICK_NS
    # The clock of a file server may be ahead: what counts is that a tick passes here.
    left_ns = min(changed_ns + tick_ns - time.time_ns(), tick_ns)
    if left_ns > 0:
        time.sleep(left_ns * 1e-9)
    return stamp_of(stream)


def check_stamp(path: Path, before: FileStamp, now: FileStamp | None) -> None:
    """ChangedInputError if a file has another stamp than before; None = it is gone."""
    if now == before:
        return
    if now is None:
        what = "it is gone"
    elif now.size != before.size:
        what = f"{before.size} bytes before, {now.size} now"
    elif now.inode != before.inode:
        what = "another file stands in its place"
    else:
        what = "it was written to, or its rights or links were changed"
    msg = (
        f"{path}: changed while it was read ({what}). Nothing of it was kept; run again when "
        "nothing writes to it."
    )
    raise ChangedInputError(msg, file=path)


def check_unchanged(ref: FileRef) -> None:
    """ChangedInputError if a file is not the one whose content is known."""
    if ref.stamp is None:
        return
    path = Path(ref.path)
    try:
        # Opened anew: a file system of a network then asks its server.
        with path.open("rb") as stream:
            now = stamp_of(stream)
    except OSError:
        now = None
    check_stamp(path, ref.stamp, now)


@contextmanager
def unchanged(refs: Iterable[FileRef]) -> Iterator[None]:
    """A block that reads some files: ChangedInputError if one changed until its end.

    A block that fails over a file that changed fails because of that.
    """
    try:
        yield
    except Exception:
        for ref in refs:
            check_unchanged(ref)
        raise
    for ref in refs:
        check_unchanged(ref)


def files_in(values: Iterable[Any]) -> list[FileRef]:
    """The files among the inputs of a node, also in tuples and dataclasses."""
    found: list[FileRef] = []
    for value in values:
        if isinstance(value, FileRef):
            found.append(value)
        elif isinstance(value, tuple):
            found += files_in(value)
        elif is_dataclass(value) and not isinstance(value, type):
            found += files_in(vars(value).values())
    return found
