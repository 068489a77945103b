"""LH5 files: tables of columns, and of encoded waveforms, that LEGEND's own tools open.

The same columns give the same bytes, whatever the number of workers was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...nodes.germanium.codecs import RADWARE, SHIFT, encoded
from ...schemas.bits import Bits
from ...schemas.tables import TableSchema

_ROWS_A_CHUNK: Final = 16_384
_BYTES_A_CHUNK: Final = 1 << 20
_GZIP: Final = 4
"""The level that HDF5 is told, and takes when it packs a dataset anew."""
_QUICK: Final = 1
"""The level of what is packed here, by isal: no more bytes than zlib's, in a third of the time."""
ABSENT: Final = "absent"
"""Attribute of a hit table: lines of the columns that it has not, and why."""
_TEXT: Final = h5py.string_dtype("utf-8")


@dataclass(frozen=True)
class Lh5Column:
    """A column of numbers and the attributes that tell of it: units, description, bit_names."""

    values: Any
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Lh5Waveforms:
    """Waveforms of whole numbers, shape (n, samples); ``codec`` "" = plain numbers."""

    samples: Any
    dt_ns: float
    t0_ns: float
    codec: str = ""


Lh5Columns = Mapping[str, Lh5Column | Lh5Waveforms]


@contextmanager
def new_lh5(path: Path) -> Iterator[h5py.File]:
    """A file to which tables are written; in the end it names its groups as LH5 does."""
    with h5py.File(path, "w", libver=("v108", "v108")) as file:
        yield file
        for group in file.values():
            if isinstance(group, h5py.Group) and "datatype" not in group.attrs:
                _name_type(group, f"struct{{{','.join(group)}}}")
        _name_type(file, f"struct{{{','.join(file)}}}")


def write_table(
    file: h5py.File, path: str, columns: Lh5Columns, attributes: Mapping[str, str] | None = None
) -> None:
    """Write a table, its columns in their order, with further attributes."""
    group = file.create_group(path)
    for name, column in columns.items():
        if isinstance(column, Lh5Waveforms):
            _write_waveforms(group.create_group(name), column)
        else:
            _write_column(group, name, column)
    _name_type(group, f"table{{{','.join(columns)}}}")
    for key, text in (attributes or {}).items():
        group.attrs.create(key, text, dtype=_TEXT)


def write_array(group: h5py.Group, name: str, values: Any) -> None:
    """Write a number, a row of numbers or rows of them into a group, which is a struct then."""
    array = np.asarray(values)
    if array.ndim == 0:
        _name_type(group.create_dataset(name, data=array), "real")
    else:
        kinds = {1: "array<1>{real}", 2: "array_of_equalsized_arrays<1,1>{real}"}
        _dataset(group, name, array, kinds[array.ndim])
    _name_type(group, f"struct{{{','.join(group)}}}")


def columns_of_frame(
    frame: pd.DataFrame, table: TableSchema | None = None, bits: Mapping[str, Bits] | None = None
) -> dict[str, Lh5Column]:
    """The columns of a frame, with units and descriptions of its schema and names of bits."""
    found = {}
    for name in frame.columns:
        attributes = {}
        if table is not None and name in table:
            column = table[name]
            told = (("units", column.unit), ("description", column.description))
            attributes = {key: text for key, text in told if text}
        if bits is not None and name in bits:
            attributes["bit_names"] = bits[name].bit_names
        found[str(name)] = Lh5Column(frame[name].to_numpy(), attributes)
    return found


def _write_column(group: h5py.Group, name: str, column: Lh5Column) -> None:
    values = np.asarray(column.values)
    kind = "real"
    if values.dtype == bool:
        values, kind = values.astype(np.uint8), "bool"
    dataset = _dataset(group, name, values, f"array<1>{{{kind}}}")
    for key, text in column.attributes.items():
        dataset.attrs.create(key, text, dtype=_TEXT)


def _dataset(group: h5py.Group, name: str, values: Any, datatype: str) -> h5py.Dataset:
    """A dataset of rows, compressed where it has any."""
    row_bytes = max(values[:1].nbytes, 1)
    rows = max(min(len(values), _ROWS_A_CHUNK, _BYTES_A_CHUNK // row_bytes), 1)
    options: dict[str, Any] = {"maxshape": (None, *values.shape[1:])}
    options["chunks"] = (rows, *values.shape[1:])
    if values.size:
        options |= {"compression": "gzip", "compression_opts": _GZIP, "shuffle": True}
        dataset = group.create_dataset(name, values.shape, values.dtype, **options)
        _write_packed(dataset, values, rows)
    else:
        dataset = group.create_dataset(name, data=values, **options)
    _name_type(dataset, datatype)
    return dataset


def _write_packed(dataset: h5py.Dataset, values: NDArray[Any], rows: int) -> None:
    """Fill a dataset chunk by chunk with what its filters, shuffle and gzip, would give."""
    from isal import isal_zlib

    values = np.ascontiguousarray(values, dataset.dtype)
    rest = (0,) * (values.ndim - 1)
    for begin in range(0, len(values), rows):
        chunk = values[begin : begin + rows]
        if len(chunk) < rows:
            chunk = np.concatenate(
                [chunk, np.zeros_like(values, shape=(rows - len(chunk), *values.shape[1:]))]
            )
        shuffled = chunk.reshape(-1).view(np.uint8).reshape(-1, values.itemsize).T
        packed = isal_zlib.compress(shuffled.tobytes(), _QUICK)
        dataset.id.write_direct_chunk((begin, *rest), packed)


def _write_waveforms(group: h5py.Group, waves: Lh5Waveforms) -> None:
    n = len(waves.samples)
    for name, time in (("t0", waves.t0_ns), ("dt", waves.dt_ns)):
        times = _dataset(group, name, np.full(n, time, np.float32), "array<1>{real}")
        times.attrs.create("units", "ns", dtype=_TEXT)
    if waves.codec:
        _write_encoded(group.create_group("values"), waves)
    else:
        _dataset(group, "values", waves.samples, "array_of_equalsized_arrays<1,1>{real}")
    _name_type(group, "table{t0,dt,values}")


def _write_encoded(group: h5py.Group, waves: Lh5Waveforms) -> None:
    data, ends = encoded(waves.codec, waves.samples)
    group.attrs.create("codec", waves.codec, dtype=_TEXT)
    if waves.codec == RADWARE:
        group.attrs["codec_shift"] = SHIFT
    size = group.create_dataset("decoded_size", data=np.int64(waves.samples.shape[1]))
    _name_type(size, "real")
    inner = group.create_group("encoded_data")
    # Encoded bytes do not become shorter.
    rows = min(max(len(data), 1), _BYTES_A_CHUNK)
    flat = inner.create_dataset("flattened_data", data=data, chunks=(rows,), maxshape=(None,))
    _name_type(flat, "array<1>{real}")
    _dataset(inner, "cumulative_length", ends.astype(np.uint32), "array<1>{real}")
    _name_type(inner, "array<1>{array<1>{real}}")
    _name_type(group, "array_of_encoded_equalsized_arrays<1,1>{real}")


def _name_type(item: Any, datatype: str) -> None:
    item.attrs.create("datatype", datatype, dtype=_TEXT)
