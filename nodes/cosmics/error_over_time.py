"""The error of the veto efficiency over wall time: when it is small enough, and how surely.

Counts are expectations and not cut to whole numbers: cut counts make a saw tooth, whose first
crossing of a target comes by luck. No graph module: plain functions below the nodes.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ...schemas.arrays import F8, frozen
from ...schemas.cosmics.projection import EfficiencyProjection
from ..statistics.intervals import wilson

_SECONDS_A_DAY: Final = 86400.0
_QUANTILES: Final = (0.16, 0.50, 0.84)
_POINTS: Final = 200
_MOST_COUNTS: Final = 2000
_BISECTIONS: Final = 100
_LEFT: Final = 1e-9
_NONE: Final = frozen(np.zeros(0))


def projected(
    selected: int,
    unvetoed: int,
    livetime_s: float | None,
    live_fraction: float,
    target: float,
    sigma: float = 1.0,
) -> EfficiencyProjection:
    """The projection of counts in a live time.

    Rates are the counts over the live time; at t days the counts are rate x live fraction x t,
    and the error is half the width of Wilson's interval (``sigma`` standard deviations). Without
    selected events or a live time there are no days.
    """
    if not livetime_s or selected == 0:
        return EfficiencyProjection(
            None, None, live_fraction, target, None, None, None, None, None, _NONE, _NONE
        )
    live_days = livetime_s / _SECONDS_A_DAY
    share = unvetoed / selected
    selected_a_day = selected / live_days * live_fraction
    needed = selected_needed(share, target, sigma)
    day = needed / selected_a_day
    day_16, day_50, day_84 = _quantiles(share, target, sigma, needed) / selected_a_day
    days = day * 2.0 * np.arange(1, _POINTS + 1) / _POINTS
    return EfficiencyProjection(
        selected / live_days,
        unvetoed / live_days,
        live_fraction,
        target,
        day,
        share**2 / target**2 * live_days / unvetoed if unvetoed else None,
        float(day_16),
        float(day_50),
        float(day_84),
        frozen(days),
        frozen(half_width(share * selected_a_day * days, selected_a_day * days, sigma)),
    )


def half_width(unvetoed: F8, selected: F8, sigma: float) -> F8:
    """Half the width of Wilson's interval of the veto efficiency, for expected counts."""
    lower, upper = wilson(unvetoed, selected, sigma)
    return 0.5 * (upper - lower)


def selected_needed(share: float, target: float, sigma: float = 1.0) -> float:
    """Selected events at which half the width of Wilson's interval is ``target``.

    The positive root of target^2 (n + z^2)^2 = z^2 (n s (1 - s) + z^2 / 4), s the share of
    unvetoed events; 0 if fewer than none would do.
    """
    square = sigma * sigma
    linear = 2.0 * target**2 * square - square * share * (1.0 - share)
    constant = square * square * (target**2 - 0.25)
    root = np.sqrt(max(linear**2 - 4.0 * target**2 * constant, 0.0))
    return max(float((root - linear) / (2.0 * target**2)), 0.0)


def _quantiles(share: float, target: float, sigma: float, needed: float) -> F8:
    """Selected events at which fluctuating counts reach the target: 16, 50 and 84 %, shape (3,).

    Unvetoed events come as a Poisson process; the selected ones, of which there are many more,
    as expected. The target is reached with j unvetoed events from n_j selected ones on, so it is
    first reached at one of the n_j: the first with no more than j unvetoed events so far. Where
    that takes more than 2,000, it is normal with a relative deviation of 1 / sqrt(unvetoed).
    """
    from scipy.stats import poisson

    expected = share * needed
    if expected > _MOST_COUNTS:
        spread = np.asarray([-1.0, 0.0, 1.0]) / np.sqrt(expected)
        return np.asarray(needed * (1.0 + spread))
    most = int(expected + 12.0 * np.sqrt(expected + 1.0) + 20.0)
    steps = _selected_needed_with(np.arange(most + 1), target, sigma)
    means = share * steps
    # Probability of each number of unvetoed events where the target was not reached yet.
    waiting = poisson.pmf(np.arange(2 * most + 1), means[0])
    reached = np.zeros(most + 1)
    for j in range(most + 1):
        if j > 0:
            more = poisson.pmf(np.arange(2 * most + 1), means[j] - means[j - 1])
            waiting = np.convolve(waiting, more)[: 2 * most + 1]
        reached[j] = waiting[: j + 1].sum()
        waiting[: j + 1] = 0.0
        if waiting.sum() < _LEFT:
            break
    total = np.cumsum(reached)
    return steps[np.searchsorted(total, np.asarray(_QUANTILES) * total[-1])]


def _selected_needed_with(unvetoed: np.ndarray, target: float, sigma: float) -> F8:
    """Selected events from which on so many unvetoed ones give the target, by bisection."""
    square = sigma * sigma

    def width(n: F8) -> F8:
        return sigma / (n + square) * np.sqrt(unvetoed * (n - unvetoed) / n + 0.25 * square)

    # Beyond twice the unvetoed events the width falls.
    low = np.maximum(2.0 * unvetoed, 1e-12)
    high = low + sigma * np.sqrt(unvetoed + 0.25 * square) / target
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        wide = width(middle) > target
        low, high = np.where(wide, middle, low), np.where(wide, high, middle)
    return high
