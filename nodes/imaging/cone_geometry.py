"""Where cones lie with respect to a point and to the plane. Plain functions on frames."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...schemas.arrays import F8, Mask
from ...schemas.imaging.images import PlaneFrame


def delta_theta_rad(cones: pd.DataFrame, target_cm: F8) -> F8:
    """|phi - theta|, phi the angle between axis and the direction from apex to target.

    phi is taken from cross and dot product: arccos alone loses half the digits near 0.
    """
    ax, ay, az = (cones[f"axis_{a}"].to_numpy() for a in "xyz")
    tx, ty, tz = (target_cm[k] - cones[f"apex_{a}_cm"].to_numpy() for k, a in enumerate("xyz"))
    cross = np.sqrt((ay * tz - az * ty) ** 2 + (az * tx - ax * tz) ** 2 + (ax * ty - ay * tx) ** 2)
    phi = np.arctan2(cross, ax * tx + ay * ty + az * tz)
    return np.asarray(np.abs(phi - cones["theta_rad"].to_numpy()))


def axis_meets_plane(cones: pd.DataFrame, frame: PlaneFrame) -> Mask:
    """Whether apex + t axis lies in the plane for a t > 0."""
    height, slope = _height_and_slope(cones, frame)
    # Not height / slope: an axis parallel to the plane would give infinity.
    return np.asarray(height * slope > 0.0)


def surface_meets_plane(cones: pd.DataFrame, frame: PlaneFrame) -> Mask:
    """Whether any ray at the angle theta to the axis meets the plane.

    The ray closest to the direction of the plane is |alpha - theta| from it, alpha being the
    angle of the axis to that direction. An apex in the plane meets it.
    """
    height, slope = _height_and_slope(cones, frame)
    alpha = np.arccos(np.clip(np.sign(height) * slope, -1.0, 1.0))
    closest = np.abs(alpha - cones["theta_rad"].to_numpy())
    return np.asarray((closest < 0.5 * np.pi) | (height == 0.0))


def surface_excess_cm(cone: pd.Series, points_cm: F8, *, both_halves: bool) -> F8:
    """(X - apex).a - cos(theta) |X - apex| of points (..., 3): 0 on a cone, positive inside.

    With ``both_halves`` the other half of the double cone counts too.
    """
    apex, axis = (
        np.array([cone[pattern.format(a)] for a in "xyz"]) for pattern in ("apex_{}_cm", "axis_{}")
    )
    from_apex = points_cm - apex
    along, length = from_apex @ axis, np.linalg.norm(from_apex, axis=-1)
    cosine = np.cos(cone["theta_rad"])
    if both_halves:
        return np.asarray(np.abs(along) - abs(cosine) * length)
    return np.asarray(along - cosine * length)


def columns3(frame: pd.DataFrame, pattern: str) -> F8:
    """Three columns as an array (n, 3)."""
    out = np.empty((len(frame), 3))
    for k, a in enumerate("xyz"):
        out[:, k] = frame[pattern.format(a)].to_numpy()
    return out


def _height_and_slope(cones: pd.DataFrame, frame: PlaneFrame) -> tuple[F8, F8]:
    normal = np.asarray(frame.normal)
    height = (np.asarray(frame.origin_cm) - columns3(cones, "apex_{}_cm")) @ normal
    return height, columns3(cones, "axis_{}") @ normal


def unit_vectors(vectors: F8) -> F8:
    """Unit vectors (n, 3); NaN for a vector of length zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1)[:, None])
