"""A part of a run on an earlier file reads its own rows, and keeps nothing of others in memory."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from radiograph.nodes.transients import restart
from radiograph.schemas.sources import FileRef, FileRefs
from radiograph.schemas.tables import TableSchema
from radiograph.schemas.transients.frames import (
    BASELINES,
    FEATURES,
    RECORDING_QUALITY,
    RECORDING_TABLE,
    TWO_EXPONENTIAL_FITS,
)
from radiograph.schemas.transients.recordings import RecordingRange

N_ROWS, N_WINDOWS, FIRST, COUNT = 2000, 3, 700, 100
# Features are sorted by number and position: here neighbours of the source change places.
SOURCE_ROW = np.arange(N_ROWS).reshape(-1, 2)[:, ::-1].ravel()
ORDER = "/features/features/source_row"
"""Where a part has its features is looked for in the whole of one column."""
TABLES = {
    "structure/recording_table": RECORDING_TABLE,
    "baseline/recording_quality": RECORDING_QUALITY,
    "baseline/baselines": BASELINES,
    "features/features": FEATURES,
    "features/two_exponential_fits": TWO_EXPONENTIAL_FITS,
}
# foreign_members is told by the range, not read.
NODES = [
    pytest.param(node, id=name)
    for name, node in inspect.getmembers(restart, inspect.isfunction)
    if {"source_files", "recording_range"} <= set(inspect.signature(node).parameters)
]
Node = Callable[[FileRefs, RecordingRange], Any]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> FileRefs:
    """The file of a run whose values are the rows of the source that they are of."""
    path = tmp_path_factory.mktemp("earlier") / "run_001.h5"
    with h5py.File(path, "w") as file:
        for place, table in TABLES.items():
            _write_table(file.create_group(place), table, place == "features/features")
        windows = np.repeat(np.arange(N_ROWS, dtype="f4")[:, None], N_WINDOWS, axis=1)
        for place in ("baseline/pre_window_means_ppm", "features/post_window_means_ppm"):
            file.create_dataset(place, data=windows, chunks=(50, N_WINDOWS))
    return FileRefs((FileRef(str(path), path.stat().st_size, ""),))


def _write_table(group: h5py.Group, table: TableSchema, is_sorted: bool) -> None:
    row = SOURCE_ROW if is_sorted else np.arange(N_ROWS)
    for column in table.columns:
        values = row % 2 if column.dtype == "bool" else row
        group.create_dataset(column.name, data=values.astype(column.dtype), chunks=(50,))


@pytest.fixture
def rows_read(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Dataset and number of rows of each reading."""
    found: list[tuple[str, int]] = []
    real = h5py.Dataset.__getitem__

    def spied(self: h5py.Dataset, *args: Any, **kwargs: Any) -> Any:
        values = real(self, *args, **kwargs)
        found.append((str(self.name), len(values)))
        return values

    monkeypatch.setattr(h5py.Dataset, "__getitem__", spied)
    return found


def arrays_of(value: Any) -> list[np.ndarray]:
    if isinstance(value, pd.DataFrame):
        return [value[name].to_numpy() for name in value.columns]
    return [np.asarray(value)]


def n_rows_in_memory(values: np.ndarray) -> int:
    """Rows of what an array is a view of."""
    owner = values
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    return owner.nbytes // (values.nbytes // len(values))


def part(first: int, count: int) -> RecordingRange:
    return RecordingRange("radiograph_hdf5", (), first, count)


@pytest.mark.parametrize("node", NODES)
@pytest.mark.parametrize("count", [COUNT, COUNT - 1])
def test_a_part_reads_and_keeps_its_own_rows(
    node: Node, count: int, source: FileRefs, rows_read: list[tuple[str, int]]
) -> None:
    value = node(source, part(FIRST, count))
    read = [n for name, n in rows_read if name != ORDER]
    # One that is sorted lies in a stretch that is a row longer where the range ends within a pair.
    assert read
    assert max(read) <= COUNT
    for values in arrays_of(value):
        assert len(values) == count
        assert n_rows_in_memory(values) <= COUNT
        if values.dtype.kind != "b":
            rows = values.reshape(count, -1)
            np.testing.assert_array_equal(rows[:, 0], np.arange(FIRST, FIRST + count))


@pytest.mark.parametrize("node", NODES)
def test_a_part_without_recordings_reads_none(
    node: Node, source: FileRefs, rows_read: list[tuple[str, int]]
) -> None:
    value = node(source, part(0, 0))
    assert all(n == 0 for name, n in rows_read if name != ORDER)
    assert all(len(values) == 0 for values in arrays_of(value))
