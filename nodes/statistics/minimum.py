"""The minimum of a function of one variable, compiled, for kernels that look for many of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

# The smaller part of a golden section, (3 - sqrt 5) / 2.
_GOLDEN = 0.3819660112501051


@njit(nogil=True)
def brent_minimum(
    function: Any, data: Any, low: float, high: float, tolerance: float, most: int
) -> tuple[float, float, bool]:
    """Where a compiled function(x, data) is least between ``low`` and ``high``.

    Parameters
    ----------
    function, data
        A compiled function of x and ``data`` (any value that kernels take) to a number. With one
        minimum between the ends it is found; with several, one of them.
    low, high
        The ends, low < high. They are never evaluated themselves.
    tolerance
        x is known to this, absolutely; above zero. Below 1e-8 |x| the values do not tell.
    most
        Evaluations at most.

    Returns
    -------
    x, value, converged
        The best point seen. Not converged: ``most`` was not enough. (NaN, NaN, False) if a value
        is NaN.

    Notes
    -----
    R. P. Brent, Algorithms for Minimization without Derivatives (1973), chapter 5: parabolas
    through the three best points, golden sections where these do not help.
    """
    best = second = third = low + _GOLDEN * (high - low)
    f_best = f_second = f_third = function(best, data)
    step = before = 0.0
    for _ in range(most - 1):
        if np.isnan(f_best):
            return np.nan, np.nan, False
        middle = 0.5 * (low + high)
        least = 1e-8 * abs(best) + tolerance / 3.0
        if abs(best - middle) <= 2.0 * least - 0.5 * (high - low):
            return best, f_best, True
        parabolic = False
        if abs(before) > least:
            # The least point of the parabola is best + p / q.
            r = (best - second) * (f_best - f_third)
            q = (best - third) * (f_best - f_second)
            p = (best - third) * q - (best - second) * r
            q = 2.0 * (q - r)
            if q > 0.0:
                p = -p
            q = abs(q)
            shorter = abs(p) < abs(0.5 * q * before)
            if shorter and q * (low - best) < p < q * (high - best):
                parabolic = True
                before = step
                step = p / q
                if min(best + step - low, high - best - step) < 2.0 * least:
                    step = least if best < middle else -least
        if not parabolic:
            before = (high if best < middle else low) - best
            step = _GOLDEN * before
        if abs(step) < least:
            step = least if step > 0.0 else -least
        x = best + step
        f = function(x, data)
        if np.isnan(f):
            return np.nan, np.nan, False
        if f <= f_best:
            if x < best:
                high = best
            else:
                low = best
            third, f_third = second, f_second
            second, f_second = best, f_best
            best, f_best = x, f
            continue
        if x < best:
            low = x
        else:
            high = x
        if f <= f_second or second == best:
            third, f_third = second, f_second
            second, f_second = x, f
        elif f <= f_third or third in (best, second):
            third, f_third = x, f
    return best, f_best, False
