"""Units of the samples: 16-bit counts, 14-bit codes and volts, by exact factors.

Every number of the graph is in ADC16; the others are the same numbers on another scale, so no
verdict depends on the choice. A signed 14-bit code is stored as four times itself and spans -1 V
to +1 V: 1 V is 32768 counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

Units = Literal["ADC16", "ADC14", "V"]

PER_ADC16: Final[Mapping[str, float]] = MappingProxyType(
    {"ADC16": 1.0, "ADC14": 0.25, "V": 1.0 / 32768.0}
)
"""What one count is in each unit; all are powers of two, so conversions are exact."""

LEGACY_V_PER_ADC16: Final = 1.0 / 32764.0
"""The script's volt: (2 V - 1 V) / (8191 * 4), 0.012 % too large."""

SAMPLE_NS: Final = 16.0
"""Time between two samples (62.5 MHz)."""

HIGHEST_ADC16: Final = 32764
LOWEST_ADC16: Final = -32768
CLIPPED_ADC16: Final = 32760
"""A sample at or above it is clipped: one 14-bit code below the top."""
