"""Acceptance of places: pairs of points in bars in, a number a place out."""

from __future__ import annotations

from math import sqrt

from numba import njit, prange

from ....schemas.arrays import F8, I8


@njit(cache=True, nogil=True, parallel=True)
def acceptances(
    first: F8, onward: F8, weight: F8, curve: I8, omega: F8, points: F8, found: F8
) -> None:
    """Fill the sum over pairs of ``weight`` omega(cos) / R1^2 of each of ``points`` (n, 3).

    ``first`` (p, 3) the first points, ``onward`` (p, 3) unit vectors to the second ones, ``curve``
    (p,) the row of ``omega`` (c, a), which stands at equal steps of the cosine from 0 to 1.
    """
    last = omega.shape[1] - 1
    for place in prange(len(points)):
        x, y, z = points[place, 0], points[place, 1], points[place, 2]
        total = 0.0
        for k in range(len(first)):
            ix, iy, iz = first[k, 0] - x, first[k, 1] - y, first[k, 2] - z
            along = ix * onward[k, 0] + iy * onward[k, 1] + iz * onward[k, 2]
            if along > 0.0:
                r2 = ix * ix + iy * iy + iz * iz
                at = min(along / sqrt(r2) * last, last - 1e-9)
                low = int(at)
                row = omega[curve[k]]
                passes = row[low] + (at - low) * (row[low + 1] - row[low])
                total += weight[k] * passes / r2
        found[place] = total
