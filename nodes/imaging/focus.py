"""How far away the source is: the likelihood of the point fit against the distance of the plane.

Everything else is fitted anew at each distance. The cones of an array that is small against the
distance say little of it, and a bias of the angle that depends on the place in the array is worth
many centimetres: beside the interval stands a systematic error of 15 %.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.arrays import F8
from ...schemas.imaging.images import PixelGrid, PlaneFrame
from ...schemas.imaging.reconstructed import FOCUS_CURVE, FOCUS_DISTANCE
from ...schemas.imaging.sources import ConeMixture, SourceFit
from ...schemas.imaging.uncertainty import Focus, PointFit
from .focus_search import DistanceProfile, interval, scanned
from .plane_sensitivity import raised

NEAREST: Final = 0.6
FARTHEST: Final = 1.6
SYSTEMATIC: Final = 0.15


@dataclass(frozen=True)
class FocusScan:
    """Places along the normal with the fit of each, (n, 4): place, u, v, 2 ln L."""

    scanned: F8
    best: tuple[float, float, float]
    plane_cm: float
    plane_statistic: float
    best_statistic: float
    array_cm: float


@tag(stage="reconstruction", scope="run", helper="true")
def focus_scan(
    source_fit: SourceFit,
    cone_mixture: ConeMixture,
    plane_frame: PlaneFrame,
    pixel_grid: PixelGrid,
    point_fit: PointFit,
    focus: Focus,
) -> FocusScan:
    """The point fit at each distance, and around the best one."""
    fit, frame, settings = _at_its_distance(source_fit, plane_frame, point_fit)
    normal = np.asarray(plane_frame.normal)
    plane_cm = float(normal @ np.asarray(plane_frame.origin_cm))
    if not len(source_fit.parameters):
        return FocusScan(np.zeros((0, 4)), (plane_cm,) * 3, plane_cm, 0.0, 0.0, plane_cm)
    array_cm = float((cone_mixture.apex_cm @ normal).mean())
    ends = sorted(array_cm + share * (plane_cm - array_cm) for share in (NEAREST, FARTHEST))
    low = ends[0] if focus.min_cm is None else focus.min_cm
    high = ends[1] if focus.max_cm is None else focus.max_cm
    profile = DistanceProfile(cone_mixture, frame, pixel_grid, settings, fit)
    rows = scanned(profile, np.linspace(low, high, focus.steps))
    best, statistic = interval(profile, rows)
    own = profile.at(plane_cm)
    return FocusScan(rows, best, plane_cm, own[3], statistic, array_cm)


def _at_its_distance(
    fit: SourceFit, frame: PlaneFrame, settings: PointFit
) -> tuple[SourceFit, PlaneFrame, PointFit]:
    """A fit whose distance was free as that on the plane where it ended."""
    if not settings.free_distance or not len(fit.parameters):
        return fit, frame, settings
    *parameters, height = fit.parameters
    rest = np.array(parameters)
    fit = replace(fit, parameters=rest, covariance=fit.covariance[:-1, :-1])
    return fit, raised(frame, height), settings.model_copy(update={"free_distance": False})


@tag(stage="reconstruction", schema="FocusCurve", scope="run")
def focus_curve(focus_scan: FocusScan) -> pd.DataFrame:
    """2 ln L of the point fit against the place of the plane along its normal."""
    place, u, v, statistic = focus_scan.scanned.T
    deficit = np.maximum(focus_scan.best_statistic - statistic, 0.0)
    columns = {"distance_cm": place, "u_cm": u, "v_cm": v, "deficit": deficit}
    return FOCUS_CURVE.frame(columns)


@tag(stage="reconstruction", schema="FocusDistance", scope="run")
def focus_distance_cm(focus_scan: FocusScan) -> pd.DataFrame:
    """The place of the plane along its normal where the source is in focus; none without events."""
    if not len(focus_scan.scanned):
        return FOCUS_DISTANCE.empty()
    place, low, high = focus_scan.best
    deficit = max(focus_scan.best_statistic - focus_scan.plane_statistic, 0.0)
    return FOCUS_DISTANCE.frame(
        {
            "distance_cm": [place],
            "low68_cm": [low],
            "high68_cm": [high],
            "systematic_cm": [SYSTEMATIC * abs(place - focus_scan.array_cm)],
            "deficit_of_plane": [deficit],
        }
    )
