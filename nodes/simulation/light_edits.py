"""Faults that act on digitised samples: drifts, copies, order of events and boards, coding."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...schemas.light_faults import PlantedFault
from ...schemas.lightdqm.detector import HAS_SENSOR, N_CHANNELS
from ...schemas.lightdqm.units import HIGHEST_ADC16, LOWEST_ADC16

_CODE: Final = 4
_OF_CODING: Final = ("unshifted", "offset_binary", "byte_order")
_OFFSET: Final = 8192


def with_edits(
    samples: NDArray[np.int16],
    first_event: int,
    n_events: int,
    faults: list[PlantedFault],
    held: Mapping[int, NDArray[np.int16]] = MappingProxyType({}),
) -> NDArray[np.int16]:
    """The samples of the events from ``first_event`` on with what faults do to them.

    An ADC that lags has in each event the waveforms of the one before; in the first event of
    the samples it keeps its own. ``held`` are the samples of the events at which a buffer sticks.
    Coding comes last, whatever the order of the faults.
    """
    found = samples
    for fault in sorted(faults, key=lambda f: f.kind in _OF_CODING):
        first, end = (edge - first_event for edge in fault.events(n_events))
        span = slice(max(first, 0), max(end, 0))
        if fault.kind == "drift":
            _drift(found, fault, np.arange(first_event, first_event + len(found)), n_events)
        elif fault.kind == "copy":
            channel = fault.channel
            found[span, fault.adc, channel] = found[span, fault.adc, next_channel(channel)]
        elif fault.kind == "zeros":
            found[span] = 0
        elif fault.kind == "stuck_buffer" and fault.events(n_events)[0] in held:
            found[span, fault.adc] = held[fault.events(n_events)[0]][fault.adc]
        elif fault.kind == "reversed":
            found[span, fault.adc] = found[span, fault.adc, ::-1].copy()
        elif fault.kind == "off_by_one":
            begin = max(span.start, 1)
            found[begin : span.stop, fault.adc] = found[
                begin - 1 : max(min(span.stop, len(found)) - 1, begin - 1), fault.adc
            ].copy()
        elif fault.kind == "swapped":
            pair = [fault.adc, other_adc(fault, found.shape[1])]
            found[span, pair] = found[span, pair[::-1]]
        elif fault.kind in _OF_CODING:
            found[span] = _coded(found[span], fault.kind)
    return found


def next_channel(channel: int) -> int:
    """The next input with a sensor."""
    following = (channel + 1 + np.arange(N_CHANNELS)) % N_CHANNELS
    return int(following[HAS_SENSOR[following]][0])


def other_adc(fault: PlantedFault, n_adcs: int) -> int:
    """The ADC that one is exchanged with: its strength says which; another one if it is that."""
    other = int(fault.value) % n_adcs
    return other if other != fault.adc else (other + 2) % n_adcs


def _drift(
    samples: NDArray[np.int16], fault: PlantedFault, events: NDArray[np.int64], n_events: int
) -> None:
    first, end = fault.events(n_events)
    share = np.clip((events - first) / max(end - first - 1, 1), 0.0, 1.0)
    step = _CODE * np.round(fault.value * share / _CODE).astype(np.int32)
    inputs = np.flatnonzero(HAS_SENSOR) if fault.channel < 0 else np.array([fault.channel])
    for event, added in enumerate(step.tolist()):
        if added:
            moved = samples[event, fault.adc, inputs].astype(np.int32) + added
            samples[event, fault.adc, inputs] = np.clip(moved, LOWEST_ADC16, HIGHEST_ADC16)


def _coded(samples: NDArray[np.int16], kind: str) -> NDArray[np.int16]:
    if kind == "byte_order":
        return samples.byteswap()
    codes = samples // np.int16(_CODE)
    return codes if kind == "unshifted" else codes + np.int16(_OFFSET)
