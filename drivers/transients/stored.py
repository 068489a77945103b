"""The file of a run, read back."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Final

import pandas as pd

from ...nodes.hdf5_content import Content, opened_content
from ...schemas.transients.config import TransientsConfig
from ...schemas.transients.layout import run_name
from ...schemas.transients.recordings import PositionMaps
from ...schemas.transients.stored_run import StoredRun
from ..runfile.exporting import stored_table
from ..runfile.record import record_at

_POST: Final = "features/post_window_means_ppm"
_TIMES: Final = "baseline/window_times_s"


def read_run(path: Path, *, with_windows: bool = True) -> StoredRun:
    """The frames of a run's file; InputError for one that is damaged or of another pipeline.

    The windows of every recording are far larger than all else: they may be left out.
    """
    config: TransientsConfig = record_at(path).loaded(path, TransientsConfig).config
    with opened_content(path) as file:
        recordings = _frame(file, "structure/recording_table")
        dut = (
            file["structure/run_metadata/dut_name"].texts()[0]
            if "structure/run_metadata/dut_name" in file
            else ""
        )
        runs = config.transients.runs
        return StoredRun(
            run_name(runs[0]) if runs else path.stem,
            dut,
            config,
            pd.DataFrame({"number": []}) if recordings is None else recordings,
            _frame(file, "features/features"),
            _frame(file, "outliers/local_scores"),
            _frame(file, "outliers/outliers"),
            _frame(file, "features/quality_counts"),
            _frame(file, "outliers/false_alarms"),
            _frame(file, "outliers/anomaly_kinds"),
            _frame(file, "outliers/detection_quality"),
            _frame(file, "maps/cross_sections"),
            _maps(file, "maps/position_maps"),
            _maps(file, "maps/filtered_position_maps"),
            file[_POST][()] if with_windows and _POST in file else None,
            file[_TIMES][()] if _TIMES in file else None,
            str(file.attrs.get("incomplete", "")),
        )


def _frame(file: Content, path: str) -> pd.DataFrame | None:
    if path not in file:
        return None
    return stored_table(path, file.content(path)).frame()


def _maps(file: Content, path: str) -> PositionMaps | None:
    if path not in file:
        return None
    group = file.content(path)
    found: dict[str, Any] = {}
    for field in dataclasses.fields(PositionMaps):
        values = group[field.name]
        found[field.name] = tuple(values.texts()) if values.holds_texts else values[()]
    return PositionMaps(**found)
