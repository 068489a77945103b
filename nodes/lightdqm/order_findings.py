"""Checks of coding, order, identity and clocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ...schemas.arrays import F8
from .finding import Finding, Numbers
from .time_findings import rate_finding

_CODINGS: Final = {
    "unshifted": "14-bit codes that were not shifted",
    "offset_binary": "codes counted from the low end of the range (offset binary)",
    "byte_order": "samples whose bytes are exchanged",
}
_ORDERS: Final = {
    "reversed": "its channels stand in reverse order (or are shifted by 4)",
    "shifted": "its channels are shifted by {}",
    "other": "its channels stand in another order",
}
_LEAST_EVENTS: Final = 50
# Correlations of light above this, and this far from chance, and this near that of the partner.
_LEAST_SAME: Final = 0.25
_SIGMAS: Final = 6.0
_NEAR_PARTNER: Final = 0.6
# Fewer lost numbers than this share of the events warn.
_LOST_SHARE: Final = 0.1
_GAP_TOLD_MS: Final = 600_000


def coding(numbers: Numbers) -> Finding:
    """Samples that are no 14-bit codes times four."""
    frame = numbers.sample_coding
    bad = frame[frame["coding"].isin(tuple(_CODINGS))]
    names = tuple(str(adc) for adc in bad["adc"])
    texts = [
        f"{_CODINGS[str(kind)]} in ADC {' '.join(str(a) for a in rows['adc'])}"
        for kind, rows in bad.groupby("coding", observed=True)
    ]
    status = "fail" if names else "pass"
    reason = "; ".join(texts) or "14-bit codes times four"
    return Finding("coding", status, float(len(names)), 0.0, "ADCs", names, reason)


def unwritten(numbers: Numbers) -> Finding:
    """Events that are there but hold zeros."""
    frame, limit = numbers.unwritten_events, numbers.limits.stuck_fraction
    share: F8 = np.asarray(frame["n_zero"] / np.maximum(frame["n"], 1), dtype=np.float64)
    value = float(share.max()) if len(share) else np.nan
    some = frame[share > 0]
    unit = "of the events"
    if not len(some):
        return Finding("unwritten", "pass", value, limit, unit, (), "no event is all zeros")
    everywhere = int(frame["n_everywhere"].iloc[0])
    first, last = int(some["first_row"].min()), int(some["last_row"].max())
    texts = [f"{everywhere} events are zeros in all ADCs, from event {first} to {last}"]
    if not everywhere:
        columns = ("adc", "n_zero", "first_row", "last_row")
        texts = [
            f"ADC {adc} holds zeros in {n} events, from event {a} to {b}"
            for adc, n, a, b in zip(*(some[c].tolist() for c in columns), strict=True)
        ]
    status = "fail" if value > limit else "warn"
    names = tuple(str(adc) for adc in some["adc"])
    spans = tuple(zip(some["first_row"].tolist(), some["last_row"].tolist(), strict=True))
    return Finding("unwritten", status, value, limit, unit, names, "; ".join(texts), spans)


def order(numbers: Numbers) -> Finding:
    """Event numbers that repeat, are lost or run backwards; serial numbers out of place."""
    frame = numbers.event_order
    n = dict(zip(frame["fault"], frame["n"].tolist(), strict=True))
    row = dict(zip(frame["fault"], frame["first_row"].tolist(), strict=True))
    detail = dict(zip(frame["fault"], frame["detail"].astype(str), strict=True))
    n_events = len(numbers.light_events)
    texts = []
    if n["duplicated"]:
        texts.append(f"{n['duplicated']} event numbers stand twice, from event {row['duplicated']}")
    if n["backwards"]:
        texts.append(f"event numbers run backwards {n['backwards']} times")
    if n["lost"]:
        texts.append(
            f"{n['lost']} event numbers are lost {detail['lost']}, from event {row['lost']} on"
        )
    if n["serial"]:
        texts.append(f"{detail['serial']}, from event {row['serial']} on")
    lost = n["lost"] > _LOST_SHARE * n_events
    fails = n["duplicated"] or n["backwards"] or n["serial"] or lost
    status = "fail" if fails else "warn" if texts else "pass"
    if n["reference"]:
        texts.append(f"{n['reference']} {detail['reference']}")
    serials = frame[frame["fault"] == "serial"]["adcs"].astype(str)
    names = tuple(serials.iloc[0].split()) if len(serials) else ()
    value = float(n["duplicated"] + n["backwards"] + n["lost"])
    reason = "; ".join(texts) or "each event number once, in order"
    # What ADCs measure follows from their serial numbers alone.
    spans = ((row["serial"], n_events - 1),) if row["serial"] > 0 else ()
    return Finding("order", status, value, 0.0, "event numbers", names, reason, spans)


def alignment(numbers: Numbers) -> Finding:
    """ADCs whose light goes with another event or another module than their partner's."""
    frame, unit = numbers.light_partners, "correlation"
    names: set[int] = set()
    texts, value = [], 0.0
    for row in frame.to_dict("records"):
        adc, partner, best = (int(row[name]) for name in ("adc", "partner", "best"))
        if row["n"] < _LEAST_EVENTS:
            continue
        chance = _SIGMAS / float(np.sqrt(2.0 * row["n"]))
        own = float(np.nan_to_num(row["same"]))
        least = max(_LEAST_SAME, chance, _NEAR_PARTNER * own)
        if best >= 0 and row["best_same"] > least:
            names |= {adc}
            value = max(value, float(row["best_same"]))
            texts.append(f"ADC {adc} goes with ADC {best} as ADC {best ^ 1} should")
        if row["n_next"] >= _LEAST_EVENTS and row["late"] > least:
            names |= {adc, partner}
            value = max(value, float(row["late"]))
            texts.append(f"the light of ADC {adc} comes one event later than that of ADC {partner}")
    status = "fail" if texts else "pass"
    reason = "; ".join(texts) or "ADCs of a module see light in the same events"
    found = tuple(str(adc) for adc in sorted(names))
    return Finding("alignment", status, value, _LEAST_SAME, unit, found, reason)


def repeats(numbers: Numbers) -> Finding:
    """Channels that give the waveform of the event before once more."""
    limit, unit = numbers.limits.stuck_fraction, "of the events"
    what = "with the waveform of the event before once more"
    return rate_finding(numbers, "repeats", ("n_repeated", "n_sound"), limit, unit, what)


def channel_order(numbers: Numbers) -> Finding:
    """ADCs whose inputs without a sensor see light: their channels stand in another order."""
    frame, unit = numbers.channel_orders, "inputs without a sensor"
    bad = frame[frame["order"] != "as_mapped"]
    texts = [
        f"{lit} of {n} inputs of ADC {adc} without a sensor see light: "
        + _ORDERS[order].format(shift)
        for adc, lit, n, order, shift in zip(
            *(bad[c].tolist() for c in ("adc", "n_lit", "n_inputs", "order", "shift")), strict=True
        )
    ]
    value = float(frame["n_lit"].max()) if len(frame) else np.nan
    names = tuple(str(adc) for adc in bad["adc"])
    reason = "; ".join(texts) or "inputs without a sensor see no light"
    return Finding("channel_order", "fail" if names else "pass", value, 0.0, unit, names, reason)


def unexpected_adcs(numbers: Numbers) -> list[str]:
    """More or fewer ADCs than expected, in words."""
    expected, source = numbers.limits.expected_adcs, "expected"
    there = len(numbers.missing_adcs)
    if expected is None and len(numbers.earlier_runs):
        rows = numbers.earlier_runs[numbers.earlier_runs["quantity"] == "baseline"]
        expected = int(rows["adc"].max()) + 1 if len(rows) else None
        source = "in earlier files"
    if expected is None or expected == there:
        return []
    return [f"the file has {there} ADCs, {expected} {source}"]


@dataclass(frozen=True)
class ClockTexts:
    """What is wrong with the clocks in words, the ADCs it is wrong with, and more."""

    texts: tuple[str, ...] = ()
    bad: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def clock_texts(numbers: Numbers) -> ClockTexts:
    """TAI that stands still, differs or jumps, Unix times of another age, and long gaps."""
    frame = numbers.clock_faults
    if not len(frame):
        return ClockTexts()
    texts, bad = [], set()
    for row in frame.to_dict("records"):
        adc = int(row["adc"])
        if row["n_frozen"]:
            texts.append(f"TAI of ADC {adc} stands still from event {row['frozen_row']} on")
        elif row["n_apart"]:
            texts.append(
                f"TAI of ADC {adc} is {row['apart_ms']:+.0f} ms from the others in "
                f"{row['n_apart']} events from event {row['apart_row']} on"
            )
        if row["n_frozen"] or row["n_apart"]:
            bad.add(str(adc))
    if int(frame["n_jumps"].iloc[0]):
        texts.append(f"TAI and Unix times jump apart at event {frame['jump_row'].iloc[0]}")
    implausible = frame[frame["n_implausible"] > 0]
    if len(implausible):
        low, high = numbers.limits.plausible_years
        n = int(implausible["n_implausible"].max())
        texts.append(f"{n} Unix times lie outside the years {low:g} to {high:g}")
        bad |= set(implausible["adc"].astype(str))
    gap = int(frame["longest_gap_ms"].max())
    notes: tuple[str, ...] = ()
    if gap > _GAP_TOLD_MS:
        notes = (f"a gap of {gap / 60_000:.0f} min before event {int(frame['gap_row'].max())}",)
    return ClockTexts(tuple(texts), tuple(sorted(bad)), notes)
