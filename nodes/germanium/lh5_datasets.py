"""Datasets of an LH5 file: numbers whatever filter they were stored with.

HDF5 reads gzip and shuffle by itself. Zstandard (filter 32015), which LEGEND writes since 2025, is
undone here chunk by chunk where HDF5 has no plugin for it.
"""

from __future__ import annotations

from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from ...schemas.errors import InputError

ZSTANDARD: Final = 32015
_SHUFFLE: Final = h5py.h5z.FILTER_SHUFFLE
# deflate, shuffle, fletcher32, szip, nbit, scaleoffset
_BUILT_IN: Final = frozenset(range(1, 7))


def filters_of(dataset: h5py.Dataset) -> tuple[int, ...]:
    """The numbers of the filters of a dataset, in the order in which they were applied."""
    plist = dataset.id.get_create_plist()
    return tuple(int(plist.get_filter(k)[0]) for k in range(plist.get_nfilters()))


def rows_of_dataset(dataset: h5py.Dataset, first: int, n: int, path: str) -> NDArray[Any]:
    """Rows ``first`` to ``first + n`` of a dataset of numbers.

    InputError if a filter is not known here.
    """
    filters = filters_of(dataset)
    missing = [f for f in filters if f not in _BUILT_IN and not h5py.h5z.filter_avail(f)]
    if not missing:
        return np.asarray(dataset[first : first + n])
    unknown = [f for f in missing if f != ZSTANDARD]
    if unknown or set(filters) - {ZSTANDARD, _SHUFFLE}:
        number = (unknown or missing)[0]
        msg = (
            f"{path}: {dataset.name} is stored with the HDF5 filter {number}, which is not known "
            "here. Install the plugin (pip install hdf5plugin), or write the file with gzip."
        )
        raise InputError(msg, file=path, code="unknown_filter")
    return _of_chunks(dataset, first, n, filters)


def _of_chunks(dataset: h5py.Dataset, first: int, n: int, filters: tuple[int, ...]) -> NDArray[Any]:
    """Rows of a dataset whose chunks are decompressed here."""
    import cramjam

    n = max(min(n, dataset.shape[0] - first), 0)
    out = np.empty((n, *dataset.shape[1:]), dataset.dtype)
    chunk, dtype = dataset.chunks, dataset.dtype
    first_chunk = first // chunk[0] * chunk[0]
    # Chunks of the other axes lie beside each other: those of a block of rows are walked through.
    others = np.ndindex(*(-(-s // c) for s, c in zip(dataset.shape[1:], chunk[1:], strict=True)))
    columns = [tuple(k * c for k, c in zip(at, chunk[1:], strict=True)) for at in others]
    for begin in range(first_chunk, first + n, chunk[0]):
        for column in columns:
            mask, raw = dataset.id.read_direct_chunk((begin, *column))
            for k in reversed(range(len(filters))):
                if mask >> k & 1:
                    continue
                if filters[k] == ZSTANDARD:
                    raw = bytes(cramjam.zstd.decompress(raw))
                else:
                    raw = _unshuffled(raw, dtype.itemsize)
            values = np.frombuffer(raw, dtype).reshape(chunk)
            _put(out, values, begin - first, column)
    return out


def _unshuffled(raw: bytes, itemsize: int) -> bytes:
    """Bytes in the order of the numbers again: HDF5 puts the first bytes of all first."""
    n = len(raw) // itemsize
    body = np.frombuffer(raw, np.uint8)[: n * itemsize].reshape(itemsize, n).T
    return body.tobytes() + raw[n * itemsize :]


def _put(out: NDArray[Any], values: NDArray[Any], row: int, column: tuple[int, ...]) -> None:
    """The part of a chunk that lies within ``out``, whose first row is row 0."""
    skip = max(-row, 0)
    stop = min(len(out) - row, len(values))
    if stop <= skip:
        return
    own = [slice(c, c + s) for c, s in zip(column, values.shape[1:], strict=True)]
    there = tuple(slice(0, min(s.stop, size) - s.start) for s, size in zip(
        own, out.shape[1:], strict=True
    ))  # fmt: skip
    out[(slice(row + skip, row + stop), *own)] = values[(slice(skip, stop), *there)]
