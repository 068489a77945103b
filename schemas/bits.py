"""Bit masks whose bits have names: bit i of a value is name i."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .arrays import Mask

BitsType = Literal["int8", "uint8", "uint16", "uint32", "uint64"]


@dataclass(frozen=True)
class Bits:
    """Names of the bits of an integer column, the lowest first, and the column's type.

    ValueError for a name that stands twice or holds a comma, and for more names than the type has
    bits.
    """

    names: tuple[str, ...]
    dtype: BitsType

    def __post_init__(self) -> None:
        room = int(np.iinfo(self.dtype).max).bit_length()
        if len(self.names) > room:
            msg = f"{len(self.names)} names for the {room} bits of {self.dtype}"
            raise ValueError(msg)
        wrong = [n for n in self.names if self.names.count(n) > 1 or "," in n or not n]
        if wrong:
            msg = f"{wrong[0]!r} names no bit: names differ, and hold no comma"
            raise ValueError(msg)

    @property
    def bit_names(self) -> str:
        """The names, lowest first, with commas between them: the attribute of a dataset."""
        return ",".join(self.names)

    def bit(self, name: str) -> int:
        """The value that has this bit alone; ValueError for a name that is none of them."""
        if name not in self.names:
            msg = f"{name!r} is no bit; there is: {', '.join(self.names)}"
            raise ValueError(msg)
        return 1 << self.names.index(name)

    def pack(self, masks: Mapping[str, Mask]) -> NDArray[Any]:
        """The bits of arrays of one shape by name; those that are not given are not set."""
        shape = np.broadcast_shapes(*(np.shape(mask) for mask in masks.values()))
        packed = np.zeros(shape, self.dtype)
        for name, mask in masks.items():
            packed |= np.where(mask, np.array(self.bit(name), self.dtype), packed.dtype.type(0))
        return packed

    def is_set(self, values: Any, name: str) -> Mask:
        """Where a bit is set in values of the type."""
        return (np.asarray(values, self.dtype) & np.array(self.bit(name), self.dtype)) != 0

    def names_of(self, value: int) -> tuple[str, ...]:
        """The names of the bits of one value; ValueError if it has a bit without a name."""
        value = int(value)
        if not 0 <= value < 1 << len(self.names):
            msg = f"{value} has bits beyond the {len(self.names)} of {', '.join(self.names)}"
            raise ValueError(msg)
        return tuple(name for k, name in enumerate(self.names) if value >> k & 1)

    def counts(self, values: Any) -> dict[str, int]:
        """In how many values each bit is set, in the order of the names."""
        return {name: int(np.count_nonzero(self.is_set(values, name))) for name in self.names}
