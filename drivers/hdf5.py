"""Self-describing HDF5: datasets with unit and description, and rows that arrive in parts.

Rows are appended as ranges of events are done. Rows of the second species wait in a side file
until the first is complete, since the file holds one species after the other whatever the
ranges were.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np

TEXT: Final = h5py.string_dtype("utf-8")
_ROWS_A_CHUNK: Final = 4096
_ROWS_A_COPY: Final = 1 << 18
# Side files are small and read once: what HDF5 keeps of a chunk in memory would not pay.
_SIDE_CACHE_BYTES: Final = 0
# Chunks in memory and metadata of one file.
_HELD_BACK_BYTES: Final = 32_000_000


@dataclass(frozen=True)
class Dataset:
    """A dataset whose first axis grows.

    ``shift`` names the row number that the values are (``event`` or ``cone``); rows of the
    second species are shifted by the number of rows of the first when they join them. A
    negative value means none and stays.
    """

    path: str
    dtype: str
    unit: str
    description: str
    tail: tuple[int, ...] = ()
    shift: str = ""


class RowWriter:
    """Appends rows to the datasets of a file."""

    def __init__(self, file: h5py.File, datasets: Iterable[Dataset], side_path: Path) -> None:
        self._file = file
        self._datasets = {d.path: d for d in datasets}
        self._side = h5py.File(side_path, "w", rdcc_nbytes=_SIDE_CACHE_BYTES)
        self._side_path = side_path
        for dataset in self._datasets.values():
            for target in (self._file, self._side):
                created = target.create_dataset(
                    dataset.path,
                    shape=(0, *dataset.tail),
                    maxshape=(None, *dataset.tail),
                    chunks=(_ROWS_A_CHUNK, *dataset.tail),
                    dtype=dataset.dtype,
                )
                describe(created, dataset.unit, dataset.description)

    def append(self, columns: Mapping[str, Any], *, late: bool = False) -> None:
        """Add rows: ``columns`` maps a path to an array; ``late`` rows wait for finish()."""
        target = self._side if late else self._file
        need_room(Path(target.filename), sum(np.asarray(rows).nbytes for rows in columns.values()))
        for path, rows in columns.items():
            dataset = target[path]
            begin = dataset.shape[0]
            dataset.resize(begin + len(rows), axis=0)
            if len(rows):
                dataset[begin:] = rows

    def lengths(self) -> dict[str, tuple[int, int]]:
        """How many rows each dataset has, in the file and waiting: a place to go back to."""
        return {p: (self._file[p].shape[0], self._side[p].shape[0]) for p in self._datasets}

    def cut(self, lengths: Mapping[str, tuple[int, int]]) -> None:
        """Forget the rows appended since ``lengths``."""
        for path, (n, n_late) in lengths.items():
            self._file[path].resize(n, axis=0)
            self._side[path].resize(n_late, axis=0)

    def finish(self, shifts: Mapping[str, int]) -> None:
        """Append the rows that wait, their row numbers shifted by ``shifts``."""
        for path, dataset in self._datasets.items():
            shift = shifts.get(dataset.shift, 0)
            for rows in blocks(self._side[path]):
                if shift:
                    rows = np.where(rows >= 0, rows + np.array(shift, rows.dtype), rows)
                self.append({path: rows})
        self.close()

    def close(self) -> None:
        """Forget the side file."""
        if self._side:
            give_up(self._side)
            self._side.close()
        self._side_path.unlink(missing_ok=True)


SIDE_SUFFIX: Final = ".side"


def need_room(path: Path, n_bytes: int) -> None:
    """OSError if the disk of ``path`` has no room for so many bytes and what HDF5 holds back.

    HDF5 tells of a full disk when it closes a dataset, where nobody hears it, and the process
    dies later: it must not come to that.
    """
    if shutil.disk_usage(path.parent).free < n_bytes + _HELD_BACK_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


@contextmanager
def new_file(path: Path) -> Iterator[h5py.File]:
    """An HDF5 file to be filled; closed without harm whatever happens."""
    need_room(path, 0)
    file = h5py.File(path, "w", libver="latest")
    try:
        yield file
        file.flush()
    except BaseException:
        give_up(file)
        raise
    finally:
        file.close()


def give_up(file: h5py.File) -> None:
    """Let what a file still holds go nowhere.

    HDF5 writes the rest when it closes, and the process dies if there is no room for it: the
    descriptor is turned to memory, where there is.
    """
    if not hasattr(os, "memfd_create"):
        return
    nowhere = os.memfd_create("given-up")
    os.dup2(nowhere, file.id.get_vfd_handle())
    os.close(nowhere)


def blocks(dataset: h5py.Dataset) -> Iterator[np.ndarray]:
    """The rows of a dataset, a bounded number at a time."""
    for begin in range(0, dataset.shape[0], _ROWS_A_COPY):
        yield dataset[begin : begin + _ROWS_A_COPY]


def describe(item: h5py.Dataset, unit: str, description: str) -> None:
    """Unit and meaning as attributes."""
    item.attrs["units"] = unit
    item.attrs["description"] = description


def write_array(
    parent: h5py.Group, path: str, values: Any, unit: str, description: str, **options: Any
) -> h5py.Dataset:
    """A dataset with unit and description; texts as UTF-8."""
    array = np.asarray(values)
    if array.dtype.kind in "UO":
        created = parent.create_dataset(path, data=array.astype(object), dtype=TEXT)
    elif array.dtype == bool:
        created = parent.create_dataset(path, data=array)
    else:
        created = parent.create_dataset(path, data=array, **options)
    describe(created, unit, description)
    return created


def write_text(parent: h5py.Group, path: str, text: str, description: str) -> h5py.Dataset:
    """One UTF-8 text."""
    created = parent.create_dataset(path, data=text, dtype=TEXT)
    describe(created, "", description)
    return created
