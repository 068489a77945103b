"""Mode and width of the peak of a distribution with tails. Plain functions, no nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ...schemas.arrays import F8
from ..statistics.widths import MAD_TO_SIGMA, MEDIAN_ERROR

FEWEST: Final = 50
_CLIPPED_PERCENT: Final = (1.0, 99.0)
_MEDIAN_PERCENT: Final = (50.0, 52.0)
_MOST_BINS_OF_RANGE: Final = 1000.0
_BINS_A_MAD: Final = 3.0
_BINS_TO_A_SIDE: Final = 10
_MOST_STEPS: Final = 50


@dataclass(frozen=True)
class ModeWidth:
    """Mode, its error, and width (FWHM / 2.355) of n values.

    ``fitted`` says whether they are of a fit; otherwise the median and 1.4826 MAD.
    """

    mode: float
    mode_err: float
    width: float
    n: int
    fitted: bool


def mode_and_width(values: Any) -> ModeWidth:
    """Mode and width of the values, NaN left out, by a Gaussian fit to bins around the top.

    The values are clipped to their 1 to 99 % points. A bin is P52 - P50 wide, at least 1/1000 of
    the range, and at least a third of the MAD, so that 21 bins hold the peak. The fit is of
    Poisson's likelihood. Without 50 values, or a maximum in the bins: median and 1.4826 MAD; NaN
    without any value.
    """
    given = np.asarray(values, dtype=np.float64)
    given = given[np.isfinite(given)]
    n = len(given)
    if n == 0:
        return ModeWidth(np.nan, np.nan, np.nan, 0, fitted=False)
    median = float(np.median(given))
    mad = float(np.median(np.abs(given - median)))
    plain = ModeWidth(
        median, MEDIAN_ERROR * MAD_TO_SIGMA * mad / np.sqrt(n), MAD_TO_SIGMA * mad, n, fitted=False
    )
    low, high = np.percentile(given, _CLIPPED_PERCENT)
    if n < FEWEST or not high > low:
        return plain
    p50, p52 = np.percentile(given, _MEDIAN_PERCENT)
    bin_width = max(p52 - p50, (high - low) / _MOST_BINS_OF_RANGE, mad / _BINS_A_MAD)
    edges = low + bin_width * np.arange(int(np.ceil((high - low) / bin_width)) + 1)
    counts = np.histogram(given, edges)[0]
    smooth = np.convolve(counts, np.ones(3), "same")
    top = int(smooth.argmax())
    near = slice(max(top - _BINS_TO_A_SIDE, 0), top + _BINS_TO_A_SIDE + 1)
    middles = 0.5 * (edges[1:] + edges[:-1])[near]
    found = _gaussian(counts[near].astype(np.float64), (middles - middles.mean()) / bin_width)
    if found is None:
        return plain
    at, at_err, sigma = (bin_width * value for value in found)
    mode = float(middles.mean() + at)
    if not low <= mode <= high or not sigma < high - low:
        return plain
    return ModeWidth(mode, float(at_err), float(sigma), n, fitted=True)


def _gaussian(counts: F8, x: F8) -> tuple[float, float, float] | None:
    """Mode, its error and sigma of a Gaussian rate, None where the rate has no maximum.

    Its logarithm is a parabola, so Poisson's likelihood has one maximum, found by Newton's steps
    (P. McCullagh and J. A. Nelder, Generalized Linear Models (1989), 2.5).
    """
    powers = np.stack([np.ones_like(x), x, x * x], axis=1)
    start = np.log(counts + 0.5)
    c = np.linalg.lstsq(powers * np.sqrt(counts + 0.5)[:, None], start * np.sqrt(counts + 0.5))[0]
    for _ in range(_MOST_STEPS):
        rate = np.exp(np.clip(powers @ c, -50.0, 50.0))
        matrix = powers.T @ (powers * rate[:, None])
        try:
            step = np.linalg.solve(matrix, powers.T @ (counts - rate))
        except np.linalg.LinAlgError:
            return None
        c = c + step
        if np.abs(step).max() < 1e-10:
            break
    if not c[2] < 0.0 or not np.isfinite(c).all():
        return None
    at = float(-0.5 * c[1] / c[2])
    gradient = np.array([0.0, -0.5 / c[2], 0.5 * c[1] / c[2] ** 2])
    covariance = np.linalg.pinv(matrix)
    error = float(np.sqrt(max(gradient @ covariance @ gradient, 0.0)))
    return at, error, float(np.sqrt(-0.5 / c[2]))
