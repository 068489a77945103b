"""Constants of bars from a table, or from the file of an earlier run."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from ....schemas.arrays import F8
from ....schemas.errors import InputError
from ....schemas.imaging.calibration import BAR_CALIBRATION, SOURCES
from ....schemas.sources import FileRef
from ....schemas.tables import categories_of
from ...csv_numbers import EXACT
from ...file_kinds import HDF5, kind_of
from ...hdf5_content import opened_content

NEEDED: Final = ("det_id", "along_offset_cm", "time_offset_ns", "light_gain")
_ERRORS: Final = tuple(name for name in BAR_CALIBRATION.names if "_sigma" in name)
# What a table that leaves them out has.
_ABSENT: Final = {"time_walk_ns": 0.0, **dict.fromkeys(_ERRORS, np.nan)}
_GROUP: Final = "calibration"


def read_constants(file: FileRef) -> pd.DataFrame:
    """BarCalibration, ascending by det_id, from CSV or from /calibration of a run's file.

    det_id, along_offset_cm, time_offset_ns and light_gain are needed; time_walk_ns is 0 and errors
    are not known where they are left out. InputError if it is no such table, a value is not
    finite, a gain not above 0 or a bar twice.
    """
    path = Path(file.path)
    columns = _of_run(path) if kind_of(path) == HDF5 else _of_csv(path)
    missing = [name for name in NEEDED if name not in columns]
    if missing:
        msg = f"{path}: no column {missing[0]!r}; a table of bars has {', '.join(NEEDED)}"
        raise InputError(msg, file=file.path)
    needed = [*NEEDED, "time_walk_ns"]
    n = len(columns["det_id"])
    columns = {**{name: np.full(n, value) for name, value in _ABSENT.items()}, **columns}
    values = np.column_stack([columns[name] for name in needed])
    bad = ~np.isfinite(values).all(axis=1) | ~(values[:, NEEDED.index("light_gain")] > 0)
    if bad.any():
        row = int(np.argmax(bad))
        seen = values[row].tolist()
        msg = f"{path}: row {row + 1} is {seen}; give finite numbers, gains above 0"
        raise InputError(msg, file=file.path)
    order = np.argsort(columns["det_id"], kind="stable")
    ids = columns["det_id"][order].astype(np.int64)
    if len(np.unique(ids)) < len(ids):
        twice = int(ids[1:][np.diff(ids) == 0][0])
        msg = f"{path}: det_id {twice} stands there twice; keep one of the rows"
        raise InputError(msg, file=file.path)
    told = {name: columns[name][order] for name in (*needed, *_ERRORS)}
    source = categories_of(np.full(n, SOURCES.index("file"), np.int8), SOURCES)
    others = {"det_id": ids, "n_events": np.zeros(n, np.int64), "source": source}
    return BAR_CALIBRATION.frame({**told, **others})


def _of_csv(path: Path) -> dict[str, F8]:
    try:
        table = pd.read_csv(path, comment="#", **EXACT)
    except (ValueError, UnicodeDecodeError) as reason:
        asked = ", ".join(NEEDED)
        msg = f"{path}: not a table of bar constants ({reason}); give CSV with {asked}"
        raise InputError(msg, file=path) from None
    return {
        name: pd.to_numeric(table[name], errors="coerce").to_numpy(np.float64)
        for name in (*NEEDED, *_ABSENT)
        if name in table
    }


def _of_run(path: Path) -> dict[str, F8]:
    """Columns of /calibration; errors that are not known stand there as NaN."""
    with opened_content(path) as file:
        found = {
            name: np.asarray(file[f"{_GROUP}/{name}"][()], np.float64)
            for name in (*NEEDED, *_ABSENT)
            if f"{_GROUP}/{name}" in file
        }
    if not found:
        msg = f"{path}: no /calibration in it; give the file of a run whose bars were calibrated"
        raise InputError(msg, file=path)
    return found
