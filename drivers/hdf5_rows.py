"""Rows of an HDF5 file that arrive in parts.

Rows are appended as ranges of events are done. Rows of the second species wait in a side file
until the first is complete, since the file holds one species after the other whatever the
ranges were.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np

from .hdf5 import (
    CHUNK_BYTES,
    FEWEST_ROWS_A_CHUNK,
    Dataset,
    blocks,
    describe,
    give_up,
    need_room,
)

SIDE_SUFFIX: Final = ".side"
# Rows that are made but not yet written.
_MOST_WAITING_BYTES: Final = 1 << 27
# Side files are small and read once: what HDF5 keeps of a chunk in memory would not pay.
_SIDE_CACHE_BYTES: Final = 0


class RowWriter:
    """Appends rows to the datasets of a file.

    A thread writes while the next rows are made: HDF5 runs without Python's lock. What goes wrong
    there is raised by the next call. Rows given must not change afterwards.
    """

    def __init__(self, file: h5py.File, datasets: Iterable[Dataset], side_path: Path) -> None:
        self._file = file
        self._datasets = {d.path: d for d in datasets}
        self._side: h5py.File | None = None
        self._side_path = side_path
        self._lengths = dict.fromkeys(self._datasets, (0, 0))
        self._thread = ThreadPoolExecutor(1, "rows")
        self._waiting: deque[tuple[Future[None], int]] = deque()

    def append(self, columns: Mapping[str, Any], *, late: bool = False) -> None:
        """Add rows: ``columns`` maps a path to an array; ``late`` rows wait for finish()."""
        arrays = {path: np.asarray(rows) for path, rows in columns.items()}
        n_bytes = sum(rows.nbytes for rows in arrays.values())
        self._await(max(_MOST_WAITING_BYTES - n_bytes, 0))
        self._waiting.append((self._thread.submit(self._append, arrays, n_bytes, late), n_bytes))
        for path, rows in arrays.items():
            n, n_late = self._lengths[path]
            self._lengths[path] = (n, n_late + len(rows)) if late else (n + len(rows), n_late)

    def lengths(self) -> dict[str, tuple[int, int]]:
        """How many rows each dataset has, in the file and waiting: a place to go back to."""
        return dict(self._lengths)

    def cut(self, lengths: Mapping[str, tuple[int, int]]) -> None:
        """Forget the rows appended since ``lengths``."""
        self._await(0)
        for path, both in lengths.items():
            for target, n in zip((self._file, self._side), both, strict=True):
                if target is not None and path in target:
                    target[path].resize(n, axis=0)
            self._lengths[path] = both

    def finish(self, shifts: Mapping[str, int]) -> None:
        """Append the rows that wait, their row numbers shifted by ``shifts``."""
        self._await(0)
        for path, dataset in self._datasets.items():
            target = self._dataset(self._file, path, 0)
            if self._side is None or path not in self._side:
                continue
            shift = shifts.get(dataset.shift, 0)
            for rows in blocks(self._side[path]):
                if shift:
                    rows = np.where(rows >= 0, rows + np.array(shift, rows.dtype), rows)
                need_room(Path(self._file.filename), rows.nbytes)
                _add(target, rows)
        self.close()

    def __enter__(self) -> RowWriter:
        """Rows may be appended until the block ends."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Drop the side file, also after a failure."""
        self.close()

    def close(self) -> None:
        """Forget the side file."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        if self._side:
            give_up(self._side)
            self._side.close()
        self._side_path.unlink(missing_ok=True)

    def _await(self, most_bytes: int) -> None:
        """Wait until at most so many bytes are still to be written."""
        while self._waiting and sum(n for _, n in self._waiting) > most_bytes:
            self._waiting[0][0].result()
            self._waiting.popleft()
        while self._waiting and self._waiting[0][0].done():
            self._waiting.popleft()[0].result()

    def _append(self, arrays: Mapping[str, np.ndarray], n_bytes: int, late: bool) -> None:
        if late and self._side is None and any(len(rows) for rows in arrays.values()):
            self._side = h5py.File(self._side_path, "w", rdcc_nbytes=_SIDE_CACHE_BYTES)
        target = self._side if late else self._file
        if target is None:
            return
        need_room(Path(target.filename), n_bytes)
        for path, rows in arrays.items():
            if len(rows):
                _add(self._dataset(target, path, len(rows), rows.shape[1:]), rows)

    def _dataset(
        self, target: h5py.File, path: str, n_first: int, first_tail: tuple[int, ...] = ()
    ) -> h5py.Dataset:
        """The dataset of a file; made for so many rows at a time where it is not there yet."""
        if path in target:
            return target[path]
        dataset = self._datasets[path]
        tail = first_tail if dataset.any_tail else dataset.tail
        row_bytes = np.dtype(dataset.dtype).itemsize * max(math.prod(tail), 1)
        fewest = 1 if dataset.any_tail else FEWEST_ROWS_A_CHUNK
        most = max(CHUNK_BYTES // row_bytes, fewest)
        packing: dict[str, Any] = {"shuffle": True, "compression": "gzip", "compression_opts": 1}
        created = target.create_dataset(
            path,
            shape=(0, *tail),
            maxshape=(None, *tail),
            chunks=(min(max(n_first, FEWEST_ROWS_A_CHUNK), most), *(max(n, 1) for n in tail)),
            dtype=dataset.dtype,
            # The side file is read once and by the run that wrote it.
            fletcher32=target is self._file,
            **(packing if dataset.packed else {}),
        )
        describe(created, dataset.unit, dataset.description)
        return created


def _add(dataset: h5py.Dataset, rows: np.ndarray) -> None:
    """Write rows behind the last one."""
    if rows.dtype.kind == dataset.dtype.kind == "f":
        # As HDF5 would, in a third of its time.
        with np.errstate(over="ignore"):
            rows = rows.astype(dataset.dtype, copy=False)
    begin = dataset.shape[0]
    dataset.resize(begin + len(rows), axis=0)
    dataset[begin:] = rows
