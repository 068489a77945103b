"""Events of a simulated light read-out: rates, places and times as the settings say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from radiograph.drivers.lightdqm.simulation import LightSimulation
from radiograph.nodes.simulation.light_channels import light_streams
from radiograph.nodes.simulation.light_events import (
    adc_missing,
    light_pulses,
    light_triggers,
    light_utime_ms,
    recorded_pulses,
    recorded_rectangles,
    rectangles,
)
from radiograph.schemas.light_faults import PLANTED_FAULTS, Fault
from radiograph.schemas.light_simulation import (
    LightSegment,
    LightSimulationSettings,
    Scintillation,
    Triggers,
)

STREAMS = light_streams(4, 1, 0)
BEAM, SELF = np.ones(200, np.uint8), np.zeros(200, np.uint8)


@pytest.fixture(scope="module")
def shared() -> dict[str, Any]:
    faults = (
        Fault(kind="sparking", adc=2, channel=20),
        Fault(kind="negative", adc=3, channel=21),
        Fault(kind="missing_adc", adc=5),
        Fault(kind="clock", adc=6),
    )
    settings = LightSimulationSettings(n_events=400, n_samples=200, faults=faults)
    return LightSimulation(settings).shared


def test_triggers_come_in_the_ratio_asked_for() -> None:
    n = light_triggers(10_000, Triggers(beam_fraction=0.3), STREAMS).sum()
    assert abs(n - 3000) < 5 * np.sqrt(10_000 * 0.3 * 0.7)
    assert light_triggers(50, Triggers(beam_fraction=1.0), STREAMS).all()
    assert not light_triggers(50, Triggers(beam_fraction=0.0), STREAMS).any()


def test_sub_runs_follow_one_another() -> None:
    triggers = Triggers(interval_ms=100.0)
    first, second = (light_utime_ms(BEAM, triggers, 0, k, light_streams(4, 1, k)) for k in (0, 1))
    assert np.all(np.diff(first) >= 0)
    assert second[0] - triggers.start_utime_ms >= 200 * 100
    assert abs(np.diff(first).mean() - 100.0) < 5 * 100 / np.sqrt(200)


def test_runs_follow_one_another_hours_apart() -> None:
    triggers = Triggers()
    streams = [light_streams(4, run, 0) for run in (601, 602)]
    first, second = (
        light_utime_ms(BEAM, triggers, run, 0, s)
        for run, s in zip((601, 602), streams, strict=True)
    )
    assert second[0] - first[-1] > 1 * 3_600_000
    assert second[0] - first[0] < 3 * 3_600_000


def test_self_triggers_have_one_interaction_and_beam_events_several() -> None:
    one = light_pulses(SELF, 8, 1000, Scintillation(), STREAMS)
    assert one["event"].tolist() == list(range(200))
    assert one["start_sample"].unique().tolist() == [450]
    many = light_pulses(BEAM, 8, 1000, Scintillation(interactions_beam=3.0), STREAMS)
    per_event = np.bincount(many["event"], minlength=200)
    assert per_event.min() == 1
    assert abs(per_event.mean() - 3.0) < 5 * np.sqrt(2.0 / 200)
    assert many["start_sample"].between(200, 800).all()
    assert set(many["tpc"]) == set(range(8))
    median = np.median(many["intensity_adc16"])
    assert abs(np.log(median / 8000.0)) < 5 * 1.2533 * 0.9 / np.sqrt(len(many))
    assert set(light_pulses(SELF, 2, 1000, Scintillation(), STREAMS)["tpc"]) == {0, 1}


def test_the_beam_monitor_fires_in_beam_events(shared: dict[str, Any]) -> None:
    monitor = shared["rectangles"].query("cause == 'monitor'")
    assert monitor["event"].tolist() == np.flatnonzero(shared["light_triggers"]).tolist()
    assert set(zip(monitor["adc"], monitor["channel"], strict=True)) == {(0, 18)}


def test_discharges_come_at_their_rate_in_their_channel(shared: dict[str, Any]) -> None:
    frame = shared["rectangles"]
    assert frame["event"].is_monotonic_increasing
    for cause, place, sign in (("spark", (2, 20), 1), ("negative", (3, 21), -1)):
        rows = frame[frame["cause"] == cause]
        assert set(zip(rows["adc"], rows["channel"], strict=True)) == {place}
        assert abs(len(rows) - 80) < 5 * np.sqrt(400 * 0.2 * 0.8)
        assert np.all(np.sign(rows["height_adc16"]) == sign)
        assert (rows["start_sample"] + rows["n_samples"] <= 200).all()


def test_the_truth_counts_what_happened(shared: dict[str, Any]) -> None:
    truth, frame = shared["light_event_truth"], shared["rectangles"]
    assert truth["n_interactions"].sum() == len(shared["light_pulses"])
    assert truth["n_sparks"].sum() == (frame["cause"] == "spark").sum()
    assert truth["n_negatives"].sum() == (frame["cause"] == "negative").sum()
    assert set(truth["missing_adcs"]) == {0, 1 << 5}
    assert (truth["missing_adcs"] > 0).sum() == 100
    assert truth["lit_tpcs"].between(1, 255).all()
    one = shared["light_pulses"].query("event == 7")
    assert truth["lit_tpcs"][7] == np.bitwise_or.reduce(1 << one["tpc"].to_numpy())
    # TAI is 37 s ahead of UTC since 2017 (IERS Bulletin C 52).
    assert (truth["tai_ns"] == (truth["utime_ms"] + 37_000) * 1_000_000).all()
    assert shared["clock_offset_ms"].tolist() == [0, 0, 0, 0, 0, 0, 5000, 0]


def test_an_event_keeps_one_adc_at_least() -> None:
    frame = PLANTED_FAULTS.frame(
        {
            "kind": ["missing_adc"] * 2,
            "adc": [0, 1],
            "channel": [-1, -1],
            "value": [1.0, 1.0],
            "known": [False, False],
            "begin": [0.0, 0.0],
            "end": [1.0, 1.0],
        }
    )
    missing = adc_missing(BEAM, 2, frame, STREAMS)
    assert missing.tolist() == [[False, True]] * 200


def test_no_events_are_no_rows() -> None:
    settings = LightSimulationSettings(n_events=0, faults=(Fault(kind="sparking"),))
    shared = LightSimulation(settings).shared
    for name in ("light_pulses", "rectangles", "light_event_truth"):
        assert len(shared[name]) == 0


def test_a_rare_discharge_comes_once(shared: dict[str, Any]) -> None:
    rate = np.where(shared["light_channels"].spark_rate > 0, 1e-12, 0.0)
    from dataclasses import replace

    rare = replace(shared["light_channels"], spark_rate=rate)
    frame: pd.DataFrame = rectangles(SELF, 200, rare, (LightSegment(0, len(SELF), rare),), STREAMS)
    assert (frame["cause"] == "spark").sum() == 1


def test_a_late_trigger_sees_light_and_monitor_earlier(shared: dict[str, Any]) -> None:
    """By 0.15 of 200 samples from event 200 on; what lies before the first sample is cut."""
    fault = {"kind": "late_trigger", "adc": -1, "channel": -1, "value": 0.15, "known": False}
    faults = PLANTED_FAULTS.frame({k: [v] for k, v in (fault | {"begin": 0.5, "end": 1.0}).items()})
    pulses, drawn = shared["light_pulses"], shared["rectangles"]
    moved = recorded_pulses(pulses, faults, 400, 200)
    late = np.where(pulses["event"] >= 200, 30, 0)
    assert (pulses["start_sample"] - moved["start_sample"] == late).all()
    seen = recorded_rectangles(drawn, faults, 400, 200)
    monitor = seen[seen["cause"] == "monitor"].groupby(seen["event"] >= 200)["start_sample"]
    assert monitor.unique().map(list).tolist() == [[40], [10]]
    others = [frame[frame["cause"] != "monitor"].reset_index(drop=True) for frame in (seen, drawn)]
    pd.testing.assert_frame_equal(*others)
    cut = recorded_rectangles(drawn, faults.assign(value=0.3), 400, 200)
    row = cut[(cut["cause"] == "monitor") & (cut["event"] >= 200)].iloc[0]
    assert (row["start_sample"], row["n_samples"]) == (0, 20)
    gone = recorded_rectangles(drawn, faults.assign(value=0.5), 400, 200)
    assert not ((gone["cause"] == "monitor") & (gone["event"] >= 200)).any()
