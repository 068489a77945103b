"""Back projections of replicas: rows of pixels once, added as often as each replica counts them."""

from __future__ import annotations

import numpy as np
from numba import njit

from ....schemas.arrays import F4, F8
from .cone_rows import SeenCones, add_normalised, add_thickened

# Pixels whose sums and rows lie in the nearest memory together.
_TILE = 1024


@njit(cache=True, nogil=True)
def normalised_rows(begin: int, end: int, seen: SeenCones, rows: F4) -> None:
    """Fill rows 0 to end - begin: those of events [begin, end), the largest pixel of each 1."""
    row = np.empty(rows.shape[1])
    for event in range(begin, end):
        row[:] = 0.0
        add_normalised(event, event + 1, seen, row)
        rows[event - begin] = row.astype(np.float32)


@njit(cache=True, nogil=True)
def thickened_rows(begin: int, end: int, seen: SeenCones, rows: F4) -> None:
    """Fill rows 0 to end - begin: 1 where an event of [begin, end) lies within one sigma."""
    row = np.empty(rows.shape[1])
    for event in range(begin, end):
        row[:] = 0.0
        add_thickened(event, event + 1, seen, row)
        rows[event - begin] = row.astype(np.float32)


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def add_rows(rows: F4, often: F4, images: F8) -> None:
    """Add ``rows`` (n, pixels) to ``images`` (k, pixels), each ``often`` (k, n) times."""
    n_pixels = rows.shape[1]
    part = np.empty(_TILE, np.float32)
    for first in range(0, n_pixels, _TILE):
        n = min(_TILE, n_pixels - first)
        for k in range(len(often)):
            part[:n] = np.float32(0.0)
            for i in range(len(rows)):
                times = often[k, i]
                if times > np.float32(0.0):
                    row = rows[i, first : first + n]
                    for j in range(n):
                        part[j] += times * row[j]
            image = images[k, first : first + n]
            for j in range(n):
                image[j] += part[j]
