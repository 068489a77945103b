"""The width of peaks as a function of energy. No nodes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np

from ...schemas.arrays import F8
from ...schemas.germanium.energy import ResolutionCurve
from ...schemas.germanium.lines import ENERGY_LINES
from ...schemas.germanium.peaks import PeakFit

_MOST_STEPS: Final = 50


def resolution_of(peaks: Mapping[str, PeakFit], n_coefficients: int) -> ResolutionCurve:
    """FWHM^2 = a + b E (+ c E^2) through the valid lines that are not broadened by motion.

    Weighted least squares on the FWHM. NaN with fewer lines than coefficients.
    """
    good = [
        line
        for line in ENERGY_LINES
        if line.resolution and line.name in peaks and peaks[line.name].valid
    ]
    energy = np.array([line.energy_keV for line in good])
    fwhm = np.array([peaks[line.name].fwhm for line in good])
    error = np.array([peaks[line.name].fwhm_err for line in good])
    return curve_through(energy, fwhm, error, n_coefficients, (line.name for line in good))


def curve_through(
    energy: F8, fwhm: F8, error: F8, n_coefficients: int, names: Iterable[str]
) -> ResolutionCurve:
    """The curve through widths with errors, by Gauss and Newton from a line through the squares."""
    from scipy.special import gammaincc

    n = n_coefficients
    lines = tuple(names)
    if len(energy) < n:
        nan = float("nan")
        return ResolutionCurve(np.full(n, nan), np.full((n, n), nan), nan, 0, nan, lines)
    # In units of 1 MeV the powers are alike.
    powers = np.stack([(energy / 1e3) ** k for k in range(n)], axis=1)
    weight = 1.0 / error
    to_square = weight / (2.0 * fwhm)
    p = np.linalg.lstsq(powers * to_square[:, None], fwhm**2 * to_square, rcond=None)[0]
    for _ in range(_MOST_STEPS):
        curve = np.sqrt(np.maximum(powers @ p, 1e-6))
        slopes = powers * (weight / (2.0 * curve))[:, None]
        step = np.linalg.lstsq(slopes, (fwhm - curve) * weight, rcond=None)[0]
        p = p + step
        if np.abs(step).max() < 1e-10:
            break
    curve = np.sqrt(np.maximum(powers @ p, 1e-6))
    slopes = powers * (weight / (2.0 * curve))[:, None]
    to_keV = 1e-3 ** np.arange(n)
    scale = np.outer(to_keV, to_keV)
    covariance: F8 = np.asarray(np.linalg.pinv(slopes.T @ slopes) * scale, dtype=np.float64)
    chi2, dof = float((((fwhm - curve) * weight) ** 2).sum()), len(energy) - n
    p_value = float(gammaincc(0.5 * dof, 0.5 * chi2)) if dof else float("nan")
    return ResolutionCurve(p * to_keV, covariance, chi2, dof, p_value, lines)
