"""Columns that must hold whole numbers: what a cast would bend is found before it.

A cast of NaN, 1.7 or 2^32 + 5 to four bytes gives some number without a word.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ....schemas.arrays import I8, Mask

NUMBER_KINDS: Final = "biuf"


@dataclass(frozen=True)
class WholeNumbers:
    """Values as whole numbers, 0 where they are none, and masks of the faults."""

    values: I8
    not_finite: Mask
    not_whole: Mask
    out_of_range: Mask

    @property
    def bad(self) -> Mask:
        """Where the value is not the one that was given."""
        return self.not_finite | self.not_whole | self.out_of_range


def whole_numbers(given: Any, dtype: str = "int32") -> WholeNumbers:
    """Numbers checked to be whole and within the range of an integer type."""
    given = np.asarray(given)
    none = np.zeros(given.shape, bool)
    if np.can_cast(given.dtype, dtype):
        return WholeNumbers(given.astype(dtype), none, none, none)
    limits = np.iinfo(dtype)
    if given.dtype.kind in "iu":
        outside = given > limits.max
        if given.dtype.kind == "i":
            outside |= given < limits.min
        return WholeNumbers(np.where(outside, 0, given).astype(dtype), none, none, outside)
    not_finite = ~np.isfinite(given)
    not_whole = ~not_finite & (given != np.floor(given))
    # The greatest of eight bytes is no double: the limits that are lie just outside.
    outside = ~not_finite & ~not_whole & ((given < limits.min) | (given >= limits.max + 1))
    sound = np.where(not_finite | not_whole | outside, 0, given)
    return WholeNumbers(sound.astype(dtype), not_finite, not_whole, outside)


def exactly_whole(given: Any, dtype: str, name: str) -> np.ndarray:
    """Numbers of an integer type; a ValueError names the first row that holds none."""
    found = whole_numbers(given, dtype)
    rows = np.flatnonzero(found.bad)
    if len(rows):
        value = np.asarray(given).ravel()[rows[0]]
        msg = f"{name} holds {len(rows):,} values that are no {dtype}, the first in row "
        msg += f"{rows[0]:,}: {value}"
        raise ValueError(msg)
    return found.values
