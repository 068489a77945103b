"""Settings and what is known of a run to graph inputs, each as fine as what depends on it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from ...nodes.file_kinds import fault_of_input
from ...nodes.transients.readers.archive import RecordingStreams
from ...nodes.whole_numbers import exactly_whole
from ...schemas.errors import InputError
from ...schemas.transients.config import Convention, TransientsConfig
from ...schemas.transients.layout import HEADER_BYTES, NOT_GIVEN, SAMPLE_BYTES
from ...schemas.transients.logbook import RunMetadata
from ...schemas.transients.recordings import DemodulationPlan, FitSettings, RecordingForm
from ..definition import Context, Input, of_each_part
from ..home import path_of_setting

# Samples before the trigger that are left out.
_GUARDS: Final[Mapping[Convention, int]] = {"ml4see": 100, "physical": 200}
# The filter delays by half its length: the first window begins at the trigger, half a sample late.
_LEAD: Final[Mapping[Convention, int]] = {"ml4see": 0, "physical": 64}
_FLAT_S: Final = (4e-6, 15e-6)


def recording_form(row: RunMetadata, config: TransientsConfig) -> RecordingForm:
    """How the recordings of a run are made, by its row of the logbook."""
    return RecordingForm(
        row.n_pre,
        row.n_post,
        row.sdr_info_fs,
        row.sdr_info_cf,
        row.scan_x_lsb_per_um,
        row.scan_y_lsb_per_um,
        config.transients.values == "ppm",
    )


def guard_samples(config: TransientsConfig) -> int:
    """Samples before the trigger that are no baseline."""
    return config.transients.baseline.guard_samples or _GUARDS[config.transients.convention]


def demodulation_plan(form: RecordingForm, config: TransientsConfig) -> DemodulationPlan:
    """Which samples and windows are used of recordings of a form."""
    transients = config.transients
    settings, windows = transients.demodulation, transients.windows
    n_post = min(settings.post_samples or form.n_post, form.n_post)
    n_samples = form.n_pre + n_post
    n_before = form.n_pre - guard_samples(config)
    start = form.n_pre - _LEAD[transients.convention]
    n_late = n_samples - settings.taps - start
    every = settings.decimate
    flat_first, flat_last = (round(t * form.fs_Hz / every) * every for t in _FLAT_S)
    return DemodulationPlan(
        n_samples=n_samples,
        n_before=n_before,
        start=start,
        window=windows.length,
        step=windows.step,
        decimate=every,
        n_pre_windows=(n_before - windows.length) // windows.step + 1,
        n_post_windows=(n_late - windows.length) // windows.step + 1,
        flat_first=flat_first,
        flat_length=flat_last - flat_first,
        fs_Hz=form.fs_Hz,
    )


def fit_settings(form: RecordingForm, config: TransientsConfig) -> FitSettings:
    """Times of the windows and what a fit is worth, by the convention."""
    transients = config.transients
    fit, is_physical = transients.fit, transients.convention == "physical"
    if is_physical:
        begin_s = 0.5 / form.fs_Hz - transients.demodulation.trigger_delay_s
    else:
        begin_s = (transients.windows.length - 1) / form.fs_Hz
    return FitSettings(
        fit.components, fit.r2_min, fit.degenerate_span, begin_s, is_physical, not is_physical
    )


def carrier_Hz(form: RecordingForm, config: TransientsConfig) -> float:
    """What is added to the baseline for the frequency that ppm refer to."""
    quarter = form.fs_Hz / 4 if config.transients.carrier.reference == "cf_plus_lo" else 0.0
    return form.cf_Hz + quarter


def run_inputs(row: RunMetadata, config: TransientsConfig) -> dict[str, Any]:
    """What the graph is told of a run with recordings."""
    form = recording_form(row, config)
    most = HEADER_BYTES + SAMPLE_BYTES * form.n_samples + 1
    return {
        "recording_form": form,
        "demodulation_plan": demodulation_plan(form, config),
        "fit_settings": fit_settings(form, config),
        "carrier_Hz": float(carrier_Hz(form, config)),
        "recording_streams": RecordingStreams(most),
    }


def threads(config: TransientsConfig, _context: Context) -> int:
    """How many threads compute; no result depends on it."""
    workers = config.run.workers
    return len(os.sched_getaffinity(0)) if workers in ("auto", 0) else int(workers)


def known_anomalies(config: TransientsConfig, context: Context) -> pd.DataFrame:
    """Rows of truth or labels: number, x, y (NOT_GIVEN without), kind, amplitude (NaN = not given).

    ``{run}`` in the name stands for the number of the run, three digits. InputError for a file
    that is not there or has no such columns.
    """
    named = config.transients.truth or config.transients.labels
    if not named:
        return _anomalies([], [], [], [], [])
    run = context.restart or 0
    path = path_of_setting(context.folder, named.replace("{run}", f"{run:03d}"))
    return read_anomalies(path)


def read_anomalies(path: Path) -> pd.DataFrame:
    """The truth (transient, kind) or labels (transient, type) of a CSV file.

    InputError where a number is none: no recording would be found by it.
    """
    fault = fault_of_input(path)
    try:
        table = pd.DataFrame() if fault else pd.read_csv(path)
    except (OSError, ValueError) as reason:
        fault = str(reason)
    if fault:
        msg = f"{path}: cannot be read as a table of recordings ({fault}). Give a CSV file."
        raise InputError(msg, file=path, code="labels")
    kind = next((name for name in ("kind", "type") if name in table), None)
    if kind is None or "transient" not in table:
        there = ", ".join(map(str, table))
        msg = f"{path}: has the columns {there}; it needs transient and kind or type."
        raise InputError(msg, file=path, code="labels")
    try:
        # A text without digits at its end is NaN.
        named = table["transient"].astype(str).str.extract(r"(\d+)$")[0]
        number = exactly_whole(pd.to_numeric(named), "int64", "transient")
        # A place that is not told is one that is not given.
        x_lsb, y_lsb = (
            exactly_whole(pd.to_numeric(table[axis]).fillna(NOT_GIVEN), "int64", axis)
            if axis in table
            else np.full(len(table), NOT_GIVEN)
            for axis in ("x_lsb", "y_lsb")
        )
        amplitude = pd.to_numeric(table["amp_ppm"] if "amp_ppm" in table else number * np.nan)
    except ValueError as reason:
        msg = f"{path}: {reason}. Correct the row; rows are counted from 0, below the header."
        raise InputError(msg, file=path, code="labels") from None
    return _anomalies(number, x_lsb, y_lsb, table[kind].astype(str), amplitude)


def _anomalies(number: Any, x_lsb: Any, y_lsb: Any, kind: Any, amplitude: Any) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "number": np.asarray(number, np.int64),
            "x_lsb": np.asarray(x_lsb, np.int64),
            "y_lsb": np.asarray(y_lsb, np.int64),
            "kind": pd.Categorical(list(kind)),
            "amp_ppm": np.asarray(amplitude, np.float64),
        }
    )


_DEMODULATION: Final = "transients.demodulation"
INPUTS: Final = (
    Input("source_files", ("io.input_format",), of_each_part),
    Input("recording_range", ("run.chunk_events",), of_each_part),
    Input("run_number", ("transients.runs", "transients.manifest"), of_each_part),
    Input("logbook_row", ("transients.logbook",), of_each_part),
    Input("recording_form", ("transients.logbook", "transients.values"), of_each_part),
    Input("fpga_files", ("transients.retrieval.download_dir",), of_each_part),
    Input("earlier_files", ("io.input_format",), of_each_part),
    Input("recording_streams", (), of_each_part),
    Input("threads", ("run.workers",), threads),
    Input(
        "demodulation_plan",
        (
            f"{_DEMODULATION}.decimate",
            f"{_DEMODULATION}.post_samples",
            "transients.windows",
            "transients.baseline",
            "transients.convention",
        ),
        of_each_part,
    ),
    Input(
        "lowpass_settings",
        tuple(f"{_DEMODULATION}.{key}" for key in ("taps", "pass_MHz", "stop_MHz")),
        lambda config, _: config.transients.demodulation,
    ),
    Input(
        "fit_settings",
        ("transients.fit", "transients.convention", f"{_DEMODULATION}.trigger_delay_s"),
        of_each_part,
    ),
    Input("carrier_Hz", ("transients.carrier",), of_each_part),
    Input("quality_limits", ("transients.quality",)),
    Input("outlier_settings", ("transients.outliers",)),
    Input("map_settings", ("transients.maps",)),
    Input("known_anomalies", ("transients.labels", "transients.truth"), known_anomalies),
)
CHOICES: Final = (
    # Another one where the source is the file of an earlier run.
    Input("start", (), lambda _config, _context: "samples"),
    Input("samples", ("output.samples",)),
)
