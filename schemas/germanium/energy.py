"""The energy scale of one estimator, its resolution, and the frames that they become."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from ..arrays import F8
from ..tables import Column, TableSchema
from .peaks import PeakFit

CORRECTED: Final = "_ctc"
"""What the name of an estimator ends in after the correction for trapped charge."""


@dataclass(frozen=True)
class ResolutionCurve:
    """FWHM^2 = a + b E (+ c E^2), E in keV.

    Attributes
    ----------
    coefficients, covariance
        (2,) or (3,) and the square of it; NaN without enough lines.
    chi2, dof, p_value
        Of the widths about the curve; NaN without degrees of freedom.
    lines
        Names of the lines it goes through.
    """

    coefficients: F8
    covariance: F8
    chi2: float
    dof: int
    p_value: float
    lines: tuple[str, ...]

    def fwhm_keV(self, energy_keV: F8 | float) -> F8:
        """FWHM at energies; NaN where the square would be negative."""
        square = np.polyval(self.coefficients[::-1], np.asarray(energy_keV, dtype=np.float64))
        return np.sqrt(np.where(square >= 0.0, square, np.nan))

    def fwhm_err_keV(self, energy_keV: F8 | float) -> F8:
        """Its error from the covariance."""
        e = np.asarray(energy_keV, dtype=np.float64)
        powers = np.stack([e**k for k in range(len(self.coefficients))], axis=-1)
        variance = np.einsum("...i,ij,...j->...", powers, self.covariance, powers)
        return np.sqrt(np.maximum(variance, 0.0)) / (2.0 * self.fwhm_keV(e))


@dataclass(frozen=True)
class EnergyCalibration:
    """The energy of one estimator.

    Attributes
    ----------
    estimator
        Column of the dsp tier.
    alpha_per_ns
        E (1 + alpha dt_eff) before the scale; 0 without a correction.
    scale, scale_covariance
        Coefficients c of energy_keV = sum c_k adc^k, (degree + 1,) with c_0 = 0 at degree 0, so
        (2,) and (2, 2) there.
    peaks
        Fits in keV by the name of the line.
    linear, quadratic
        Resolution curves.
    reason
        Why there is no calibration; empty if there is one.
    """

    estimator: str
    alpha_per_ns: float
    scale: F8
    scale_covariance: F8
    peaks: Mapping[str, PeakFit]
    linear: ResolutionCurve
    quadratic: ResolutionCurve
    reason: str = ""

    @property
    def name(self) -> str:
        """The estimator, with _ctc after a correction."""
        return self.estimator + (CORRECTED if self.alpha_per_ns else "")

    @property
    def keV_per_adc(self) -> float:
        """Slope of the scale."""
        return float(self.scale[1])

    @property
    def keV_per_adc_err(self) -> float:
        """Its error."""
        return float(np.sqrt(self.scale_covariance[1, 1]))

    def energy_keV(self, adc: F8, dt_eff_ns: F8) -> F8:
        """Energies of events; NaN stays."""
        corrected = adc * (1.0 + self.alpha_per_ns * dt_eff_ns) if self.alpha_per_ns else adc
        return np.asarray(np.polyval(self.scale[::-1], corrected))


@dataclass(frozen=True)
class Trapping:
    """The correction of one estimator for trapped charge.

    Attributes
    ----------
    alpha_per_ns, alpha_err_per_ns
        What is applied, 0 if none; the error is that of the regression.
    seed_per_ns, scan_per_ns
        Of the regression of energy on dt_eff, and where the width is least; NaN if none was found.
    fwhm_before_keV, fwhm_before_err_keV, fwhm_after_keV, fwhm_after_err_keV
        Width of the 2614.5 keV line.
    scanned_per_ns, scanned_fwhm_keV, scanned_fwhm_err_keV
        The scan, (n,).
    reason
        Why nothing is corrected; empty if something is.
    """

    alpha_per_ns: float
    alpha_err_per_ns: float
    seed_per_ns: float
    scan_per_ns: float
    fwhm_before_keV: float
    fwhm_before_err_keV: float
    fwhm_after_keV: float
    fwhm_after_err_keV: float
    scanned_per_ns: F8
    scanned_fwhm_keV: F8
    scanned_fwhm_err_keV: F8
    reason: str = ""


_OF_ESTIMATOR: Final = (
    Column("estimator", "category", "", "column of the dsp tier"),
    Column("corrected", "bool", "", "whether trapped charge is corrected for"),
)

ENERGY_SCALES: Final = TableSchema(
    "EnergyScales",
    "an estimator, without and with the correction for trapped charge",
    (
        *_OF_ESTIMATOR,
        Column("offset_keV", "float64", "keV", "constant of the polynomial", nullable=True),
        Column("scale_keV_per_adc", "float64", "keV/ADC", "slope", nullable=True),
        Column("scale_err_keV_per_adc", "float64", "keV/ADC", "its error", nullable=True),
        Column("square_keV_per_adc2", "float64", "keV/ADC^2", "square term", nullable=True),
        Column("reason", "category", "", "why there is none; empty if there is one"),
    ),
)

# A number that is not of the model, or held at a bound, has the error 0.
_SHAPE: Final = tuple(
    Column(f"{name}{kind}{f'_{unit}' if unit else ''}", "float64", unit, told, nullable=True)
    for name, unit, what in (
        ("mu", "keV", "mean of the normal distribution"),
        ("sigma", "keV", "its standard deviation"),
        ("h_tail", "", "share of the low tail in the peak"),
        ("tail", "keV", "length of the tail"),
        ("n_bkg", "", "counts of the background"),
        ("step", "", "height of the step in the background"),
    )
    for kind, told in (("", what), ("_err", "its error"))
)

ENERGY_PEAKS: Final = TableSchema(
    "EnergyPeaks",
    "a fitted line of an estimator",
    (
        *_OF_ESTIMATOR,
        Column("line", "category", "", "name of the line"),
        Column("line_keV", "float64", "keV", "its energy"),
        Column("model", "category", "", "gos or hpge"),
        Column("low_keV", "float64", "keV", "begin of the window", nullable=True),
        Column("high_keV", "float64", "keV", "its end", nullable=True),
        Column("n_events", "int64", "", "events in the window"),
        Column("position_keV", "float64", "keV", "mode of the signal", nullable=True),
        Column("position_err_keV", "float64", "keV", "its error", nullable=True),
        Column("residual_keV", "float64", "keV", "mode less the line", nullable=True),
        Column("fwhm_keV", "float64", "keV", "full width at half maximum", nullable=True),
        Column("fwhm_err_keV", "float64", "keV", "its error", nullable=True),
        Column("n_sig", "float64", "", "counts in the peak", nullable=True),
        Column("n_sig_err", "float64", "", "their error", nullable=True),
        *_SHAPE,
        Column("chi2", "float64", "", "of bins with 5 expected counts", nullable=True),
        Column("dof", "int64", "", "degrees of freedom"),
        Column("p_value", "float64", "", "probability of a greater chi2", nullable=True),
        Column("at_bound", "category", "", "parameters at a bound"),
        Column("reason", "category", "", "why the fit is not valid; empty if it is"),
    ),
)

RESOLUTION_CURVES: Final = TableSchema(
    "ResolutionCurves",
    "a curve FWHM^2 = a + b E + c E^2 of an estimator",
    (
        *_OF_ESTIMATOR,
        Column("form", "category", "", "linear or quadratic", categories=("linear", "quadratic")),
        Column("a_keV2", "float64", "keV^2", "constant", nullable=True),
        Column("b_keV", "float64", "keV", "slope", nullable=True),
        Column("c", "float64", "", "square term", nullable=True),
        Column("a_err_keV2", "float64", "keV^2", "error of a", nullable=True),
        Column("b_err_keV", "float64", "keV", "error of b", nullable=True),
        Column("c_err", "float64", "", "error of c", nullable=True),
        Column("correlation_ab", "float64", "", "of a and b", nullable=True),
        Column("correlation_ac", "float64", "", "of a and c", nullable=True),
        Column("correlation_bc", "float64", "", "of b and c", nullable=True),
        Column("chi2", "float64", "", "of the widths", nullable=True),
        Column("dof", "int64", "", "degrees of freedom"),
        Column("p_value", "float64", "", "probability of a greater chi2", nullable=True),
    ),
)

QBB_WIDTHS: Final = TableSchema(
    "QbbWidths",
    "an estimator, without and with the correction for trapped charge",
    (
        *_OF_ESTIMATOR,
        Column("fwhm_keV", "float64", "keV", "FWHM at 2039.061 keV, linear curve", nullable=True),
        Column("fwhm_err_keV", "float64", "keV", "its error", nullable=True),
    ),
)

TRAPPING_ALPHAS: Final = TableSchema(
    "TrappingAlphas",
    "an estimator",
    (
        _OF_ESTIMATOR[0],
        Column("alpha_per_ns", "float64", "1/ns", "applied; 0 without a correction"),
        Column("alpha_err_per_ns", "float64", "1/ns", "its error", nullable=True),
        Column("seed_per_ns", "float64", "1/ns", "of the regression", nullable=True),
        Column("scan_per_ns", "float64", "1/ns", "of the least width", nullable=True),
        Column("fwhm_before_keV", "float64", "keV", "at 2614.5 keV", nullable=True),
        Column("fwhm_before_err_keV", "float64", "keV", "its error", nullable=True),
        Column("fwhm_after_keV", "float64", "keV", "corrected", nullable=True),
        Column("fwhm_after_err_keV", "float64", "keV", "its error", nullable=True),
        Column("reason", "category", "", "why nothing is corrected; empty if something is"),
    ),
)
