"""From LH5 files to rows: scalars, waveforms, and columns that an earlier dsp run stored."""

from __future__ import annotations

from typing import Any, Final

import h5py
import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag

from ...schemas.arrays import F4
from ...schemas.errors import InputError
from ...schemas.germanium.dsp import RawTable, Waveforms
from ...schemas.germanium.frames import DSP_COLUMNS, RAW_SCALARS
from ...schemas.germanium.lh5 import TableLayout, WaveformLayout
from ...schemas.sources import EventRange, FileRef
from .lh5 import lh5_file, read_column, read_waveforms

PRESUM: Final = 8
"""Samples of 16 ns in one of a presummed waveform."""
WINDOW_NS: Final = (42_000.0, 64_400.0)
"""Where the pulse is looked at in samples of 16 ns: -6 to 16.4 us about the trigger."""
RAIL_ADC: Final = 65535.0


@tag(stage="load", scope="table", helper="true")
def raw_table(source_file: FileRef, table_layout: TableLayout) -> RawTable:
    """Which table of which file is read."""
    return RawTable(source_file, table_layout)


@tag(stage="load", schema="RawScalars")
@config.when(begins="raw")
def raw_scalars__of_raw(raw_table: RawTable, row_range: EventRange) -> pd.DataFrame:
    """What the read-out says of each trigger; 0 where the file has no such column."""
    layout, first, n = raw_table.layout, row_range.first_event, row_range.n_events
    path = raw_table.file.path
    energy = "daqenergy" if "daqenergy" in layout.columns else "energy"
    with lh5_file(path) as file:
        group = file[layout.path]

        def column(name: str, dtype: str) -> Any:
            if name not in layout.columns:
                return np.zeros(n, dtype)
            return _whole(read_column(group, name, first, n, path), dtype, name, path)

        return RAW_SCALARS.frame(
            {
                "daqenergy": column(energy, "uint16"),
                "timestamp_s": read_column(group, "timestamp", first, n, path, tier="dsp"),
                "baseline_adc": column("baseline", "uint16"),
                "t_sat_lo": column("t_sat_lo", "uint16"),
                "t_sat_hi": column("t_sat_hi", "uint16"),
            }
        )


def _whole(values: Any, dtype: str, name: str, path: str) -> Any:
    """Whole numbers of a type; InputError for what is none of it."""
    limits = np.iinfo(dtype)
    if values.dtype.kind not in "iub" or (
        len(values) and not (limits.min <= values.min() and values.max() <= limits.max)
    ):
        msg = f"{path}: column {name} is {values.dtype}; whole numbers that fit {dtype} are needed."
        raise InputError(msg, file=path, code="wrong_dtype")
    return values.astype(dtype)


@tag(stage="load", helper="true", stored="false")
@config.when(begins="raw")
def waveforms__of_raw(raw_table: RawTable, row_range: EventRange) -> Waveforms:
    """Waveforms of a range of rows: presummed and windowed, or both made of a long one."""
    layout, path = raw_table.layout, raw_table.file.path
    first, n = row_range.first_event, row_range.n_events
    by_name = {w.name: w for w in layout.waveforms}
    with lh5_file(path) as file:
        group = file[layout.path]
        if {"waveform_presummed", "waveform_windowed"} <= by_name.keys():
            return _recorded_both(group, by_name, first, n, path)
        if "waveform" in by_name:
            samples = read_waveforms(group, "waveform", first, n, path)
            return slow_and_fast(samples, by_name["waveform"], path)
    there = ", ".join(by_name) or "none"
    msg = (
        f"{path}: {layout.path} has no column waveform, nor waveform_presummed and "
        f"waveform_windowed (there is {there}), which the dsp tier is made of."
    )
    raise InputError(msg, file=path, code="missing_column")


def _recorded_both(
    group: h5py.Group, by_name: dict[str, WaveformLayout], first: int, n: int, path: str
) -> Waveforms:
    slow, fast = by_name["waveform_presummed"], by_name["waveform_windowed"]
    rate = PRESUM
    if "presum_rate" in group:
        rates = np.unique(read_column(group, "presum_rate", first, n, path))
        if len(rates) > 1 or (len(rates) and rates[0] < 1):
            msg = f"{path}: presum_rate is {rates.tolist()}; one rate from 1 on is needed."
            raise InputError(msg, file=path, code="mixed_sampling")
        rate = int(rates[0]) if len(rates) else rate
    sums = read_waveforms(group, slow.name, first, n, path)
    window = read_waveforms(group, fast.name, first, n, path)
    return Waveforms(
        sums.astype(np.float32) / np.float32(rate),
        window.astype(np.float32),
        slow.dt_ns,
        fast.dt_ns,
        fast.t0_ns - slow.t0_ns,
        RAIL_ADC,
    )


def slow_and_fast(samples: Any, layout: WaveformLayout, path: str = "") -> Waveforms:
    """A long waveform presummed by PRESUM, and its samples in WINDOW_NS.

    InputError if it ends before the window does.
    """
    n, length = samples.shape
    dt = layout.dt_ns
    begin, stop = (round(t / dt) for t in WINDOW_NS) if n else (0, length)
    if stop > length:
        msg = (
            f"{path}: waveforms of {length} samples of {dt} ns end at {length * dt / 1e3:.1f} us; "
            f"the pulse is looked at up to {WINDOW_NS[1] / 1e3} us."
        )
        raise InputError(msg, file=path, code="short_waveform")
    whole = length // PRESUM * PRESUM
    blocks = samples[:, :whole].reshape(n, length // PRESUM, PRESUM)
    slow: F4 = blocks.sum(axis=2, dtype=np.float32) / np.float32(PRESUM)
    fast: F4 = samples[:, begin:stop].astype(np.float32)
    return Waveforms(slow, fast, PRESUM * dt, dt, begin * dt, RAIL_ADC)


def stored_columns(raw_table: RawTable, row_range: EventRange) -> pd.DataFrame:
    """The dsp columns of a file of that tier; those that it has not are NaN, or 0."""
    layout, path = raw_table.layout, raw_table.file.path
    first, n = row_range.first_event, row_range.n_events
    columns = {}
    with lh5_file(path) as file:
        group = file[layout.path]
        for column in DSP_COLUMNS.columns:
            if column.name in layout.columns:
                values = read_column(group, column.name, first, n, path)
                whole = column.dtype.startswith(("int", "uint"))
                columns[column.name] = (
                    _whole(values, column.dtype, column.name, path)
                    if whole
                    else values.astype(column.dtype)
                )
            else:
                columns[column.name] = absent_column(column.name, n)
    return DSP_COLUMNS.frame(columns)


def absent_column(name: str, n: int) -> Any:
    """What stands in the place of a dsp column that there is not."""
    column = DSP_COLUMNS[name]
    if column.dtype.startswith("float"):
        return np.full(n, np.nan, column.dtype)
    return np.full(n, -1 if column.dtype.startswith("int") else 0, column.dtype)
