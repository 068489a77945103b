"""The HDF5 files of the ml4see scripts: one dataset of frequencies a recording.

``/meta`` holds the logbook as attributes, ``/fpga_log`` and ``/fpga_hit_data`` what the FPGA saw,
``/sdr_data/all/tran_NNNNNN`` n - 129 frequencies in Hz relative to +fs/4 with attributes tran_num,
x_lsb, y_lsb, hw_ts_sec, sys_ts_sec. Some files hold ppm whatever their unit says.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np

from ....schemas.arrays import frozen
from ....schemas.errors import InputError
from ....schemas.transients.layout import HEADER_BYTES, SAMPLE_BYTES
from ....schemas.transients.recordings import RecordingForm, RecordingRange, Recordings
from ...file_kinds import fault_of_hdf5
from ...hdf5_heaps import opened_hdf5
from ...whole_numbers import exactly_whole

ALL: Final = "sdr_data/all"
_LOST_SAMPLES: Final = 129
_WANTED: Final = "Name the folder of a campaign, or an HDF5 file of the ml4see scripts."
_PPM: Final = 1e6


def older_members(path: Path) -> list[str]:
    """The names of the recordings in a file; InputError if it is none of a known stage."""
    try:
        with opened_hdf5(path) as file:
            stage = file["meta"].attrs.get("processing_stage", 1) if "meta" in file else 1
            if ALL not in file or int(stage) < 1:
                msg = (
                    f"{path}: is no file of processing stage 1 or 2 (stage {stage}, "
                    f"{'no ' if ALL not in file else ''}/{ALL}); make it with the scripts first."
                )
                raise InputError(msg, file=path, code="no_stage")
            return sorted(file[ALL])
    except OSError as reason:
        msg = f"{path}: {fault_of_hdf5(path, reason, _WANTED)}"
        raise InputError(msg, file=path) from None


def older_metadata(path: Path) -> dict[str, Any]:
    """The logbook row that a file holds, by name; plain values. InputError if it is no HDF5."""
    found: dict[str, Any] = {}
    try:
        with opened_hdf5(path) as file:
            for group in ("meta", "sdr_data"):
                if group in file:
                    found |= {k: _plain(v) for k, v in _attributes(file[group]).items()}
    except OSError as reason:
        msg = f"{path}: {fault_of_hdf5(path, reason, _WANTED)}"
        raise InputError(msg, file=path, key="io.input_path") from None
    return found


def _attributes(group: h5py.Group) -> Mapping[str, Any]:
    return dict(group.attrs.items())


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode()
    value = value.item() if hasattr(value, "item") else value
    return "" if isinstance(value, float) and math.isnan(value) else value


def read_older_hdf5(path: str, place: RecordingRange, form: RecordingForm) -> Recordings:
    """Recordings of a file, as frequencies; one of another length is NaN and marked by it."""
    n = len(place.members)
    length = form.n_samples - _LOST_SAMPLES
    frequency = np.full((n, length), np.nan)
    numbers, sizes = np.empty((n, 3), np.int64), np.empty(n, np.int64)
    times = np.full((n, 3), -1, np.int64)
    try:
        with opened_hdf5(path) as file:
            for row, name in enumerate(place.members):
                dataset = file[f"{ALL}/{name}"]
                attributes = dataset.attrs
                for k, key in enumerate(("tran_num", "x_lsb", "y_lsb")):
                    (numbers[row, k],) = exactly_whole([attributes[key]], "int64", f"{name}: {key}")
                hw_s, sys_s = float(attributes["hw_ts_sec"]), float(attributes["sys_ts_sec"])
                if math.isfinite(hw_s):
                    times[row, 0] = round(hw_s * form.fs_Hz)
                if math.isfinite(sys_s):
                    times[row, 1:] = divmod(round(sys_s * _PPM), round(_PPM))
                sizes[row] = HEADER_BYTES + SAMPLE_BYTES * (len(dataset) + _LOST_SAMPLES)
                if len(dataset) >= length:
                    frequency[row] = dataset[:length]
    except (OSError, KeyError, ValueError, TypeError) as reason:
        msg = f"{path}: is damaged or not of the known layout ({reason})."
        raise InputError(msg, file=path, code="damaged_file") from None
    if form.in_ppm:
        frequency *= form.cf_Hz / _PPM
    return Recordings(
        numbers=frozen(numbers[:, 0].copy()),
        x_lsb=frozen(numbers[:, 1].copy()),
        y_lsb=frozen(numbers[:, 2].copy()),
        n_bytes=frozen(sizes),
        ticks=frozen(times[:, 0].copy()),
        seconds=frozen(times[:, 1].copy()),
        microseconds=frozen(times[:, 2].copy()),
        iq_adc=frozen(np.empty((n, 0, 2), np.int16)),
        frequency_Hz=frozen(frequency),
        n_foreign=0,
    )
