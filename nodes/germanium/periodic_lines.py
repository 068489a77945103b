"""A line of the spectrum whose events come with one period. No nodes."""

from __future__ import annotations

from typing import Final

import numpy as np

from ...schemas.arrays import F8
from ...schemas.germanium.pulsers import PulserLine
from ..peaks.modes import mode_and_width

FEWEST: Final = 20
_BINS: Final = 4096
_LINES: Final = 30
_AROUND: Final = 8
_WIDTHS: Final = 3.0
TOLERANCE: Final = 1e-4
"""By how much of itself a period may change."""
_LEAST_SHARE: Final = 0.2


def periodic_line(time_s: F8, energy_adc: F8) -> PulserLine:
    """The line with the most events of one period, NaN left out; none where there is no such line.

    The lines that are looked at are the 30 that stand out most over their neighbourhood. Of the
    events within 3 widths of a line, those belong to the pulser that have another one period
    before or after them, to a 1e-4th of it. A line counts from 20 such events on, and if they are
    a fifth of the line: steps between events of a source agree so well far more seldom.
    """
    known = np.isfinite(time_s) & np.isfinite(energy_adc) & (energy_adc > 0.0)
    time, energy = time_s[known], energy_adc[known]
    best = PulserLine(np.empty(0))
    if len(time) < FEWEST:
        return best
    for low, high in _lines(energy):
        near = (energy >= low) & (energy <= high)
        found = mode_and_width(energy[near])
        # Heights that are whole numbers of the read-out may have no width at all.
        reach = max(_WIDTHS * found.width, 1.0)
        near = np.abs(energy - found.mode) <= reach
        times = np.sort(time[near])
        period = _period(times)
        of_period = times[_has_neighbour(times, period)]
        if len(of_period) >= FEWEST and len(of_period) > len(best.times_s):
            best = PulserLine(of_period, period, float(found.mode), float(found.width))
    return best


def _lines(energy: F8) -> list[tuple[float, float]]:
    """Windows about the bins that are highest over what lies beside them."""
    top = float(energy.max())
    counts, edges = np.histogram(energy, _BINS, (0.0, np.nextafter(top, np.inf)))
    wide = np.convolve(counts, np.ones(2 * _AROUND + 1), "same") / (2 * _AROUND + 1)
    excess = (counts - wide) / np.sqrt(wide + 1.0)
    windows: list[tuple[float, float]] = []
    taken = np.zeros(_BINS, dtype=bool)
    for k in np.argsort(-excess, kind="stable"):
        if len(windows) == _LINES or excess[k] <= 0.0:
            break
        if taken[k]:
            continue
        first, last = max(k - _AROUND, 0), min(k + _AROUND, _BINS - 1)
        taken[first : last + 1] = True
        windows.append((float(edges[first]), float(edges[last + 1])))
    return windows


def _period(times: F8) -> float:
    """The step that most neighbours in time share; NaN if fewer than a fifth do."""
    steps = np.sort(np.diff(times))
    steps = steps[steps > 0.0]
    if len(steps) < FEWEST // 2:
        return float("nan")
    stop = np.searchsorted(steps, steps * (1.0 + 2.0 * TOLERANCE), side="right")
    n = stop - np.arange(len(steps))
    k = int(n.argmax())
    if n[k] < max(FEWEST // 2, _LEAST_SHARE * len(steps)):
        return float("nan")
    return float(np.median(steps[k : stop[k]]))


def _has_neighbour(times: F8, period: float) -> np.ndarray:
    """Whether an event is one period after or before another."""
    if not np.isfinite(period):
        return np.zeros(len(times), dtype=bool)
    reach = TOLERANCE * period
    found = np.zeros(len(times), dtype=bool)
    for shift in (period, -period):
        low = np.searchsorted(times, times + shift - reach, side="left")
        high = np.searchsorted(times, times + shift + reach, side="right")
        found |= high > low
    return found
