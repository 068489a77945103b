"""Widths of a distribution that a few values far outside do not move, each under its own name.

For normal values both are the standard deviation; for any other distribution they differ.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from ...schemas.arrays import F8

MAD_TO_SIGMA: Final = 1.4826
"""1 / (the 75 % point of a normal distribution): what the MAD of normal values is scaled by."""
MEDIAN_ERROR: Final = 1.2533
"""sqrt(pi / 2): error of the median of normal values, in units of that of their mean."""


def mad_sigma(values: Any, centre: Any = None, *, axis: int | None = None) -> F8:
    """1.4826 times the median of |values - centre|, in the unit of the values.

    ``centre`` is the median of the values if it is not given; it broadcasts against them. NaN is
    left out; NaN where nothing is left. Without ``axis`` over all values, shape ().
    """
    given = np.asarray(values, dtype=np.float64)
    middle = median_of(given, axis=axis, keepdims=True) if centre is None else centre
    return MAD_TO_SIGMA * median_of(np.abs(given - middle), axis=axis)


def half_central_68(p16: Any, p84: Any) -> F8:
    """Half the width of the central 68 %, of the 16 % and 84 % points of the values."""
    return np.asarray(0.5 * (np.asarray(p84) - np.asarray(p16)))


def median_of(values: Any, *, axis: int | None = None, keepdims: bool = False) -> F8:
    """The median of the values that are not NaN; NaN where there is none."""
    given = np.asarray(values, dtype=np.float64)
    some = (~np.isnan(given)).any(axis=axis, keepdims=True)
    found = np.full(some.shape, np.nan)
    if some.any():
        # numpy warns of a median of nothing, so zeros stand in for it.
        of_known = np.nanmedian(np.where(some, given, 0.0), axis=axis, keepdims=True)
        found = np.where(some, of_known, np.nan)
    return found if keepdims else np.squeeze(found, axis=axis)


def central_interval(values: F8, level: float) -> tuple[int, float, float, float]:
    """(how many are numbers, low, median, high): ``level`` of the numbers lie from low to high.

    Quantiles between two values are linear (Efron and Tibshirani, An Introduction to the
    Bootstrap (1993), chapter 13: the percentile interval). NaN where there is no number.
    """
    known = values[np.isfinite(values)]
    if not len(known):
        return 0, np.nan, np.nan, np.nan
    tail = 0.5 * (1.0 - level)
    low, median, high = np.quantile(known, [tail, 0.5, 1.0 - tail])
    return len(known), float(low), float(median), float(high)
