"""A channel in words, from the file of a run alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import numpy as np

from ...nodes.germanium.figure_parts import percent, with_error
from ...nodes.hdf5_content import Content, opened_content
from ...schemas.errors import InputError
from ...schemas.failures import Failure
from ..engine.artifacts import FAILURES
from ..provenance import pipeline_of
from ..runfile.exporting import stored_table
from ..runfile.record import RunRecord, record_at
from ..runfile.report import write_run_report
from .calibration_report import channel_sections
from .summary import OF_ROWS, channels_summary

_FRAMES: Final = (
    "quality/quality_survival", "energy/trapping_alpha_per_ns", "energy/energy_scale_keV_per_adc",
    "energy/energy_peaks", "energy/qbb_fwhm_keV", "aoe/aoe_survival", "lq/lq_survival",
)  # fmt: skip
_VALUES: Final = ("pole_zero/pole_zero_constants_ns", "aoe/aoe_low_cut", "lq/lq_model")
_COUNT: Final = "dsp/n_triggers"
_COUNTS: Final = (_COUNT, *(f"dsp/n_{name}" for name in OF_ROWS))


def channel_told(path: Path, channel: str) -> dict[str, Any]:
    """The summary of a channel, by its table or the name of its detector, as a run answers it.

    InputError for a file of no germanium run, and for a channel that is not in it.
    """
    record = record_at(path)
    failed = _failures(record)
    with opened_content(path) as content:
        pipeline = pipeline_of(content)
        if pipeline != "germanium":
            what = f"of the pipeline {pipeline}" if pipeline else "no run of this program"
            msg = f"{path}: is {what}; give the file that a run of germanium wrote."
            raise InputError(msg, file=path, code="other_pipeline")
        there = _channels(content, failed)
        name = _table_of(channel, there, record.settings, path)
        values = {key.rpartition("/")[2]: {name: v} for key, v in _values_of(content, name)}
    told: dict[str, Any] = channels_summary(values, failed, [name])["channels"][name]
    return {"channel": name, "file": str(path), **told}


def write_report(source: Path, page: Path, *, pdf: bool, overwrite: bool) -> list[Path]:
    """The page of any run, channels first, failed ones before the others.

    Its figures are made of more than the file holds; they stand in the report that the run wrote.
    """
    record = record_at(source)
    failed = _failures(record)
    values: dict[str, Any] = {FAILURES: failed, "n_triggers": {}}
    with opened_content(source) as content:
        for channel in _channels(content, failed):
            for key, value in _values_of(content, channel):
                values.setdefault(key.rpartition("/")[2], {})[channel] = value
    _, sections = channel_sections(values)
    return write_run_report(source, page, pdf=pdf, overwrite=overwrite, first=sections)


def _failures(record: RunRecord) -> list[Failure]:
    return [
        Failure(f["at"], f["node"], f["code"], f["message"], f.get("numbers", {}))
        for f in record.failed
        if "node" in f and "channel" in f.get("at", {})
    ]


def _channels(content: Content, failed: Sequence[Failure]) -> list[str]:
    """Those that have events, and those that failed."""
    there = list(content.content(_COUNT)) if _COUNT in content else []
    return list(dict.fromkeys([*there, *(str(failure.at["channel"]) for failure in failed)]))


def _table_of(channel: str, there: list[str], settings: Mapping[str, Any], path: Path) -> str:
    prefix = "germanium.detectors."
    found = {str(v): k.removeprefix(prefix) for k, v in settings.items() if k.startswith(prefix)}
    detectors = settings.get("germanium.detectors")
    if isinstance(detectors, Mapping):
        found |= {str(v): str(k) for k, v in detectors.items()}
    wanted = f"ch{int(channel):07d}" if channel.isdecimal() else channel
    name = found.get(wanted, wanted)
    if name in there:
        return name
    near = get_close_matches(name, [*there, *found], 1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    msg = f"{path}: has no channel {channel}{hint}; there is: {', '.join(there[:10]) or 'none'}"
    raise InputError(msg, file=path, key="channel", code="not_in_file")


def _values_of(content: Content, channel: str) -> Iterator[tuple[str, Any]]:
    for key in _FRAMES:
        if f"{key}/{channel}" in content:
            yield key, stored_table(key, content.content(f"{key}/{channel}")).frame()
    for key in _VALUES:
        if f"{key}/{channel}" in content:
            group = content.content(f"{key}/{channel}")
            scalars = [name for name, shape in group.shapes().items() if shape == ()]
            yield key, SimpleNamespace(**{name: group[name][()] for name in scalars})
    for key in _COUNTS:
        if f"{key}/{channel}" in content:
            yield key, int(np.asarray(content[f"{key}/{channel}"][()]))


def lines_of(told: Mapping[str, Any]) -> Iterator[str]:
    """A channel as text: status and failures first, then each number with its error."""
    rows = told.get("rows")
    yield f"{told['channel']}: {told['status']}" + (f", {rows} events" if rows is not None else "")
    for name, words in OF_ROWS.items():
        if told.get(name):
            yield f"  {told[name]} {words}"
    for failure in told["failures"]:
        yield f"  {failure['node']}: {failure['reason']}"
    if "tau1_us" in told:
        decay = f"  decay {_number(told['tau1_us'])} us"
        if told["tau2_us"]["value"]:
            decay += f", {_number(told['tau2_us'])} us with a share of {_number(told['frac2'])}"
        yield decay
    for name, energy in told.get("energy", {}).items():
        yield from _energy(name, energy)
    aoe, lq = told.get("aoe", {}), told.get("lq", {})
    if "low_cut" in aoe:
        yield f"  A/E: low cut at {_number(aoe['low_cut'])}" + _survivals(aoe.get("survival"))
        if "two_sided" in aoe:
            yield "  A/E, both cuts" + _survivals(aoe["two_sided"])
    if "cut" in lq:
        yield f"  LQ: cut at {_number(lq['cut'])}" + _survivals(lq.get("survival"))
    quality = told.get("quality", {})
    if quality:
        kept = (f"{flag} {_percent(share)}" for flag, share in quality.items())
        yield "  quality, kept by each cut (%): " + ", ".join(kept)


def _energy(name: str, energy: Mapping[str, Any]) -> Iterator[str]:
    if "reason" in energy:
        yield f"  {name}: not calibrated, {energy['reason']}"
        return
    alpha = energy.get("alpha_per_ns")
    yield f"  {name}: {_number(energy['scale_keV_per_adc'])} keV/ADC" + _widths(energy)
    if "corrected" in energy and alpha is not None:
        text = f"    corrected for trapped charge, alpha {_number(alpha, 1e7)} 1e-7/ns"
        yield text + _widths(energy["corrected"])
    elif "alpha_reason" in energy:
        yield f"    not corrected for trapped charge: {energy['alpha_reason']}"


def _widths(energy: Mapping[str, Any]) -> str:
    told = ""
    if "qbb_fwhm_keV" in energy:
        told += f", FWHM at Q_bb {_number(energy['qbb_fwhm_keV'])} keV"
    line = energy.get("fwhm_keV", {}).get("2614.511")
    return told + (f", at 2614.5 keV {_number(line)} keV" if line else "")


def _survivals(shares: Mapping[str, Any] | None) -> str:
    if not shares:
        return ""
    kept = (f"{sample} {_percent(share)}" for sample, share in shares.items())
    return "; surviving (%): " + ", ".join(kept)


def _number(number: Mapping[str, Any], factor: float = 1.0) -> str:
    if number["value"] is None:
        return "–"
    error = number["error"]
    return with_error(number["value"] * factor, math.nan if error is None else error * factor)


def _percent(share: Mapping[str, Any]) -> str:
    if share["value"] is None:
        return "–"
    return percent(share["value"], share["error"] or 0.0)
