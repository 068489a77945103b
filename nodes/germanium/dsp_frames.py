"""Frames of the read-out and of the dsp tier: from waveforms, or as an earlier run stored them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ...schemas.arrays import F4
from ...schemas.errors import InputError
from ...schemas.germanium.dsp import DspParameters, RawTable, Waveforms
from ...schemas.germanium.frames import DSP_COLUMNS, RAW_SCALARS
from ...schemas.sources import EventRange
from .kernels.dsp import COLUMNS, dsp_rows
from .lh5 import lh5_file, read_column
from .recipes import recipe_of


def scalars_of(raw_table: RawTable, row_range: EventRange) -> pd.DataFrame:
    """What the read-out says of each trigger; 0 where the file has no such column.

    InputError without times or energies.
    """
    layout, first, n = raw_table.layout, row_range.first_event, row_range.n_events
    path = raw_table.file.path
    energy = next((name for name in ("daqenergy", "energy") if name in layout.columns), "")
    if not energy:
        msg = (
            f"{path}: {layout.path} has no column daqenergy (nor energy, as the oldest files), "
            "which tells pulses from forced triggers. Give a file that has it."
        )
        raise InputError(msg, file=path, code="missing_column")
    with lh5_file(path) as file:
        group = file[layout.path]

        def column(name: str, dtype: str) -> Any:
            if name not in layout.columns:
                return np.zeros(n, dtype)
            return whole_column(read_column(group, name, first, n, path), dtype, name, path)

        return RAW_SCALARS.frame(
            {
                "daqenergy": column(energy, "uint16"),
                "timestamp_s": read_column(group, "timestamp", first, n, path, tier="dsp"),
                "baseline_adc": column("baseline", "uint16"),
                "t_sat_lo": column("t_sat_lo", "uint16"),
                "t_sat_hi": column("t_sat_hi", "uint16"),
            }
        )


def dsp_frame(
    waveforms: Waveforms, raw_scalars: pd.DataFrame, dsp_parameters: DspParameters
) -> pd.DataFrame:
    """The columns of DSP_COLUMNS, a row a waveform."""
    columns = pulse_columns(waveforms, dsp_parameters)
    n = len(raw_scalars)
    # What the read-out counted at its rails is more than the presummed samples show.
    for name in ("t_sat_lo", "t_sat_hi"):
        counted = raw_scalars[name].to_numpy() * np.float32(waveforms.fast_ns)
        columns[name] = np.maximum(columns[name], counted)
    columns |= {
        "baseline": raw_scalars["baseline_adc"].to_numpy(),
        "timestamp": raw_scalars["timestamp_s"].to_numpy(),
        "daqenergy": raw_scalars["daqenergy"].to_numpy(),
    }
    return DSP_COLUMNS.frame(
        {
            name: columns[name] if name in columns else absent_column(name, n)
            for name in DSP_COLUMNS.names
        }
    )


def pulse_columns(waveforms: Waveforms, parameters: DspParameters) -> dict[str, F4]:
    """What is computed of waveforms, float32 columns by name."""
    recipe, cusp, zac = recipe_of(parameters, waveforms)
    out = np.empty((len(COLUMNS), len(waveforms.slow)), np.float32)
    dplms = np.array(parameters.dplms, np.float64)
    dsp_rows(_only_read(waveforms.slow), _only_read(waveforms.fast), cusp, zac, dplms, recipe, out)
    return dict(zip(COLUMNS, out, strict=True))


def _only_read(array: F4) -> F4:
    """The same numbers, of the one kind that the kernel is compiled for: a node's are read-only."""
    same = array.view()
    same.flags.writeable = False
    return same


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
                    whole_column(values, column.dtype, column.name, path)
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


def whole_column(values: Any, dtype: str, name: str, path: str) -> Any:
    """Whole numbers of a type; InputError for what is none of it."""
    limits = np.iinfo(dtype)
    if values.dtype.kind not in "iub" or (
        len(values) and not (limits.min <= values.min() and values.max() <= limits.max)
    ):
        msg = f"{path}: column {name} is {values.dtype}; whole numbers that fit {dtype} are needed."
        raise InputError(msg, file=path, code="wrong_dtype")
    return values.astype(dtype)
