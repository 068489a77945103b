"""Datasets and attributes of a file by their path; what cannot be read is an InputError."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np

from ...nodes.hdf5_content import READ_FAULTS, Content, Values, damaged_file, reading
from ...schemas.arrays import I8
from ...schemas.errors import InputError
from .saved_limits import check_limits, check_shape

# HDF5 reads scattered rows slowly: with more of them the whole dataset is read instead.
_FEW_ROWS: Final = 512


class Datasets:
    """The content of an open HDF5 file."""

    def __init__(self, file: h5py.File, path: Path) -> None:
        self.file = file
        self.path = path
        self._known: dict[str, h5py.Dataset] = {}

    def __contains__(self, name: str) -> bool:
        return name in Content(self.file, self.path)

    def columns(self, group: str) -> list[str]:
        """Names of the datasets of a group that are no labels, in the order of the file."""
        with reading(self.path, group):
            found = self.file[group]
            return [k for k in found if isinstance(found[k], h5py.Dataset) and not _is_label(k)]

    def children(self, group: str) -> list[str]:
        """Names of what stands in a group; empty if there is none."""
        if group not in self:
            return []
        with reading(self.path, group):
            found = self.file[group]
            return list(found) if isinstance(found, h5py.Group) else []

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
        check_limits(self.path, name, found, lambda k: start + k, self._size)
        return found

    def rows(self, name: str, rows: I8 | None = None) -> np.ndarray:
        """Some rows, ascending and each at most once, or all."""
        dataset = self._dataset(name)
        with reading(self.path, name):
            found = _taken(dataset, rows)
        check_limits(
            self.path, name, found, lambda k: k if rows is None else int(rows[k]), self._size
        )
        return found

    def texts(self, name: str) -> list[str]:
        """A list of texts; empty if the dataset is not there."""
        if name not in self:
            return []
        return [_text(value) for value in np.atleast_1d(self.rows(name))]

    def text(self, name: str) -> str | None:
        """One text, None if the dataset is not there."""
        return _text(self.rows(name)[()]) if name in self else None

    def attributes(self, name: str = "/") -> dict[str, Any]:
        """Attributes of a group or dataset, texts decoded; empty if it is not there."""
        if name not in self:
            return {}
        with reading(self.path, f"{name} (attributes)"):
            found = dict(self.file[name].attrs.items())
        return {k: _plain(v) for k, v in found.items()}

    def _dataset(self, name: str) -> h5py.Dataset:
        """A dataset, looked up and compared with others once."""
        if name not in self._known:
            self._known[name] = self._looked_up(name)
        return self._known[name]

    def _looked_up(self, name: str) -> h5py.Dataset:
        try:
            found = self.file[name]
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
        check_shape(self.path, name, Values(found, self.path).shape, self._size)
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


def _is_label(name: str) -> bool:
    return name.endswith("_labels")


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
