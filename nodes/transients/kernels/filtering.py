"""Baseband samples mixed down by a quarter of the sampling rate and put through a low pass."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

# Outputs that are computed together: the sums and what they are made of stay in the first cache.
_BLOCK = 512


@njit(cache=True, nogil=True)
def work_size(every: int, n_taps: int) -> int:
    """Numbers of scratch that ``filtered_every`` needs for each of its two parts."""
    return every * (_BLOCK + n_taps // every + 1)


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
        (2, m) float64 scratch, m at least ``work_size(every, n_taps)``.
    filtered
        (2, m) output: real part, imaginary part.

    Notes
    -----
    Input samples are laid out by their place modulo ``every``, so that the inner loops run over
    neighbours whatever is left out.
    """
    n_taps = taps.size
    for begin in range(0, count, _BLOCK):
        size = min(_BLOCK, count - begin)
        width = size + (n_taps - 1) // every + 1
        # A block at a time, so that what is laid out is filtered while it is in the first cache.
        _mixed(iq, first + begin * every, every, width, work)
        for part in range(2):
            out = filtered[part, begin : begin + size]
            out[:] = 0.0
            for p in range(every):
                n_here = (n_taps - 1 - p) // every + 1
                base = p * width
                q = 0
                while q + 8 <= n_here:
                    source = work[part, base + q : base + q + size + 7]
                    _add_eight(out, source, taps, every * q + p, every)
                    q += 8
                while q < n_here:
                    h = taps[every * q + p]
                    source = work[part, base + q : base + q + size]
                    for i in range(size):
                        out[i] += h * source[i]
                    q += 1


@njit(cache=True, nogil=True, fastmath={"contract"})
def _add_eight(out: Any, source: Any, taps: Any, first: int, every: int) -> None:
    """Add eight taps, ``every`` apart: what is loaded once serves all."""
    h0, h1, h2, h3 = (
        taps[first],
        taps[first + every],
        taps[first + 2 * every],
        taps[first + 3 * every],
    )
    later = first + 4 * every
    h4, h5, h6, h7 = (
        taps[later],
        taps[later + every],
        taps[later + 2 * every],
        taps[later + 3 * every],
    )
    for i in range(out.size):
        near = h0 * source[i] + h1 * source[i + 1] + h2 * source[i + 2] + h3 * source[i + 3]
        far = h4 * source[i + 4] + h5 * source[i + 5] + h6 * source[i + 6] + h7 * source[i + 7]
        out[i] += near + far


@njit(cache=True, nogil=True)
def _mixed(iq: Any, first: int, every: int, width: int, work: Any) -> None:
    """Samples from ``first`` on, mixed, at ``place % every * width + place // every``."""
    n = iq.shape[0]
    from_i, from_q = np.array([1.0, 0.0, -1.0, 0.0]), np.array([0.0, 1.0, 0.0, -1.0])
    for p in range(every):
        n_here = min(width, max((n - first - p - 1) // every + 1, 0))
        # The mixer is the same again after four samples of one phase.
        for start in range(4):
            turn = (first + p + start * every) % 4
            of_i, of_q = from_i[turn], from_q[turn]
            for j in range(start, n_here, 4):
                k = first + p + j * every
                i, q = float(iq[k, 0]), float(iq[k, 1])
                work[0, p * width + j] = of_i * i + of_q * q
                work[1, p * width + j] = of_i * q - of_q * i
        for j in range(n_here, width):
            work[0, p * width + j] = 0.0
            work[1, p * width + j] = 0.0
