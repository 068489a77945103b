"""The map of the detector: which inputs have a sensor, and which share a board or a TPC.

ADC 2m and 2m + 1 read module m; of the 64 inputs of an ADC those with c % 16 in 0..3 have no
sensor. An EPCB reads six channels. A TPC is seen by half the inputs of both ADCs of its module.
Source: detector map of the DUNE 2x2 light read-out (section 1.4 of its file description).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..arrays import I4, Mask, frozen

N_CHANNELS: Final = 64
N_EPCBS: Final = 8
EPCB_CHANNELS: Final = 6


def _has_sensor() -> Mask:
    return np.arange(N_CHANNELS) % 16 >= 4


def _epcb_of_channel() -> I4:
    c = np.arange(N_CHANNELS)
    return np.where(_has_sensor(), 2 * (c // 16) + (c % 16 - 4) // 6, -1).astype(np.int32)


HAS_SENSOR: Final[Mask] = frozen(_has_sensor())
"""(64,): whether an input has a sensor."""
EPCB_OF_CHANNEL: Final[I4] = frozen(_epcb_of_channel())
"""(64,): board of an input in its ADC, 0 to 7; -1 without a sensor."""
CHANNELS_OF_EPCB: Final[NDArray[np.int32]] = frozen(
    np.array([np.flatnonzero(g == EPCB_OF_CHANNEL) for g in range(N_EPCBS)], dtype=np.int32)
)
"""(8, 6): the inputs of each board."""


def tpc_of_inputs(n_adcs: int) -> I4:
    """(n_adcs, 64): the TPC that an input belongs to, 2 m + (c >= 32) of module m = adc // 2."""
    adc = np.arange(n_adcs, dtype=np.int32)[:, np.newaxis]
    upper = (np.arange(N_CHANNELS) >= N_CHANNELS // 2).astype(np.int32)
    return (2 * (adc // 2) + upper).astype(np.int32)
