"""The map of the detector for the file at hand: its active inputs, and the TPC of each.

The map itself: schemas/lightdqm/detector.py.
"""

from __future__ import annotations

import numpy as np
from hamilton.function_modifiers import tag

from ...schemas.arrays import I4, Mask
from ...schemas.lightdqm.arrays import LightLayout
from ...schemas.lightdqm.detector import (
    CHANNELS_OF_EPCB,
    EPCB_CHANNELS,
    EPCB_OF_CHANNEL,
    HAS_SENSOR,
    N_CHANNELS,
    N_EPCBS,
    tpc_of_inputs,
)

__all__ = [
    "CHANNELS_OF_EPCB",
    "EPCB_CHANNELS",
    "EPCB_OF_CHANNEL",
    "HAS_SENSOR",
    "N_CHANNELS",
    "N_EPCBS",
    "active_channels",
    "tpc_numbers",
]


@tag(stage="grouping", main="true")
def active_channels(light_layout: LightLayout) -> Mask:
    """(n_adcs, 64): inputs with a sensor; never the beam monitor."""
    active = np.tile(HAS_SENSOR, (light_layout.n_adcs, 1))
    if light_layout.rwm_adc >= 0:
        active[light_layout.rwm_adc, light_layout.rwm_channel] = False
    return active


@tag(stage="grouping")
def tpc_numbers(light_layout: LightLayout) -> I4:
    """(n_adcs, 64): the TPC that an input belongs to."""
    return tpc_of_inputs(light_layout.n_adcs)
