"""Rows and values of nodes to the HDF5 file of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
import pandas as pd

from ...schemas.tables import TableSchema
from ..hdf5 import LABELS, Dataset, write_array
from ..hdf5_rows import SIDE_SUFFIX, RowWriter

_CODE: Final = "i2"


@dataclass(frozen=True)
class Streamed:
    """A node whose rows are written as parts are done: a frame, or an array without a schema.

    An array may be ``packed``: shuffled and compressed.
    """

    node: str
    path: str
    table: TableSchema | None
    dtype: str
    summary: str
    unit: str = ""
    packed: bool = False

    def datasets(self) -> Iterator[Dataset]:
        """Its datasets: one a column."""
        if self.table is None:
            yield Dataset(
                self.path, self.dtype, self.unit, self.summary, any_tail=True, packed=self.packed
            )
            return
        for c in self.table.columns:
            dtype = _CODE if c.dtype == "category" else c.dtype
            yield Dataset(f"{self.path}/{c.name}", dtype, c.unit, c.description)


class RunRows:
    """Writes the rows of every part: what the sink of a session stands on.

    Categories are written as codes in the order in which they come, whatever the parts are, with
    their names beside them.
    """

    def __init__(self, file: h5py.File, streamed: Sequence[Streamed]) -> None:
        self._file = file
        self._streamed = {item.node: item for item in streamed}
        side = Path(file.filename + SIDE_SUFFIX)
        datasets = [d for item in streamed for d in item.datasets()]
        self._writer = RowWriter(file, datasets, side)
        self._labels: dict[str, dict[str, int]] = {
            f"{item.path}/{c.name}": {}
            for item in streamed if item.table is not None
            for c in item.table.columns if c.dtype == "category"
        }  # fmt: skip
        self._of_none = self._begin = (self._writer.lengths(), self._copied_labels())

    @property
    def nodes(self) -> frozenset[str]:
        """The nodes whose rows it takes."""
        return frozenset(self._streamed)

    def begin_file(self) -> None:
        """The parts of a further file follow."""
        self._begin = (self._writer.lengths(), self._copied_labels())

    def drop_file(self) -> None:
        """Take back what was given since begin_file()."""
        self._back_to(self._begin)

    def begin_again(self) -> None:
        """Take back everything."""
        self._back_to(self._of_none)

    def append(self, values: Mapping[str, Any]) -> None:
        """Append the rows of a part, their row numbers counted over the run."""
        columns: dict[str, Any] = {}
        for node, rows in values.items():
            item = self._streamed[node]
            if item.table is None:
                columns[item.path] = rows
                continue
            for name in item.table.names:
                path = f"{item.path}/{name}"
                is_category = path in self._labels
                columns[path] = self._codes(path, rows[name]) if is_category else rows[name]
        self._writer.append(columns)

    def finish(self) -> None:
        """Everything is there: close the rows and name the categories."""
        self._writer.finish({})
        for path, names in self._labels.items():
            write_array(self._file, f"{path}{LABELS}", list(names), "", "names by code")
        for item in self._streamed.values():
            if item.table is not None:
                self._file[item.path].attrs["description"] = item.summary

    def __enter__(self) -> RunRows:
        """Rows may be appended until the block ends."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Drop the side file, also after a failure."""
        self._writer.close()

    def _codes(self, path: str, column: pd.Series) -> np.ndarray:
        known, codes = self._labels[path], column.cat.codes.to_numpy()
        present, first = np.unique(codes[codes >= 0], return_index=True)
        new = np.full(len(column.cat.categories), -1, np.int16)
        for code in present[np.argsort(first)]:
            name = str(column.cat.categories[code])
            new[code] = known.setdefault(name, len(known))
        return np.where(codes >= 0, new[codes], np.int16(-1))

    def _copied_labels(self) -> dict[str, dict[str, int]]:
        return {path: dict(names) for path, names in self._labels.items()}

    def _back_to(self, place: tuple[dict[str, tuple[int, int]], dict[str, dict[str, int]]]) -> None:
        lengths, labels = place
        self._writer.cut(lengths)
        self._labels = {path: dict(names) for path, names in labels.items()}
