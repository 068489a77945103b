"""One integer pass over the samples of recordings: stretches of zeros, ends of the range."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def sample_pass(iq: Any, n_there: Any, end_adc: int, longest_zero: Any, n_clipped: Any) -> None:
    """Fill one row of each output a recording.

    Parameters
    ----------
    iq
        (n_recordings, n_samples, 2) int16.
    n_there
        (n_recordings,) samples that each holds; the rest is not looked at.
    end_adc
        |I| or |Q| from here on is at the end of the range.
    longest_zero, n_clipped
        (n_recordings,) int64 outputs: most samples in a row with I = Q = 0, samples at the end.
    """
    for row in range(iq.shape[0]):
        run = longest = clipped = 0
        for k in range(n_there[row]):
            # The magnitude of -32768 is no 16-bit number.
            i, q = np.int64(iq[row, k, 0]), np.int64(iq[row, k, 1])
            if i == 0 and q == 0:
                run += 1
                longest = max(longest, run)
            else:
                run = 0
            if max(abs(i), abs(q)) >= end_adc:
                clipped += 1
        longest_zero[row] = longest
        n_clipped[row] = clipped
