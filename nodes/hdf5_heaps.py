"""HDF5 files are opened here for reading, after a look at where they keep texts of any length.

Such texts, and the values of attributes and datasets of variable length, stand in collections of
the global heap, each ``GCOL``, version 1, three bytes, its size and then objects: index, count of
references (2 bytes each), four bytes, size, content (HDF5 file format specification 3.0, III.E).
HDF5 goes from one object to the next by the size that is told. Where a damaged file tells it to go
nowhere, as index 0 of size 0 does, which is what a stretch of zeros says, it goes there for ever
(https://github.com/HDFGroup/hdf5/issues/1707), and neither Python nor a signal ends that.

Where collections stand is known to HDF5 only, but it reads each in one piece from its first byte.
So a file is looked through with a driver that sees what is read, and gives up before HDF5 decodes
a collection with such an object. Rows of numbers are not read; references to regions, which are in
the heap too, are not followed, here or by any reader.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from h5py import h5a, h5d, h5f, h5g, h5l, h5o, h5t

from ..schemas.errors import InputError

_SIGNATURE: Final = b"GCOL"
_WORD: Final = 8
# A dataset of texts with more, which a damaged length can say, takes for ever too.
_MOST_CHUNKS: Final = 1 << 20
_FAULTS: Final = (OSError, RuntimeError, KeyError, ValueError, TypeError, MemoryError)


def opened_hdf5(path: str | Path, **options: Any) -> h5py.File:
    """A file open for reading; ``options`` are those of h5py.File.

    Raises
    ------
    OSError, RuntimeError, KeyError, ValueError
        What h5py raises for what is no HDF5 file, cut off or locked.
    InputError
        If HDF5 would read on for ever in it.
    """
    file = h5py.File(path, "r", **options)
    try:
        status = Path(path).stat()
        place = _damaged_collection(str(path), status.st_ino, status.st_size, status.st_mtime_ns)
        if place is not None:
            msg = (
                f"{path}: its texts of variable length cannot be read (global heap at byte "
                f"{place}): the file is damaged. Copy it again, or make it again."
            )
            raise InputError(msg, file=path, code="damaged_file")
    except BaseException:
        file.close()
        raise
    return file


def has_end(collection: bytes, length_bytes: int = 8) -> bool:
    """Whether a walk over the objects of a collection comes to its end.

    The collection is as its header says or cut; ``length_bytes`` is how many bytes a size takes in
    the file. The size of object 0, free space, counts its header; that of others does not.
    """
    header = _padded(8 + length_bytes)
    place = header
    while place + header <= len(collection):
        index = int.from_bytes(collection[place : place + 2], "little")
        size = int.from_bytes(collection[place + 8 : place + 8 + length_bytes], "little")
        step = header + _padded(size) if index else size
        if not 0 < step <= len(collection) - place:
            return False
        place += step
    return True


def _padded(size: int) -> int:
    return -(-size // _WORD) * _WORD


class _Watched(io.RawIOBase):
    """The bytes of a file for HDF5; OSError instead of a collection that has no end."""

    def __init__(self, path: str) -> None:
        self._stream = Path(path).open("rb", buffering=0)  # noqa: SIM115
        self._fine: set[int] = set()
        self.length_bytes = 8
        self.damaged: int | None = None

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer).cast("B")
        place, n = self._stream.tell(), 0
        while n < len(view) and (more := self._stream.readinto(view[n:])):
            n += more
        # Behind the end of a file stand zeros for HDF5.
        view[n:] = bytes(len(view) - n)
        if bytes(view[:4]) == _SIGNATURE and place not in self._fine:
            self._look_at(place, int.from_bytes(view[8 : 8 + self.length_bytes], "little"))
        return len(view)

    def _look_at(self, place: int, size: int) -> None:
        n_bytes = self._stream.seek(0, io.SEEK_END)
        self._stream.seek(place)
        # One that is longer than the file HDF5 does not decode.
        if size <= n_bytes - place and not has_end(self._stream.read(size), self.length_bytes):
            self.damaged = place
            msg = "a collection of the global heap has no end"
            raise OSError(msg)
        self._fine.add(place)

    def close(self) -> None:
        self._stream.close()
        super().close()


@lru_cache(maxsize=4096)
def _damaged_collection(path: str, inode: int, n_bytes: int, changed_ns: int) -> int | None:
    """The first byte of a collection that has no end; None if HDF5 comes to none.

    Other damage is for those who read what is damaged.
    """
    with _Watched(path) as watched, suppress(*_FAULTS), h5py.File(watched, "r") as file:
        watched.length_bytes = file.id.get_create_plist().get_sizes()[1]
        for item in _objects(file.id):
            with suppress(*_FAULTS):
                _read_attributes(item)
            if isinstance(item, h5d.DatasetID):
                with suppress(*_FAULTS):
                    _read_rows(item, n_bytes)
            if watched.damaged is not None:
                break
    return watched.damaged


def _objects(file: h5f.FileID) -> Iterator[Any]:
    """Every object of a file once; what cannot be opened is left out."""
    seen: set[int] = set()
    waiting = [iter([h5o.open(file, b"/")])]
    while waiting:
        item = next(waiting[-1], None)
        if item is None:
            waiting.pop()
            continue
        with suppress(*_FAULTS):
            address = h5o.get_info(item).addr
            if address not in seen:
                seen.add(address)
                yield item
                if isinstance(item, h5g.GroupID):
                    waiting.append(_members(item))


def _members(group: h5g.GroupID) -> Iterator[Any]:
    """What stands in a group and in this file."""
    links: list[tuple[bytes, int]] = []
    with suppress(*_FAULTS):
        group.links.iterate(lambda name, link: links.append((name, link.type)), info=True)
    for name, kind in links:
        if kind == h5l.TYPE_HARD:
            with suppress(*_FAULTS):
                yield h5o.open(group, name)


def _read_attributes(item: Any) -> None:
    """Read the attributes that stand in the global heap, so that it is looked at."""
    for k in range(h5a.get_num_attrs(item)):
        with suppress(*_FAULTS):
            attribute = h5a.open(item, index=k)
            if _in_heap(attribute.get_type()):
                attribute.read(np.empty(attribute.shape, attribute.dtype))


def _read_rows(dataset: h5d.DatasetID, n_bytes: int) -> None:
    """Read a dataset that stands in the global heap, as far as it is written."""
    if not _in_heap(dataset.get_type()):
        return
    layout = dataset.get_create_plist().get_layout()
    rows = h5py.Dataset(dataset)
    if layout == h5d.CHUNKED:
        if prod(-(-n // k) for n, k in zip(rows.shape, rows.chunks, strict=True)) > _MOST_CHUNKS:
            return
        corners: list[tuple[int, ...]] = []
        dataset.chunk_iter(lambda chunk: corners.append(chunk.chunk_offset))
        for corner in corners:
            with suppress(*_FAULTS):
                rows[tuple(slice(i, i + n) for i, n in zip(corner, rows.chunks, strict=True))]
    elif layout != h5d.VIRTUAL and dataset.get_storage_size() <= n_bytes:
        rows[()]


def _in_heap(kind: Any) -> bool:
    """Whether values of a type stand in the global heap."""
    if isinstance(kind, h5t.TypeStringID):
        return bool(kind.is_variable_str())
    if isinstance(kind, h5t.TypeCompoundID):
        return any(_in_heap(kind.get_member_type(k)) for k in range(kind.get_nmembers()))
    if isinstance(kind, h5t.TypeArrayID):
        return _in_heap(kind.get_super())
    return isinstance(kind, h5t.TypeVlenID)
