"""Self-describing HDF5: datasets with unit, description and checksum.

What is written carries a checksum that HDF5 compares at every read: a chunk its Fletcher32, a
single value that of the object header which holds it. Texts have a fixed length for that, since
HDF5 keeps those of any length in a heap without one.
"""

from __future__ import annotations

import errno
import math
import os
import shutil
from collections.abc import Iterable, Iterator
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
FEWEST_ROWS_A_CHUNK: Final = 512
CHUNK_BYTES: Final = 1 << 18
# An object header takes less than 64 kB; a longer text has no place with a checksum.
_MOST_COMPACT_BYTES: Final = 60_000
_ROWS_A_COPY: Final = 1 << 18
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
        most = max(CHUNK_BYTES // max(item_bytes * math.prod(shape[1:]), 1), 1)
        rows = min(shape[0] or FEWEST_ROWS_A_CHUNK, most)
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
