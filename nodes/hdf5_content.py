"""The content of an HDF5 file where it may be damaged: what cannot be read is an InputError.

Only the calls of HDF5 themselves are looked after. What goes wrong with values that were read is
a bug and stays one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np

from ..schemas.errors import InputError
from .hdf5_heaps import opened_hdf5
from .whole_numbers import exactly_whole

# What h5py raises where a file is damaged.
READ_FAULTS: Final = (OSError, RuntimeError, KeyError, ValueError)


def damaged_file(
    path: Path, name: str, reason: object, repair: str = "Run its input again."
) -> InputError:
    """What is said of a part of a file that cannot be read."""
    said = str(reason).partition("\n")[0].strip("'\"")
    msg = (
        f"{path}: {name} cannot be read ({said}): the file is damaged or of another kind. {repair}"
    )
    return InputError(msg, file=path, code="damaged_file")


@contextmanager
def reading(path: Path, name: str) -> Iterator[None]:
    """InputError with file and dataset for what h5py raises in the one call within."""
    try:
        yield
    except READ_FAULTS as reason:
        raise damaged_file(path, name, reason) from None


class Values:
    """A dataset."""

    def __init__(self, dataset: h5py.Dataset, path: Path) -> None:
        self._dataset = dataset
        self._path = path
        self.name = str(dataset.name)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the dataset."""
        with reading(self._path, self.name):
            shape = self._dataset.shape
        if shape is None:
            raise damaged_file(self._path, self.name, "it holds no values")
        return tuple(shape)

    def __len__(self) -> int:
        """How many rows it has."""
        return self.shape[0]

    def __getitem__(self, rows: Any) -> np.ndarray:
        """Some rows, or with ``()`` all."""
        with reading(self._path, self.name):
            return np.asarray(self._dataset[rows])

    def whole(self, rows: slice, dtype: str) -> np.ndarray:
        """Some rows as an integer type; InputError with row and value where one is none."""
        try:
            return exactly_whole(self[rows], dtype, self.name, rows.start or 0)
        except ValueError as reason:
            msg = (
                f"{self._path}: {reason}. The file is damaged, or written by a program that means "
                "something else. Run its input again."
            )
            raise InputError(msg, file=self._path, code="damaged_file") from None

    @property
    def holds_texts(self) -> bool:
        """Whether its values are texts."""
        with reading(self._path, self.name):
            return h5py.check_string_dtype(self._dataset.dtype) is not None

    def texts(self, rows: Any = ()) -> list[str]:
        """Its texts, one after the other; of some ``rows`` only if they are given."""
        values = self[rows].ravel()
        return [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in values]


class Content:
    """A group, or a file; paths are taken from it as h5py takes them."""

    def __init__(self, group: h5py.Group, path: Path) -> None:
        self.group = group
        self.path = path

    @property
    def attrs(self) -> dict[str, Any]:
        """Its attributes."""
        with reading(self.path, f"{self.group.name} (attributes)"):
            return dict(self.group.attrs.items())

    def __contains__(self, name: str) -> bool:
        """Whether there is something of that name."""
        item: Any = self.group
        with reading(self.path, self._full(name)):
            # To ask whether it is there does not open it: a damaged one, or one in a damaged
            # group, would seem absent.
            for part in filter(None, name.split("/")):
                if not isinstance(item, h5py.Group) or part not in item:
                    return False
                item = item[part]
        return True

    def __iter__(self) -> Iterator[str]:
        """The names of what stands in it."""
        with reading(self.path, str(self.group.name)):
            return iter(list(self.group))

    def is_group(self, name: str) -> bool:
        """Whether what stands under a name is a group."""
        with reading(self.path, self._full(name)):
            return isinstance(self.group[name], h5py.Group)

    def content(self, name: str) -> Content:
        """A group in it."""
        with reading(self.path, self._full(name)):
            found = self.group[name]
        if not isinstance(found, h5py.Group):
            raise damaged_file(self.path, self._full(name), "it is no group")
        return Content(found, self.path)

    def __getitem__(self, name: str) -> Values:
        """A dataset in it."""
        with reading(self.path, self._full(name)):
            found = self.group[name]
        if not isinstance(found, h5py.Dataset):
            raise damaged_file(self.path, self._full(name), "it is no dataset")
        return Values(found, self.path)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of every dataset below it, by path, in order."""
        found: dict[str, tuple[int, ...]] = {}

        def add(name: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset):
                found[name] = tuple(item.shape)

        with reading(self.path, str(self.group.name)):
            self.group.visititems(add)
        return found

    def _full(self, name: str) -> str:
        return f"{str(self.group.name).rstrip('/')}/{name.lstrip('/')}"


@contextmanager
def opened_content(path: Path) -> Iterator[Content]:
    """What an HDF5 file holds; InputError if it cannot be opened or read."""
    try:
        file = opened_hdf5(path)
    except OSError as reason:
        raise damaged_file(path, "/", reason) from None
    with file:
        yield Content(file, path)
