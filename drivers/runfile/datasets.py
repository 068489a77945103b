"""Datasets and attributes of a run's file by their path; what cannot be read is an InputError."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import h5py
import numpy as np

from ...nodes.hdf5_content import READ_FAULTS, Content, Values, damaged_file, reading
from ...schemas.arrays import I8
from ...schemas.errors import InputError
from ...schemas.tables import categories_of
from ..hdf5 import LABELS, Dataset
from .limits import check_limits, check_shape

# HDF5 reads scattered rows slowly: with more of them the whole dataset is read instead.
_FEW_ROWS: Final = 512
_NOTHING_KNOWN: Final[Mapping[str, Dataset]] = MappingProxyType({})


class Datasets(Content):
    """The content of an open HDF5 file.

    ``layout`` says of datasets by their path what they may hold: each is looked at when it is
    read.
    """

    def __init__(
        self, file: h5py.Group, path: Path, layout: Mapping[str, Dataset] = _NOTHING_KNOWN
    ) -> None:
        super().__init__(file, path)
        self._layout = layout
        self._known: dict[str, h5py.Dataset] = {}

    def columns(self, group: str) -> list[str]:
        """Names of the datasets of a group that are no labels, in the order of the file."""
        with reading(self.path, group):
            found = self.group[group]
            return [
                k for k in found if isinstance(found[k], h5py.Dataset) and not k.endswith(LABELS)
            ]

    def children(self, group: str) -> list[str]:
        """Names of what stands in a group; empty if there is none."""
        return list(self.content(group)) if group in self and self.is_group(group) else []

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a dataset."""
        return tuple(self._dataset(name).shape)

    def length(self, name: str) -> int:
        """Rows of a dataset."""
        return (*self.shape(name), 1)[0]

    def span(self, name: str, start: int, stop: int) -> np.ndarray:
        """Rows [start, stop)."""
        dataset = self._dataset(name)
        with reading(self.path, name):
            found = np.asarray(dataset[start:stop])
        return self._checked(name, found, lambda k: start + k)

    def rows(self, name: str, rows: I8 | None = None) -> np.ndarray:
        """Some rows, ascending and each at most once, or all."""
        dataset = self._dataset(name)
        with reading(self.path, name):
            found = _taken(dataset, rows)
        return self._checked(name, found, lambda k: k if rows is None else int(rows[k]))

    def frame_columns(
        self, datasets: Iterable[Dataset], rows: I8 | None = None, may_lack: Iterable[str] = ()
    ) -> dict[str, Any]:
        """The columns that some datasets were made of; codes that the run named are categories.

        Of two datasets of one column that are there the later counts. InputError where one is
        absent, but for the columns that a file ``may_lack``.
        """
        made_of: dict[str, Dataset] = {}
        for d in datasets:
            if d.path in self or not {*d.columns} & {*made_of, *may_lack}:
                made_of |= dict.fromkeys(d.columns, d)
        found: dict[str, Any] = {}
        for dataset in dict.fromkeys(made_of.values()):
            values = self.rows(dataset.path, rows)
            parts: Any = values.reshape(len(values), len(dataset.columns)).T
            if dataset.labels == ():
                names = self.texts(dataset.labels_path)
                parts = [categories_of(codes, names) for codes in parts]
            found |= dict(zip(dataset.columns, parts, strict=True))
        return found

    def texts(self, name: str) -> list[str]:
        """A list of texts; empty if the dataset is not there."""
        return Values(self._dataset(name), self.path).texts() if name in self else []

    def text(self, name: str) -> str | None:
        """One text, None if the dataset is not there."""
        return self.texts(name)[0] if name in self else None

    def attributes(self, name: str = "/") -> dict[str, Any]:
        """Attributes of a group or dataset, texts decoded; empty if it is not there."""
        if name not in self:
            return {}
        with reading(self.path, f"{name} (attributes)"):
            found = dict(self.group[name].attrs.items())
        return {k: _plain(v) for k, v in found.items()}

    def _checked(self, name: str, found: np.ndarray, row_of: Callable[[int], int]) -> np.ndarray:
        if name in self._layout:
            check_limits(self.path, self._layout[name], found, row_of, self._size)
        return found

    def _dataset(self, name: str) -> h5py.Dataset:
        """A dataset, looked up and compared with others once."""
        if name not in self._known:
            self._known[name] = self._looked_up(name)
        return self._known[name]

    def _looked_up(self, name: str) -> h5py.Dataset:
        try:
            found = self.group[name]
        except KeyError as reason:
            if "doesn't exist" not in str(reason):
                raise damaged_file(self.path, name, reason) from None
            msg = (
                f"{self.path}: has no {name}. Run its input again with this version of radiograph."
            )
            raise InputError(msg, file=self.path, code="not_in_file") from None
        except READ_FAULTS as reason:
            raise damaged_file(self.path, name, reason) from None
        if not isinstance(found, h5py.Dataset):
            raise damaged_file(self.path, name, "it is a group, not a dataset")
        shape = Values(found, self.path).shape
        if name in self._layout:
            check_shape(self.path, self._layout[name], shape, self._size)
        return found

    def _size(self, name: str) -> int | None:
        """How many values a dataset has; None if it is not there."""
        return math.prod(self.shape(name)) if name in self._known or name in self else None


def _taken(dataset: h5py.Dataset, rows: I8 | None) -> np.ndarray:
    if rows is None:
        return np.asarray(dataset[()])
    if len(rows) == 0:
        return np.asarray(dataset[:0])
    if len(rows) <= _FEW_ROWS:
        return np.asarray(dataset[rows])
    return np.asarray(dataset[()])[rows]


def _text(value: Any) -> str:
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return _text(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) and value.dtype.kind in "OS":
        return [_text(v) for v in value.ravel()]
    return value
