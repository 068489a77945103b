"""Energy: trapped charge, scale, lines, resolution, of each estimator without and with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag
from numpy.typing import NDArray

from ...schemas.errors import Unfit
from ...schemas.germanium.calibration_settings import EnergySettings, GateSettings
from ...schemas.germanium.energy import (
    CORRECTED,
    ENERGY_PEAKS,
    ENERGY_SCALES,
    QBB_WIDTHS,
    RESOLUTION_CURVES,
    TRAPPING_ALPHAS,
    EnergyCalibration,
    ResolutionCurve,
    Trapping,
)
from ...schemas.germanium.lines import ENERGY_LINES, Q_BB_KEV
from ...schemas.germanium.peaks import PEAK_PARAMETERS, PeakFit
from ...schemas.germanium.shared_shape import SharedShape
from ...schemas.germanium.survival import Survival
from .columns import absence, column_of
from .line_shapes import shared_fit
from .peak_fits import FitLimits
from .scales import FEP, calibration, no_calibration
from .survival import no_survival, peak_survival
from .trapping import trapping

FEWEST_EVENTS: Final = 100
_DRIFT_TIME: Final = "dt_eff"


@tag(stage="energy", scope="channel", helper="true")
@config.when(constants="own")
def uncorrected_energies(
    dsp_columns: pd.DataFrame,
    calibration_rows: NDArray[np.bool_],
    estimators: tuple,
    primary_estimator: str,
    energy_settings: EnergySettings,
    gate_settings: GateSettings,
    threshold_keV: float,
) -> dict[str, EnergyCalibration]:
    """Calibrations of all estimators as they stand; absent columns and failed fits say why.

    Unfit where there are fewer than 100 events, or the primary estimator has no calibration.
    """
    n = int(calibration_rows.sum())
    if n < FEWEST_EVENTS:
        msg = (
            f"{n} of {len(dsp_columns)} events pass the quality cuts, at least {FEWEST_EVENTS} "
            "are needed for an energy calibration"
        )
        raise Unfit(code="too_few_events", message=msg, numbers={"n_events": n})
    limits = FitLimits(energy_settings.min_counts, gate_settings.p_value)
    found = {}
    for estimator in estimators:
        reason = absence(dsp_columns, estimator)
        if reason:
            found[estimator] = no_calibration(estimator, reason)
            continue
        adc = column_of(dsp_columns, estimator)[calibration_rows]
        found[estimator] = calibration(
            estimator, adc, np.zeros(n), 0.0, energy_settings.degree, threshold_keV, limits
        )
    primary = found.get(primary_estimator)
    if primary is None or primary.reason:
        why = f"it is not among the estimators {', '.join(found)}"
        why = primary.reason if primary is not None else why
        msg = f"{primary_estimator} of {n} events has no calibration: {why}"
        raise Unfit(code="no_energy_scale", message=msg, numbers={"n_events": n})
    return found


@tag(stage="energy", scope="channel", helper="true")
@config.when(constants="own")
def trapping_corrections(
    dsp_columns: pd.DataFrame,
    calibration_rows: NDArray[np.bool_],
    uncorrected_energies: dict[str, EnergyCalibration],
    energy_settings: EnergySettings,
    gate_settings: GateSettings,
) -> dict[str, Trapping]:
    """The correction of each calibrated estimator for trapped charge, with its scan."""
    limits = FitLimits(energy_settings.min_counts, gate_settings.p_value)
    missing = absence(dsp_columns, _DRIFT_TIME)
    if not energy_settings.trapping:
        missing = "trapping = false"
    found = {}
    for estimator, calibrated in uncorrected_energies.items():
        if calibrated.reason:
            continue
        if missing:
            found[estimator] = _no_trapping(missing)
            continue
        dt_eff = column_of(dsp_columns, _DRIFT_TIME)[calibration_rows]
        adc = column_of(dsp_columns, estimator)[calibration_rows]
        energy = calibrated.energy_keV(adc, dt_eff)
        found[estimator] = trapping(energy, dt_eff, energy_settings.alpha_max_per_ns, limits)
    return found


def _no_trapping(reason: str) -> Trapping:
    nan, nothing = float("nan"), np.empty(0)
    return Trapping(0.0, nan, nan, nan, nan, nan, nan, nan, nothing, nothing, nothing, reason)


@tag(stage="energy", scope="channel", helper="true")
@config.when(constants="own")
def corrected_energies(
    dsp_columns: pd.DataFrame,
    calibration_rows: NDArray[np.bool_],
    trapping_corrections: dict[str, Trapping],
    energy_settings: EnergySettings,
    gate_settings: GateSettings,
    threshold_keV: float,
) -> dict[str, EnergyCalibration]:
    """Calibrations anew, by estimator, where trapped charge is corrected for."""
    limits = FitLimits(energy_settings.min_counts, gate_settings.p_value)
    found = {}
    for estimator, correction in trapping_corrections.items():
        if not correction.alpha_per_ns:
            continue
        found[estimator] = calibration(
            estimator,
            column_of(dsp_columns, estimator)[calibration_rows],
            column_of(dsp_columns, _DRIFT_TIME)[calibration_rows],
            correction.alpha_per_ns,
            energy_settings.degree,
            threshold_keV,
            limits,
        )
    return found


@tag(stage="energy", scope="channel", helper="true")
@config.when(constants="own")
def primary_calibration(
    uncorrected_energies: dict[str, EnergyCalibration],
    corrected_energies: dict[str, EnergyCalibration],
    primary_estimator: str,
) -> EnergyCalibration:
    """The energy that A/E, LQ and the hit tier stand on: corrected, where a correction is kept."""
    corrected = corrected_energies.get(primary_estimator)
    if corrected is not None and not corrected.reason:
        return corrected
    return uncorrected_energies[primary_estimator]


@tag(stage="energy", scope="channel", helper="true")
@config.when(constants="own")
def primary_energy_keV(
    dsp_columns: pd.DataFrame, primary_calibration: EnergyCalibration
) -> NDArray[np.float64]:
    """That energy of every event, (n,)."""
    adc = column_of(dsp_columns, primary_calibration.estimator)
    if not primary_calibration.alpha_per_ns:
        return primary_calibration.energy_keV(adc, np.zeros(len(adc)))
    return primary_calibration.energy_keV(adc, column_of(dsp_columns, _DRIFT_TIME))


@tag(stage="energy", scope="channel")
@config.when(constants="own")
def shared_shape(
    primary_energy_keV: NDArray[np.float64],
    calibration_rows: NDArray[np.bool_],
    primary_calibration: EnergyCalibration,
) -> SharedShape:
    """One fit of all lines of the primary estimator, their shape going with the energy."""
    lines = tuple(line for line in ENERGY_LINES if line.resolution)
    return shared_fit(primary_energy_keV[calibration_rows], lines, dict(primary_calibration.peaks))


@tag(stage="energy", scope="channel", helper="true")
@config.when(constants="own")
def full_energy_survival(
    primary_energy_keV: NDArray[np.float64], quality_flags: pd.DataFrame
) -> Survival:
    """The share of the 2614.5 keV line that passes is_valid_cal."""
    passes = quality_flags["is_valid_cal"].to_numpy()
    if not passes.any():
        return no_survival(FEP.name, "no event passes")
    return peak_survival(FEP, primary_energy_keV, passes)


@tag(stage="energy", scope="channel", schema="TrappingAlphas")
@config.when(constants="own")
def trapping_alpha_per_ns(trapping_corrections: dict[str, Trapping]) -> pd.DataFrame:
    """alpha of E (1 + alpha dt_eff) of each estimator, where it comes from and what it gains."""
    rows = list(trapping_corrections.values())
    names = TRAPPING_ALPHAS.names[1:]
    data: dict[str, Any] = {name: [getattr(row, name) for row in rows] for name in names}
    return TRAPPING_ALPHAS.frame({"estimator": list(trapping_corrections), **data})


@tag(stage="energy", scope="channel", schema="EnergyScales", main="true")
@config.when(constants="own")
def energy_scale_keV_per_adc(
    uncorrected_energies: dict[str, EnergyCalibration],
    corrected_energies: dict[str, EnergyCalibration],
) -> pd.DataFrame:
    """Coefficients of energy = offset + scale adc + square adc^2, per estimator."""
    both = _both(uncorrected_energies, corrected_energies)
    degrees = [len(c.scale) - 1 for c in both]
    return ENERGY_SCALES.frame(
        {
            **_names(both),
            "offset_keV": [c.scale[0] for c in both],
            "scale_keV_per_adc": [c.keV_per_adc for c in both],
            "scale_err_keV_per_adc": [c.keV_per_adc_err for c in both],
            "square_keV_per_adc2": [
                c.scale[2] if d == 2 else 0.0 for c, d in zip(both, degrees, strict=True)
            ],
            "reason": [c.reason for c in both],
        }
    )


@tag(stage="energy", scope="channel", schema="EnergyPeaks", main="true")
@config.when(constants="own")
def energy_peaks(
    uncorrected_energies: dict[str, EnergyCalibration],
    corrected_energies: dict[str, EnergyCalibration],
) -> pd.DataFrame:
    """Every line that was fitted: where it is, how wide, how strong, and whether the fit is valid.

    Lines below the threshold are absent.
    """
    both = _both(uncorrected_energies, corrected_energies)
    fits = [
        (c, line, c.peaks[line.name]) for c in both for line in ENERGY_LINES if line.name in c.peaks
    ]
    peaks = [peak for _, _, peak in fits]
    return ENERGY_PEAKS.frame(
        {
            **_names([c for c, _, _ in fits]),
            "line": [line.name for _, line, _ in fits],
            "line_keV": [line.energy_keV for _, line, _ in fits],
            "model": [p.model for p in peaks],
            "low_keV": [p.low for p in peaks],
            "high_keV": [p.high for p in peaks],
            "n_events": [p.n_events for p in peaks],
            "position_keV": [p.position for p in peaks],
            "position_err_keV": [p.position_err for p in peaks],
            "residual_keV": [p.position - line.energy_keV for _, line, p in fits],
            "fwhm_keV": [p.fwhm for p in peaks],
            "fwhm_err_keV": [p.fwhm_err for p in peaks],
            "n_sig": [p.n_sig for p in peaks],
            "n_sig_err": [p.n_sig_err for p in peaks],
            **_shapes(peaks),
            "chi2": [p.chi2 for p in peaks],
            "dof": [p.dof for p in peaks],
            "p_value": [p.p_value for p in peaks],
            "at_bound": [" ".join(p.at_bound) for p in peaks],
            "reason": [p.reason for p in peaks],
        }
    )


@tag(stage="energy", scope="channel", schema="ResolutionCurves")
@config.when(constants="own")
def resolution_curve(
    uncorrected_energies: dict[str, EnergyCalibration],
    corrected_energies: dict[str, EnergyCalibration],
) -> pd.DataFrame:
    """FWHM^2 = a + b E, and with c E^2, through the lines without Doppler broadening."""
    calibrated = [c for c in _both(uncorrected_energies, corrected_energies) if not c.reason]
    rows = [(c, form, curve) for c in calibrated for form, curve in _curves(c)]
    curves = [_padded(curve) for _, _, curve in rows]
    return RESOLUTION_CURVES.frame(
        {
            **_names([c for c, _, _ in rows]),
            "form": [form for _, form, _ in rows],
            **{name: [v[k] for v, _ in curves] for k, name in enumerate(_COEFFICIENTS)},
            **{name: [e[k] for _, e in curves] for k, name in enumerate(_ERRORS)},
            **{
                f"correlation_{'abc'[i]}{'abc'[k]}": [
                    _correlation(curve, i, k) for *_, curve in rows
                ]
                for i, k in ((0, 1), (0, 2), (1, 2))
            },
            "chi2": [curve.chi2 for _, _, curve in rows],
            "dof": [curve.dof for _, _, curve in rows],
            "p_value": [curve.p_value for _, _, curve in rows],
        }
    )


@tag(stage="energy", scope="channel", schema="QbbWidths", main="true")
@config.when(constants="own")
def qbb_fwhm_keV(
    uncorrected_energies: dict[str, EnergyCalibration],
    corrected_energies: dict[str, EnergyCalibration],
) -> pd.DataFrame:
    """FWHM at 2039.061 keV of the linear curve, with its error."""
    calibrated = [c for c in _both(uncorrected_energies, corrected_energies) if not c.reason]
    return QBB_WIDTHS.frame(
        {
            **_names(calibrated),
            "fwhm_keV": [float(c.linear.fwhm_keV(Q_BB_KEV)) for c in calibrated],
            "fwhm_err_keV": [float(c.linear.fwhm_err_keV(Q_BB_KEV)) for c in calibrated],
        }
    )


_COEFFICIENTS: Final = ("a_keV2", "b_keV", "c")
_ERRORS: Final = ("a_err_keV2", "b_err_keV", "c_err")


def _both(
    plain: Mapping[str, EnergyCalibration], corrected: Mapping[str, EnergyCalibration]
) -> list[EnergyCalibration]:
    """Each estimator, then it corrected where it is."""
    return [c for e in plain for c in (plain[e], corrected.get(e)) if c is not None]


def _names(rows: list[EnergyCalibration]) -> dict[str, Any]:
    return {
        "estimator": [c.estimator for c in rows],
        "corrected": [c.name.endswith(CORRECTED) for c in rows],
    }


def _curves(calibrated: EnergyCalibration) -> tuple[tuple[str, ResolutionCurve], ...]:
    return (("linear", calibrated.linear), ("quadratic", calibrated.quadratic))


def _padded(curve: ResolutionCurve) -> tuple[Any, Any]:
    """Three coefficients and their errors, 0 where the curve has none."""
    values, errors = np.zeros(3), np.zeros(3)
    n = len(curve.coefficients)
    values[:n], errors[:n] = curve.coefficients, np.sqrt(np.diag(curve.covariance))
    return values, errors


def _correlation(curve: ResolutionCurve, i: int, k: int) -> float:
    """Of two coefficients; NaN where the curve has only one of them, or no errors."""
    c = curve.covariance
    if k >= len(c) or not c[i, i] * c[k, k] > 0.0:
        return float("nan")
    return float(c[i, k] / np.sqrt(c[i, i] * c[k, k]))


def _shapes(peaks: list[PeakFit]) -> dict[str, list[float]]:
    """The parameters of each fit and their errors; the length of the tail in keV."""
    names = {"mu": "mu_keV", "sigma": "sigma_keV", "h_tail": "h_tail", "n_bkg": "n_bkg",
             "step": "step"}  # fmt: skip
    found: dict[str, list[float]] = {}
    for name, column in names.items():
        k = PEAK_PARAMETERS.index(name)
        error = column.replace(name, f"{name}_err")
        found[column] = [float(p.parameters[k]) for p in peaks]
        found[error] = [float(np.sqrt(p.covariance[k, k])) for p in peaks]
    s, t = (PEAK_PARAMETERS.index(name) for name in ("sigma", "tail_per_sigma"))
    found["tail_keV"] = [float(p.parameters[s] * p.parameters[t]) for p in peaks]
    found["tail_err_keV"] = [
        float(np.sqrt(slope @ p.covariance[np.ix_((s, t), (s, t))] @ slope))
        for p in peaks
        for slope in (p.parameters[[t, s]],)
    ]
    return found
