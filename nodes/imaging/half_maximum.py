"""Where an image is above half of its highest pixel, and how wide that is. Plain functions."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import label

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
    if not image.max(initial=0.0) > 0:
        return np.nan, np.nan
    row, column = np.unravel_index(int(np.argmax(image)), image.shape)
    along_u = _width(image[row], int(column), grid.du_cm)
    return along_u, _width(image[:, column], int(row), grid.dv_cm)


def _region(image: F8) -> np.ndarray:
    highest = image.max(initial=0.0)
    labels, _ = label(image >= 0.5 * highest)
    return np.asarray(labels == labels.flat[int(np.argmax(image))])


def _width(line: F8, top: int, step: float) -> float:
    half = 0.5 * line[top]
    ends = []
    for part in (line[top:], line[top::-1]):
        below = np.flatnonzero(part < half)
        if len(below) == 0:
            return float("nan")
        k = int(below[0])
        ends.append(k - 1 + (part[k - 1] - half) / (part[k - 1] - part[k]))
    return float(sum(ends) * step)
