"""par_dsp and par_hit as YAML: what LEGEND's tools read, plain types only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import yaml

from ...nodes.germanium.hit_flags import BITS
from ...schemas.failures import Failure
from ...schemas.germanium.dplms import DplmsFilter
from ...schemas.germanium.dsp import DspParameters
from ...schemas.germanium.operations import HitParameters

_SAMPLES: Final = {"DEP": "1592.5", "1620": "1620.5", "Qbb": "2039.0", "SEP": "2103.5",
                   "FEP": "2614.5", "Qbb35": "2039.0_35keV"}  # fmt: skip
PERCENT: Final = 100.0


def write_yaml(path: Path, content: Mapping[str, Any] | Sequence[Any]) -> None:
    """Write plain YAML 1.1, keys in their order; NaN as .nan."""
    text = yaml.safe_dump(_plain(content), sort_keys=False, allow_unicode=True, width=100)
    path.write_text(text, "utf-8")


def _plain(value: Any) -> Any:
    """A value as YAML has it."""
    match value:
        case np.generic():
            return _plain(value.item())
        case np.ndarray():
            return _plain(value.tolist())
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
    return value


def dsp_parameters_of(parameters: DspParameters) -> dict[str, Any]:
    """The par_dsp of a channel; times are texts with their unit, as dspeed reads them."""
    decay, filters = parameters.pole_zero, parameters.filters
    pz: dict[str, Any] = {"tau1": _ns(decay.tau1_ns), "tau1_err": _ns(decay.tau1_err_ns)}
    if decay.model == "double":
        pz |= {
            "tau2": _ns(decay.tau2_ns),
            "tau2_err": _ns(decay.tau2_err_ns),
            "frac": decay.frac2,
            "frac_err": decay.frac2_err,
        }
    return {
        "pz": pz,
        "etrap": {"rise": _us(filters.trap_rise_us), "flat": _us(filters.trap_flat_us)},
        "cusp": {"sigma": _us(filters.cusp_sigma_us), "flat": _us(filters.cusp_flat_us)},
        "zac": {"sigma": _us(filters.zac_sigma_us), "flat": _us(filters.zac_flat_us)},
    }


def noise_of(optima: pd.DataFrame) -> dict[str, Any]:
    """Where the noise of each filter is least, its FWHM in ADC, as par_dsp has it."""
    return {
        str(row.filter): {
            "shaping": _us(row.shaping_us),
            "fwhm": row.fwhm_adc,
            "fwhm_err": row.fwhm_err_adc,
        }
        for row in _rows(optima)
    }


def dplms_of(
    parameters: DspParameters, arrays: str, channel: str, made: DplmsFilter | None = None
) -> dict[str, Any]:
    """The DPLMS filter of a channel, whose coefficients stand in a file beside; empty without.

    ``made`` tells the weights that it is of.
    """
    if not parameters.dplms:
        return {}
    place = f"loadlh5('$_/{arrays}','{channel}/dplms/coefficients')"
    found: dict[str, Any] = {"length": len(parameters.dplms), "coefficients": place}
    if made is not None:
        found["dp_coeffs"] = {name: getattr(made, name) for name in ("nm", "za", "ft", "pl")}
    return {"dplms": found}


def _rows(table: pd.DataFrame) -> Iterable[Any]:
    """The rows of a table, columns by name."""
    return table.itertuples(index=False)


def trapping_of(alphas: pd.DataFrame) -> dict[str, Any]:
    """The correction of each estimator for trapped charge, as par_dsp has it."""
    return {
        f"{row.estimator}_ctc": {
            "expression": f"{row.estimator}*(1+dt_eff*a)",
            "parameters": {"a": row.alpha_per_ns},
        }
        for row in _rows(alphas)
    }


def _ns(value: float) -> str:
    return f"{value!r}*ns"


def _us(value: float) -> str:
    # All digits: a tier that is built of the file is then that of the calibration.
    return f"{repr(float(value)).removesuffix('.0')}*us"


def operations_of(parameters: HitParameters) -> dict[str, Any]:
    """What build_hit of pygama takes: outputs and operations. The packed flags are ours alone."""
    return {
        "outputs": [name for name in parameters.outputs if name != BITS],
        "operations": {
            item.name: {"expression": item.expression, "parameters": dict(item.parameters)}
            for item in parameters.operations
        },
    }


def hit_results(values: Mapping[str, Any], failures: Iterable[Failure] = ()) -> dict[str, Any]:
    """What was found on the way: quality, energy, A/E and LQ of a channel.

    ``values`` lacks what failed: the columns that there are not stand under ``absent`` with why,
    and ``failures`` of the channel under their name.
    """
    parameters: HitParameters = values["hit_parameters"]
    aoe: dict[str, Any] = {}
    if "aoe_low_cut" in values:
        low_cut = values["aoe_low_cut"]
        high_cut = _high_cut(parameters)
        aoe = {"low_cut": low_cut.value, "low_cut_err": low_cut.error, "high_cut": high_cut}
    if "aoe_survival" in values:
        aoe |= _survivals(values["aoe_survival"], {"AoE_Low_Cut": "low_side_sfs"})
        aoe |= _survivals(values["aoe_survival"], {"AoE_Double_Sided_Cut": "2_side_sfs"})
    lq = {"cut_value": values["lq_model"].cut} if "lq_model" in values else {}
    if "lq_survival" in values:
        lq |= _survivals(values["lq_survival"], {"LQ_Cut": "sfs"})
    found = {
        "qc": _quality(values["quality_survival"]),
        "ecal": _energy(values),
        "aoe": aoe,
        "lq": lq,
    }
    if parameters.absent:
        found["absent"] = dict(parameters.absent)
    told = [{"node": f.node, "code": f.code, "reason": f.message} for f in failures]
    return {**found, "failures": told} if told else found


def _high_cut(parameters: HitParameters) -> float:
    """The upper cut of the two-sided verdict of A/E."""
    cuts = {item.name: item.parameters for item in parameters.operations}
    return cuts["AoE_Double_Sided_Cut"]["a"]


def _quality(table: pd.DataFrame) -> dict[str, Any]:
    return {
        str(row.flag): {"sf": PERCENT * row.survival, "n": row.n, "n_pass": row.n_alone}
        for row in _rows(table)
    }


def _survivals(table: pd.DataFrame, names: Mapping[str, str]) -> dict[str, Any]:
    """Survival in percent by line, as LEGEND names it."""
    return {
        key: {
            _SAMPLES[str(row.sample)]: {
                "sf": PERCENT * row.survival,
                "sf_err": PERCENT * row.error,
                "sf_low": PERCENT * row.low,
                "sf_high": PERCENT * row.high,
            }
            for row in _rows(table[table["cut"] == cut])
        }
        for cut, key in names.items()
    }


def _energy(values: Mapping[str, Any]) -> dict[str, Any]:
    peaks, curves, widths = (
        values[name] for name in ("energy_peaks", "resolution_curve", "qbb_fwhm_keV")
    )
    found = {}
    for width in _rows(widths):
        own = (peaks["estimator"] == width.estimator) & (peaks["corrected"] == width.corrected)
        fits = {str(p.line): _peak(p) for p in _rows(peaks[own])}
        of_curve = (curves["estimator"] == width.estimator) & (
            curves["corrected"] == width.corrected
        )
        entry: dict[str, Any] = {f"eres_{row.form}": _curve(row) for row in _rows(curves[of_curve])}
        if "eres_linear" in entry:
            entry["eres_linear"] |= {
                "Qbb_fwhm_in_kev": width.fwhm_keV,
                "Qbb_fwhm_err_in_kev": width.fwhm_err_keV,
            }
        valid = [name for name, fit in fits.items() if fit["validity"]]
        entry |= {"fitted_peaks": valid, "pk_fits": fits}
        found[f"{width.estimator}{'_ctc' if width.corrected else ''}_cal"] = entry
    share, primary = values["full_energy_survival"], values["primary_calibration"].estimator
    name = f"{primary}_ctc_cal" if f"{primary}_ctc_cal" in found else f"{primary}_cal"
    # Counts in the peak, all and those that pass the quality cuts.
    counts = {"total_fep": share.n, "pass_fep": share.n * share.value}
    found[name] = {**counts, **found[name]}
    return found


def _peak(row: Any) -> dict[str, Any]:
    """A fit, its parameters by the names that pygama gives them."""
    names = {"mu": ("mu", "_keV"), "sigma": ("sigma", "_keV"), "n_sig": ("n_sig", "")}
    if row.model == "hpge":
        names |= {"htail": ("h_tail", ""), "tau": ("tail", "_keV")}
    names |= {"n_bkg": ("n_bkg", ""), "hstep": ("step", "")}
    return {
        "function": row.model,
        "validity": row.reason == "",
        "parameters": {key: getattr(row, f"{n}{unit}") for key, (n, unit) in names.items()},
        "uncertainties": {key: getattr(row, f"{n}_err{unit}") for key, (n, unit) in names.items()},
        "range": [row.low_keV, row.high_keV],
        "chi_square": [row.chi2, row.dof],
        "p_value": row.p_value,
        "position": row.position_keV,
        "position_err": row.position_err_keV,
        "fwhm_in_kev": row.fwhm_keV,
        "fwhm_err_in_kev": row.fwhm_err_keV,
    }


def _curve(row: Any) -> dict[str, Any]:
    n = 2 if row.form == "linear" else 3
    letters = "abc"[:n]
    errors = np.array([row.a_err_keV2, row.b_err_keV, row.c_err][:n])
    correlation = np.eye(n)
    for i, k in ((0, 1), (0, 2), (1, 2)):
        if k < n:
            correlation[i, k] = correlation[k, i] = getattr(
                row, f"correlation_{'abc'[i]}{'abc'[k]}"
            )
    return {
        "expression": "(a+b*x)**(0.5)" if n == 2 else "(a+b*x+c*x**2)**(0.5)",
        "parameters": dict(zip(letters, (row.a_keV2, row.b_keV, row.c), strict=False)),
        "uncertainties": dict(zip(letters, errors, strict=True)),
        "cov": correlation * np.outer(errors, errors),
        "csqr": [row.chi2, row.dof],
        "p_val": row.p_value,
    }
