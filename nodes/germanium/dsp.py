"""The dsp tier: one row of numbers a waveform, from the constants of its channel."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag

from ...schemas.germanium.dplms import DplmsFilter
from ...schemas.germanium.dsp import (
    DspParameters,
    FilterSettings,
    PoleZeroConstants,
    RawTable,
    Waveforms,
)
from ...schemas.germanium.parameters import ParameterFiles
from ...schemas.germanium.pulse_classes import ChannelSvm
from ...schemas.germanium.settings import Filters, PoleZero
from ...schemas.sources import EventRange
from .columns import out_of_time
from .dsp_frames import dsp_frame, stored_columns
from .parameter_files import dplms_in, filters_in, parameters_of, pole_zero_in
from .pulse_shapes import haar_shapes, pulse_labels
from .recipes import given_constants, usual_filters, whole_samples

_IDENTITY: Final = ("timestamp", "trapEmax", "cuspEmax", "bl_std", "bl_mean", "A_max")


@tag(stage="filters", scope="channel")
@config.when(begins="raw", shaping="given")
def filter_settings__given(filters: Filters) -> FilterSettings:
    """Shaping times of the energy filters as they are set."""
    return usual_filters(filters)


@tag(stage="pole_zero", scope="channel")
@config.when(begins="raw", decay="given")
def pole_zero_constants_ns__given(pole_zero: PoleZero) -> PoleZeroConstants:
    """The decay of the preamplifier as it is set."""
    return given_constants(pole_zero)


@tag(stage="filters", scope="channel")
@config.when(begins="raw", shaping="stored")
def filter_settings__stored(
    parameter_files: ParameterFiles, channel: str, detectors: dict[str, str], filters: Filters
) -> FilterSettings:
    """Shaping times of the energy filters in parameter files."""
    parameters = parameters_of(parameter_files, channel, detectors)
    return filters_in(parameters, filters, channel)


@tag(stage="pole_zero", scope="channel")
@config.when(begins="raw", decay="stored")
def pole_zero_constants_ns__stored(
    parameter_files: ParameterFiles, channel: str, detectors: dict[str, str]
) -> PoleZeroConstants:
    """The decay of the preamplifier in parameter files."""
    return pole_zero_in(parameters_of(parameter_files, channel, detectors), channel)


@tag(stage="dsp", scope="channel", main="true")
@config.when(begins="raw", dplms="none")
def dsp_parameters__of_raw(
    pole_zero_constants_ns: PoleZeroConstants, filter_settings: FilterSettings, pole_zero: PoleZero
) -> DspParameters:
    """All constants that the dsp columns of a channel are made with."""
    return DspParameters(
        pole_zero_constants_ns, filter_settings, pole_zero.baseline_us, pole_zero.tail_us
    )


@tag(stage="dsp", scope="channel", main="true")
@config.when(begins="raw", dplms="made")
def dsp_parameters__with_dplms(
    pole_zero_constants_ns: PoleZeroConstants,
    filter_settings: FilterSettings,
    pole_zero: PoleZero,
    dplms_filter: DplmsFilter,
) -> DspParameters:
    """All constants that the dsp columns of a channel are made with, and the DPLMS filter."""
    made = dsp_parameters__of_raw(pole_zero_constants_ns, filter_settings, pole_zero)
    return replace(made, dplms=tuple(dplms_filter.coefficients.tolist()))


@tag(stage="dsp", scope="channel", main="true")
@config.when(begins="raw", dplms="stored")
def dsp_parameters__stored(
    pole_zero_constants_ns: PoleZeroConstants,
    filter_settings: FilterSettings,
    pole_zero: PoleZero,
    parameter_files: ParameterFiles,
    channel: str,
    detectors: dict[str, str],
) -> DspParameters:
    """All constants that the dsp columns of a channel are made with, from parameter files."""
    made = dsp_parameters__of_raw(pole_zero_constants_ns, filter_settings, pole_zero)
    parameters = parameters_of(parameter_files, channel, detectors)
    return replace(made, dplms=dplms_in(parameters, parameter_files, channel))


@tag(stage="dsp", schema="DspColumns", main="true")
@config.when_in(begins=["raw"], classes=["made", "stored"])
def dsp_columns__classed(
    waveforms: Waveforms,
    raw_scalars: pd.DataFrame,
    dsp_parameters: DspParameters,
    channel_svm: ChannelSvm,
) -> pd.DataFrame:
    """The dsp columns of a range of rows, with the class of each pulse shape."""
    frame = dsp_frame(waveforms, raw_scalars, dsp_parameters)
    model = channel_svm.model
    if model is None:
        return frame
    n_baseline = whole_samples(1e3 * dsp_parameters.baseline_us[1], waveforms.slow_ns)
    shapes = haar_shapes(waveforms.slow, n_baseline, model.level)
    return frame.assign(svm_label=pulse_labels(model, shapes).astype(np.int16))


@tag(stage="dsp", schema="DspColumns", main="true")
@config.when(begins="raw", classes="none")
def dsp_columns__of_raw(
    waveforms: Waveforms, raw_scalars: pd.DataFrame, dsp_parameters: DspParameters
) -> pd.DataFrame:
    """The dsp columns of a range of rows, from their waveforms."""
    return dsp_frame(waveforms, raw_scalars, dsp_parameters)


@tag(stage="dsp", schema="DspColumns", main="true")
@config.when(begins="dsp")
def dsp_columns__stored(raw_table: RawTable, row_range: EventRange) -> pd.DataFrame:
    """The dsp columns of a range of rows, as an earlier run stored them."""
    return stored_columns(raw_table, row_range)


@tag(stage="dsp", schema="DspColumns", scope="channel", helper="true", stored="false")
@config.when(begins="raw")
def dsp_tier__of_raw(dsp_columns: pd.DataFrame) -> pd.DataFrame:
    """The dsp columns of all rows of a channel, as they are written."""
    return dsp_columns


@tag(stage="dsp", scope="channel", helper="true")
def n_triggers(dsp_columns: pd.DataFrame) -> int:
    """Rows of a channel."""
    return len(dsp_columns)


@tag(stage="dsp", scope="channel", helper="true")
def n_duplicates(dsp_columns: pd.DataFrame) -> int:
    """Rows that repeat an earlier one: the same time, energies and baseline. Without time none."""
    there = [name for name in _IDENTITY if name in dsp_columns]
    known = dsp_columns[dsp_columns["timestamp"].notna()] if "timestamp" in there else None
    return 0 if known is None else int(known.duplicated(there).sum())


@tag(stage="dsp", scope="channel", helper="true")
@config.when(begins="raw")
def n_out_of_time__of_raw(dsp_columns: pd.DataFrame) -> int:
    """Rows without a time, or with one before the latest of the rows above."""
    return out_of_time(dsp_columns["timestamp"].to_numpy())


@tag(stage="dsp", scope="channel", helper="true")
@config.when(begins="dsp")
def n_out_of_time__of_dsp(dsp_columns: pd.DataFrame) -> int:
    """The same; none where an earlier run kept no times."""
    time = dsp_columns["timestamp"].to_numpy()
    return 0 if np.isnan(time).all() else out_of_time(time)
