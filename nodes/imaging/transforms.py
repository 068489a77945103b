"""Positions of hits in the world frame: r' = Rz(rz) Ry(ry) Rx(rx) r + origin.

First the detector's own transform, then that of the detector frame. Plain functions.
"""

from __future__ import annotations

import numpy as np

from ...schemas.arrays import F8
from ...schemas.imaging.detectors import Detectors
from ...schemas.imaging.images import Vector3


def _rotation(angles_deg: Vector3) -> F8:
    """Rz Ry Rx of angles (rx, ry, rz) in degrees."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(np.radians(angles_deg)), np.sin(np.radians(angles_deg))
    rx = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    ry = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    rz = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return np.asarray(rz @ ry @ rx)


def _moved(position_cm: F8, origin_cm: Vector3, rotation_deg: Vector3) -> F8:
    if not any(rotation_deg) and not any(origin_cm):
        return position_cm
    turned = position_cm @ _rotation(rotation_deg).T if any(rotation_deg) else position_cm
    return turned + np.asarray(origin_cm)


def world_positions_cm(position_cm: F8, det_id: np.ndarray, detectors: Detectors) -> F8:
    """Positions (n, 3) in the world frame."""
    position_cm = position_cm.copy()
    for placement in detectors.geometry.detectors:
        mine = det_id == placement.id
        position_cm[mine] = _moved(position_cm[mine], placement.origin_cm, placement.rotation_deg)
    frame = detectors.geometry.frame
    return _moved(position_cm, frame.origin_cm, frame.rotation_deg)
