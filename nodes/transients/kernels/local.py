"""Medians and spreads over the hits of a scan position, or of the positions around it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from .ordering import median

_MAD_TO_SIGMA = 1.4826


@njit(cache=True, nogil=True)
def local_statistics(
    values: Any, offsets: Any, around: Any, min_hits: int, centre: Any, spread: Any, n: Any
) -> None:
    """Fill centre, spread and number of residuals of each position.

    Parameters
    ----------
    values
        One value a hit, those of a position side by side; NaN is left out.
    offsets
        (n_positions + 1,) where the hits of each position begin.
    around
        (n_positions, k) positions of the neighbourhood, itself among them; -1 = none.
    min_hits
        With so many values a position has a centre of its own, else that of the neighbourhood.
    centre, spread, n
        (n_positions,) outputs: median, 1.4826 times the median of the residuals over the
        neighbourhood, how many these are. NaN, NaN, 0 without values.

    Notes
    -----
    Residuals are taken to the own centre of each position, or, where the centre is that of the
    neighbourhood, to that: a steep edge then widens the spread. The median of an odd number of
    values is one of them: that exact zero is left out, as it says nothing of the spread.
    """
    n_positions = offsets.size - 1
    own = np.empty(n_positions)
    most = 0
    for p in range(n_positions):
        total = 0
        for k in range(around.shape[1]):
            if around[p, k] >= 0:
                total += offsets[around[p, k] + 1] - offsets[around[p, k]]
        most = max(most, total, offsets[p + 1] - offsets[p])
    gathered = np.empty(most)
    # A number, not a literal: for that everything would be compiled a second time.
    none = np.int64(0)
    for p in range(n_positions):
        count = _gathered(values, offsets[p], offsets[p + 1], gathered, none)
        own[p] = median(gathered, count) if count >= min_hits else np.nan
    for p in range(n_positions):
        middle = own[p]
        if np.isnan(middle):
            count = none
            for k in range(around.shape[1]):
                q = around[p, k]
                if q >= 0:
                    count = _gathered(values, offsets[q], offsets[q + 1], gathered, count)
            middle = median(gathered, count) if count else np.nan
        count = none
        for k in range(around.shape[1]):
            q = around[p, k]
            if q < 0:
                continue
            to = middle if np.isnan(own[p]) else own[q]
            if np.isnan(to):
                continue
            here, zero_left = 0, True
            for i in range(offsets[q], offsets[q + 1]):
                here += not np.isnan(values[i])
            for i in range(offsets[q], offsets[q + 1]):
                if np.isnan(values[i]):
                    continue
                residual = abs(values[i] - to)
                if residual == 0.0 and zero_left and here % 2 == 1 and not np.isnan(own[p]):
                    zero_left = False
                    continue
                gathered[count] = residual
                count += 1
        centre[p] = middle
        n[p] = count
        spread[p] = _MAD_TO_SIGMA * median(gathered, count) if count else np.nan


@njit(cache=True, nogil=True)
def _gathered(values: Any, first: int, end: int, gathered: Any, count: int) -> int:
    """Add the values from ``first`` up to ``end`` that are numbers to ``count`` others."""
    for i in range(first, end):
        if not np.isnan(values[i]):
            gathered[count] = values[i]
            count += 1
    return count
