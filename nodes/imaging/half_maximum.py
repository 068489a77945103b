"""Where an image is above half of its highest pixel, and how wide that is. Plain functions."""

from __future__ import annotations

import numpy as np

from ...schemas.arrays import F8
from ...schemas.imaging.images import PixelGrid


def half_maximum_centroid(image: F8, grid: PixelGrid) -> tuple[float, float]:
    """(u, v) in cm, weighted by the image, of the region around its maximum that is above half."""
    region = _region(image)
    weight = np.where(region, image, 0.0)
    total = weight.sum()
    if not total > 0:
        return np.nan, np.nan
    u = float(weight.sum(axis=0) @ grid.u_centers_cm / total)
    v = float(weight.sum(axis=1) @ grid.v_centers_cm / total)
    return u, v


def widths_at_half_maximum(image: F8, grid: PixelGrid) -> tuple[float, float]:
    """(along u, along v) in cm: the lines through the highest pixel, linear between pixels.

    NaN where the image does not fall to half on both sides.
    """
    u_low, u_high, v_low, v_high = edges_at_half_maximum(image, grid)
    return u_high - u_low, v_high - v_low


def edges_at_half_maximum(image: F8, grid: PixelGrid) -> tuple[float, float, float, float]:
    """(u below, u above, v below, v above) in cm where these lines are at half; NaN: nowhere."""
    if not image.max(initial=0.0) > 0:
        return np.nan, np.nan, np.nan, np.nan
    row, column = (int(k) for k in np.unravel_index(int(np.argmax(image)), image.shape))
    u, v = grid.u_centers_cm[column], grid.v_centers_cm[row]
    of_u = (side * grid.du_cm for side in _sides(image[row], column))
    of_v = (side * grid.dv_cm for side in _sides(image[:, column], row))
    (u_below, u_above), (v_below, v_above) = of_u, of_v
    return float(u - u_below), float(u + u_above), float(v - v_below), float(v + v_above)


def _region(image: F8) -> np.ndarray:
    from scipy.ndimage import label

    highest = image.max(initial=0.0)
    labels, _ = label(image >= 0.5 * highest)
    return np.asarray(labels == labels.flat[int(np.argmax(image))])


def _sides(line: F8, top: int) -> tuple[float, float]:
    """Pixels from ``top`` to half of its height, downwards and upwards."""
    half = 0.5 * line[top]
    ends = []
    for part in (line[top::-1], line[top:]):
        below = np.flatnonzero(part < half)
        k = int(below[0]) if len(below) else 0
        ends.append(k - 1 + (part[k - 1] - half) / (part[k - 1] - part[k]) if k else np.nan)
    return float(ends[0]), float(ends[1])
