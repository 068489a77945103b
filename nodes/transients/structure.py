"""Recordings as they stand in the files: who they are, when, and whether they are whole."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag
from numpy.typing import NDArray

from ...schemas.arrays import frozen
from ...schemas.sources import FileRefs
from ...schemas.transients.config import Quality
from ...schemas.transients.frames import RECORDING_TABLE
from ...schemas.transients.layout import HEADER_BYTES, SAMPLE_BYTES, UNKNOWN_POSITION
from ...schemas.transients.quality import QUALITY
from ...schemas.transients.recordings import I2, RecordingForm, RecordingRange, Recordings
from .kernels.samples import sample_pass
from .readers.archive import RecordingStreams
from .readers.reading import read_recordings

# 12-bit samples stand at the left of 16: the last step of the range, from -2048 to 2047 times 16.
END_ADC: Final = 32752
_MICROSECONDS: Final = 1_000_000


@tag(stage="structure", stored="false")
def recordings(
    source_files: FileRefs,
    recording_range: RecordingRange,
    run_number: int,
    recording_form: RecordingForm,
    recording_streams: RecordingStreams,
) -> Recordings:
    """Recordings of a range of the run: names, headers, samples."""
    return read_recordings(
        source_files.files, recording_range, run_number, recording_form, recording_streams
    )


@tag(stage="structure", stored="false")
@config.when(samples="iq")
def kept_samples_adc(recordings: Recordings) -> I2:
    """I and Q as they were recorded: (n_recordings, n_samples, 2); zero beyond a short one."""
    return recordings.iq_adc


@tag(stage="structure", schema="RecordingTable", main="true")
@config.when(start="samples")
def recording_table(recordings: Recordings, recording_form: RecordingForm) -> pd.DataFrame:
    """Number, position and time of each recording, in the order of the source."""
    form = recording_form
    seconds, microseconds = recordings.seconds, recordings.microseconds
    has_time = _has_time(recordings)
    return RECORDING_TABLE.frame(
        {
            "number": recordings.numbers,
            "x_lsb": recordings.x_lsb,
            "y_lsb": recordings.y_lsb,
            "x_um": _um(recordings.x_lsb, form.x_lsb_per_um),
            "y_um": _um(recordings.y_lsb, form.y_lsb_per_um),
            "hw_time_s": np.where(recordings.ticks >= 0, recordings.ticks / form.fs_Hz, np.nan),
            "sys_time_s": np.where(has_time, seconds + microseconds / _MICROSECONDS, np.nan),
            "n_bytes": recordings.n_bytes,
        }
    )


def _um(lsb: NDArray[np.int64], lsb_per_um: float) -> NDArray[np.float64]:
    if lsb_per_um == 0:
        return np.full(len(lsb), np.nan)
    return np.where(lsb != UNKNOWN_POSITION, lsb / lsb_per_um, np.nan)


def _has_time(recordings: Recordings) -> NDArray[np.bool_]:
    seconds, microseconds = recordings.seconds, recordings.microseconds
    return (seconds > 0) & (microseconds >= 0) & (microseconds < _MICROSECONDS)


@tag(stage="structure", helper="true")
def sample_quality(
    recordings: Recordings, recording_form: RecordingForm, quality_limits: Quality
) -> NDArray[np.uint16]:
    """Marks of the bytes, the header, the samples and the name: bits of QUALITY."""
    n = recordings.numbers.size
    payload = recordings.n_bytes - HEADER_BYTES
    whole = SAMPLE_BYTES * recording_form.n_samples
    n_samples = recordings.iq_adc.shape[1]
    there = np.clip(payload // SAMPLE_BYTES, 0, n_samples)
    zeros, clipped = np.zeros(n, np.int64), np.zeros(n, np.int64)
    sample_pass(recordings.iq_adc, there, END_ADC, zeros, clipped)
    unknown = (recordings.x_lsb == UNKNOWN_POSITION) | (recordings.y_lsb == UNKNOWN_POSITION)
    masks = {
        "short": payload < whole,
        "long": payload > whole,
        "header": ~_has_time(recordings),
        "dropout": zeros >= quality_limits.dropout_samples,
        "clipped": clipped > quality_limits.clipped_fraction * np.maximum(there, 1),
        "unknown_position": unknown,
    }
    return frozen(QUALITY.pack(masks))


@tag(stage="structure", unit="members")
@config.when(start="samples")
def foreign_members(recordings: Recordings) -> int:
    """Members of the source that are no recordings of the run."""
    return recordings.n_foreign
