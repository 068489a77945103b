"""Tables of recordings of which it is known what they are: truth or labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ...nodes.file_kinds import fault_of_input
from ...nodes.whole_numbers import exactly_whole
from ...schemas.errors import InputError
from ...schemas.transients.config import TransientsConfig
from ...schemas.transients.layout import NOT_GIVEN
from ..graph_inputs import Context
from ..home import path_of_setting


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
