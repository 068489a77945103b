"""Faults of the event table: order, clocks and serial numbers, and where waveforms stand."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ...schemas.arrays import I8
from ...schemas.light_faults import PlantedFault
from .light_edits import other_adc

_NS_PER_MS: Final = 1_000_000
_YEAR_MS: Final = 31_557_600_000


def waveform_places(n_events: int, faults: list[PlantedFault]) -> I8:
    """The row of the waveforms of each event; another order where that is a fault."""
    if any(fault.kind == "permuted" for fault in faults):
        return np.random.default_rng(n_events).permutation(n_events)
    return np.arange(n_events)


def faulty_rows(rows: NDArray[Any], faults: list[PlantedFault]) -> NDArray[Any]:
    """The event table with what faults do to it."""
    found = rows.copy()
    for fault in faults:
        first, end = fault.events(len(found))
        span = slice(first, end)
        if fault.kind == "swapped":
            pair = [fault.adc, other_adc(fault, found["sn"].shape[1])]
            found["sn"][span, pair] = found["sn"][span, pair[::-1]]
        elif fault.kind == "duplicated":
            # Every so-and-so-manieth event is the one before once more.
            stride = max(round(1.0 / fault.value), 2)
            for row in range(first + 1, end, stride):
                found[row] = found[row - 1]
        elif fault.kind == "lost":
            found["event"][first:] += round(fault.value)
        else:
            _clocks(found, fault, first, end)
    return found


def _clocks(rows: NDArray[Any], fault: PlantedFault, first: int, end: int) -> None:
    utime, tai = rows["utime_ms"], rows["tai_ns"]
    if fault.kind == "tai_frozen":
        tai[first:end, fault.adc] = tai[first, fault.adc]
    elif fault.kind == "tai_ahead":
        tai[first:end, fault.adc] += np.uint64(round(fault.value) * _NS_PER_MS)
    elif fault.kind == "seconds":
        utime[first:end] //= np.uint64(round(fault.value))
    elif fault.kind == "future":
        utime[first:end] += np.uint64(round(fault.value * _YEAR_MS))
    elif fault.kind == "gap":
        utime[first:] += np.uint64(round(fault.value))
        tai[first:] += np.uint64(round(fault.value) * _NS_PER_MS)
