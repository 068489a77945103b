"""The file of an earlier run of this pipeline, read back as what its nodes gave."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ....schemas.arrays import F8, I8, frozen
from ....schemas.errors import InputError
from ....schemas.sources import FileRef
from ....schemas.tables import TableSchema
from ....schemas.transients.layout import KEPT_IQ
from ....schemas.transients.recordings import HitLog, RecordingForm, RecordingRange, Recordings
from ...hdf5_content import Content, opened_content

TABLE: Final = "structure/recording_table"
WINDOWS: Final = "features/post_window_means_ppm"
FEATURES: Final = "features/features"
FOREIGN: Final = "structure/foreign_members"
_METADATA: Final = "structure/run_metadata"
_US: Final = 1_000_000


def stored_frame(
    file: FileRef, place: str, schema: TableSchema, rows: slice | I8 = slice(None)
) -> pd.DataFrame:
    """Rows of the frame that stands at a place; InputError for a file that is damaged."""
    with opened_content(Path(file.path)) as content:
        return _frame(content.content(place), schema, rows)


def _frame(group: Content, schema: TableSchema, rows: slice | I8) -> pd.DataFrame:
    if isinstance(rows, slice):
        return schema.frame({name: group[name][rows] for name in schema.names})
    # HDF5 takes long for single rows: the stretch that they lie in is read. What is taken of it
    # is a copy; a view would keep the stretch of every part in memory.
    low, high = (int(rows.min()), int(rows.max()) + 1) if rows.size else (0, 0)
    return schema.frame({name: group[name][low:high][rows - low] for name in schema.names})


def stored_array(file: FileRef, place: str, rows: slice = slice(None)) -> F8:
    """Rows of the numbers that stand at a place, as float64."""
    with opened_content(Path(file.path)) as content:
        return frozen(np.asarray(content[place][rows], dtype=np.float64))


def rows_of(place: RecordingRange) -> slice:
    """The rows of a range, of what stands in the order of the source."""
    return slice(place.first, place.first + place.count)


def source_order(file: FileRef, place: RecordingRange) -> I8:
    """Rows of the features, which are sorted, in the order of the source, for a range."""
    with opened_content(Path(file.path)) as content:
        source_row = content[f"{FEATURES}/source_row"][()]
    here = np.flatnonzero((source_row >= place.first) & (source_row < place.first + place.count))
    found: NDArray[np.int64] = here[np.argsort(source_row[here], kind="stable")]
    return found


def stored_metadata(path: Path) -> dict[str, Any]:
    """The logbook row that a file holds, by name; plain values."""
    with opened_content(path) as content:
        if _METADATA not in content:
            return {}
        group = content.content(_METADATA)
        return {name: _plain(group, name) for name in group}


def _plain(group: Content, name: str) -> Any:
    if group[name].holds_texts:
        return group[name].texts()[0]
    value = group[name][()].item()
    return "" if isinstance(value, float) and np.isnan(value) else value


def stored_log(file: FileRef) -> str:
    """The log of the FPGA; empty without one."""
    with opened_content(Path(file.path)) as content:
        return content["structure/run_log"].texts()[0]


def stored_hits(file: FileRef) -> HitLog:
    """The hits of the FPGA."""
    with opened_content(Path(file.path)) as content:
        group = content.content("structure/hit_log")
        columns, values = group["columns"].texts(), group["values"][()]
    return HitLog(tuple(columns), frozen(values.reshape(-1, len(columns))))


def stored_recordings(file: str, place: RecordingRange, form: RecordingForm) -> Recordings:
    """Recordings with the samples that an earlier run kept; InputError where it kept none."""
    path, rows = Path(file), rows_of(place)
    with opened_content(path) as content:
        if KEPT_IQ not in content:
            msg = (
                f'{path}: holds no samples, as [output] samples = "iq" keeps them. Read the '
                "campaign itself."
            )
            raise InputError(msg, file=path, key="io.input_path", code="no_samples")
        names = ("number", "x_lsb", "y_lsb", "n_bytes", "hw_time_s", "sys_time_s")
        group = content.content(TABLE)
        table = {name: group[name][rows] for name in names}
        iq = np.ascontiguousarray(content[KEPT_IQ][rows], np.int16)
    in_us = _whole(table["sys_time_s"] * _US)
    return Recordings(
        numbers=frozen(table["number"]),
        x_lsb=frozen(table["x_lsb"]),
        y_lsb=frozen(table["y_lsb"]),
        n_bytes=frozen(table["n_bytes"]),
        ticks=frozen(_whole(table["hw_time_s"] * form.fs_Hz)),
        seconds=frozen(np.where(in_us < 0, -1, in_us // _US)),
        microseconds=frozen(np.where(in_us < 0, -1, in_us % _US)),
        iq_adc=frozen(iq),
        frequency_Hz=frozen(np.empty((len(iq), 0))),
        n_foreign=place.n_foreign,
    )


def _whole(values: F8) -> I8:
    """Rounded; -1 for NaN."""
    return np.where(np.isnan(values), -1, np.rint(np.nan_to_num(values))).astype(np.int64)
