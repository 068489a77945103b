"""From a file to events: the event table, which events are looked at, and their raw samples."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag
from numpy.typing import NDArray

from ...schemas.arrays import I1, I8, Mask
from ...schemas.errors import InputError
from ...schemas.lightdqm.arrays import ChosenWaveforms, EventTable, LightLayout
from ...schemas.lightdqm.frames import (
    ADC_CLOCKS,
    LIGHT_EVENTS,
    SELECTED_EVENTS,
    TRIGGER_COUNTS,
    TRIGGERS,
)
from ...schemas.lightdqm.settings import EventSelection
from ...schemas.sources import FileRef
from ...schemas.tables import categories_of, rows_of
from ..whole_numbers import exactly_whole
from .columns import masked_percentiles
from .flow_file import EVENT_ROWS, event_records, flow_file, layout_of, samples_of
from .grouping import HAS_SENSOR
from .selection import quotas, spread_places

# 625 events of 8 ADCs and 1000 samples: the usual 500 are read once and kept.
KEPT_BYTES: Final = 640_000_000
_SELF, _BEAM, _UNKNOWN = range(3)
_NS_PER_MS: Final = 1_000_000


@tag(stage="load", main="true")
def light_layout(source_file: FileRef) -> LightLayout:
    """Shape of the file, the input of the beam monitor, and what the file says of itself."""
    with flow_file(source_file) as file:
        return layout_of(file, source_file.path)


@tag(stage="load", helper="true", stored="false")
def event_table(source_file: FileRef, light_layout: LightLayout) -> EventTable:
    """The fields of all events that are used; what older files lack is filled in."""
    with flow_file(source_file) as file:
        records = event_records(file)
    n, n_adcs, n_channels = light_layout.n_events, light_layout.n_adcs, light_layout.n_channels
    valid = np.ones((n, n_adcs, n_channels), dtype=bool)
    trigger = _unknown(n)
    try:
        if "wvfm_valid" in light_layout.fields:
            codes = exactly_whole(records["wvfm_valid"], "uint8", "field 'wvfm_valid'")
            valid = codes.reshape(valid.shape) != 0
        present = np.asarray(valid.any(axis=2))
        times = {
            name: _adc_times(records[name], present, name)
            if name in light_layout.fields
            else np.full((n, n_adcs), -1, dtype=np.int64)
            for name in ("utime_ms", "tai_ns")
        }
        event_id = _column(records, "id", np.arange(n))
        event_number = _column(records, "event", np.full(n, -1))
        if "trig_type" in light_layout.fields:
            trigger = _trigger_codes(records)
    except ValueError as reason:
        msg = f"{source_file.path}: {EVENT_ROWS}: {reason}. Make or copy it again."
        raise InputError(msg, file=source_file.path, code="damaged") from None
    return EventTable(event_id, event_number, trigger, valid, times["utime_ms"], times["tai_ns"])


def _column(records: np.ndarray, name: str, absent: NDArray[Any]) -> I8:
    if name not in (records.dtype.names or ()):
        return absent.astype(np.int64)
    return exactly_whole(records[name], "int64", f"field '{name}'")


def _unknown(n: int) -> I1:
    return np.full(n, _UNKNOWN, dtype=np.int8)


def _trigger_codes(records: np.ndarray) -> I1:
    """0 self, 1 beam as in the file; anything else is unknown."""
    kinds = exactly_whole(records["trig_type"], "int64", "field 'trig_type'")
    return np.where((kinds == 0) | (kinds == 1), kinds, _UNKNOWN).astype(np.int8)


def _adc_times(times: np.ndarray, present: Mask, name: str) -> I8:
    """One time an ADC, -1 where it is absent or 0; older files have one a channel."""
    by_adc = times.max(axis=2) if times.ndim == 3 else times
    whole = exactly_whole(np.where(present, by_adc, 0), "int64", f"field '{name}'")
    return np.where(whole > 0, whole, -1)


@tag(stage="load")
@config.when(legacy=False)
def event_triggers__where_known(event_table: EventTable, light_layout: LightLayout) -> I1:
    """What triggered each event, as codes of the trigger types.

    The event builder finds beam triggers from the beam monitor. Where the ADC of the monitor (ADC
    0 if the file names none) is absent, it writes 0, which does not mean a self trigger there; nor
    does it in a file without any 1 whose ``rwm_channel`` names no input.
    """
    monitor = event_table.valid[:, max(light_layout.rwm_adc, 0)].any(axis=1)
    own = event_table.trigger == _SELF
    if light_layout.rwm_adc < 0 and "rwm_channel" in light_layout.attributes:
        monitor &= (event_table.trigger == _BEAM).any()
    return np.where(own & ~monitor, _UNKNOWN, event_table.trigger).astype(np.int8)


@tag(stage="load")
@config.when(legacy=True)
def event_triggers__of_file(event_table: EventTable) -> I1:
    """What triggered each event, as the file says, as codes of the trigger types."""
    return event_table.trigger


@tag(stage="load", schema="LightEvents", main="true")
def light_events(event_table: EventTable, event_triggers: I1) -> pd.DataFrame:
    """Every event of the file: id, trigger, times, and how many ADCs are there.

    Its time is the median of its ADCs (of two in the middle the earlier one), so that one clock
    that is wrong does not shift it.
    """
    utime, tai = event_table.utime_ms, event_table.tai_ns
    clocks = _clocks_ms(event_table)
    known = clocks >= 0
    latest = np.where(known, clocks, np.iinfo(np.int64).min).max(axis=1, initial=-1)
    earliest = np.where(known, clocks, np.iinfo(np.int64).max).min(axis=1)
    spread = np.where(known.any(axis=1), latest - np.minimum(earliest, latest), 0)
    return LIGHT_EVENTS.frame(
        {
            "event_row": np.arange(len(utime)),
            "event_id": event_table.event_id,
            "event_number": event_table.event_number,
            "trigger": categories_of(event_triggers, TRIGGERS),
            "utime_ms": _median_known(utime),
            "tai_ns": _median_known(tai),
            "utime_spread_ms": spread,
            "n_adcs_present": event_table.valid.any(axis=2).sum(axis=1),
        }
    )


def _clocks_ms(event_table: EventTable) -> I8:
    """Times of each ADC in ms: Unix times, or TAI in a file without any; -1 where unknown."""
    utime, tai = event_table.utime_ms, event_table.tai_ns
    return utime if (utime >= 0).any() else np.where(tai >= 0, tai // _NS_PER_MS, -1)


def _median_known(times: I8) -> I8:
    """The median of the times of the ADCs that have one, exact; -1 without."""
    known = times >= 0
    ordered = np.sort(np.where(known, times, np.iinfo(np.int64).max), axis=1)
    n = known.sum(axis=1)
    middle = np.maximum(n - 1, 0) // 2
    found = np.take_along_axis(ordered, middle[:, np.newaxis], axis=1)[:, 0]
    return np.where(n > 0, found, -1)


@tag(stage="load", schema="AdcClocks")
def adc_clocks(event_table: EventTable) -> pd.DataFrame:
    """How far the time of each ADC is ahead of the median of the ADCs of the event.

    Unix times, or TAI in a file without any.
    """
    times = _clocks_ms(event_table)
    known = times >= 0
    middle = masked_percentiles(times.T.astype(np.float64), known.T, (50.0,))[0]
    (ahead,) = masked_percentiles(times - middle[:, np.newaxis], known, (50.0,))
    return ADC_CLOCKS.frame(
        {"adc": np.arange(times.shape[1]), "n": known.sum(axis=0), "ahead_ms": ahead}
    )


@tag(stage="load", schema="SelectedEvents", main="true")
@config.when(legacy=False)
def selected_events__by_trigger(
    light_events: pd.DataFrame, event_selection: EventSelection
) -> pd.DataFrame:
    """Events that are looked at: an equal number of each trigger type, spread over the file.

    What a rare type leaves goes to the others. The first and last event of each type are in,
    if more than one of it is wanted.
    """
    codes = light_events["trigger"].cat.codes.to_numpy()
    chosen = np.zeros(len(codes), dtype=bool)
    counts = [int((codes == code).sum()) for code in range(len(TRIGGERS))]
    for code, quota in enumerate(quotas(counts, event_selection.max_evts)):
        rows = np.flatnonzero(codes == code)
        chosen[rows[spread_places(len(rows), quota)]] = True
    return SELECTED_EVENTS.frame(dict(rows_of(light_events, chosen)))


@tag(stage="load", schema="SelectedEvents", main="true")
@config.when(legacy=True)
def selected_events__of_file(
    light_events: pd.DataFrame, event_selection: EventSelection
) -> pd.DataFrame:
    """Events that are looked at: spread over the file whatever triggered them."""
    n = len(light_events)
    chosen = np.zeros(n, dtype=bool)
    chosen[spread_places(n, event_selection.max_evts or n)] = True
    return SELECTED_EVENTS.frame(dict(rows_of(light_events, chosen)))


@tag(stage="load", schema="TriggerCounts")
def trigger_counts(light_events: pd.DataFrame, selected_events: pd.DataFrame) -> pd.DataFrame:
    """Events of the file and events that are looked at, by trigger type."""
    counted = {
        name: frame["trigger"].value_counts(sort=False).to_numpy()
        for name, frame in (("n_events", light_events), ("n_selected", selected_events))
    }
    return TRIGGER_COUNTS.frame(
        {"trigger": categories_of(np.arange(len(TRIGGERS)), TRIGGERS), **counted}
    )


@tag(stage="load", helper="true", stored="false")
def chosen_waveforms(
    source_file: FileRef, light_layout: LightLayout, selected_events: pd.DataFrame
) -> ChosenWaveforms:
    """Raw samples of the selected events; None in their place if they would fill the memory."""
    rows = selected_events["event_row"].to_numpy()
    if len(rows) * light_layout.event_bytes > KEPT_BYTES:
        return ChosenWaveforms(rows, None)
    with flow_file(source_file) as file:
        return ChosenWaveforms(rows, samples_of(file, light_layout, rows))


@tag(stage="load")
@config.when(channel_status="file")
def known_status__of_file(channel_status_file: FileRef, light_layout: LightLayout) -> I1:
    """(n_adcs, 64): -1 inactive, 0 good, 1 dead, 2 baseline deviates, 3 both; as the file says."""
    with open(channel_status_file.path, encoding="utf-8-sig") as stream:  # noqa: PTH123
        lines = [line for line in stream.read().splitlines() if line.strip()]
    try:
        table = np.array([[float(v) for v in line.split(",")] for line in lines])
    except ValueError as reason:
        msg = (
            f"{channel_status_file.path}: is no table of numbers ({reason}). Rows are ADCs, "
            "columns their 64 inputs, separated by commas, without a header."
        )
        raise _status_error(channel_status_file, msg) from None
    n_adcs, n_channels = light_layout.n_adcs, light_layout.n_channels
    if table.ndim != 2 or table.shape[0] < n_adcs or table.shape[1] != n_channels:
        msg = (
            f"{channel_status_file.path}: has the shape {table.shape}; the data have {n_adcs} "
            f"ADCs of {n_channels} inputs, so ({n_adcs}, {n_channels}) is needed."
        )
        raise _status_error(channel_status_file, msg)
    if not np.isin(table, (-1, 0, 1, 2, 3)).all():
        seen = table[~np.isin(table, (-1, 0, 1, 2, 3))][0]
        msg = (
            f"{channel_status_file.path}: {seen:g} is no status; allowed are -1 inactive, 0 good, "
            "1 dead, 2 baseline deviates, 3 both."
        )
        raise _status_error(channel_status_file, msg)
    return table[:n_adcs].astype(np.int8)


def _status_error(file: FileRef, msg: str) -> InputError:
    return InputError(msg, file=file.path, key="lightdqm.channel_status_csv", code="status_file")


@tag(stage="load")
@config.when(channel_status="none")
def known_status__none(light_layout: LightLayout) -> I1:
    """(n_adcs, 64): -1 without a sensor, else 0: no channel is known to be bad."""
    status = np.where(HAS_SENSOR, 0, -1).astype(np.int8)
    return np.tile(status, (light_layout.n_adcs, 1))
