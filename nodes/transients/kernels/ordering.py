"""Places in the order of values, and their median."""

from __future__ import annotations

from typing import Any

from numba import njit


@njit(cache=True, nogil=True)
def ordered(values: Any, n: int, place: int) -> float:
    """The value at a place of the first ``n`` in their order; moves them (C. Hoare, 1961)."""
    # Not by a sort, nor by numpy's median: these take longer to compile than all that calls them.
    left, right = 0, n - 1
    while left < right:
        pivot = values[(left + right) // 2]
        i, j = left, right
        while i <= j:
            while values[i] < pivot:
                i += 1
            while pivot < values[j]:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if place <= j:
            right = j
        elif place >= i:
            left = i
        else:
            break
    return float(values[place])


@njit(cache=True, nogil=True)
def median(values: Any, n: int) -> float:
    """The median of the first ``n`` values, at least one; moves them."""
    lower = ordered(values, n, (n - 1) // 2)
    return lower if n % 2 else 0.5 * (lower + ordered(values, n, n // 2))
