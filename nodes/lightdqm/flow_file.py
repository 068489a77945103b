"""FLOW.hdf5 light files: where things stand in them, opened and read by rows.

Layout: h5flow groups ``light/events`` (one row an event) and ``light/wvfm`` (the waveforms of
the same row). A field of the waveforms is never indexed in the file, since that would load all
of it: rows are read, each one chunk.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np

from ...schemas.arrays import I8
from ...schemas.errors import InputError
from ...schemas.lightdqm.arrays import I2, LightLayout
from ...schemas.lightdqm.units import SAMPLE_NS
from ...schemas.sources import FileRef
from ..file_kinds import fault_of_hdf5, fault_of_input
from ..hdf5_heaps import opened_hdf5
from .grouping import N_CHANNELS

EVENTS: Final = "light/events"
EVENT_ROWS: Final = "light/events/data"
WAVEFORMS: Final = "light/wvfm/data"
SAMPLES: Final = "samples"
REFERENCES: Final = "light/events/ref/light/wvfm/ref"
_WANTED: Final = "Give a .FLOW.hdf5 file of the light read-out."


@contextmanager
def flow_file(source: FileRef) -> Iterator[h5py.File]:
    """The open file; InputError for one that is absent, no HDF5, truncated or damaged."""
    path = source.path
    if fault := fault_of_input(Path(path)):
        msg = f"{path}: {fault}. {_WANTED}"
        raise InputError(msg, file=path)
    try:
        # Files lie on shared disks where others read them: no lock. An event is a chunk and is read
        # once: a cache of chunks would only copy it.
        file = opened_hdf5(path, locking=False, rdcc_nbytes=0)
    except OSError as reason:
        msg = f"{path}: {fault_of_hdf5(Path(path), reason, _WANTED)}"
        raise InputError(msg, file=path) from None
    try:
        with file:
            yield file
    except (OSError, RuntimeError) as reason:
        msg = f"{path}: cannot be read to its end ({_short(reason)}). Make or copy it again."
        raise InputError(msg, file=path, code="damaged") from None


def _short(reason: BaseException) -> str:
    return str(reason).split("\n")[0][:200]


def layout_of(file: h5py.File, path: str) -> LightLayout:
    """Shape and attributes; InputError for a file without light waveforms."""
    rows = _dataset(file, WAVEFORMS, path)
    events = _dataset(file, EVENT_ROWS, path)
    if rows.dtype.names is None or SAMPLES not in rows.dtype.names:
        msg = f"{path}: {WAVEFORMS} has no field '{SAMPLES}' (it has {rows.dtype})."
        raise InputError(msg, file=path, code="no_waveforms")
    base, shape = rows.dtype[SAMPLES].base, rows.dtype[SAMPLES].shape
    if len(shape) != 3 or shape[1] != N_CHANNELS or 0 in shape or base.str[1:] != "i2":
        msg = (
            f"{path}: a row of {WAVEFORMS} holds {base} of shape {shape}; waveforms are 16-bit "
            f"whole numbers of shape (ADCs, {N_CHANNELS}, samples)."
        )
        raise InputError(msg, file=path, code="wrong_shape")
    if len(rows) != len(events):
        msg = (
            f"{path}: has {len(events)} events but {len(rows)} rows of waveforms: it was not "
            "written to its end. Make it again."
        )
        raise InputError(msg, file=path, code="damaged")
    if not len(rows):
        msg = f"{path}: holds no events. Give another file."
        raise InputError(msg, file=path, code="no_events")
    attributes = _attributes(file[EVENTS])
    rwm = _rwm(attributes, shape[0])
    return LightLayout(
        n_events=len(rows),
        n_adcs=shape[0],
        n_channels=shape[1],
        n_samples=shape[2],
        rwm_adc=rwm[0],
        rwm_channel=rwm[1],
        sample_ns=SAMPLE_NS,
        fields=tuple(events.dtype.names or ()),
        attributes=attributes,
    )


def _dataset(file: h5py.File, name: str, path: str) -> h5py.Dataset:
    found = file.get(name)
    if not isinstance(found, h5py.Dataset):
        msg = (
            f"{path}: has no dataset {name}: it is no light file, or has no light waveforms. "
            "Give a .FLOW.hdf5 file of the light read-out."
        )
        raise InputError(msg, file=path, code="no_waveforms")
    return found


def _attributes(group: h5py.Group) -> dict[str, Any]:
    """Attributes as plain values."""
    found = {}
    for name in sorted(group.attrs):
        value = group.attrs[name]
        if isinstance(value, h5py.Empty):
            value = []
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        found[name] = value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value
    return {n: v for n, v in found.items() if isinstance(v, (str, int, float, bool, list))}


def _rwm(attributes: Mapping[str, Any], n_adcs: int) -> tuple[int, int]:
    """The input of the beam monitor, (-1, -1) without."""
    given = attributes.get("rwm_channel")
    if isinstance(given, list) and len(given) == 2:
        adc, channel = (int(v) for v in given)
        if 0 <= adc < n_adcs and 0 <= channel < N_CHANNELS:
            return adc, channel
    return -1, -1


def event_records(file: h5py.File) -> np.ndarray:
    """Every row of the event table."""
    return file[EVENT_ROWS][:]


def room_for_samples(layout: LightLayout, n_events: int) -> I2:
    """An array that takes the samples of ``n_events`` events."""
    shape = (n_events, layout.n_adcs, layout.n_channels, layout.n_samples)
    return np.empty(shape, dtype=np.int16)


def waveform_rows(file: h5py.File, n_events: int) -> I8:
    """The row of the waveforms of each event, as the references of h5flow pair them.

    Row by row where the file has no references, or none that pair each event with one row.
    """
    by_row = np.arange(n_events)
    pairs = file.get(REFERENCES)
    if not isinstance(pairs, h5py.Dataset) or pairs.shape != (n_events, 2):
        return by_row
    found = np.asarray(pairs[:], dtype=np.int64)
    rows = found[np.argsort(found[:, 0], kind="stable")]
    whole = (rows[:, 0] == by_row).all() and (np.sort(rows[:, 1]) == by_row).all()
    return np.asarray(rows[:, 1]) if whole else by_row


def samples_of(file: h5py.File, layout: LightLayout, rows: I8, room: I2 | None = None) -> I2:
    """Samples of some events, (n, n_adcs, 64, n_samples); ``rows`` of the event table ascend.

    Waveforms may stand in another order: the references of the file say where. They are put into
    ``room`` if it is given: blocks of a long file need no new memory each.
    """
    dataset = file[WAVEFORMS]
    shape = (layout.n_adcs, layout.n_channels, layout.n_samples)
    found = (room_for_samples(layout, len(rows)) if room is None else room)[: len(rows)]
    rows = waveform_rows(file, layout.n_events)[rows]
    if dataset.dtype.names == (SAMPLES,) and dataset.dtype[SAMPLES].base == np.int16:
        target = found.reshape(len(rows), prod(shape)).view(dataset.dtype).reshape(len(rows))
        for begin, end in _runs(rows):
            place = np.s_[int(rows[begin]) : int(rows[end - 1]) + 1]
            dataset.read_direct(target, place, np.s_[begin:end])
        return found
    for begin, end in _runs(rows):
        found[begin:end] = dataset[int(rows[begin]) : int(rows[end - 1]) + 1][SAMPLES]
    return found


def _runs(rows: I8) -> list[tuple[int, int]]:
    """Stretches of neighbouring rows, as places in ``rows``."""
    if not len(rows):
        return []
    breaks = np.flatnonzero(np.diff(rows) != 1) + 1
    ends = [*breaks.tolist(), len(rows)]
    return list(zip([0, *ends[:-1]], ends, strict=True))
