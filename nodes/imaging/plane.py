"""Coordinates of the imaging plane: world frame in, (u, v) in cm out, and back.

Plain functions without nodes.
"""

from __future__ import annotations

import numpy as np

from ...schemas.arrays import F8
from ...schemas.imaging.images import PixelGrid, PlaneFrame, RegionOfInterest, Vector3

_NEARLY_X = 0.9


def unit(vector: Vector3 | F8) -> F8:
    """The vector over its length."""
    array = np.asarray(vector, np.float64)
    return np.asarray(array / np.linalg.norm(array))


def plane_axes(normal: Vector3, u_axis: Vector3 | None, v_axis: Vector3 | None) -> tuple[F8, F8]:
    """Unit vectors u and v of a plane; an absent one follows from the others.

    Without both: t is x, or y where the normal is within 26 degrees of x; u = unit(n x t) and
    v = unit(n x u).
    """
    n = unit(normal)
    if u_axis is None and v_axis is None:
        t = np.array([0.0, 1.0, 0.0]) if abs(n[0]) > _NEARLY_X else np.array([1.0, 0.0, 0.0])
        u = unit(np.cross(n, t))
    elif u_axis is None:
        assert v_axis is not None
        u = unit(np.cross(unit(v_axis), n))
    else:
        u = _across(u_axis, n)
    v = unit(np.cross(n, u)) if v_axis is None else _across(v_axis, n, u)
    return u, v


def world_to_plane(position_cm: F8, frame: PlaneFrame, grid: PixelGrid) -> tuple[F8, F8, F8]:
    """(u, v, height over the plane) of positions (n, 3)."""
    relative = np.asarray(position_cm) - np.asarray(frame.origin_cm)
    return (
        relative @ np.asarray(grid.u_axis),
        relative @ np.asarray(grid.v_axis),
        relative @ np.asarray(frame.normal),
    )


def plane_to_world(u_cm: F8, v_cm: F8, frame: PlaneFrame, grid: PixelGrid) -> F8:
    """Positions (n, 3) of points of the plane."""
    return np.asarray(
        np.asarray(frame.origin_cm)
        + np.multiply.outer(np.asarray(u_cm), np.asarray(grid.u_axis))
        + np.multiply.outer(np.asarray(v_cm), np.asarray(grid.v_axis))
    )


def corners_cm(part: RegionOfInterest | PixelGrid) -> tuple[F8, F8]:
    """u and v of the corners of a rectangle of the plane, the first one again at the end."""
    low_u, high_u, low_v, high_v = part.u_min_cm, part.u_max_cm, part.v_min_cm, part.v_max_cm
    return (
        np.array([low_u, high_u, high_u, low_u, low_u]),
        np.array([low_v, low_v, high_v, high_v, low_v]),
    )


def _across(vector: Vector3, *others: F8) -> F8:
    """The unit vector along ``vector`` without what it has along ``others``.

    Settings are orthogonal within 1e-6 only; the coordinates are inverse to rounding.
    """
    across = unit(vector)
    for other in others:
        across = unit(across - (across @ other) * other)
    return across
