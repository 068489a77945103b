"""The flags of a hit tier packed into one column."""

from __future__ import annotations

from typing import Final

import pandas as pd

from ...schemas.bits import Bits

BITS: Final = "is_valid_cal_bits"


def bits_of_flags(names: tuple[str, ...]) -> Bits:
    """Bit i is the flag ``names[i]``."""
    return Bits(names, "uint64")


def flags_of(frame: pd.DataFrame) -> tuple[str, ...]:
    """The columns of a hit tier that are flags, in their order."""
    return tuple(str(name) for name in frame.columns if frame[name].dtype == bool)
