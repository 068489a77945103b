"""The file of a run, read back."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from ...nodes.hdf5_content import Content, opened_content
from ...nodes.transients.figure_recordings import rows_to_show
from ...schemas.transients.config import TransientsConfig
from ...schemas.transients.layout import run_name
from ...schemas.transients.recordings import PositionMaps
from ...schemas.transients.stored_run import ShownRecordings, StoredRun
from ..runfile.exporting import stored_table
from ..runfile.record import record_at
from .run_inputs import first_window

_PRE: Final = "baseline/pre_window_means_ppm"
_POST: Final = "features/post_window_means_ppm"
_TIMES: Final = "baseline/window_times_s"
_NUMBERS: Final = "structure/recording_table/number"
_EVERY: Final = 1 << 62


def read_run(path: Path, *, with_windows: bool = True) -> StoredRun:
    """The frames of a run's file; InputError for one that is damaged or of another pipeline.

    Windows of every recording may be larger than memory: those of a few that are shown are read,
    or none.
    """
    config: TransientsConfig = record_at(path).loaded(path, TransientsConfig).config
    with opened_content(path) as file:
        dut = (
            file["structure/run_metadata/dut_name"].texts()[0]
            if "structure/run_metadata/dut_name" in file
            else ""
        )
        runs = config.transients.runs
        run = StoredRun(
            run_name(runs[0]) if runs else path.stem,
            dut,
            config,
            len(file[_NUMBERS]) if _NUMBERS in file else 0,
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
            file[_TIMES][()] if _TIMES in file else None,
            incomplete=str(file.attrs.get("incomplete", "")),
        )
        shown = _shown(file, run) if with_windows else None
        return dataclasses.replace(run, shown=shown)


def _shown(file: Content, run: StoredRun) -> ShownRecordings | None:
    """Windows of the recordings that are worth a look; None where the file has none."""
    if run.features is None or run.times_s is None or _PRE not in file or _POST not in file:
        return None
    chosen = rows_to_show(run)
    if not chosen:
        return None
    rows = tuple(row for row, _ in chosen)
    # HDF5 reads rows in their order, each once.
    at, place = np.unique(
        run.features["source_row"].to_numpy()[list(rows)].astype(np.int64), return_inverse=True
    )
    pre_ppm, post_ppm = (file[name][at][place] for name in (_PRE, _POST))
    form = file.content("structure/run_metadata")
    first = first_window(int(form["sdr_info_len_pretrig"][()]), run.config)
    offsets = np.arange(pre_ppm.shape[1]) * run.config.transients.windows.step - first
    pre_times_s = run.times_s[0] + offsets / float(form["sdr_info_fs"][()])
    return ShownRecordings(
        rows, tuple(label for _, label in chosen), pre_ppm, post_ppm, pre_times_s
    )


def _frame(file: Content, path: str) -> pd.DataFrame | None:
    if path not in file:
        return None
    # At once: blocks put together are there twice.
    return stored_table(path, file.content(path), _EVERY).frame()


def _maps(file: Content, path: str) -> PositionMaps | None:
    if path not in file:
        return None
    group = file.content(path)
    found: dict[str, Any] = {}
    for field in dataclasses.fields(PositionMaps):
        values = group[field.name]
        found[field.name] = tuple(values.texts()) if values.holds_texts else values[()]
    return PositionMaps(**found)
