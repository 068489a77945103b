"""What an answer tells of each channel: status, failures, and every number with its error."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import pandas as pd

from ...schemas.failures import Failure
from ...schemas.germanium.settings import Germanium
from .tables import status_of

OK, PARTIAL, FAILED = "ok", "partial", "failed"
_ENERGY: Final = "energy_scale_keV_per_adc"
_CHANNEL: Final = "channel"
_FULL_ENERGY: Final = "2614.511"


def channels_summary(
    values: Mapping[str, Any], failures: Iterable[Failure], channels: Iterable[str]
) -> dict[str, Any]:
    """The summary of a run, failed channels first.

    Parameters
    ----------
    values
        By node: the value of each channel that has one.
    failures
        What could not be evaluated.
    channels
        All that were to be processed.
    """
    by_channel: dict[str, list[Failure]] = {channel: [] for channel in channels}
    for failure in failures:
        channel = str(failure.at.get(_CHANNEL, ""))
        if channel in by_channel:
            by_channel[channel].append(failure)
    told = {
        channel: _of_channel({n: v[channel] for n, v in _keyed(values) if channel in v}, of_channel)
        for channel, of_channel in by_channel.items()
    }
    order = (FAILED, PARTIAL, OK)
    return {"channels": dict(sorted(told.items(), key=lambda item: order.index(item[1]["status"])))}


def verdict_of(values: Mapping[str, Any], settings: Germanium) -> list[dict[str, Any]]:
    """The checks of each channel that is "on": rows twice or out of time, resolution, the line."""
    checks = []
    for count in (f"n_{name}" for name in OF_ROWS):
        for channel, n in values.get(count, {}).items():
            if n and _Limits.of(channel, values, settings).status == "on":
                checks.append(_check(channel, count, float(n), 0.0, ok=False))
    widths, peaks = values.get("qbb_fwhm_keV", {}), values.get("energy_peaks", {})
    for channel, table in widths.items():
        limits = _Limits.of(channel, values, settings)
        if limits.status != "on":
            continue
        own = table[table["estimator"] == limits.primary]
        if len(own):
            width = float(own["fwhm_keV"].iloc[-1])
            limit = limits.qbb_fwhm_keV
            checks.append(_check(channel, "qbb_fwhm_keV", width, limit, width <= limit))
        fit = peaks.get(channel)
        if fit is not None:
            line = fit[(fit["estimator"] == limits.primary) & (fit["line"] == _FULL_ENERGY)]
            for p in line["p_value"].iloc[-1:]:
                floor = limits.p_value
                checks.append(_check(channel, "p_value_2614", float(p), floor, p >= floor))
    return checks


@dataclass(frozen=True)
class _Limits:
    """What the checks of a channel go by: its own settings where it has some."""

    status: str
    primary: str
    qbb_fwhm_keV: float
    p_value: float

    @classmethod
    def of(cls, channel: str, values: Mapping[str, Any], settings: Germanium) -> Self:
        table = values.get("channel_settings", {}).get(channel)
        if table is None:
            gates = settings.gates
            status = status_of(settings, channel)
            return cls(status, settings.primary, gates.qbb_fwhm_keV, gates.p_value)
        known = dict(zip(table["key"].astype(str), table["value"].astype(str), strict=True))
        keys = ("status", "primary", "gates.qbb_fwhm_keV", "gates.p_value")
        return cls(*(json.loads(known[key]) for key in keys))


OF_ROWS: Final = {
    "duplicates": "rows repeat an earlier one: was a file given twice?",
    "out_of_time": "rows have no time, or one before that of a row above: are the files in order?",
}
"""Numbers of a summary that are to be 0, and what they count."""
_WORDS: Final = {
    **{f"n_{name}": words for name, words in OF_ROWS.items()},
    "qbb_fwhm_keV": "keV FWHM at Q_bb, above [germanium.gates] qbb_fwhm_keV",
    "p_value_2614": "is the p-value of the 2614.5 keV line, below [germanium.gates] p_value",
}


def failed_check(check: Mapping[str, Any]) -> str:
    """A check of ``verdict_of`` that failed, in words."""
    value = "no" if check["value"] is None else f"{check['value']:.4g}"
    limit = "" if not check["limit"] else f" = {check['limit']:g}"
    return f"{check['channel']}: {value} {_WORDS[check['check']]}{limit}"


def _check(channel: str, name: str, value: float, limit: float, ok: bool) -> dict[str, Any]:
    known = value if math.isfinite(value) else None
    status = "pass" if ok else "fail"
    return {"channel": channel, "check": name, "value": known, "limit": limit, "status": status}


def _keyed(values: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    return [(name, value) for name, value in values.items() if isinstance(value, Mapping)]


def _of_channel(values: Mapping[str, Any], failures: list[Failure]) -> dict[str, Any]:
    if not failures:
        status = OK
    else:
        status = PARTIAL if _ENERGY in values else FAILED
    found: dict[str, Any] = {
        "status": status,
        "failures": [{"node": f.node, "code": f.code, "reason": f.message} for f in failures],
        "rows": values.get("n_triggers"),
        "duplicates": values.get("n_duplicates"),
        "out_of_time": values.get("n_out_of_time"),
        **_decay(values.get("pole_zero_constants_ns")),
    }
    if _ENERGY in values:
        found["energy"] = _energies(values)
    if "aoe_low_cut" in values:
        cut = values["aoe_low_cut"]
        found["aoe"] = {"low_cut": number(cut.value, cut.error)}
        if "aoe_survival" in values:
            table = values["aoe_survival"]
            found["aoe"]["survival"] = _fractions(table, "AoE_Low_Cut")
            found["aoe"]["two_sided"] = _fractions(table, "AoE_Double_Sided_Cut")
    if "lq_model" in values:
        found["lq"] = {"cut": number(values["lq_model"].cut)}
        if "lq_survival" in values:
            found["lq"]["survival"] = _fractions(values["lq_survival"], "LQ_Cut")
    for node, name in (("quality_survival", "quality"), ("forced_survival", "forced_quality")):
        if node in values:
            found[name] = {
                str(row.flag): _fraction(row.survival, row.low, row.high)
                for row in _rows(values[node])
            }
    pulser = values.get("pulser_line")
    if pulser is not None and len(pulser.times_s):
        found["pulser"] = {
            "n_events": len(pulser.times_s),
            "period_s": _known(pulser.period_s),
            "energy_adc": number(pulser.energy_adc, pulser.width_adc),
            "is_cut": bool(pulser.is_cut),
        }
    return found


def _rows(table: pd.DataFrame) -> Iterable[Any]:
    """The rows of a table, columns by name."""
    return table.itertuples(index=False)


def number(value: float, error: float = 0.0) -> dict[str, float | None]:
    """A number with its error; what is not known is null."""
    return {"value": _known(value), "error": _known(error)}


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _decay(constants: Any) -> dict[str, Any]:
    if constants is None:
        return {}
    return {
        "tau1_us": number(constants.tau1_ns / 1e3, constants.tau1_err_ns / 1e3),
        "tau2_us": number(constants.tau2_ns / 1e3, constants.tau2_err_ns / 1e3),
        "frac2": number(constants.frac2, constants.frac2_err),
    }


def _energies(values: Mapping[str, Any]) -> dict[str, Any]:
    scales, peaks = values[_ENERGY], values.get("energy_peaks")
    widths, alphas = values.get("qbb_fwhm_keV"), values.get("trapping_alpha_per_ns")
    found: dict[str, Any] = {}
    for row in _rows(scales):
        own = _one_calibration(row, peaks, widths)
        name = str(row.estimator)
        if row.corrected:
            found.setdefault(name, {})["corrected"] = own
        else:
            found[name] = {**own, **_alpha(alphas, name), **found.get(name, {})}
    return found


def _one_calibration(row: Any, peaks: Any, widths: Any) -> dict[str, Any]:
    told: dict[str, Any] = {
        "scale_keV_per_adc": number(row.scale_keV_per_adc, row.scale_err_keV_per_adc)
    }
    if row.reason:
        told["reason"] = str(row.reason)
    if widths is not None:
        for width in _same(widths, row):
            told["qbb_fwhm_keV"] = number(width.fwhm_keV, width.fwhm_err_keV)
    if peaks is not None:
        told["fwhm_keV"] = {
            str(peak.line): number(peak.fwhm_keV, peak.fwhm_err_keV) for peak in _same(peaks, row)
        }
    return told


def _same(table: pd.DataFrame, row: Any) -> Iterable[Any]:
    """The rows of a table of the same estimator and correction."""
    of_row = (table["estimator"] == row.estimator) & (table["corrected"] == row.corrected)
    return table[of_row].itertuples(index=False)


def _alpha(alphas: Any, estimator: str) -> dict[str, Any]:
    if alphas is None:
        return {}
    for row in _rows(alphas[alphas["estimator"] == estimator]):
        told: dict[str, Any] = {"alpha_per_ns": number(row.alpha_per_ns, row.alpha_err_per_ns)}
        if row.reason:
            told["alpha_reason"] = str(row.reason)
        return told
    return {}


def _fractions(table: pd.DataFrame, cut: str) -> dict[str, Any]:
    own = table[table["cut"] == cut]
    return {
        str(row.sample): {
            **number(row.survival, row.error),
            "low": _known(row.low),
            "high": _known(row.high),
        }
        for row in _rows(own)
    }


def _fraction(value: float, low: float, high: float) -> dict[str, float | None]:
    error = (high - low) / 2.0
    return {**number(value, error), "low": _known(low), "high": _known(high)}
