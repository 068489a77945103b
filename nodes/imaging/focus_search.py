"""The profile likelihood of the distance of a plane: scan, maximum, interval. Plain functions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from ...schemas.arrays import F8
from ...schemas.imaging.images import PixelGrid, PlaneFrame
from ...schemas.imaging.sources import ConeMixture, SourceFit
from ...schemas.imaging.uncertainty import PointFit
from .plane_sensitivity import raised
from .source_likelihood import FitProblem, cost, maximum

REFINEMENTS: Final = 3
_EDGE_STEPS: Final = 6


@dataclass(frozen=True)
class DistanceProfile:
    """A point fit whose plane is moved along its normal; each fit begins at the nearest one made.

    ``fit`` is that on the plane itself.
    """

    cones: ConeMixture
    frame: PlaneFrame
    grid: PixelGrid
    settings: PointFit
    fit: SourceFit
    _known: dict[float, F8] = field(default_factory=dict)

    def at(self, place: float) -> tuple[float, float, float, float]:
        """(place, u, v, 2 ln L with the prior of k) of the first source."""
        frame = self.moved(place)
        n = len(self.fit.TS)
        problem = FitProblem(self.cones, frame, self.grid, self.settings)
        if place not in self._known:
            self._known[place] = maximum(problem, self._start(place), n).parameters
        found = self._known[place]
        value, _ = cost(problem, found, n, None)
        return place, float(found[0]), float(found[1]), -2.0 * value

    def moved(self, place: float) -> PlaneFrame:
        """The plane at another place along its normal."""
        normal, origin = np.asarray(self.frame.normal), np.asarray(self.frame.origin_cm)
        return raised(self.frame, float(place - normal @ origin))

    def _start(self, place: float) -> F8:
        """The nearest fit, its sources moved along the rays from the middle of the array."""
        normal = np.asarray(self.frame.normal)
        own = float(normal @ np.asarray(self.frame.origin_cm))
        near = min(self._known, key=lambda known: (abs(known - place), known), default=own)
        start = self._known.get(near, self.fit.parameters).copy()
        middle = self.cones.apex_cm.mean(axis=0)
        height = float(normal @ middle)
        grow = (place - height) / (near - height) if near != height else 1.0
        origin = np.asarray(self.frame.origin_cm)
        for k, axis in enumerate((self.grid.u_axis, self.grid.v_axis)):
            of_middle = float((middle - origin) @ np.asarray(axis))
            own_place = start[k : 2 * len(self.fit.TS) : 2]
            start[k : 2 * len(self.fit.TS) : 2] = of_middle + grow * (own_place - of_middle)
        return start


def scanned(profile: DistanceProfile, places: F8) -> F8:
    """Rows (n, 4) of the fits at some places, made from the plane outwards."""
    own = float(np.asarray(profile.frame.normal) @ np.asarray(profile.frame.origin_cm))
    rows = {}
    for place in sorted((float(p) for p in places), key=lambda p: abs(p - own)):
        rows[place] = profile.at(place)
    return np.array([rows[place] for place in sorted(rows)])


def interval(profile: DistanceProfile, rows: F8) -> tuple[tuple[float, float, float], float]:
    """((best, low, high), 2 ln L at the best): parabolas that narrow, then where it is 1 lower.

    An end that lies outside of what was scanned is NaN; so are both if the best place is the
    first or the last one.
    """
    top = int(np.argmax(rows[:, 3]))
    if top in (0, len(rows) - 1):
        return (float(rows[top, 0]), np.nan, np.nan), float(rows[top, 3])
    step = float(rows[1, 0] - rows[0, 0])
    best, sigma = float(rows[top, 0]), step
    for _ in range(REFINEMENTS):
        y = np.array([profile.at(best + k * step)[3] for k in (-1, 0, 1)])
        curvature = y[0] - 2.0 * y[1] + y[2]
        if not curvature < 0:
            break
        best += float(np.clip(0.5 * (y[0] - y[2]) / curvature, -1.0, 1.0)) * step
        sigma = step * float(np.sqrt(-2.0 / curvature))
        step = min(step, sigma)
    statistic = profile.at(best)[3]
    ends = [_edge(profile, best, statistic, sign * sigma) for sign in (-1.0, 1.0)]
    low, high = (end if rows[0, 0] <= end <= rows[-1, 0] else float("nan") for end in ends)
    return (best, low, high), statistic


def _edge(profile: DistanceProfile, best: float, statistic: float, away: float) -> float:
    """Where 2 ln L is 1 below that of the best place; linear in the root, as of a parabola."""
    for _ in range(_EDGE_STEPS):
        root = np.sqrt(max(statistic - profile.at(best + away)[3], 1e-6))
        if abs(root - 1.0) < 1e-3:
            break
        away /= float(np.clip(root, 0.3, 3.0))
    return best + away
