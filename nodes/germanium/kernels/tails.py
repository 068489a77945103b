"""Tails of pulses: the decay time of each, and the mean of all as a sum of whole numbers."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from .pulses import line

SCALE: Final = 1 << 24
"""Samples are summed in units of 1/SCALE of the mean of their tail, so that sums are exact."""
_BLOCK: Final = 8
_MOST_DRIFT: Final = 4.0
_MOST_RISE: Final = 3.0
TAKEN, DRIFTING, SMALL, LATE, PILED_UP = range(5)


@njit(cache=True, nogil=True)
def tail_rows(
    slow: Any,
    usable: Any,
    baseline: int,
    skip: int,
    length: int,
    least_height: float,
    taus: Any,
    codes: Any,
    sums: Any,
    squares: Any,
) -> int:
    """Decay times in samples of the tails that are taken, and their sum; how many there are.

    Parameters
    ----------
    slow
        Waveforms (n, samples).
    usable
        Which rows are looked at, (n,).
    baseline, skip, length
        Samples without pulse; from the half of the pulse to its tail; of the tail.
    least_height
        Pulses that are smaller are not taken.
    taus, codes
        Outputs (n,): the decay time of a line through the logarithms, NaN where it is not taken,
        and why not.
    sums, squares
        Outputs (length,) of int64, to which the tails of mean 1 and their squares are added.
    """
    n_samples = slow.shape[1]
    n_taken = 0
    weight = length * (length * length - 1.0) / 12.0
    middle = 0.5 * (length - 1)
    for row in range(slow.shape[0]):
        taus[row] = np.nan
        codes[row] = SMALL
        if not usable[row]:
            continue
        wave = slow[row]
        pedestal, _, slope, _, rms = line(wave, 0, baseline)
        if not abs(slope) * baseline <= _MOST_DRIFT * rms:
            codes[row] = DRIFTING
            continue
        height = wave[baseline]
        for i in range(baseline, n_samples):
            height = max(height, wave[i])
        height -= pedestal
        if not height >= least_height:
            continue
        begin = baseline
        while wave[begin] - pedestal < 0.5 * height:
            begin += 1
        begin += skip
        codes[row] = LATE
        if begin + length > n_samples:
            continue
        codes[row] = PILED_UP
        if _rises(wave, begin, length, _MOST_RISE * rms):
            continue
        total = logs = weighted = 0.0
        for i in range(length):
            value = wave[begin + i] - pedestal
            total += value
            logarithm = np.log(value) if value > 0.0 else np.nan
            logs += logarithm
            weighted += logarithm * i
        fall = (weighted - middle * logs) / weight
        if not fall < 0.0:
            continue
        codes[row] = TAKEN
        taus[row] = -1.0 / fall
        mean = total / length
        for i in range(length):
            value = (wave[begin + i] - pedestal) / mean
            sums[i] += np.int64(np.rint(value * SCALE))
            squares[i] += np.int64(np.rint(value * value * SCALE))
        n_taken += 1
    return n_taken


@njit(cache=True, nogil=True)
def _rises(wave: Any, begin: int, length: int, most: float) -> bool:
    """Whether means of neighbouring blocks rise by more than noise does."""
    before = np.inf
    for block in range(length // _BLOCK):
        mean = 0.0
        for i in range(_BLOCK):
            mean += wave[begin + block * _BLOCK + i]
        mean /= _BLOCK
        if not mean - before <= most:
            return True
        before = mean
    return False
