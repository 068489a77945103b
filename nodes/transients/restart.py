"""The start of a run from the file of an earlier one: what it stored stands for its nodes.

The choice ``start`` says from where: ``samples`` (nothing is taken), ``windows`` (all but the fits)
or ``features`` (all but scores and maps).
"""

from __future__ import annotations

from typing import Final

import pandas as pd
from hamilton.function_modifiers import config, tag

from ...schemas.arrays import F8
from ...schemas.sources import FileRefs
from ...schemas.transients.frames import (
    BASELINES,
    FEATURES,
    FLATTOPS,
    RECORDING_QUALITY,
    RECORDING_TABLE,
    TRACE_FEATURES,
    TWO_EXPONENTIAL_FITS,
)
from ...schemas.transients.recordings import RecordingRange
from .readers import earlier_runs as earlier

_STORED: Final = ["windows", "features"]


@tag(stage="structure", schema="RecordingTable", main="true")
@config.when_in(start=_STORED)
def recording_table__stored(
    source_files: FileRefs, recording_range: RecordingRange
) -> pd.DataFrame:
    """Number, position and time of each recording, in the order of the source."""
    rows = earlier.rows_of(recording_range)
    return earlier.stored_frame(source_files.files[0], earlier.TABLE, RECORDING_TABLE, rows)


@tag(stage="structure", unit="members")
@config.when_in(start=_STORED)
def foreign_members__stored(recording_range: RecordingRange) -> int:
    """Members of the source that are no recordings of the run, told with the first range."""
    return recording_range.n_foreign


@tag(stage="baseline", schema="RecordingQuality", main="true")
@config.when_in(start=_STORED)
def recording_quality__stored(
    source_files: FileRefs, recording_range: RecordingRange
) -> pd.DataFrame:
    """Marks of each recording that it has by itself."""
    file, rows = source_files.files[0], earlier.rows_of(recording_range)
    return earlier.stored_frame(file, "baseline/recording_quality", RECORDING_QUALITY, rows)


@tag(stage="baseline", schema="Baselines", main="true")
@config.when_in(start=_STORED)
def baselines__stored(source_files: FileRefs, recording_range: RecordingRange) -> pd.DataFrame:
    """Frequency before the trigger."""
    file, rows = source_files.files[0], earlier.rows_of(recording_range)
    return earlier.stored_frame(file, "baseline/baselines", BASELINES, rows)


@tag(stage="baseline", unit="ppm", stored="false")
@config.when_in(start=_STORED)
def pre_window_means_ppm__stored(source_files: FileRefs, recording_range: RecordingRange) -> F8:
    """Windows before the trigger, to seven digits: (n_recordings, n_windows)."""
    file, rows = source_files.files[0], earlier.rows_of(recording_range)
    return earlier.stored_array(file, "baseline/pre_window_means_ppm", rows)


@tag(stage="features", unit="ppm", stored="false", main="true")
@config.when_in(start=_STORED)
def post_window_means_ppm__stored(source_files: FileRefs, recording_range: RecordingRange) -> F8:
    """Windows after the trigger, to seven digits: (n_recordings, n_windows)."""
    file, rows = source_files.files[0], earlier.rows_of(recording_range)
    return earlier.stored_array(file, earlier.WINDOWS, rows)


@tag(stage="features", schema="TraceFeatures", main="true")
@config.when_in(start=_STORED)
def trace_features__stored(source_files: FileRefs, recording_range: RecordingRange) -> pd.DataFrame:
    """First window, extremes and spreads of the windows."""
    file = source_files.files[0]
    rows = earlier.source_order(file, recording_range)
    return earlier.stored_frame(file, earlier.FEATURES, TRACE_FEATURES, rows)


@tag(stage="features", schema="Flattops")
@config.when_in(start=_STORED)
def flattops__stored(source_files: FileRefs, recording_range: RecordingRange) -> pd.DataFrame:
    """Mean of 4 to 15 us after the trigger."""
    file = source_files.files[0]
    rows = earlier.source_order(file, recording_range)
    return earlier.stored_frame(file, earlier.FEATURES, FLATTOPS, rows)


@tag(stage="features", scope="run")
@config.when_in(start=_STORED)
def window_correlation__stored(earlier_files: FileRefs) -> F8:
    """Autocorrelation of windows at lags 1 to 8: (8,)."""
    return earlier.stored_array(earlier_files.files[0], "features/window_correlation")


@tag(stage="features", schema="TwoExponentialFits")
@config.when(start="features")
def two_exponential_fits__stored(
    source_files: FileRefs, recording_range: RecordingRange
) -> pd.DataFrame:
    """Fits of two decays."""
    file, rows = source_files.files[0], earlier.rows_of(recording_range)
    place = "features/two_exponential_fits"
    return earlier.stored_frame(file, place, TWO_EXPONENTIAL_FITS, rows)


@tag(stage="features", scope="run", schema="Features", main="true")
@config.when(start="features")
def features__stored(earlier_files: FileRefs) -> pd.DataFrame:
    """Every recording with its features, errors and marks, sorted by number, x and y."""
    return earlier.stored_frame(earlier_files.files[0], earlier.FEATURES, FEATURES)
