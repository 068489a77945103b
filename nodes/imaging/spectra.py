"""Values in, counts in bins out, also part by part. Plain functions, no nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...schemas.arrays import F8
from ...schemas.histograms import Histogram
from .cone_geometry import unit_vectors


def filled(histogram: Histogram, values: Any) -> Histogram:
    """A histogram over one axis with further values.

    A value on an edge counts above it, but on the last edge in the last bin.
    """
    (axis,) = histogram.axes
    edges = np.asarray(axis.edges)
    given = np.asarray(values, np.float64)
    known = given[~np.isnan(given)]
    below, above = np.count_nonzero(known < edges[0]), np.count_nonzero(known > edges[-1])
    places = np.concatenate([[below], np.histogram(known, bins=edges)[0], [above]])
    return histogram + Histogram(histogram.axes, places, missing=len(given) - len(known))


@dataclass(frozen=True)
class ThinnedValues:
    """Values as they come, for quantiles: all of them up to ``most``, then every ``step``-th.

    NaN is left out. ``seen`` is how many came.
    """

    values: F8
    step: int = 1
    seen: int = 0
    most: int = 1 << 20

    @classmethod
    def empty(cls, most: int = 1 << 20) -> ThinnedValues:
        """No value yet."""
        return cls(np.zeros(0), most=most)

    def plus(self, values: Any) -> ThinnedValues:
        """With further values."""
        known = np.asarray(values, np.float64)
        known = known[~np.isnan(known)]
        kept, step = np.concatenate([self.values, known[-self.seen % self.step :: self.step]]), 1
        while len(kept) > self.most:
            kept, step = kept[::2], 2 * step
        return ThinnedValues(kept, step * self.step, self.seen + len(known), self.most)

    def quantile(self, share: float) -> float:
        """Below it lies this share of the values; NaN without any."""
        return float(np.quantile(self.values, share)) if len(self.values) else float("nan")


def bin_edges(sample: Any, *, n_bins: int, low: float | None = None, symmetric: bool = False) -> F8:
    """Edges for values like ``sample``: all but the largest half per cent lies in the bins.

    ``low`` fixes the first edge; ``symmetric`` puts zero into the middle.
    """
    known = np.asarray(sample, np.float64)
    known = known[np.isfinite(known)]
    if not len(known):
        return np.linspace(-1.0 if symmetric else 0.0 if low is None else low, 1.0, n_bins + 1)
    if symmetric:
        reach = float(np.quantile(np.abs(known), 0.95)) or 1.0
        return np.linspace(-reach, reach, n_bins + 1)
    first = float(np.quantile(known, 0.005)) if low is None else low
    last = float(np.quantile(known, 0.995))
    last = last if last > first else first + (abs(first) or 1.0)
    room = 0.02 * (last - first)
    return np.linspace(first - (room if low is None else 0.0), last + room, n_bins + 1)


def signed_delta_rad(apex_cm: Any, axis: Any, theta_rad: Any, target_cm: Any) -> F8:
    """phi - theta of cones, phi the angle between axis and the direction to the target.

    ``apex_cm`` and ``axis`` have shape (n, 3). Positive: the target lies outside of the cone.
    phi is taken from cross and dot product, as in cone_geometry.delta_theta_rad.
    """
    apex, unit = np.asarray(apex_cm, np.float64), np.asarray(axis, np.float64)
    to = np.asarray(target_cm, np.float64) - apex
    cross = np.linalg.norm(np.cross(unit, to), axis=1)
    phi = np.arctan2(cross, np.einsum("ij,ij->i", unit, to))
    return np.asarray(phi - np.asarray(theta_rad, np.float64))


def flight_axis(first_cm: Any, second_cm: Any) -> F8:
    """Unit vectors from the second scatter to the first, shape (n, 3)."""
    return unit_vectors(np.asarray(first_cm, np.float64) - np.asarray(second_cm, np.float64))
