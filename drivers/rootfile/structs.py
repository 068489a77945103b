"""Structs as ROOT streams them member by member: their bytes, and the streamer infos that say so.

Every struct and every struct in it begins with ten bytes: number of bytes, version 0, checksum of
the class. So all structs of a class are equally long, and numpy packs them without a loop.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .buffer import STREAMER_BITS, Buffer

_COUNTED: Final = 0x40000000
_HEADER: Final = np.dtype([("count", ">u4"), ("version", ">u2"), ("checksum", ">u4")])
_NOT_COUNTED: Final = 4
_CODE_OF_OBJECT: Final = 62
_SIZE_OF_OBJECT: Final = 12


class Basic(NamedTuple):
    """A basic type: its numpy name, the code of ROOT, its name in C++."""

    dtype: str
    code: int
    cpp: str


BASIC: Final = MappingProxyType(
    {
        "i1": Basic(">i1", 1, "Char_t"),
        "i4": Basic(">i4", 3, "int"),
        "f4": Basic(">f4", 5, "float"),
        "f8": Basic(">f8", 8, "double"),
        "bool": Basic("?", 18, "bool"),
    }
)
"""Basic types by the name that members give them."""


@dataclass(frozen=True)
class Struct:
    """A class of C++ and its members: each of a basic type or a struct, in order."""

    name: str
    members: tuple[tuple[str, str | Struct], ...]

    @property
    def checksum(self) -> int:
        """Names the class within a file; ROOT makes it of the members, any number will do."""
        return zlib.crc32(self.name.encode()) & 0x7FFFFFFF

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """The bytes of one struct, its header with them."""
        fields: list[Any] = [("header", _HEADER)]
        for name, kind in self.members:
            fields.append((name, kind.dtype if isinstance(kind, Struct) else BASIC[kind].dtype))
        return np.dtype(fields)

    def leaves(self, prefix: str = "") -> Iterator[tuple[str, str]]:
        """Dotted names of all basic members below, and their basic types."""
        for name, kind in self.members:
            if isinstance(kind, Struct):
                yield from kind.leaves(f"{prefix}{name}.")
            else:
                yield f"{prefix}{name}", kind

    def pack(self, values: Mapping[str, NDArray[Any]], n: int) -> NDArray[Any]:
        """``n`` structs, shape (n,), from a column for each of ``leaves``."""
        rows = np.zeros(n, dtype=self.dtype)
        _fill_headers(rows, self)
        for path, _ in self.leaves():
            target: Any = rows
            for step in path.split("."):
                target = target[step]
            target[:] = values[path]
        return rows

    def with_parts(self) -> list[Struct]:
        """All structs that are needed to read this one, parts first."""
        found: dict[str, Struct] = {}
        for _, kind in self.members:
            if isinstance(kind, Struct):
                found |= {part.name: part for part in kind.with_parts()}
        return [*found.values(), self]


def _fill_headers(rows: Any, struct: Struct) -> None:
    header = rows["header"]
    header["count"] = (struct.dtype.itemsize - _NOT_COUNTED) | _COUNTED
    header["checksum"] = struct.checksum
    for name, kind in struct.members:
        if isinstance(kind, Struct):
            _fill_headers(rows[name], kind)


def streamer_info(struct: Struct) -> bytes:
    """The TStreamerInfo of a struct, behind a pointer."""
    buffer = Buffer()

    def elements() -> None:
        with buffer.objects(len(struct.members)):
            for name, kind in struct.members:
                _element(buffer, name, kind)

    def info() -> None:
        with buffer.block(9):
            buffer.named(struct.name, "", STREAMER_BITS)
            buffer.numbers("II", struct.checksum, 0)
            buffer.pointer("elements", "TObjArray", elements)

    buffer.pointer("info", "TStreamerInfo", info)
    return bytes(buffer)


def _element(buffer: Buffer, name: str, kind: str | Struct) -> None:
    if isinstance(kind, Struct):
        streamer, cpp = "TStreamerObjectAny", kind.name
        code, size = _CODE_OF_OBJECT, _SIZE_OF_OBJECT
    else:
        streamer, cpp = "TStreamerBasicType", BASIC[kind].cpp
        code, size = BASIC[kind].code, np.dtype(BASIC[kind].dtype).itemsize

    def element() -> None:
        with buffer.block(2), buffer.block(4):
            buffer.named(name, "")
            # After code and size: length and dimensions of an array, and its five extents.
            buffer.numbers("4i5i", code, size, 0, 0, *(0,) * 5)
            buffer.string(cpp)

    buffer.pointer(f"element {name}", streamer, element)
