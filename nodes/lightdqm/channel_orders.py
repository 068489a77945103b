"""In which order the inputs of an ADC stand, told by which of them see light."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.arrays import I8, Mask
from ...schemas.lightdqm.arrays import LightLayout
from ...schemas.lightdqm.history_frames import CHANNEL_ORDERS, ORDERS
from ...schemas.lightdqm.settings import LightHitSettings
from ...schemas.tables import categories_of
from .columns import by_waveform, others_on_side
from .grouping import HAS_SENSOR, N_CHANNELS

_GROUP: Final = 16
_LEAST_EVENTS: Final = 20
_SIDE_LIT: Final = 4
# An input sees light if it does as often as a quarter of what the usual lit one does.
_OF_USUAL: Final = 0.25
# So many of the inputs without a sensor see light where channels stand in another order; one or two
# may have picked up something of their neighbours.
_MANY: Final = 0.25
# A few channels are dead whatever the order.
_FITS: Final = 0.85


@tag(stage="relations", schema="ChannelOrders")
def channel_orders(
    waveform_features: pd.DataFrame,
    light_layout: LightLayout,
    light_hit_settings: LightHitSettings,
) -> pd.DataFrame:
    """Which inputs without a sensor see light, and how the channels of the ADC stand then.

    The input of the beam monitor is left out where it stands, and where it would stand.
    """
    valid = by_waveform(waveform_features, "valid")
    hit = valid & (by_waveform(waveform_features, "maximum_adc16") > light_hit_settings.least_adc16)
    bright = others_on_side(hit) >= _SIDE_LIT
    n, k = bright.sum(axis=0), (bright & hit).sum(axis=0)
    rate = np.divide(k, n, out=np.zeros(n.shape), where=n >= _LEAST_EVENTS)
    usual = np.array([float(np.median(r[r > 0])) if (r > 0).any() else np.inf for r in rate])
    lit = rate > _OF_USUAL * usual[:, np.newaxis]
    told = [_order(row, _watched(light_layout, adc)) for adc, row in enumerate(lit)]
    bare = [_watched(light_layout, adc) & ~HAS_SENSOR for adc in range(len(lit))]
    return CHANNEL_ORDERS.frame(
        {
            "adc": np.arange(len(lit)),
            "n": n.max(axis=1),
            "n_inputs": [int(b.sum()) for b in bare],
            "n_lit": [int((row & b).sum()) for row, b in zip(lit, bare, strict=True)],
            "order": categories_of([ORDERS.index(order) for order, _ in told], ORDERS),
            "shift": [shift for _, shift in told],
        }
    )


def _watched(layout: LightLayout, adc: int) -> Mask:
    """All inputs but that of the beam monitor."""
    watched = np.ones(N_CHANNELS, dtype=bool)
    if adc == layout.rwm_adc:
        watched[layout.rwm_channel] = False
    return watched


def _order(lit: Mask, watched: Mask) -> tuple[str, int]:
    """The order that fits the inputs that are lit, and by how many inputs they are shifted."""
    bare = watched & ~HAS_SENSOR
    if (lit & bare).sum() < _MANY * bare.sum():
        return "as_mapped", 0
    fits = [
        (float((lit == HAS_SENSOR[source])[watched & watched[source]].mean()), order, shift)
        for order, shift, source in _orders()
    ]
    fit, order, shift = max(fits, key=lambda found: found[0])
    return (order, shift) if fit > _FITS else ("other", 0)


def _orders() -> Iterator[tuple[str, int, I8]]:
    """Orders that occur, the plainest first: for each input the one whose channel it has.

    The inputs without a sensor, four of each sixteen, tell shifts modulo 16, and a reversal looks
    like a shift by -4.
    """
    inputs = np.arange(N_CHANNELS, dtype=np.int64)
    yield "reversed", 0, inputs[::-1]
    for shift in sorted(range(1 - _GROUP // 2, _GROUP // 2 + 1), key=abs):
        if shift:
            yield "shifted", shift, (inputs - shift) % N_CHANNELS
