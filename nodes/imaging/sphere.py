"""Directions spread evenly over the sphere. Plain functions."""

from __future__ import annotations

import numpy as np

from ...schemas.arrays import F8


def fibonacci_directions(n: int) -> F8:
    """Unit vectors (n, 3) of equal areas of the sphere (Gonzalez, Math. Geosci. 42 (2010) 49)."""
    k = np.arange(n) + 0.5
    z, turn = 1.0 - 2.0 * k / n, np.pi * (1.0 + np.sqrt(5.0)) * k
    across = np.sqrt(1.0 - z * z)
    return np.stack([across * np.cos(turn), across * np.sin(turn), z], axis=1)
