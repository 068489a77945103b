"""What a graph is told of its input file: which content, and which range of raw events."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class FileStamp:
    """What the system says of a file; every write and every replacement changes it.

    Size in bytes, number of the inode, times of the last change of content and of the inode.
    """

    size: int
    inode: int
    mtime_ns: int
    ctime_ns: int


@dataclass(frozen=True)
class FileRef:
    """A file by its content. The path says where to read; only the hash identifies it.

    ``content_hash`` is the hexadecimal xxh3_128 of the bytes, ``size`` their number. ``stamp`` is
    that of the file while they were read: as long as the file has it, it has this content.
    ``n_records`` is how many raw records it holds, where its pipeline counts them, else -1.
    """

    path: str = field(compare=False)
    size: int
    content_hash: str
    stamp: FileStamp | None = field(default=None, compare=False)
    n_records: int = field(default=-1, compare=False)


@dataclass(frozen=True)
class FileRefs:
    """Several files in their order: the parts of one stream, or a file each record."""

    files: tuple[FileRef, ...] = ()


@dataclass(frozen=True)
class EventRange:
    """A range of whole raw events of one file, the unit of execution.

    Attributes
    ----------
    first_event, n_events
        Number of the first raw event, counted from 0 in file order, and how many follow.
    first_byte, last_byte, first_line
        For text formats: the bytes [first_byte, last_byte) that hold these events, and the
        number of the first line, counted from 1. Zero for formats with an event index.
    """

    first_event: int
    n_events: int
    first_byte: int = 0
    last_byte: int = 0
    first_line: int = 1
