"""Waveforms of simulated point-contact detectors."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from ....schemas.germanium_simulation import BAD, DT_NS, PRESUM_RATE, WINDOW

CONTACT_MM: Final = 14.0
POWER: Final = 1.2
HOLE_MM_NS: Final = 0.085
ELECTRON_MM_NS: Final = 0.100
LONGEST_MM: Final = 80.0
GRID_NS: Final = 8.0
N_GRID: Final = 200
SAMPLE_NS: Final = DT_NS
PILE_UP: Final = BAD.index("pile_up")
EARLIER_TAIL: Final = BAD.index("earlier_tail")
DISCHARGE: Final = BAD.index("discharge")
NEGATIVE: Final = BAD.index("negative")
SATURATED: Final = BAD.index("saturated")
LATE: Final = BAD.index("late")
YOUNGEST: Final = 600.0
"""Samples since the earlier pulse, at least, and how many more at most."""
OLDEST: Final = 25_000.0
DEPTH_ADC: Final = 20_000.0
RAIL_ADC: Final = 65535.0
LATE_NS: Final = 15_000.0
_LEAD_NS: Final = 250.0
_REACH: Final = 4.0


@njit(cache=True, nogil=True)
def _weight(s: float) -> float:
    """The weighting potential at a distance from the contact, 1 at it."""
    return (1.0 + s / CONTACT_MM) ** -POWER


@njit(cache=True, nogil=True)
def charge_pulse(places: Any, shares: Any, sigma_ns: float, charge: Any, scratch: Any) -> None:
    """The collected charge, 0 to 1, at N_GRID times from _LEAD_NS before the start.

    Holes drift to the contact and electrons away, both induce charge by the weighting potential;
    the sum is blurred by a Gaussian.
    """
    end = _weight(LONGEST_MM)
    for k in range(N_GRID):
        t = k * GRID_NS - _LEAD_NS
        value = 0.0
        if t > 0.0:
            for i in range(len(places)):
                hole = max(places[i] - HOLE_MM_NS * t, 0.0)
                electron = min(places[i] + ELECTRON_MM_NS * t, LONGEST_MM)
                value += shares[i] * (_weight(hole) - _weight(electron)) / (1.0 - end)
        scratch[k] = value
    reach = int(_REACH * sigma_ns / GRID_NS) + 1
    blur = np.empty(2 * reach + 1)
    for j in range(2 * reach + 1):
        blur[j] = np.exp(-0.5 * ((j - reach) * GRID_NS / sigma_ns) ** 2)
    blur /= blur.sum()
    for k in range(N_GRID):
        value = 0.0
        for j in range(2 * reach + 1):
            value += scratch[min(max(k + j - reach, 0), N_GRID - 1)] * blur[j]
        charge[k] = value


@njit(cache=True, nogil=True)
def add_pulse(
    wave: Any, charge: Any, height: float, start_ns: float, dt: float, slow: float, fast: float,
    fraction: float,
) -> None:  # fmt: skip
    """Add a pulse that falls with two decays, given by what is left of them a sample later."""
    first = max(int((start_ns - _LEAD_NS) / dt), 0)
    y1 = y2 = before = 0.0
    for i in range(first, len(wave)):
        place = (i * dt - start_ns + _LEAD_NS) / GRID_NS
        k = int(place)
        if place <= 0.0:
            now = 0.0
        elif k >= N_GRID - 1:
            now = charge[N_GRID - 1]
        else:
            now = charge[k] + (place - k) * (charge[k + 1] - charge[k])
        y1 = slow * y1 + now - before
        y2 = fast * y2 + now - before
        before = now
        wave[i] += height * ((1.0 - fraction) * y1 + fraction * y2)


@njit(cache=True, nogil=True)
def digitised(wave: Any, presummed: Any, window: Any, first: int, rate: int) -> Any:
    """Whole numbers of 16 bits, sums of ``rate`` of them, and those of a window.

    Returns the numbers of samples at the lower and at the upper rail.
    """
    low = high = 0
    for i in range(len(wave)):
        value: Any = np.int64(np.rint(wave[i]))
        if value <= 0:
            value = 0
            low += 1
        elif value >= 65535:
            value = 65535
            high += 1
        k = i // rate
        if k < len(presummed):
            presummed[k] += value
        if first <= i < first + len(window):
            window[i - first] = value
    return low, high


@njit(cache=True, nogil=True)
def wave_block(
    waves: Any, heights: Any, sigmas: Any, starts: Any, bad: Any, wild: Any, begins: Any,
    ends: Any, places: Any, shares: Any, decay: Any, presummed: Any, windowed: Any, low: Any,
    high: Any,
) -> None:  # fmt: skip
    """Digitise a block of events: baseline and noise stand in ``waves`` already, (n, samples).

    ``bad`` holds what is wrong with each (BAD), ``wild`` three random numbers from 0 to 1 for it;
    places and shares of event i are those from begins[i] to ends[i]; ``decay`` is what is left of
    both decays a sample later and the fraction of the second.
    """
    charge, scratch = np.empty(N_GRID), np.empty(N_GRID)
    slow, fast, fraction = decay
    length = waves.shape[1] * SAMPLE_NS
    for i in range(waves.shape[0]):
        wave = waves[i]
        own = slice(begins[i], ends[i])
        charge_pulse(places[own], shares[own], sigmas[i], charge, scratch)
        height = -heights[i] if bad[i] == NEGATIVE else heights[i]
        start = starts[i]
        if bad[i] == SATURATED:
            height = RAIL_ADC * (1.0 + wild[i, 0])
        elif bad[i] == LATE:
            start += LATE_NS * (1.0 + wild[i, 0])
        add_pulse(wave, charge, height, start, SAMPLE_NS, slow, fast, fraction)
        if bad[i] == PILE_UP:
            later = starts[i] + 1000.0 + wild[i, 0] * (length - starts[i] - 2000.0)
            more = heights[i] * (0.1 + 0.9 * wild[i, 1])
            add_pulse(wave, charge, more, later, SAMPLE_NS, slow, fast, fraction)
        elif bad[i] == EARLIER_TAIL:
            left = heights[i] * (0.2 + 0.8 * wild[i, 0]) * slow ** (YOUNGEST + OLDEST * wild[i, 1])
            for k in range(len(wave)):
                wave[k] += left
                left *= slow
        elif bad[i] == DISCHARGE:
            first = int((0.1 + 0.8 * wild[i, 0]) * len(wave))
            depth = DEPTH_ADC * (1.0 + wild[i, 1])
            for k in range(first, len(wave)):
                wave[k] -= depth
                depth *= slow
        low[i], high[i] = digitised(wave, presummed[i], windowed[i], WINDOW[0], PRESUM_RATE)
