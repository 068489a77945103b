"""From waveforms to numbers: noise, baseline, extremes, and their summaries by channel."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag
from numpy.typing import NDArray

from ...schemas.arrays import I8, Mask
from ...schemas.errors import InputError
from ...schemas.lightdqm.arrays import ChosenWaveforms, EventTable, LightLayout, WaveformNumbers
from ...schemas.lightdqm.frames import (
    BASELINE_SUMMARY,
    NOISE_SUMMARY,
    SUMMARY_SOURCES,
    WAVEFORM_FEATURES,
)
from ...schemas.lightdqm.settings import NoiseWindow, PulseThreshold
from ...schemas.lightdqm.units import CLIPPED_ADC16
from ...schemas.sources import FileRef
from ...schemas.tables import TableSchema, categories_of
from .columns import by_waveform, masked_percentiles
from .flow_file import flow_file, room_for_samples, samples_of
from .kernels.waveforms import waveform_pass

# 32 events of 8 ADCs and 1000 samples.
_BLOCK_BYTES: Final = 32_768_000


@tag(stage="features", helper="true")
def waveform_numbers(
    source_file: FileRef,
    light_layout: LightLayout,
    chosen_waveforms: ChosenWaveforms,
    noise_window: NoiseWindow,
) -> WaveformNumbers:
    """Sums, extremes and steps of every waveform of the selected events, in one pass."""
    window = noise_window.samples
    if window > light_layout.n_samples:
        msg = (
            f"{source_file.path}: has {light_layout.n_samples} samples a waveform, fewer than "
            f"the {window} of the noise window. Set [lightdqm] noise_samples lower."
        )
        raise InputError(msg, file=source_file.path, key="lightdqm.noise_samples")
    rows = chosen_waveforms.event_rows
    shape = (len(rows), light_layout.n_adcs, light_layout.n_channels)
    numbers = WaveformNumbers(
        window=window,
        window_sum=np.empty(shape, dtype=np.int32),
        window_square_sum=np.empty(shape, dtype=np.int64),
        highest=np.empty(shape, dtype=np.int16),
        lowest=np.empty(shape, dtype=np.int16),
        step=np.empty(shape, dtype=np.int32),
        rise=np.empty(shape, dtype=np.int32),
        peak=np.empty(shape, dtype=np.int32),
    )
    if chosen_waveforms.samples is not None:
        _measure(chosen_waveforms.samples, numbers, np.s_[:])
        return numbers
    at_a_time = max(_BLOCK_BYTES // light_layout.event_bytes, 1)
    room = room_for_samples(light_layout, min(at_a_time, len(rows)))
    with flow_file(source_file) as file:
        for begin in range(0, len(rows), at_a_time):
            place = np.s_[begin : begin + at_a_time]
            _measure(samples_of(file, light_layout, rows[place], room), numbers, place)
    return numbers


def _measure(samples: NDArray[np.int16], numbers: WaveformNumbers, place: slice) -> None:
    waveform_pass(
        samples.reshape(-1, samples.shape[-1]),
        numbers.window,
        numbers.window_sum[place].reshape(-1),
        numbers.window_square_sum[place].reshape(-1),
        numbers.highest[place].reshape(-1),
        numbers.lowest[place].reshape(-1),
        numbers.step[place].reshape(-1),
        numbers.rise[place].reshape(-1),
        numbers.peak[place].reshape(-1),
    )


@tag(stage="features", schema="WaveformFeatures", main="true")
def waveform_features(
    waveform_numbers: WaveformNumbers,
    chosen_rows: I8,
    waveform_validity: Mask,
    pulse_threshold: PulseThreshold,
) -> pd.DataFrame:
    """Noise, baseline, extremes, greatest step and flags of every waveform.

    Noise is the population standard deviation of the noise window and baseline its mean, both
    from exact integer sums.
    """
    window = waveform_numbers.window
    total = waveform_numbers.window_sum.astype(np.int64)
    variance = window * waveform_numbers.window_square_sum - total * total
    baseline = (total / window).ravel()
    maximum = waveform_numbers.highest.ravel() - baseline
    minimum = waveform_numbers.lowest.ravel() - baseline
    n_events, n_adcs, n_channels = total.shape
    return WAVEFORM_FEATURES.frame(
        {
            "event_row": np.repeat(chosen_rows, n_adcs * n_channels),
            "adc": np.tile(np.repeat(np.arange(n_adcs), n_channels), n_events),
            "channel": np.tile(np.arange(n_channels), n_events * n_adcs),
            "valid": waveform_validity.ravel(),
            "noise_adc16": (np.sqrt(variance) / window).ravel(),
            "baseline_adc16": baseline,
            "maximum_adc16": maximum,
            "minimum_adc16": minimum,
            "spark_step_adc16": waveform_numbers.step.ravel(),
            "rise_adc16": waveform_numbers.rise.ravel(),
            "clipped": waveform_numbers.highest.ravel() >= CLIPPED_ADC16,
            "negative": minimum < -pulse_threshold.adc16,
            "lit": maximum > pulse_threshold.adc16,
        }
    )


@tag(stage="features", helper="true")
def chosen_rows(selected_events: pd.DataFrame) -> I8:
    """Rows of the selected events in the file."""
    return np.asarray(selected_events["event_row"].to_numpy())


@tag(stage="features", helper="true")
def waveform_validity(
    event_table: EventTable,
    selected_events: pd.DataFrame,
    light_layout: LightLayout,
    waveform_numbers: WaveformNumbers,
) -> Mask:
    """(n_events, n_adcs, 64): whether the waveform is there.

    Files without ``wvfm_valid`` do not say so: there a waveform of zeros is absent.
    """
    if "wvfm_valid" in light_layout.fields:
        return np.asarray(event_table.valid[selected_events["event_row"].to_numpy()])
    return np.asarray((waveform_numbers.highest != 0) | (waveform_numbers.lowest != 0))


def _is_self(selected_events: pd.DataFrame) -> Mask:
    return np.asarray((selected_events["trigger"] == "self").to_numpy())


@tag(stage="features")
@config.when(legacy=False)
def summarised_waveforms__where_valid(
    waveform_features: pd.DataFrame, selected_events: pd.DataFrame
) -> Mask:
    """Which waveforms noise and baseline are taken from, of shape (events, ADCs, channels).

    Valid ones of self triggers, or of every event if there is no self trigger.
    """
    is_self = _is_self(selected_events)
    events = is_self if is_self.any() else np.ones_like(is_self)
    return np.asarray(by_waveform(waveform_features, "valid") & events[:, np.newaxis, np.newaxis])


@tag(stage="features")
@config.when(legacy=True)
def summarised_waveforms__of_script(
    waveform_features: pd.DataFrame, selected_events: pd.DataFrame
) -> Mask:
    """Which waveforms noise and baseline are taken from: those of self triggers, valid or not."""
    shape = by_waveform(waveform_features, "valid").shape
    return np.broadcast_to(_is_self(selected_events)[:, np.newaxis, np.newaxis], shape)


@tag(stage="features", schema="NoiseSummary", main="true")
def noise_summary(
    waveform_features: pd.DataFrame, summarised_waveforms: Mask, selected_events: pd.DataFrame
) -> pd.DataFrame:
    """Median noise of each channel and its 16 % and 84 % points."""
    parts = (waveform_features, summarised_waveforms, selected_events)
    return _summary(NOISE_SUMMARY, "noise_adc16", *parts)


@tag(stage="features", schema="BaselineSummary", main="true")
def baseline_summary(
    waveform_features: pd.DataFrame, summarised_waveforms: Mask, selected_events: pd.DataFrame
) -> pd.DataFrame:
    """Median baseline of each channel and its 16 % and 84 % points."""
    parts = (waveform_features, summarised_waveforms, selected_events)
    return _summary(BASELINE_SUMMARY, "baseline_adc16", *parts)


def _summary(
    table: TableSchema,
    column: str,
    features: pd.DataFrame,
    used: Mask,
    selected_events: pd.DataFrame,
) -> pd.DataFrame:
    values = by_waveform(features, column)
    _, n_adcs, n_channels = values.shape
    n = used.sum(axis=0)
    source = np.where(n > 0, 0 if _is_self(selected_events).any() else 1, 2)
    p16, median, p84 = masked_percentiles(values, used, (16.0, 50.0, 84.0))
    return table.frame(
        {
            "adc": np.repeat(np.arange(n_adcs), n_channels),
            "channel": np.tile(np.arange(n_channels), n_adcs),
            "median_adc16": median.ravel(),
            "p16_adc16": p16.ravel(),
            "p84_adc16": p84.ravel(),
            "n": n.ravel(),
            "source": categories_of(source.ravel(), SUMMARY_SOURCES),
        }
    )
