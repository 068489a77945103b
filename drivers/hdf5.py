"""Self-describing HDF5: datasets with unit and description, and rows that arrive in parts.

Rows are appended as ranges of events are done. Rows of the second species wait in a side file
until the first is complete, since the file holds one species after the other whatever the
ranges were.

What is written carries a checksum that HDF5 compares at every read: a chunk its Fletcher32, a
single value that of the object header which holds it. Texts have a fixed length for that, since
HDF5 keeps those of any length in a heap without one.
"""

from __future__ import annotations

import errno
import math
import os
import shutil
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
import pandas as pd

from ..nodes.hdf5_content import READ_FAULTS, damaged_file, reading

TEXT: Final = h5py.string_dtype("utf-8")
# A run file has hundreds of small datasets: h5py makes these two anew for each, which takes longer
# than to write it.
_TEXT_IN_FILE: Final = h5py.h5t.py_create(TEXT, logical=True)
_TEXT_IN_MEMORY: Final = h5py.h5t.py_create(TEXT)
_ONE_VALUE: Final = h5py.h5s.create(h5py.h5s.SCALAR)
# A chunk is as long as the first rows that come, between these: a short table takes little room,
# and a long one is written in few pieces.
_FEWEST_ROWS_A_CHUNK: Final = 512
_CHUNK_BYTES: Final = 1 << 18
# An object header takes less than 64 kB; a longer text has no place with a checksum.
_MOST_COMPACT_BYTES: Final = 60_000
# Rows that are made but not yet written.
_MOST_WAITING_BYTES: Final = 1 << 27
_ROWS_A_COPY: Final = 1 << 18
# Side files are small and read once: what HDF5 keeps of a chunk in memory would not pay.
_SIDE_CACHE_BYTES: Final = 0
# Chunks in memory and metadata of one file.
_HELD_BACK_BYTES: Final = 32_000_000


GREATEST: Final = float(np.finfo(np.float64).max)
LABELS: Final = "_labels"
"""What follows the name of a dataset of codes in that of the texts which name them."""


@dataclass(frozen=True)
class Limits:
    """Least and greatest value; ``rows_of`` names the dataset whose rows the values count."""

    low: float
    high: float = GREATEST
    rows_of: str = ""


@dataclass(frozen=True)
class Dataset:
    """A dataset whose first axis grows: all that is known of it, for writing and reading.

    Attributes
    ----------
    tail
        The shape of a row.
    shift
        The row number that the values are (``event`` or ``cone``); rows of the second species are
        shifted by the number of rows of the first when they join them. A negative value means
        none and stays.
    columns
        The columns of a frame that a row is made of, flat; empty where it is made otherwise.
    labels
        The names of codes, which stand beside it; () = known when the run ends, None = no codes.
    limits
        What the values may be, where no labels say it.
    counted_by
        The dataset, of one value a row, that says how many there are; "" = no other.
    any_tail
        The tail is that of the first rows.
    packed
        Rows are shuffled and compressed.
    """

    path: str
    dtype: str
    unit: str
    description: str
    tail: tuple[int, ...] = ()
    shift: str = ""
    any_tail: bool = False
    packed: bool = False
    columns: tuple[str, ...] = ()
    labels: tuple[str, ...] | None = None
    limits: Limits | None = None
    counted_by: str = ""

    @property
    def labels_path(self) -> str:
        """Where the names of its codes stand."""
        return f"{self.path}{LABELS}"

    @property
    def allowed(self) -> Limits | None:
        """What its values may be; None = anything."""
        if self.limits is not None or self.labels is None:
            return self.limits
        if not self.labels:
            return Limits(-1, rows_of=self.labels_path)
        return Limits(0, len(self.labels) - 1)

    def made_of(self, frame: pd.DataFrame) -> np.ndarray:
        """Its rows of a frame: codes of categories; NaN or -1 for a column that it lacks."""
        given = [_numbers(frame[name]) if name in frame else None for name in self.columns]
        if not self.tail:
            (only,) = given
            assert only is not None
            return only
        absent = np.nan if np.dtype(self.dtype).kind == "f" else -1
        rows = np.full((len(frame), len(given)), absent, self.dtype)
        with np.errstate(over="ignore"):
            for k, values in enumerate(given):
                if values is not None:
                    rows[:, k] = values
        return rows.reshape(-1, *self.tail)


def rows_of_frame(datasets: Iterable[Dataset], frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """The rows of the datasets that are made of columns which a frame has, by path."""
    return {d.path: d.made_of(frame) for d in datasets if any(n in frame for n in d.columns)}


def _numbers(column: pd.Series) -> np.ndarray:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return np.asarray(column.cat.codes)
    return column.to_numpy()


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
        fewest = 1 if dataset.any_tail else _FEWEST_ROWS_A_CHUNK
        most = max(_CHUNK_BYTES // row_bytes, fewest)
        packing: dict[str, Any] = {"shuffle": True, "compression": "gzip", "compression_opts": 1}
        created = target.create_dataset(
            path,
            shape=(0, *tail),
            maxshape=(None, *tail),
            chunks=(min(max(n_first, _FEWEST_ROWS_A_CHUNK), most), *(max(n, 1) for n in tail)),
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
    """Unit and meaning as attributes of a dataset that has none of these yet."""
    for name, text in ((b"units", unit), (b"description", description)):
        attribute = h5py.h5a.create(item.id, name, _TEXT_IN_FILE, _ONE_VALUE)
        attribute.write(np.array(text, TEXT), mtype=_TEXT_IN_MEMORY)


def datasets_of(group: h5py.Group, path: Path) -> dict[str, h5py.Dataset]:
    """Every dataset below a group by its whole path; InputError where the tree is damaged."""
    found: dict[str, h5py.Dataset] = {}
    root = str(group.name).rstrip("/")
    seen = [root or "/"]

    def add(name: str, item: Any) -> None:
        seen.append(f"{root}/{name}")
        if isinstance(item, h5py.Dataset):
            found[f"{root}/{name}"] = item

    try:
        group.visititems(add)
    except READ_FAULTS as reason:
        raise damaged_file(path, f"what follows {seen[-1]}", reason) from None
    return found


def read_through(dataset: h5py.Dataset, path: Path) -> None:
    """InputError if a checksum of a dataset does not hold; HDF5 copies chunks unseen."""
    for _ in checked_blocks(dataset, path):
        pass


def checked_blocks(dataset: h5py.Dataset, path: Path) -> Iterator[np.ndarray]:
    """The values of a dataset, a bounded number at a time; InputError if they cannot be read."""
    if not dataset.shape:
        with reading(path, str(dataset.name)):
            value = np.asarray(dataset[()])
        yield value
        return
    for begin in range(0, dataset.shape[0], _ROWS_A_COPY):
        with reading(path, str(dataset.name)):
            rows = np.asarray(dataset[begin : begin + _ROWS_A_COPY])
        yield rows


def create_checked(
    parent: h5py.Group, path: str, shape: tuple[int, ...], dtype: Any, **options: Any
) -> h5py.Dataset:
    """A dataset with a checksum; one without rows that cannot grow holds nothing to check."""
    item_bytes = np.dtype(dtype).itemsize
    if not shape and item_bytes <= _MOST_COMPACT_BYTES:
        return _in_header(parent, path, dtype)
    if shape and (0 not in shape or "maxshape" in options):
        most = max(_CHUNK_BYTES // max(item_bytes * math.prod(shape[1:]), 1), 1)
        rows = min(shape[0] or _FEWEST_ROWS_A_CHUNK, most)
        options = {"chunks": (rows, *shape[1:]), "fletcher32": True, **options}
    return parent.create_dataset(path, shape, dtype, **options)


def _in_header(parent: h5py.Group, path: str, dtype: Any) -> h5py.Dataset:
    """A dataset of one value that stands in its own object header."""
    layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    layout.set_layout(h5py.h5d.COMPACT)
    link = h5py.h5p.create(h5py.h5p.LINK_CREATE)
    link.set_create_intermediate_group(True)
    link.set_char_encoding(h5py.h5t.CSET_UTF8)
    kind = h5py.h5t.py_create(np.dtype(dtype), logical=True)
    made = h5py.h5d.create(parent.id, path.encode(), kind, _ONE_VALUE, layout, link)
    return h5py.Dataset(made)


def write_array(
    parent: h5py.Group, path: str, values: Any, unit: str, description: str, **options: Any
) -> h5py.Dataset:
    """A dataset with unit, description and checksum; texts as UTF-8."""
    array = np.asarray(values)
    dtype: Any = array.dtype
    if array.dtype.kind in "UO":
        array = _encoded(array)
        dtype = array.dtype
        if array.ndim and array.size:
            # The longest says how long all are.
            options = {"compression": "gzip", "compression_opts": 1, **options}
    created = create_checked(parent, path, array.shape, dtype, **options)
    if array.size:
        same_kind = created.id.get_type()
        created.id.write(h5py.h5s.ALL, h5py.h5s.ALL, np.ascontiguousarray(array), same_kind)
    describe(created, unit, description)
    return created


def _encoded(texts: np.ndarray) -> np.ndarray:
    """Texts as bytes, as long as the longest; an undecoded byte of a path stays that byte."""
    content = [str(t).encode("utf-8", "surrogateescape") for t in texts.ravel()]
    longest = max((len(c) for c in content), default=0)
    dtype = h5py.string_dtype("utf-8", max(longest, 1))
    return np.array(content, dtype).reshape(texts.shape)


def write_text(parent: h5py.Group, path: str, text: str, description: str) -> h5py.Dataset:
    """One UTF-8 text."""
    encoded = text.encode("utf-8", "surrogateescape")
    if len(encoded) <= _MOST_COMPACT_BYTES:
        return write_array(parent, path, text, "", description)
    # As one value of fixed length: HDF5 cuts texts of any length at a byte of zero.
    kind = h5py.string_dtype("utf-8", len(encoded))
    created = parent.create_dataset(path, data=np.array(encoded, kind))
    describe(created, "", description)
    return created
