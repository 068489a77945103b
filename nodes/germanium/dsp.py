"""The dsp tier: one row of numbers a waveform, from the constants of its channel."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag

from ...schemas.arrays import F4
from ...schemas.germanium.dsp import (
    DspParameters,
    FilterSettings,
    PoleZeroConstants,
    RawTable,
    Waveforms,
)
from ...schemas.germanium.frames import DSP_COLUMNS
from ...schemas.germanium.settings import Filters, PoleZero
from ...schemas.sources import EventRange
from .kernels.dsp import COLUMNS, dsp_rows
from .load import absent_column, stored_columns
from .recipes import recipe_of


@tag(stage="filters", scope="channel")
@config.when(begins="raw", filters="given")
def filter_settings__given(filters: Filters) -> FilterSettings:
    """Shaping times of the energy filters as they are set."""
    return FilterSettings(
        cusp_sigma_us=filters.cusp_sigma_us,
        cusp_flat_us=filters.flat_us,
        zac_sigma_us=filters.zac_sigma_us,
        zac_flat_us=filters.flat_us,
        trap_rise_us=filters.trap_rise_us,
        trap_flat_us=filters.flat_us,
        kernel_us=filters.kernel_us,
    )


@tag(stage="pole_zero", scope="channel")
@config.when(begins="raw", pole_zero="given")
def pole_zero_constants_ns__given(pole_zero: PoleZero) -> PoleZeroConstants:
    """The decay of the preamplifier as it is set."""
    return PoleZeroConstants(1e3 * pole_zero.tau1_us, 1e3 * pole_zero.tau2_us, pole_zero.frac2)


@tag(stage="dsp", scope="channel", main="true")
@config.when(begins="raw")
def dsp_parameters__of_raw(
    pole_zero_constants_ns: PoleZeroConstants, filter_settings: FilterSettings, pole_zero: PoleZero
) -> DspParameters:
    """All constants that the dsp columns of a channel are made with."""
    return DspParameters(
        pole_zero_constants_ns, filter_settings, pole_zero.baseline_us, pole_zero.tail_us
    )


@tag(stage="dsp", schema="DspColumns", main="true")
@config.when(begins="raw")
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


def dsp_frame(
    waveforms: Waveforms, raw_scalars: pd.DataFrame, dsp_parameters: DspParameters
) -> pd.DataFrame:
    """The columns of DSP_COLUMNS, a row a waveform."""
    columns = pulse_columns(waveforms, dsp_parameters)
    n = len(raw_scalars)
    # What the read-out counted at its rails is more than the presummed samples show.
    for name in ("t_sat_lo", "t_sat_hi"):
        counted = raw_scalars[name].to_numpy() * np.float32(waveforms.fast_ns)
        columns[name] = np.maximum(columns[name], counted)
    columns |= {
        "baseline": raw_scalars["baseline_adc"].to_numpy(),
        "timestamp": raw_scalars["timestamp_s"].to_numpy(),
        "daqenergy": raw_scalars["daqenergy"].to_numpy(),
    }
    return DSP_COLUMNS.frame(
        {
            name: columns[name] if name in columns else absent_column(name, n)
            for name in DSP_COLUMNS.names
        }
    )


def pulse_columns(waveforms: Waveforms, parameters: DspParameters) -> dict[str, F4]:
    """What is computed of waveforms, float32 columns by name."""
    recipe, cusp, zac = recipe_of(parameters, waveforms)
    out = np.empty((len(COLUMNS), len(waveforms.slow)), np.float32)
    dsp_rows(waveforms.slow, waveforms.fast, cusp, zac, recipe, out)
    return dict(zip(COLUMNS, out, strict=True))
