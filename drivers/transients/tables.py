"""The recordings of a run as the tables that the earlier scripts wrote, and more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from ...schemas.transients.quality import LOCAL_FEATURES, REASONS
from ...schemas.transients.stored_run import StoredRun
from ..files import replaced_file
from ..runfile.exporting import row_blocks, write_csv, write_parquet

FIRST_COLUMNS: Final = {
    "x_lsb": "x_lsb",
    "y_lsb": "y_lsb",
    "x_um": "x_um",
    "y_um": "y_um",
    "trig_val": "trig_val",
    "pretrig_min": "pretrig_min",
    "posttrig_min": "posttrig_min",
    "pretrig_max": "pretrig_max",
    "posttrig_max": "posttrig_max",
    "pretrig_std": "pretrig_std",
    "posttrig_std": "posttrig_std",
    "fit_R2": "posttrig_exp_fit_R2",
    "fit_N": "posttrig_exp_fit_N",
    "fit_lambda": "posttrig_exp_fit_λ",
    "fit_c": "posttrig_exp_fit_c",
}
"""Columns of the features, after ``transient``, as the earlier scripts call them."""
_ROWS: Final = 1 << 16
_FURTHER: Final = {
    "baseline_mean_Hz": "baseline_freq_mean_hz",
    "baseline_std_Hz": "baseline_freq_std_hz",
    "hw_time_s": "hw_ts_sec",
    "sys_time_s": "sys_ts_sec",
    "quality": "quality",
    "fit_N_error": "posttrig_exp_fit_N_error",
    "fit_lambda_error": "posttrig_exp_fit_λ_error",
    "fit_c_error": "posttrig_exp_fit_c_error",
    "snr": "snr",
}


def usable_table(run: StoredRun) -> pd.DataFrame:
    """The usable recordings in the sixteen columns; with ``type`` second where it is known."""
    assert run.features is not None
    table = _first_columns(run.features)
    if run.outliers is not None:
        scored, outlier = run.outliers["scored"].to_numpy(), run.outliers["outlier"].to_numpy()
        kind = np.where(outlier, "outlier", np.where(scored, "inlier", "unscored"))
        table.insert(1, "type", kind)
    return table[run.features["usable"].to_numpy(bool)]


def full_table(run: StoredRun) -> pd.DataFrame:
    """Every recording, damaged ones too, with marks, errors, scores and reasons."""
    assert run.features is not None
    table = _first_columns(run.features)
    for name, other in _FURTHER.items():
        table[other] = run.features[name].to_numpy()
    if run.scores is not None and run.outliers is not None:
        for name in LOCAL_FEATURES:
            table[f"z_{name}"] = run.scores[f"z_{name}"].to_numpy()
        scored, outlier = run.outliers["scored"].to_numpy(), run.outliers["outlier"].to_numpy()
        table["outlier"] = np.where(scored, np.where(outlier, "1", "0"), "")
        reasons = run.outliers["reasons"].to_numpy()
        names = {value: "+".join(REASONS.names_of(value)) for value in np.unique(reasons)}
        table["outlier_reason"] = [names[value] for value in reasons]
    return table


def _first_columns(features: pd.DataFrame) -> pd.DataFrame:
    numbers = features["number"].to_numpy()
    table = pd.DataFrame({"transient": [f"tran_{number:06d}" for number in numbers]})
    for name, other in FIRST_COLUMNS.items():
        table[other] = features[name].to_numpy()
    return table


def write_csv_tables(run: StoredRun, usable: Path, full: Path) -> None:
    """Both tables as CSV, floats to the last digit."""
    for path, table in ((usable, usable_table), (full, full_table)):
        with replaced_file(path) as temporary:
            write_csv(path.stem, map(table, _blocks(run)), temporary)


def write_parquet_table(run: StoredRun, path: Path) -> None:
    """Every column of the features, scores and marks of each recording as Parquet."""
    with replaced_file(path) as temporary:
        write_parquet(path.stem, map(_every_column, _blocks(run)), temporary)


def _every_column(run: StoredRun) -> pd.DataFrame:
    frames = (run.features, run.scores, run.outliers)
    return pd.concat([f for f in frames if f is not None], axis=1)


def _blocks(run: StoredRun) -> Iterator[StoredRun]:
    """The run a block of recordings after the other: as texts they take much memory."""
    assert run.features is not None
    for begin, end in row_blocks(len(run.features), _ROWS):
        features, scores, outliers = (
            None if frame is None else frame.iloc[begin:end]
            for frame in (run.features, run.scores, run.outliers)
        )
        yield replace(run, features=features, scores=scores, outliers=outliers)
