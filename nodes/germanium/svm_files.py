"""Pulses of known class in LH5 files, and support vector machines as plain arrays. No nodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import h5py
import numpy as np

from ...schemas.arrays import F4, I8
from ...schemas.errors import InputError
from ...schemas.germanium.lh5 import TableLayout
from ...schemas.germanium.pulse_classes import SvmModel, TrainingPulses
from ...schemas.sources import FileRef, FileRefs
from .lh5 import layout_of, lh5_file, read_column, read_waveforms
from .lh5_datasets import rows_of_dataset
from .parameter_arrays import named_place
from .pulse_shapes import haar_shapes
from .waveforms import PRESUM

LABEL: Final = "dc_label"
SHAPE: Final = "dwt_norm"
TABLE: Final = "ml_train/dsp"
NAMES: Final = "names"
_ROWS: Final = 2048
_ARRAYS: Final = (
    "support_vectors", "dual_coefficients", "intercepts", "labels", "n_support", "gamma", "level",
)  # fmt: skip


def training_pulses_in(files: FileRefs, baseline_ns: float, level: int) -> TrainingPulses:
    """The pulses of all files, whose classes are in a column dc_label.

    A file has raw tables with waveforms, or the table ml_train/dsp with the shapes (dwt_norm)
    themselves. The attribute ``names`` of dc_label names the classes by their number.

    InputError for a file that has neither, and for shapes of other lengths.
    """
    found = [_training_in(file, baseline_ns, level) for file in files.files]
    widths = sorted({part.shapes.shape[1] for part in found})
    if len(widths) > 1:
        msg = f"training tables have {widths} coefficients a pulse; give waveforms of one length."
        raise InputError(msg, file=files.files[-1].path, code="other_shapes")
    names = next((part.names for part in found if part.names), ())
    return TrainingPulses(
        np.concatenate([part.shapes for part in found]),
        np.concatenate([part.labels for part in found]),
        names,
    )


def _training_in(ref: FileRef, baseline_ns: float, level: int) -> TrainingPulses:
    path = ref.path
    with lh5_file(path) as file:
        table = file.get(TABLE)
        if isinstance(table, h5py.Group) and LABEL in table and SHAPE in table:
            labels, names = _labels(table, path)
            shapes = rows_of_dataset(table[SHAPE], 0, len(labels), path)
            if shapes.ndim != 2 or shapes.dtype.kind != "f":
                msg = f"{path}: {TABLE}/{SHAPE} is {shapes.dtype}; rows of numbers are needed."
                raise InputError(msg, file=path, code="wrong_dtype")
            return TrainingPulses(np.asarray(shapes, np.float32), labels, names)
    tables = [t for t in layout_of(path).tables if t.tier == "raw" and LABEL in t.columns]
    if not tables:
        msg = (
            f"{path}: has no raw table with a column {LABEL}, and no {TABLE} with {SHAPE} and "
            f"{LABEL}: it cannot train the SVM ([germanium] svm_path)."
        )
        raise InputError(msg, file=path, code="no_training")
    parts = [_of_waveforms(path, table, baseline_ns, level) for table in tables]
    return TrainingPulses(
        np.concatenate([part.shapes for part in parts]),
        np.concatenate([part.labels for part in parts]),
        parts[0].names,
    )


def _labels(table: h5py.Group, path: str) -> tuple[I8, tuple[str, ...]]:
    n = table[LABEL].shape[0]
    labels = read_column(table, LABEL, 0, n, path)
    if labels.dtype.kind not in "iu":
        msg = f"{path}: {table.name}/{LABEL} is {labels.dtype}; whole numbers are needed."
        raise InputError(msg, file=path, code="wrong_dtype")
    told = table[LABEL].attrs.get(NAMES, "")
    text = told.decode() if isinstance(told, bytes) else str(told)
    return labels.astype(np.int64), tuple(name for name in text.split(",") if name)


def _of_waveforms(path: str, table: TableLayout, baseline_ns: float, level: int) -> TrainingPulses:
    by_name = {w.name: w for w in table.waveforms}
    name = next((n for n in ("waveform_presummed", "waveform") if n in by_name), "")
    if not name:
        msg = f"{path}: {table.path} has no waveforms to train the SVM on."
        raise InputError(msg, file=path, code="missing_column")
    # A long waveform is averaged to the presummed sampling within the same average.
    further = PRESUM.bit_length() - 1 if name == "waveform" else 0
    n_baseline = round(baseline_ns / by_name[name].dt_ns)
    shapes: list[F4] = []
    with lh5_file(path) as file:
        group = file[table.path]
        labels, names = _labels(group, path)
        for first in range(0, table.n_rows, _ROWS):
            n = min(_ROWS, table.n_rows - first)
            samples = np.asarray(
                read_waveforms(group, name, first, n, path, np.float32), np.float32
            )
            shapes.append(haar_shapes(samples, n_baseline, level + further))
    empty = np.empty((0, by_name[name].n_samples >> (level + further)), np.float32)
    return TrainingPulses(np.concatenate([empty, *shapes]), labels, names)


def model_arrays(model: SvmModel) -> dict[str, Any]:
    """A model as arrays by name, as an LH5 file has them."""
    return {name: np.asarray(getattr(model, name)) for name in _ARRAYS}


def svm_in(parameters: Mapping[str, Any], arrays: FileRefs, channel: str) -> SvmModel | None:
    """The model that a par_dsp names; None where it names none.

    InputError if it stands in an LH5 file that is not there, or has it not.
    """
    told = parameters.get("svm")
    if not isinstance(told, Mapping) or "model_file" not in told:
        return None
    path, place = named_place(told["model_file"], arrays, f"svm.model_file of {channel}")
    with lh5_file(path) as file:
        group = file.get(place)
        missing = [n for n in _ARRAYS if not isinstance(group, h5py.Group) or n not in group]
        if missing:
            msg = f"{path}: {place} has no {missing[0]}: it is no SVM of this program."
            raise InputError(msg, file=path, code="no_parameters")
        values = {name: np.asarray(group[name][()]) for name in _ARRAYS}
        names = group["labels"].attrs.get(NAMES, "")
    return SvmModel(
        values["support_vectors"].astype(np.float64),
        values["dual_coefficients"].astype(np.float64),
        values["intercepts"].astype(np.float64),
        values["labels"].astype(np.int64),
        values["n_support"].astype(np.int64),
        float(values["gamma"]),
        int(values["level"]),
        tuple(str(names).split(",")) if names else (),
    )
