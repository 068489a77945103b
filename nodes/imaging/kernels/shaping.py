"""Shaping kernels: which hits of a raw event make the events, as row numbers.

Rows come sorted by raw event; ``offsets`` (n_windows + 1) cuts them into windows.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numba import njit

# No array is made here and nobody calls from C: less to compile in a first run.
_kernel = partial(njit, cache=True, nogil=True, _nrt=False, no_cfunc_wrapper=True)


@_kernel()
def first_by_key(offsets: Any, key: Any, take: int, out: Any) -> int:
    """The ``take`` rows of least key of each window with enough rows; ties in row order.

    Returns the number of events; ``out`` (n_windows, take) holds rows in order of the key.
    """
    n = 0
    for w in range(offsets.shape[0] - 1):
        begin = offsets[w]
        end = offsets[w + 1]
        if end - begin < take:
            continue
        filled = 0
        for row in range(begin, end):
            place = filled
            while place > 0 and key[out[n, place - 1]] > key[row]:
                place -= 1
            if place < take:
                last = min(filled, take - 1)
                for k in range(last, place, -1):
                    out[n, k] = out[n, k - 1]
                out[n, place] = row
                filled = min(filled + 1, take)
        n += 1
    return n


@_kernel()
def all_combinations(offsets: Any, take: int, most: int, out: Any) -> int:
    """Every pair or triple of each window in lexicographic order, at most ``most`` of them."""
    n = 0
    for w in range(offsets.shape[0] - 1):
        begin = offsets[w]
        end = offsets[w + 1]
        taken = 0
        for i in range(begin, end):
            for j in range(i + 1, end):
                if take == 2:
                    if taken < most:
                        out[n, 0] = i
                        out[n, 1] = j
                        n += 1
                        taken += 1
                    continue
                for k in range(j + 1, end):
                    if taken < most:
                        out[n, 0] = i
                        out[n, 1] = j
                        out[n, 2] = k
                        n += 1
                        taken += 1
            if taken >= most:
                break
    return n


@_kernel()
def sort_rows_by_time(rows: Any, t_ns: Any) -> None:
    """Put the rows of each event in order of time, equal times in row order."""
    take = rows.shape[1]
    for e in range(rows.shape[0]):
        for i in range(1, take):
            row = rows[e, i]
            k = i
            while k > 0 and (
                t_ns[rows[e, k - 1]] > t_ns[row]
                or (t_ns[rows[e, k - 1]] == t_ns[row] and rows[e, k - 1] > row)
            ):
                rows[e, k] = rows[e, k - 1]
                k -= 1
            rows[e, k] = row


def rows_needed(offsets: np.ndarray, take: int, most: int) -> int:
    """Upper bound of the number of events of all windows."""
    size = np.diff(offsets)
    n = size * (size - 1) // 2 if take == 2 else size * (size - 1) * (size - 2) // 6
    return int(np.minimum(n, most).sum())
