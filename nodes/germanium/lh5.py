"""LH5 files: HDF5 with a ``datatype`` attribute on every object (LEGEND data format).

A table is a group of columns of equal length whose order is that of its attribute. Tables of a
channel stand at ``ch1104000/raw``, ``/dsp`` and ``/hit``; files of a single test stand have
``geds/raw``. Files of 2025 hold them again under the names of detectors: those links are not
followed twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import DTypeLike, NDArray

from ...schemas.errors import InputError
from ...schemas.germanium.lh5 import FileLayout, FileName, TableLayout, WaveformLayout
from ..file_kinds import fault_of_hdf5
from ..hdf5_content import READ_FAULTS, damaged_file
from ..hdf5_heaps import opened_hdf5
from .codecs import CODECS, SHIFT, DamagedStreamError, decoded
from .lh5_datasets import rows_of_dataset

_WANTED: Final = "Give an LH5 file."
REPAIR: Final = "Copy it again, or give another."
TIERS: Final = ("raw", "dsp", "hit")
WAVEFORMS: Final = ("waveform", "waveform_presummed", "waveform_windowed")
_CHANNEL: Final = re.compile(r"ch\d+\Z")
_TABLE: Final = re.compile(r"(?:table|struct)\{(.*)\}\Z")
_NAME: Final = re.compile(
    r"(?P<stem>(?P<experiment>[^-]+)-(?P<period>[^-]+)-(?P<run>[^-]+)-(?P<datatype>[^-]+)"
    r"-(?P<timestamp>\d{8}T\d{6}Z)(?:-[^-]+)*?)-tier_(?P<tier>\w+)\Z"
)
_NS: Final = {"": 1.0, "ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}


def name_of(path: str | Path) -> FileName:
    """What a file's name says: ``l200-p03-r000-cal-20230311T235840Z-tier_dsp.lh5``."""
    stem = Path(path).stem
    found = _NAME.match(stem)
    if found is None:
        bare = re.sub(r"[-_](?:tier_)?(?:raw|dsp|hit)\Z", "", stem)
        return FileName(stem=bare or stem)
    return FileName(**found.groupdict())


@contextmanager
def lh5_file(path: str | Path) -> Iterator[h5py.File]:
    """An open file; InputError if it is none, and for what cannot be read in it."""
    path = Path(path)
    try:
        file = opened_hdf5(path)
    except READ_FAULTS as reason:
        msg = f"{path}: {fault_of_hdf5(path, reason, _WANTED)}"
        raise InputError(msg, file=path, code="no_lh5") from None
    try:
        with file:
            yield file
    except (OSError, RuntimeError, KeyError) as reason:
        raise damaged_file(path, "an object", reason, REPAIR) from None


def layout_of(path: str | Path, *, may_be_empty: bool = False) -> FileLayout:
    """The tables of a file; with ``may_be_empty`` also of a tier in which no channel came so far.

    Raises
    ------
    InputError
        If it is no HDF5 file, has no table of a channel, or one is damaged.
    """
    with lh5_file(path) as file:
        tables, others = _tables_of(file, str(path))
        is_empty_tier = len(file) == 0 and datatype_of(file) == "struct{}"
    if is_empty_tier and not may_be_empty:
        msg = (
            f"{path}: is a tier without tables: each channel of the run that wrote it failed, as "
            "the report beside it says. Give a file that holds a channel."
        )
        raise InputError(msg, file=path, code="no_table")
    if not tables and not is_empty_tier:
        there = ", ".join(others[:5]) or "nothing"
        msg = (
            f"{path}: holds no table ch*/raw, ch*/dsp or ch*/hit of a channel (there is {there}). "
            "Give a file of one of these tiers."
        )
        raise InputError(msg, file=path, code="no_table")
    return FileLayout(tuple(tables), tuple(others))


def _tables_of(file: h5py.File, path: str) -> tuple[list[TableLayout], list[str]]:
    tables: list[TableLayout] = []
    others: list[str] = []
    seen: set[Any] = set()
    # Channels come before the names of detectors, which are the same tables again.
    for name in sorted(file, key=lambda n: (_CHANNEL.match(n) is None, n)):
        group = file[name]
        found = [t for t in TIERS if isinstance(group, h5py.Group) and t in group]
        is_channel = _CHANNEL.match(name) is not None
        if not found or not (is_channel or _looks_like_table(group[found[0]])):
            others.append(name)
            continue
        for tier in found:
            table = group[tier]
            identity = h5py.h5o.get_info(table.id).addr
            if identity not in seen:
                seen.add(identity)
                tables.append(_table(table, f"{name}/{tier}", name, tier, path))
    return tables, others


def _looks_like_table(item: Any) -> bool:
    return isinstance(item, h5py.Group) and any(
        isinstance(column, h5py.Dataset) or w in WAVEFORMS for w, column in item.items()
    )


def datatype_of(item: Any) -> str:
    """The attribute ``datatype``; empty without."""
    value = item.attrs.get("datatype", "")
    return value.decode() if isinstance(value, bytes) else str(value)


def _columns_of(group: h5py.Group) -> tuple[str, ...]:
    """Columns in the order of the attribute; those that it leaves out follow."""
    told = _TABLE.match(datatype_of(group))
    names = [n for n in told.group(1).split(",") if n] if told else []
    return tuple(dict.fromkeys([*(n for n in names if n in group), *group]))


def _n_rows(item: Any) -> int | None:
    """How many rows a column has; None for what is no column."""
    if isinstance(item, h5py.Dataset):
        return int(item.shape[0]) if item.shape else None
    if "cumulative_length" in item:
        return int(item["cumulative_length"].shape[0])
    inner = item.get("encoded_data") or item.get("values") or item.get("flattened_data")
    return None if inner is None else _n_rows(inner)


def _table(group: Any, path: str, channel: str, tier: str, file: str) -> TableLayout:
    if not isinstance(group, h5py.Group):
        msg = f"{file}: {path} is no table (a group of columns). Give another file."
        raise InputError(msg, file=file, code="no_table")
    columns = _columns_of(group)
    lengths = {name: n for name in columns if (n := _n_rows(group[name])) is not None}
    if len(set(lengths.values())) > 1:
        usual = max(set(lengths.values()), key=list(lengths.values()).count)
        name, n = next((k, n) for k, n in lengths.items() if n != usual)
        msg = (
            f"{file}: {path}/{name} has {n} rows, other columns {usual}: rows of unequal length. "
            "The file is damaged; make it again."
        )
        raise InputError(msg, file=file, code="unequal_rows")
    n_rows = next(iter(lengths.values()), 0)
    waveforms = tuple(
        _waveforms(group[name], name, path, file) for name in columns if name in WAVEFORMS
    )
    return TableLayout(path, channel, tier, n_rows, columns, waveforms)


def _waveforms(group: h5py.Group, name: str, path: str, file: str) -> WaveformLayout:
    where = f"{path}/{name}"
    for part in ("t0", "dt", "values"):
        if part not in group:
            msg = f"{file}: {where} has no {part}: it is no waveform. Make the file again."
            raise InputError(msg, file=file, code="missing_column")
    values = group["values"]
    codec = ""
    if isinstance(values, h5py.Group):
        codec = _text(values.attrs.get("codec", ""))
        if codec not in CODECS:
            known = ", ".join(CODECS)
            msg = f"{file}: {where} is encoded by {codec!r}; known are {known}. Convert it first."
            raise InputError(msg, file=file, code="unknown_codec")
        n_samples = int(values["decoded_size"][()])
    else:
        if values.ndim != 2 or values.dtype.kind not in "iuf":
            msg = (
                f"{file}: {where}/values is {values.dtype} of shape {values.shape}; rows of "
                "numbers are needed. Make the file again."
            )
            raise InputError(msg, file=file, code="wrong_dtype")
        n_samples = int(values.shape[1])
    dt, t0 = (_one_time(group[part], f"{where}/{part}", file) for part in ("dt", "t0"))
    return WaveformLayout(name, n_samples, dt, t0, codec)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _one_time(dataset: h5py.Dataset, where: str, file: str) -> float:
    """A time that all rows share, in ns; NaN without rows."""
    unit = _text(dataset.attrs.get("units", ""))
    if unit not in _NS:
        msg = f"{file}: {where} is in {unit!r}; times are in {', '.join(k for k in _NS if k)}."
        raise InputError(msg, file=file, code="unknown_unit")
    if dataset.shape == ():
        return float(dataset[()]) * _NS[unit]
    values = rows_of_dataset(dataset, 0, dataset.shape[0], file)
    if len(values) == 0:
        return float("nan")
    if not np.all(values == values[0]):
        low, high = values.min(), values.max()
        msg = (
            f"{file}: {where} is from {low} to {high} {unit} in one table; all waveforms of a "
            "table are sampled alike. Split the file."
        )
        raise InputError(msg, file=file, code="mixed_sampling")
    return float(values[0]) * _NS[unit]


def read_column(
    group: h5py.Group, name: str, first: int, n: int, path: str, *, tier: str = ""
) -> NDArray[Any]:
    """Rows of a column of numbers.

    Raises
    ------
    InputError
        If the column is absent, or does not hold numbers.
    """
    if name not in group:
        needs = f", which the {tier} tier is made of" if tier else ""
        msg = f"{path}: {group.name} has no column {name}{needs}. Give a file that has it."
        raise InputError(msg, file=path, code="missing_column")
    dataset = group[name]
    if not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind not in "iufb":
        kind = dataset.dtype if isinstance(dataset, h5py.Dataset) else datatype_of(dataset)
        msg = f"{path}: {group.name}/{name} is {kind}; a column of numbers is needed."
        raise InputError(msg, file=path, code="wrong_dtype")
    return rows_of_dataset(dataset, first, n, path)


def read_waveforms(
    group: h5py.Group, name: str, first: int, n: int, path: str, dtype: DTypeLike = np.int32
) -> NDArray[Any]:
    """Samples of waveforms ``first`` to ``first + n``, shape (n, samples), as they were recorded.

    Encoded ones are of ``dtype``. InputError for a stream that is damaged.
    """
    values = group[f"{name}/values"]
    if isinstance(values, h5py.Dataset):
        return rows_of_dataset(values, first, n, path)
    encoded = values["encoded_data"]
    lengths = encoded["cumulative_length"]
    begin = int(rows_of_dataset(lengths, first - 1, 1, path)[0]) if first else 0
    ends = rows_of_dataset(lengths, first, n, path).astype(np.int64)
    stop = int(ends[-1]) if len(ends) else begin
    data = rows_of_dataset(encoded["flattened_data"], begin, stop - begin, path)
    shift = float(values.attrs.get("codec_shift", SHIFT))
    codec = _text(values.attrs["codec"])
    try:
        n_samples = int(values["decoded_size"][()])
        return decoded(codec, data, ends - begin, n_samples, shift, dtype)
    except DamagedStreamError as reason:
        where = f"{group.name}/{name}, row {first + reason.row}"
        raise damaged_file(Path(path), where, reason, REPAIR) from None
