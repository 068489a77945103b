"""The peak that is fitted to a projection. Plain functions, no nodes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...schemas.arrays import F8
from ...schemas.imaging.images import AxisMetrics
from ..peaks.shapes import FWHM_PER_SIGMA, normal_below


def peak_counts(x: Any, position: float, sigma: float, area: float, ground: float) -> F8:
    """Counts per bin at bin centres ``x``: a normal distribution over the bin, and a flat ground.

    Everything in bins; ``area`` is the counts of the whole peak, ``ground`` those of a bin.
    """
    sigma = max(abs(sigma), 1e-3)
    upper, lower = (normal_below(x + side, position, sigma) for side in (0.5, -0.5))
    return np.asarray(area * (upper - lower) + ground)


def fitted_counts(m: AxisMetrics, positions_cm: Any, step_cm: float) -> F8:
    """The fitted curve of a projection with bins of ``step_cm``, in counts per bin."""
    sigma = m.fit_fwhm_cm / FWHM_PER_SIGMA / step_cm
    x = (np.asarray(positions_cm) - m.fit_pos_cm) / step_cm
    return peak_counts(x, 0.0, sigma, m.fit_area_counts, m.fit_ground_counts)
