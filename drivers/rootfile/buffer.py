"""The big-endian buffer that an object of a ROOT file is written to.

Reference: root-project/root, io/doc/TFile; the streamers of TObject, TNamed and TObjArray.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_COUNTED: Final = 0x40000000
_NEW_CLASS: Final = 0xFFFFFFFF
_ON_HEAP: Final = 0x03000000
# A reference counts from the start of the key, and two more.
_MAP_OFFSET: Final = 2
BRANCH_BITS: Final = 0x00400000
STREAMER_BITS: Final = _ON_HEAP | 0x00010000


def string_bytes(text: str) -> bytes:
    """A TString."""
    data = text.encode()
    if len(data) < 255:
        return struct.pack(">B", len(data)) + data
    return struct.pack(">BI", 255, len(data)) + data


class Buffer:
    """Bytes that grow, with what was written behind a pointer and may be referred to.

    ``key_bytes`` stand in the file before the first byte.
    """

    def __init__(self, key_bytes: int = 0) -> None:
        self._data = bytearray()
        self._key_bytes = key_bytes
        self._references: dict[str, int] = {}

    def __bytes__(self) -> bytes:
        return bytes(self._data)

    def numbers(self, form: str, *values: int | float) -> None:
        """Numbers; ``form`` as in the module struct."""
        self._data += struct.pack(f">{form}", *values)

    def raw(self, data: bytes) -> None:
        """Bytes as they are."""
        self._data += data

    def string(self, text: str) -> None:
        """A TString."""
        self._data += string_bytes(text)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        start = len(self._data)
        self._data += bytes(4)
        yield
        struct.pack_into(">I", self._data, start, (len(self._data) - start - 4) | _COUNTED)

    @contextmanager
    def block(self, version: int) -> Iterator[None]:
        """What is written within is an object with its number of bytes and its version."""
        with self._counted():
            self.numbers("H", version)
            yield

    def pointer(self, name: str, class_name: str, write: Callable[[], None]) -> None:
        """A pointer to an object: ``write`` writes it the first time that ``name`` is met."""
        if name in self._references:
            self.numbers("I", self._references[name])
            return
        self._references[name] = len(self._data) + self._key_bytes + _MAP_OFFSET
        with self._counted():
            self.numbers("I", _NEW_CLASS)
            self.raw(class_name.encode() + b"\0")
            write()

    def null(self) -> None:
        """A pointer to nothing."""
        self.numbers("I", 0)

    def named(self, name: str, title: str, bits: int = _ON_HEAP) -> None:
        """A TNamed."""
        with self.block(1):
            self.numbers("HII", 1, 0, bits)
            self.string(name)
            self.string(title)

    @contextmanager
    def objects(self, n: int) -> Iterator[None]:
        """A TObjArray of the ``n`` pointers that are written within."""
        with self.block(3):
            self.numbers("HII", 1, 0, _ON_HEAP)
            self.string("")
            self.numbers("ii", n, 0)
            yield
