"""Two exponentials to window means: variable projection on a grid of two decays, then refined."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numba import njit

from .fits import best_between, explained, horner, model_scale, moments, series

_POINTS: Final = 24
_APART: Final = 3.0
_LEAST_DECAYS: Final = 0.1
_HIGHEST_PER_S: Final = 2e5
_TOLERANCE: Final = 1e-4


@njit(cache=True, nogil=True)
def _taken_off(a: float, b: float, centred: Any, step_s: float) -> tuple[float, float, float]:
    """What exponentials with these decays take off the sum of squares, and their values at first.

    Zero where the two are too alike to tell, or closer than a factor of three.
    """
    if a < _APART * b:
        return 0.0, 0.0, 0.0
    n = centred.size
    ra, rb = math.exp(-a * step_s), math.exp(-b * step_s)
    ma, mb = series(ra, n) / n, series(rb, n) / n
    saa = series(ra * ra, n) - n * ma * ma
    sbb = series(rb * rb, n) - n * mb * mb
    sab = series(ra * rb, n) - n * ma * mb
    determinant = saa * sbb - sab * sab
    if not determinant > 1e-10 * saa * sbb:
        return 0.0, 0.0, 0.0
    pa, pb = horner(centred, ra), horner(centred, rb)
    at_a = (pa * sbb - pb * sab) / determinant
    at_b = (pb * saa - pa * sab) / determinant
    return at_a * pa + at_b * pb, at_a, at_b


@njit(cache=True, nogil=True)
def two_exponential_rows(
    means: Any,
    begin_s: float,
    step_s: float,
    window: int,
    fs: float,
    averaged: bool,
    apart: int,
    found: Any,
) -> None:
    """Fit N1 exp(-l1 t) + N2 exp(-l2 t) + c, l1 > 3 l2, to each row; NaN for one with NaN.

    Parameters as in exponential_rows; ``apart`` is how many windows further one does not overlap.
    ``found`` is a (n_rows, 7) output: N1, l1, N2, l2, c, sum of squares, gain of BIC.
    """
    n = means.shape[1]
    span_s = (n - 1) * step_s
    low, high = math.log(_LEAST_DECAYS / span_s), math.log(_HIGHEST_PER_S)
    grid = np.linspace(low, high, _POINTS)
    centred = np.empty(n)
    one = np.empty(_POINTS)
    for row in range(means.shape[0]):
        found[row, :] = np.nan
        if not np.isfinite(means[row]).all():
            continue
        mean = means[row].mean()
        centred[:] = means[row] - mean
        square = (centred * centred).sum()
        best, x, y = 0.0, grid[_POINTS - 1], grid[0]
        for i in range(_POINTS):
            one[i] = explained(grid[i], centred, step_s)
            for j in range(i):
                taken, _, _ = _taken_off(math.exp(grid[i]), math.exp(grid[j]), centred, step_s)
                if taken > best:
                    best, x, y = taken, grid[i], grid[j]
        x, y, best = _refined(x, y, best, low, high, grid[1] - grid[0], centred, step_s)
        fast, slow = math.exp(x), math.exp(y)
        best, at_fast, at_slow = _taken_off(fast, slow, centred, step_s)
        k = int(np.argmin(one))
        single = best_between(
            grid[max(k - 1, 0)], grid[k], grid[min(k + 1, _POINTS - 1)], centred, step_s
        )
        sse, sse_one = square - best, square + explained(single, centred, step_s)
        mean_fast, _, _ = moments(fast, centred, step_s)
        mean_slow, _, _ = moments(slow, centred, step_s)
        found[row, 0] = at_fast / model_scale(fast, begin_s, window, fs, averaged)
        found[row, 1] = fast
        found[row, 2] = at_slow / model_scale(slow, begin_s, window, fs, averaged)
        found[row, 3] = slow
        found[row, 4] = mean - at_fast * mean_fast - at_slow * mean_slow
        found[row, 5] = sse
        n_alone = n / apart
        if sse > 0.0 and sse_one > 0.0:
            found[row, 6] = n_alone * math.log(sse_one / sse) - 2.0 * math.log(n_alone)


@njit(cache=True, nogil=True)
def _refined(
    x: float,
    y: float,
    best: float,
    low: float,
    high: float,
    size: float,
    centred: Any,
    step_s: float,
) -> tuple[float, float, float]:
    """The best point of a pattern search (steps along both axes, halved where none helps)."""
    while size > _TOLERANCE:
        moved = False
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1), (1, -1), (-1, 1)):
            u, v = x + dx * size, y + dy * size
            if low <= v and u <= high:
                taken, _, _ = _taken_off(math.exp(u), math.exp(v), centred, step_s)
                if taken > best:
                    x, y, best, moved = u, v, taken, True
        if not moved:
            size *= 0.5
    return x, y, best
