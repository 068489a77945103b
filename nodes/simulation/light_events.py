"""Events of a simulated light read-out: triggers, times, absent ADCs, light, discharges.

Settings and channels come in; frames by event (schemas/light_simulation.py) go out.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.arrays import F8, I4, I8, U1, Mask, frozen
from ...schemas.light_faults import planted
from ...schemas.light_simulation import (
    LIGHT_EVENT_TRUTH,
    LIGHT_PULSES,
    RECTANGLES,
    RWM_CHANNEL,
    TRIGGERS,
    LightChannels,
    LightSegment,
    LightStreams,
    Scintillation,
    Triggers,
)
from ...schemas.tables import categories_of

_BOARDS_A_TPC = 4
# A self trigger leaves the light at the latency of the read-out, 450 of 1000 samples; the light
# of a beam spill lies around it.
_SELF_START = 0.45
_BEAM_WINDOW = (0.2, 0.8)
# However short a waveform, it begins dark.
_DARK_SAMPLES = 60
_MONITOR_SAMPLES = 40
_MONITOR_ADC16 = 45_000.0
_SPARK_SAMPLES = (1, 3)
_SPARK_ADC16 = (20_000.0, 61_000.0)
_NEGATIVE_SAMPLES = (5, 20)
_NEGATIVE_ADC16 = (-4_000.0, -1_500.0)
# A run has this time for its sub-runs; after so many runs the times begin anew, so that none
# lies years ahead.
_RUN_MS = 2 * 3_600_000
_RUNS = 500
_DARK_PULSE_SAMPLES = 12
_DARK_PULSE_ADC16 = (600.0, 1_500.0)
_CAUSES = ("monitor", "spark", "negative", "dark")


@tag(stage="events")
def light_triggers(n_events: int, triggers: Triggers, light_streams: LightStreams) -> U1:
    """Trigger of each event, shape (n_events,): 1 beam, 0 self."""
    uniform = np.random.default_rng(light_streams.events).random(n_events)
    return np.asarray(frozen((uniform < triggers.beam_fraction).astype(np.uint8)))


@tag(stage="events", unit="ms", rows="light_triggers")
def light_utime_ms(
    light_triggers: U1, triggers: Triggers, run: int, subrun: int, light_streams: LightStreams
) -> I8:
    """Unix time of each event, shape (n_events,), rising; runs and sub-runs follow one another."""
    rng = np.random.default_rng(light_streams.events.spawn(1)[0])
    n = len(light_triggers)
    gaps = rng.exponential(triggers.interval_ms, n)
    first = triggers.start_utime_ms + run % _RUNS * _RUN_MS + subrun * n * triggers.interval_ms
    return np.asarray(frozen((first + np.cumsum(gaps)).astype(np.int64)))


@tag(stage="events", rows="light_triggers")
def adc_missing(
    light_triggers: U1, n_adcs: int, planted_faults: pd.DataFrame, light_streams: LightStreams
) -> Mask:
    """Which ADC is absent from which event, shape (n_events, n_adcs); never all of an event."""
    rng = np.random.default_rng(light_streams.discharges.spawn(1)[0])
    n = len(light_triggers)
    missing = np.zeros((n, n_adcs), dtype=np.bool_)
    for fault in planted(planted_faults):
        if fault.kind == "missing_adc" and fault.value > 0:
            first, end = fault.events(n)
            k = min(end - first, max(1, round(fault.value * (end - first))))
            missing[first + rng.permutation(end - first)[:k], fault.adc] = True
    missing[missing.all(axis=1), 0] = False
    return np.asarray(frozen(missing))


@tag(stage="events", unit="ms")
def clock_offset_ms(n_adcs: int, planted_faults: pd.DataFrame) -> I8:
    """How far the clock of each ADC is ahead, shape (n_adcs,)."""
    offset = np.zeros(n_adcs, dtype=np.int64)
    for fault in planted(planted_faults):
        if fault.kind == "clock":
            offset[fault.adc] += round(fault.value)
    return np.asarray(frozen(offset))


@tag(stage="events", schema="LightPulses")
def light_pulses(
    light_triggers: U1,
    n_adcs: int,
    n_samples: int,
    scintillation: Scintillation,
    light_streams: LightStreams,
) -> pd.DataFrame:
    """Interactions with light: one in a self-triggered event, several in a beam event."""
    rng = np.random.default_rng(light_streams.pulses)
    beam = light_triggers == 1
    extra = rng.poisson(scintillation.interactions_beam - 1.0, len(beam))
    event = np.repeat(np.arange(len(beam)), 1 + np.where(beam, extra, 0))
    n = len(event)
    window = n_samples * rng.uniform(*_BEAM_WINDOW, n)
    start = np.maximum(np.where(beam[event], window, _SELF_START * n_samples), _DARK_SAMPLES)
    spread = scintillation.log_sigma * rng.standard_normal(n)
    return LIGHT_PULSES.frame(
        {
            "event": event,
            "tpc": rng.integers(0, n_adcs, n),
            "start_sample": start.astype(np.int32),
            "intensity_adc16": scintillation.median_adc16 * np.exp(spread),
            "position": _BOARDS_A_TPC * rng.random(n),
        }
    )


@tag(stage="events", schema="Rectangles")
def rectangles(
    light_triggers: U1,
    n_samples: int,
    light_channels: LightChannels,
    light_segments: tuple,
    light_streams: LightStreams,
) -> pd.DataFrame:
    """Beam monitor, discharges, negative excursions and dark pulses, by event."""
    rng = np.random.default_rng(light_streams.discharges)
    beam = np.flatnonzero(light_triggers == 1)
    at = int(_BEAM_WINDOW[0] * n_samples)
    parts = [_rows(beam, *RWM_CHANNEL, at, _MONITOR_SAMPLES, _MONITOR_ADC16, 0)]
    for cause, name, lengths, heights in (
        (1, "spark_rate", _SPARK_SAMPLES, _SPARK_ADC16),
        (2, "negative_rate", _NEGATIVE_SAMPLES, _NEGATIVE_ADC16),
    ):
        rate = vars(light_channels)[name]
        for adc, channel in np.argwhere(rate > 0):
            drawn = _events_at_rate(rng, len(light_triggers), rate[adc, channel])
            event = drawn[_acts(light_segments, name, int(adc), int(channel))[drawn]]
            n = len(event)
            length = rng.integers(lengths[0], lengths[1], n, endpoint=True)
            start = rng.integers(0, n_samples - lengths[1], n)
            height = rng.uniform(*heights, n)
            parts.append(_rows(event, int(adc), int(channel), start, length, height, cause))
    for adc, channel in np.argwhere(light_channels.dark_rate > 0).tolist():
        mean = light_channels.dark_rate[adc, channel]
        mean = mean * _acts(light_segments, "dark_rate", adc, channel)
        event = np.repeat(np.arange(len(mean)), rng.poisson(mean))
        start = rng.integers(_DARK_SAMPLES, n_samples - _DARK_PULSE_SAMPLES, len(event))
        height = rng.uniform(*_DARK_PULSE_ADC16, len(event))
        parts.append(_rows(event, adc, channel, start, _DARK_PULSE_SAMPLES, height, 3))
    columns = {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}
    order = np.argsort(columns["event"], kind="stable")
    columns = {name: values[order] for name, values in columns.items()}
    return RECTANGLES.frame(columns | {"cause": categories_of(columns["cause"], _CAUSES)})


@tag(stage="events", schema="LightPulses")
def recorded_pulses(
    light_pulses: pd.DataFrame, planted_faults: pd.DataFrame, n_events: int, n_samples: int
) -> pd.DataFrame:
    """The interactions where the waveforms show them: the later the trigger, the earlier."""
    late = _late_samples(planted_faults, n_events, n_samples)[light_pulses["event"].to_numpy()]
    starts = (light_pulses["start_sample"] - late).astype(np.int32)
    return LIGHT_PULSES.frame(dict(light_pulses) | {"start_sample": starts})


@tag(stage="events", schema="Rectangles")
def recorded_rectangles(
    rectangles: pd.DataFrame, planted_faults: pd.DataFrame, n_events: int, n_samples: int
) -> pd.DataFrame:
    """Rectangles where the waveforms show them; the beam monitor keeps its time with the light."""
    late = _late_samples(planted_faults, n_events, n_samples)[rectangles["event"].to_numpy()]
    moved = rectangles["start_sample"] - late * (rectangles["cause"] == "monitor").to_numpy()
    end = moved + rectangles["n_samples"]
    start = np.maximum(moved, 0)
    frame = rectangles.assign(
        start_sample=start.astype(np.int32), n_samples=(end - start).astype(np.int32)
    )
    return RECTANGLES.frame(dict(frame[end > 0].reset_index(drop=True)))


def _late_samples(planted_faults: pd.DataFrame, n_events: int, n_samples: int) -> I8:
    """By how many samples the trigger of each event is late, (n_events,)."""
    late = np.zeros(n_events, dtype=np.int64)
    for fault in planted(planted_faults):
        if fault.kind == "late_trigger":
            first, end = fault.events(n_events)
            late[first:end] += round(fault.value * n_samples)
    return late


def _acts(segments: tuple[LightSegment, ...], name: str, adc: int, channel: int) -> Mask:
    """In which events a rate of a channel is above zero, (n_events,)."""
    parts = [np.full(s.end_event - s.first_event, _rate(s, name)[adc, channel]) for s in segments]
    return np.asarray(np.concatenate([np.zeros(0), *parts]) > 0)


def _rate(segment: LightSegment, name: str) -> F8:
    rates: F8 = vars(segment.channels)[name]
    return rates


def _events_at_rate(rng: np.random.Generator, n_events: int, rate: float) -> I8:
    """Events that a probability picks, one at least."""
    picked = np.flatnonzero(rng.random(n_events) < rate)
    if not len(picked) and n_events:
        picked = rng.integers(0, n_events, 1)
    return np.asarray(picked, dtype=np.int64)


def _rows(event: I8, *others: object) -> dict[str, np.ndarray]:
    """Columns of Rectangles; single values are repeated."""
    values = np.broadcast_arrays(event, *(np.asarray(v) for v in others))
    return dict(zip(RECTANGLES.names, values, strict=True))


@tag(stage="events", rows="light_triggers")
def lit_tpcs(light_triggers: U1, light_pulses: pd.DataFrame) -> I4:
    """TPCs with an interaction, shape (n_events,), bit t for TPC t."""
    bits = np.zeros(len(light_triggers), dtype=np.int32)
    np.bitwise_or.at(bits, light_pulses["event"].to_numpy(), 1 << light_pulses["tpc"].to_numpy())
    return np.asarray(frozen(bits))


# TAI is ahead of UTC by 37 s since 2017 (IERS Bulletin C 52).
_TAI_AHEAD_MS = 37_000
_NS_PER_MS = 1_000_000


@tag(stage="events", schema="LightEventTruth")
def light_event_truth(
    light_triggers: U1,
    light_utime_ms: I8,
    lit_tpcs: I4,
    adc_missing: Mask,
    light_pulses: pd.DataFrame,
    rectangles: pd.DataFrame,
) -> pd.DataFrame:
    """What happened in each event, in file order."""
    n = len(light_triggers)

    def count(frame: pd.DataFrame) -> I8:
        return np.bincount(frame["event"], minlength=n)

    return LIGHT_EVENT_TRUTH.frame(
        {
            "event": np.arange(n),
            "trigger": categories_of(light_triggers, TRIGGERS),
            "utime_ms": light_utime_ms,
            "tai_ns": (light_utime_ms + _TAI_AHEAD_MS) * _NS_PER_MS,
            "n_interactions": count(light_pulses),
            "lit_tpcs": lit_tpcs,
            "missing_adcs": adc_missing @ (1 << np.arange(adc_missing.shape[1])),
            "n_sparks": count(rectangles[rectangles["cause"] == "spark"]),
            "n_negatives": count(rectangles[rectangles["cause"] == "negative"]),
        }
    )
