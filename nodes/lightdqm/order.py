"""Order and identity: event numbers, serial numbers, references, and the clocks of the ADCs."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.arrays import I8, Mask
from ...schemas.lightdqm.arrays import EventTable, LightLayout
from ...schemas.lightdqm.history_frames import CLOCK_FAULTS, EVENT_ORDER
from ...schemas.lightdqm.settings import ClockSettings
from ...schemas.sources import FileRef
from .flow_file import EVENT_ROWS, flow_file, waveform_rows

_NS_PER_MS: Final = 1_000_000
_MS_A_YEAR: Final = 31_556_952_000
_EPOCH_YEAR: Final = 1970


@tag(stage="order", helper="true", stored="false")
def event_serials(source_file: FileRef, light_layout: LightLayout) -> I8:
    """Serial numbers of the ADCs of each event, (n_events, n_adcs); zeros without."""
    shape = (light_layout.n_events, light_layout.n_adcs)
    if "sn" not in light_layout.fields:
        return np.zeros(shape, dtype=np.int64)
    with flow_file(source_file) as file:
        serials = np.asarray(file[EVENT_ROWS].fields("sn")[:])
    return np.asarray(serials.reshape(len(serials), -1)[:, : shape[1]], dtype=np.int64)


@tag(stage="order", schema="EventOrder")
def event_order(
    source_file: FileRef, light_layout: LightLayout, event_table: EventTable, event_serials: I8
) -> pd.DataFrame:
    """Event numbers that repeat, are lost or run backwards, and serial numbers out of place.

    Serial numbers are compared with the ``sn_table`` of the file, or else with those that most
    events have.
    """
    number = event_table.event_number
    if (number < 0).all():
        number = event_table.event_id
    step = np.diff(number)
    seen_before = np.zeros(len(number), dtype=bool)
    seen_before[np.setdiff1d(np.arange(len(number)), np.unique(number, return_index=True)[1])] = (
        True
    )
    usual = max(int(np.median(step[step > 0])), 1) if (step > 0).any() else 1
    lost = np.where(step > usual, step - usual, 0)
    serials = _wrong_serials(light_layout, event_table, event_serials)
    with flow_file(source_file) as file:
        places = waveform_rows(file, light_layout.n_events)
    moved = np.flatnonzero(places != np.arange(len(places)))
    found = [
        _row("duplicated", int(seen_before.sum()), np.flatnonzero(seen_before)),
        _row("lost", int(lost.sum()), np.flatnonzero(lost) + 1, f"in {int((lost > 0).sum())} gaps"),
        _row("backwards", int((step < 0).sum()), np.flatnonzero(step < 0) + 1),
        serials,
        _row("reference", len(moved), moved, "rows were paired as the references say"),
    ]
    return EVENT_ORDER.frame({name: [row[name] for row in found] for name in EVENT_ORDER.names})


def _row(fault: str, n: int, rows: Any, detail: str = "", adcs: str = "") -> dict[str, Any]:
    first = int(rows[0]) if len(rows) else -1
    return {"fault": fault, "n": n, "first_row": first, "adcs": adcs, "detail": detail if n else ""}


def _wrong_serials(layout: LightLayout, table: EventTable, serials: I8) -> dict[str, Any]:
    there = table.valid.any(axis=2) & (serials != 0)
    given = layout.attributes.get("sn_table")
    expected = np.zeros(layout.n_adcs, dtype=np.int64)
    source = "sn_table"
    if isinstance(given, list) and len(given) >= layout.n_adcs and any(given):
        expected = np.asarray(given[: layout.n_adcs], dtype=np.int64)
    else:
        source = "most events"
        for adc in range(layout.n_adcs):
            values, counts = np.unique(serials[there[:, adc], adc], return_counts=True)
            expected[adc] = values[counts.argmax()] if len(values) else 0
    wrong = there & (serials != expected) & (expected != 0)
    bad = np.flatnonzero(wrong.any(axis=0))
    rows = np.flatnonzero(wrong.any(axis=1))
    text = [
        f"ADC {adc} has serial number {serials[wrong[:, adc], adc][0]}, {source} "
        f"{expected[adc]} (that of {_place_of(expected, serials[wrong[:, adc], adc][0])})"
        for adc in bad.tolist()
    ]
    return _row("serial", len(bad), rows, "; ".join(text), " ".join(map(str, bad.tolist())))


def _place_of(expected: I8, serial: int) -> str:
    place = np.flatnonzero(expected == serial)
    return f"ADC {place[0]}" if len(place) else "no ADC"


@tag(stage="order", schema="ClockFaults")
def clock_faults(event_table: EventTable, clock_settings: ClockSettings) -> pd.DataFrame:
    """TAI of each ADC: standing still, apart from the others, and jumps against Unix time."""
    utime, tai = event_table.utime_ms, event_table.tai_ns
    limit_ns = clock_settings.spread_ms * _NS_PER_MS
    has_tai = tai >= 0
    both = has_tai & (utime >= 0)
    # Frozen: no step where the median of the ADCs makes one.
    middle = _median(tai, has_tai)
    moved = np.diff(middle) > 0
    pair = has_tai[1:] & has_tai[:-1]
    frozen = pair & (np.diff(tai, axis=0) == 0) & moved[:, np.newaxis]
    away = np.where(has_tai, tai - middle[:, np.newaxis], 0)
    apart = np.abs(away) > limit_ns
    # Of the file as a whole: one clock alone is compared with the others above.
    told = np.asarray(both.any(axis=1))
    offset = middle // _NS_PER_MS - _median(utime, utime >= 0)
    change = np.abs(np.diff(offset)) > clock_settings.spread_ms
    jumps = np.asarray(told[1:] & told[:-1] & change)[:, np.newaxis]
    low, high = ((year - _EPOCH_YEAR) * _MS_A_YEAR for year in clock_settings.plausible_years)
    implausible = (utime >= 0) & ((utime < low) | (utime > high))
    gap, gap_row = _longest_gap(utime, tai)
    n_adcs = utime.shape[1]
    return CLOCK_FAULTS.frame(
        {
            "adc": np.arange(n_adcs),
            "n": both.sum(axis=0),
            "n_frozen": frozen.sum(axis=0),
            "frozen_row": _first(frozen),
            "n_apart": apart.sum(axis=0),
            "apart_row": _first(apart, 0),
            "apart_ms": [
                float(np.median(away[apart[:, a], a])) / _NS_PER_MS if apart[:, a].any() else np.nan
                for a in range(n_adcs)
            ],
            "n_jumps": np.full(n_adcs, jumps.sum()),
            "jump_row": np.repeat(_first(jumps), n_adcs),
            "n_implausible": implausible.sum(axis=0),
            "longest_gap_ms": np.full(n_adcs, gap),
            "gap_row": np.full(n_adcs, gap_row),
        }
    )


def _median(times: I8, known: Mask) -> I8:
    """The lower median of the ADCs, exact; 0 without any."""
    ordered = np.sort(np.where(known, times, np.iinfo(np.int64).max), axis=1)
    n = known.sum(axis=1)
    middle = np.take_along_axis(ordered, (np.maximum(n - 1, 0) // 2)[:, np.newaxis], axis=1)[:, 0]
    return np.where(n > 0, middle, 0)


def _first(marked: Mask, shift: int = 1) -> I8:
    """Row of the first mark of each ADC (``shift`` after it), -1 without."""
    return (
        np.where(marked.any(axis=0), marked.argmax(axis=0) + shift, -1)
        if len(marked)
        else (np.full(marked.shape[1], -1))
    )


def _longest_gap(utime: I8, tai: I8) -> tuple[int, int]:
    known = utime >= 0
    times = _median(utime, known) if known.any() else _median(tai, tai >= 0) // _NS_PER_MS
    steps = np.diff(times)
    if not len(steps) or steps.max() <= 0:
        return 0, -1
    return int(steps.max()), int(steps.argmax()) + 1
