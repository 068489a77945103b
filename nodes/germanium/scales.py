"""The scale of one estimator from its lines. No nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from ...schemas.arrays import F8
from ...schemas.germanium.energy import EnergyCalibration, ResolutionCurve
from ...schemas.germanium.lines import ENERGY_LINES, FEP_KEV, GammaLine
from ...schemas.germanium.peaks import PeakFit
from .peak_fits import FitLimits, peak_fit
from .resolution import resolution_of

FEP: Final = ENERGY_LINES[-1]
# The highest bin of 1 ADC lies between these points of the energies.
_TOP_PERCENT: Final = (95.0, 99.9)
# What is below this point of the energies is no spectrum but its threshold.
_THRESHOLD_PERCENT: Final = 0.1
# The continuum of a source is more than this leaves.
_MOST_IN_LINE: Final = 0.8
# About the sigma of a line: 1.0 keV at 2614.5 keV, 0.4 keV of noise.
_NOISE_KEV2: Final = 0.16
_SPREAD_KEV: Final = 3.2e-4


def expected_sigma_keV(energy_keV: float) -> float:
    """About the sigma of a line of a good detector; where a fit begins."""
    return float(np.sqrt(_NOISE_KEV2 + _SPREAD_KEV * energy_keV))


def start_scale(adc: F8) -> float:
    """keV per ADC that puts the highest bin between P95 and P99.9 at the 2614.5 keV line.

    NaN without a value above zero.
    """
    good = adc[np.isfinite(adc) & (adc > 0.0)]
    if not len(good):
        return float("nan")
    low, high = np.percentile(good, _TOP_PERCENT)
    # A channel with so few counts a bin that bins of 1 ADC tell nothing gets 500 of them.
    width = max(1.0, float(high - low) / 5000.0)
    edges = np.arange(low, high + 2.0 * width, width)
    counts, _ = np.histogram(good, edges)
    return float(FEP_KEV / (edges[counts.argmax()] + 0.5 * width))


def full_energy_fit(energy_keV: F8, limits: FitLimits, near: PeakFit | None = None) -> PeakFit:
    """The 2614.5 keV line in energies of a scale that is right within a few keV.

    ``near`` is a fit of nearly the same energies, if there is one.
    """
    low, high = FEP.window_keV
    return peak_fit(energy_keV, low, high, FEP.model, expected_sigma_keV(FEP_KEV), limits, near)


def fitted_lines(energy_keV: F8, threshold_keV: float) -> tuple[GammaLine, ...]:
    """The lines of which the window begins above the threshold of settings and of the data."""
    known = energy_keV[np.isfinite(energy_keV)]
    own = float(np.percentile(known, _THRESHOLD_PERCENT)) if len(known) else np.inf
    least = max(threshold_keV, own)
    return tuple(line for line in ENERGY_LINES if line.window_keV[0] >= least)


def no_calibration(estimator: str, reason: str) -> EnergyCalibration:
    """What stands for an estimator that has none."""
    nan = np.full(2, np.nan)
    empty = ResolutionCurve(nan, np.full((2, 2), np.nan), np.nan, 0, np.nan, ())
    return EnergyCalibration(estimator, 0.0, nan, np.full((2, 2), np.nan), {}, empty, empty, reason)


def calibration(
    estimator: str,
    adc: F8,
    dt_eff_ns: F8,
    alpha_per_ns: float,
    degree: int,
    threshold_keV: float,
    limits: FitLimits,
) -> EnergyCalibration:
    """Scale, lines and resolution of an estimator, with a given correction for trapped charge.

    Degree 0: E = b x, b such that the mode of the 2614.5 keV line lies there. Degree 1 and 2: a
    polynomial through all valid lines, weighted with their position errors. Residuals remain.
    """
    x = adc * (1.0 + alpha_per_ns * dt_eff_ns) if alpha_per_ns else adc
    rough = start_scale(x)
    if not np.isfinite(rough):
        return no_calibration(estimator, "no value above zero")
    fit = full_energy_fit(rough * x, limits)
    if not fit.valid:
        return no_calibration(estimator, f"2614.5 keV: {fit.reason}")
    b = rough * FEP_KEV / fit.position
    energy = b * x
    peaks = {
        line.name: peak_fit(
            energy, *line.window_keV, line.model, expected_sigma_keV(line.energy_keV), limits
        )
        for line in fitted_lines(energy, threshold_keV)
        if line is not FEP
    }
    share = fit.n_sig / np.count_nonzero(np.isfinite(energy))
    if share > _MOST_IN_LINE and not any(peak.valid for peak in peaks.values()):
        return no_calibration(
            estimator,
            f"2614.5 keV: {share:.0%} of all events lie in the line that is taken for it, and no "
            "other line is where it should be; is it a pulser?",
        )
    # The fit that made the scale, in units of it.
    peaks[FEP.name] = scaled(fit, FEP_KEV / fit.position)
    scale = np.array([0.0, b])
    covariance = np.zeros((2, 2))
    covariance[1, 1] = (b * fit.position_err / fit.position) ** 2
    if degree:
        coefficients, of_keV = polynomial(peaks, degree)
        peaks = {name: mapped(peak, coefficients) for name, peak in peaks.items()}
        to_adc = b ** np.arange(degree + 1)
        scale, covariance = coefficients * to_adc, of_keV * np.outer(to_adc, to_adc)
    return EnergyCalibration(
        estimator,
        alpha_per_ns,
        scale,
        covariance,
        peaks,
        resolution_of(peaks, 2),
        resolution_of(peaks, 3),
    )


def polynomial(peaks: Mapping[str, PeakFit], degree: int) -> tuple[F8, F8]:
    """Coefficients and covariance of line energy = P(position), weighted with position errors.

    With too few valid lines the degree is as high as they allow; the rest is 0.
    """
    good = [line for line in ENERGY_LINES if line.name in peaks and peaks[line.name].valid]
    at = np.array([peaks[line.name].position for line in good]) / FEP_KEV
    true = np.array([line.energy_keV for line in good])
    weight = 1.0 / np.array([peaks[line.name].position_err for line in good])
    used = min(degree, len(good) - 1)
    powers = np.stack([at**k for k in range(used + 1)], axis=1) * weight[:, None]
    solved = np.linalg.lstsq(powers, true * weight, rcond=None)[0]
    coefficients, covariance = np.zeros(degree + 1), np.zeros((degree + 1, degree + 1))
    to_keV = FEP_KEV ** -np.arange(used + 1.0)
    coefficients[: used + 1] = solved * to_keV
    covariance[: used + 1, : used + 1] = np.linalg.pinv(powers.T @ powers) * np.outer(
        to_keV, to_keV
    )
    return coefficients, covariance


def scaled(fit: PeakFit, factor: float) -> PeakFit:
    """The fit in units in which every event is ``factor`` times as large."""
    to = np.array([factor, factor, 1.0, 1.0, 1.0, 1.0, 1.0])
    return replace(
        fit,
        low=fit.low * factor,
        high=fit.high * factor,
        parameters=fit.parameters * to,
        covariance=fit.covariance * np.outer(to, to),
        position=fit.position * factor,
        position_err=fit.position_err * factor,
        fwhm=fit.fwhm * factor,
        fwhm_err=fit.fwhm_err * factor,
    )


def mapped(fit: PeakFit, coefficients: F8) -> PeakFit:
    """The fit after a smooth change of scale P, linear over the width of the peak."""
    at = float(np.polyval(coefficients[::-1], fit.position))
    slope = float(np.polyval(np.polyder(coefficients[::-1]), fit.position))
    turned = scaled(fit, slope)
    shift = at - turned.position
    parameters = turned.parameters.copy()
    parameters[0] += shift
    return replace(
        turned,
        low=turned.low + shift,
        high=turned.high + shift,
        parameters=parameters,
        position=at,
    )
