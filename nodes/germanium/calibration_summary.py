"""What a run tells of the calibration of a channel: numbers with their errors, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.germanium.aoe import LowCut
from ...schemas.germanium.energy import EnergyCalibration, Trapping
from ...schemas.germanium.lines import Q_BB_KEV
from ...schemas.germanium.lq import LQModel
from .aoe import LOW_SIDE, TWO_SIDED

Number = dict[str, float]


def _number(value: float, error: float) -> Number:
    """A value with its error."""
    return {"value": float(value), "error": float(error)}


@tag(stage="summary", scope="channel", helper="true")
def energy_summary(
    uncorrected_energies: dict[str, EnergyCalibration],
    corrected_energies: dict[str, EnergyCalibration],
    trapping_corrections: dict[str, Trapping],
) -> dict[str, dict[str, Any]]:
    """Scale, widths and alpha of each estimator, and after the correction of trapped charge.

    An estimator without a calibration has its ``reason`` instead.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, plain in uncorrected_energies.items():
        if plain.reason:
            found[name] = {"reason": plain.reason}
            continue
        trapped = trapping_corrections[name]
        found[name] = {
            **_widths(plain),
            "alpha_per_ns": _number(trapped.alpha_per_ns, trapped.alpha_err_per_ns),
        }
        if trapped.reason:
            found[name]["not_corrected"] = trapped.reason
        if name in corrected_energies:
            found[name]["corrected"] = _widths(corrected_energies[name])
    return found


def _widths(calibrated: EnergyCalibration) -> dict[str, Any]:
    if calibrated.reason:
        return {"reason": calibrated.reason}
    curve = calibrated.linear
    return {
        "scale_keV_per_adc": _number(calibrated.keV_per_adc, calibrated.keV_per_adc_err),
        "qbb_fwhm_keV": _number(
            float(curve.fwhm_keV(Q_BB_KEV)), float(curve.fwhm_err_keV(Q_BB_KEV))
        ),
        "fwhm_keV": {
            line: _number(peak.fwhm, peak.fwhm_err)
            for line, peak in calibrated.peaks.items()
            if peak.valid
        },
    }


@tag(stage="summary", scope="channel", helper="true")
def aoe_summary(aoe_low_cut: LowCut, aoe_survival: pd.DataFrame) -> dict[str, Any]:
    """The low cut, and what survives it and both cuts, by sample."""
    return {
        "low_cut": _number(aoe_low_cut.value, aoe_low_cut.error),
        "survival": _survival_numbers(aoe_survival, LOW_SIDE),
        "two_sided": _survival_numbers(aoe_survival, TWO_SIDED),
    }


@tag(stage="summary", scope="channel", helper="true")
def lq_summary(lq_model: LQModel, lq_survival: pd.DataFrame) -> dict[str, Any]:
    """The cut in widths, the width, and what survives, by sample."""
    return {
        "cut": _number(lq_model.cut, 0.0),
        "sigma": _number(lq_model.sigma, lq_model.sigma_err),
        "n_missing": lq_model.n_missing,
        "survival": _survival_numbers(lq_survival, "LQ_Cut"),
    }


@tag(stage="summary", scope="channel", helper="true")
def quality_summary(quality_survival: pd.DataFrame) -> dict[str, Any]:
    """The share of the events that each quality cut alone keeps, with its interval."""
    return {
        row["flag"]: {"value": row["survival"], "low": row["low"], "high": row["high"]}
        for row in quality_survival.to_dict("records")
    }


@tag(stage="summary", scope="run")
def calibration_summaries(
    each_energy_summary: Mapping[str, dict[str, dict[str, Any]]],
    each_aoe_summary: Mapping[str, dict[str, Any]],
    each_lq_summary: Mapping[str, dict[str, Any]],
    each_quality_summary: Mapping[str, dict[str, Any]],
) -> dict[str, dict[str, Any]]:
    """By channel: status, energy, aoe, lq, quality; what failed is not there.

    status is ok, partial where A/E or LQ failed, failed without an energy.
    """
    parts = {
        "energy": each_energy_summary,
        "aoe": each_aoe_summary,
        "lq": each_lq_summary,
        "quality": each_quality_summary,
    }
    channels = sorted({channel for part in parts.values() for channel in part})
    found = {}
    for channel in channels:
        has = {name: part[channel] for name, part in parts.items() if channel in part}
        status = "ok" if len(has) == len(parts) else "partial" if "energy" in has else "failed"
        found[channel] = {"status": status, **has}
    return found


def _survival_numbers(table: pd.DataFrame, cut: str) -> dict[str, Number]:
    """Survivals of one cut, by sample: value, error, and the interval."""
    return {
        row["sample"]: {
            "value": row["survival"], "error": row["error"], "low": row["low"], "high": row["high"],
        }
        for row in table[table["cut"] == cut].to_dict("records")
    }  # fmt: skip
