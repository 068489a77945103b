"""Exponentials to window means by variable projection: the decay alone is searched for.

For a given decay the model is linear in amplitude and offset, and the values of an exponential at
equal steps are a geometric series, whose sums are closed (G. Golub and V. Pereyra, SIAM J. Numer.
Anal. 10 (1973) 413).
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numba import njit

LEAST_DECAYS: Final = 1e-4
"""The best decay constant is looked for from so many decays over the span of the values on: there
an exponential is a straight line."""
_NEARLY_STRAIGHT: Final = 0.05
_POINTS: Final = 34
_TOLERANCE: Final = 1e-8
_MOST: Final = 60
# The smaller part of a golden section.
_GOLDEN: Final = 0.3819660112501051


@njit(cache=True, nogil=True, fastmath={"contract"})
def horner(values: Any, ratio: float) -> float:
    """sum_i values_i ratio^i, in eight sums side by side: each step of one waits for the last."""
    n_whole = values.size // 8
    eighth = ratio**8
    a = b = c = d = e = f = g = h = 0.0
    for i in range(n_whole - 1, -1, -1):
        k = 8 * i
        a = a * eighth + values[k]
        b = b * eighth + values[k + 1]
        c = c * eighth + values[k + 2]
        d = d * eighth + values[k + 3]
        e = e * eighth + values[k + 4]
        f = f * eighth + values[k + 5]
        g = g * eighth + values[k + 6]
        h = h * eighth + values[k + 7]
    upper = e + ratio * (f + ratio * (g + ratio * h))
    total = a + ratio * (b + ratio * (c + ratio * (d + ratio * upper)))
    power = eighth**n_whole
    for i in range(8 * n_whole, values.size):
        total += values[i] * power
        power *= ratio
    return total


@njit(cache=True, nogil=True)
def series(ratio: float, n: int) -> float:
    """sum_i ratio^i, i from 0 to n - 1."""
    return (1.0 - ratio**n) / (1.0 - ratio)


@njit(cache=True, nogil=True)
def moments(decay: float, centred: Any, step_s: float) -> tuple[float, float, float]:
    """Mean of the exponential over the values, its spread about it, its product with them."""
    n = centred.size
    one = decay * step_s
    ratio = math.exp(-one)
    if one * (n - 1) > _NEARLY_STRAIGHT:
        mean = series(ratio, n) / n
        return mean, series(ratio * ratio, n) - n * mean * mean, horner(centred, ratio)
    # 1 - ratio^i in powers of i: the closed sums would be differences of nearly equal numbers.
    below = product = 0.0
    for i in range(n):
        below += _below_one(one * i)
        product -= _below_one(one * i) * centred[i]
    below /= n
    spread = 0.0
    for i in range(n):
        spread += (_below_one(one * i) - below) ** 2
    return 1.0 - below, spread, product


@njit(cache=True, nogil=True)
def _below_one(x: float) -> float:
    """1 - exp(-x) of a small x."""
    return x * (1.0 - x * (0.5 - x * (1.0 / 6.0 - x * (1.0 / 24.0 - x / 120.0))))


@njit(cache=True, nogil=True)
def explained(ln_decay: float, centred: Any, step_s: float) -> float:
    """Minus what an exponential with this decay, beside an offset, takes off the sum of squares."""
    _, spread, product = moments(math.exp(ln_decay), centred, step_s)
    return -product * product / spread if spread > 0.0 else 0.0


@njit(cache=True, nogil=True)
def best_between(left: float, x: float, right: float, centred: Any, step_s: float) -> float:
    """Where explained is least between two points; x lies between, and below both.

    Parabolas through the three points, golden sections of the longer side where the bracket does
    not get shorter (R. P. Brent, Algorithms for Minimization without Derivatives (1973), 5).
    """
    f_left, f_right = explained(left, centred, step_s), explained(right, centred, step_s)
    f = explained(x, centred, step_s)
    golden = False
    for _ in range(_MOST):
        width = right - left
        a, b = (x - left) * (f - f_right), (x - right) * (f - f_left)
        u = x
        if a != b:
            u = x - 0.5 * ((x - left) * a - (x - right) * b) / (a - b)
        if golden or not left < u < right:
            u = x + _GOLDEN * (right - x) if right - x > x - left else x - _GOLDEN * (x - left)
        if abs(u - x) < _TOLERANCE:
            u = x + _TOLERANCE if right - x > x - left else x - _TOLERANCE
        if not left < u < right or width < 4.0 * _TOLERANCE:
            break
        f_u = explained(u, centred, step_s)
        if f_u < f:
            if u > x:
                left, f_left = x, f
            else:
                right, f_right = x, f
            x, f = u, f_u
        elif u > x:
            right, f_right = u, f_u
        else:
            left, f_left = u, f_u
        golden = right - left > 0.5 * width and not golden
    return x


@njit(cache=True, nogil=True)
def window_share(decay: float, window: int, fs: float) -> float:
    """The mean of exp(-decay k / fs) over the samples k of a window."""
    return (1.0 - math.exp(-decay * window / fs)) / (window * (1.0 - math.exp(-decay / fs)))


@njit(cache=True, nogil=True)
def model_scale(decay: float, begin_s: float, window: int, fs: float, averaged: bool) -> float:
    """The model's value at the first window for an amplitude of 1 at time 0."""
    share = window_share(decay, window, fs) if averaged else 1.0
    return share * math.exp(-decay * begin_s)


@njit(cache=True, nogil=True)
def model_growth(decay: float, begin_s: float, window: int, fs: float, averaged: bool) -> float:
    """How the logarithm of ``model_scale`` changes with the decay, s."""
    nearby = 1e-4 * decay
    above = math.log(model_scale(decay + nearby, begin_s, window, fs, averaged))
    below = math.log(model_scale(decay - nearby, begin_s, window, fs, averaged))
    return (above - below) / (2.0 * nearby)


@njit(cache=True, nogil=True)
def exponential_rows(
    means: Any,
    begin_s: float,
    step_s: float,
    window: int,
    fs: float,
    averaged: bool,
    highest: float,
    found: Any,
) -> None:
    """Fit (N - c) exp(-decay t) + c to each row; NaN for a row with NaN in it.

    Parameters
    ----------
    means
        (n_rows, n_windows) float64.
    begin_s, step_s
        Time of the first value and distance of the values, s.
    window, fs, averaged
        With ``averaged`` the values are means of the model over ``window`` samples that begin at
        their times, else its values there.
    highest
        The largest decay constant that is looked for, 1/s.
    found
        (n_rows, 7) output: sum of squares, N, decay (1/s), c, N - c, sum of squares about the
        mean, whether the decay lies at a bound.
    """
    n = means.shape[1]
    centred = np.empty(n)
    # One point stands for all that is nearly straight.
    points = np.empty(_POINTS)
    points[0] = math.log(LEAST_DECAYS / ((n - 1) * step_s))
    straight = math.log(_NEARLY_STRAIGHT / ((n - 1) * step_s))
    # Loops where numpy has a function that takes seconds to compile.
    apart = (math.log(highest) - straight) / (_POINTS - 2)
    for k in range(_POINTS - 1):
        points[k + 1] = straight + k * apart
    grid = np.empty(_POINTS)
    for row in range(means.shape[0]):
        values = means[row]
        found[row, :] = np.nan
        mean = 0.0
        for i in range(n):
            mean += values[i]
        mean /= n
        if not math.isfinite(mean):
            continue
        square = 0.0
        for i in range(n):
            centred[i] = values[i] - mean
            square += centred[i] * centred[i]
        best = 0
        for k in range(_POINTS):
            grid[k] = explained(points[k], centred, step_s)
            if grid[k] < grid[best]:
                best = k
        left, right = points[max(best - 1, 0)], points[min(best + 1, _POINTS - 1)]
        x = best_between(left, points[best], right, centred, step_s)
        decay = math.exp(x)
        share, spread, product = moments(decay, centred, step_s)
        at_first = product / spread if spread > 0.0 else 0.0
        offset = mean - at_first * share
        amplitude = at_first / model_scale(decay, begin_s, window, fs, averaged)
        squares = max(square - at_first * product, 0.0)
        found[row, 0] = squares
        found[row, 1] = amplitude + offset
        found[row, 2] = decay
        found[row, 3] = offset
        found[row, 4] = amplitude
        found[row, 5] = square
        found[row, 6] = 1.0 if x < points[0] + 1e-3 or x > points[-1] - 1e-3 else 0.0
