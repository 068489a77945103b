"""Baseband samples mixed down by a quarter of the sampling rate and put through a low pass."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

# Outputs that are computed together: the sums and what they are made of stay in the first cache.
_BLOCK = 512


@njit(cache=True, nogil=True, fastmath={"contract"})
def filtered_every(
    iq: Any, taps: Any, first: int, every: int, count: int, work: Any, filtered: Any
) -> None:
    """Fill the first ``count`` columns of ``filtered`` with samples of the filtered signal.

    Parameters
    ----------
    iq
        (n_samples, 2) int16; times 1, -j, -1, +j repeated, counted from sample 0.
    taps
        (n_taps,) of the low pass, applied as they stand ("valid").
    first, every, count
        The outputs are those at ``first``, ``first + every`` ...; the last one needs sample
        ``first + (count - 1) every + n_taps - 1``.
    work
        (2, m) float64 scratch, m at least ``every (count + n_taps // every + 1)``.
    filtered
        (2, m) output: real part, imaginary part.

    Notes
    -----
    Input samples are laid out by their place modulo ``every``, so that the inner loops run over
    neighbours whatever is left out.
    """
    n_taps = taps.size
    width = count + (n_taps - 1) // every + 1
    _mixed(iq, first, every, width, work)
    real, imaginary = filtered[0], filtered[1]
    for begin in range(0, count, _BLOCK):
        size = min(_BLOCK, count - begin)
        re = real[begin : begin + size]
        im = imaginary[begin : begin + size]
        re[:] = 0.0
        im[:] = 0.0
        for p in range(every):
            n_here = (n_taps - 1 - p) // every + 1
            q = 0
            base = p * width + begin
            while q + 4 <= n_here:
                h0 = taps[every * q + p]
                h1 = taps[every * (q + 1) + p]
                h2 = taps[every * (q + 2) + p]
                h3 = taps[every * (q + 3) + p]
                a = work[0, base + q : base + q + size + 3]
                b = work[1, base + q : base + q + size + 3]
                for i in range(size):
                    re[i] += h0 * a[i] + h1 * a[i + 1] + h2 * a[i + 2] + h3 * a[i + 3]
                    im[i] += h0 * b[i] + h1 * b[i + 1] + h2 * b[i + 2] + h3 * b[i + 3]
                q += 4
            while q < n_here:
                h = taps[every * q + p]
                a = work[0, base + q : base + q + size]
                b = work[1, base + q : base + q + size]
                for i in range(size):
                    re[i] += h * a[i]
                    im[i] += h * b[i]
                q += 1


@njit(cache=True, nogil=True)
def _mixed(iq: Any, first: int, every: int, width: int, work: Any) -> None:
    """Samples from ``first`` on, mixed, at ``place % every * width + place // every``."""
    n = iq.shape[0]
    for p in range(every):
        n_here = min(width, max((n - first - p - 1) // every + 1, 0))
        # The mixer is the same again after four samples of one phase.
        for start in range(4):
            k0 = first + p + start * every
            turn = k0 % 4
            from_i = np.array([1.0, 0.0, -1.0, 0.0])[turn]
            from_q = np.array([0.0, 1.0, 0.0, -1.0])[turn]
            for j in range(start, n_here, 4):
                k = first + p + j * every
                i, q = float(iq[k, 0]), float(iq[k, 1])
                work[0, p * width + j] = from_i * i + from_q * q
                work[1, p * width + j] = from_i * q - from_q * i
        for j in range(n_here, width):
            work[0, p * width + j] = 0.0
            work[1, p * width + j] = 0.0
