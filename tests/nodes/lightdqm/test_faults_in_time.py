"""Faults of a part of a file, of light, order, clocks and coding: named, and with their event."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from radiograph.drivers.graph import build_driver
from radiograph.drivers.lightdqm.inputs import graph_values
from radiograph.drivers.lightdqm.simulation import write_light_simulation
from radiograph.drivers.registry import definition
from radiograph.nodes.lightdqm.findings import overall_status
from radiograph.schemas.light_simulation import LightSimulationSettings
from radiograph.schemas.lightdqm.config import LightDqmConfig
from radiograph.schemas.sources import FileRef

N = 320
BLOCK = 20
Verdict = Callable[..., pd.DataFrame]


@pytest.fixture
def verdict(tmp_path: Path) -> Verdict:
    """The verdict on a simulated file with faults, by check."""

    def of(*faults: dict[str, Any], **given: Any) -> pd.DataFrame:
        settings = {"n_events": N, "n_adcs": 6, "n_samples": 160, "seed": 3, "faults": faults}
        model = LightSimulationSettings.model_validate(settings | given)
        result = write_light_simulation(model, tmp_path, overwrite=True)
        inputs = {
            **graph_values(LightDqmConfig(), Path()),
            "source_file": FileRef(str(result.out), 0, ""),
        }
        choices = {"legacy": False, "channel_status": "none"}
        driver = build_driver(definition("lightdqm"), choices)
        frame: pd.DataFrame = driver.execute(["dqm_verdict"], inputs=inputs)["dqm_verdict"]
        return frame.set_index("check", drop=False)

    return of


def failing(found: pd.DataFrame) -> dict[str, str]:
    rows = found[found["status"] == "fail"]
    return dict(zip(rows["check"], rows["channels"], strict=True))


def all_of(adc: int) -> str:
    return " ".join(f"{adc}/{c}" for c in range(64) if c % 16 >= 4)


@pytest.mark.parametrize(
    ("fault", "check", "channels", "event"),
    [
        ({"kind": "dead", "adc": 3, "channel": 25, "begin": 0.5}, "dead", "3/25", 160),
        ({"kind": "dead", "adc": 2, "begin": 0.3}, "dead", all_of(2), 96),
        ({"kind": "drift", "adc": 1, "value": 1250}, "baseline_change", all_of(1), 0),
        ({"kind": "flatline", "adc": 4, "begin": 0.3, "end": 0.7}, "flat", all_of(4), 96),
        ({"kind": "railed_top", "adc": 5, "begin": 0.6, "end": 0.72}, "railed", all_of(5), 192),
        (
            {"kind": "noisy", "adc": 1, "channel": 20, "begin": 0.5, "end": 0.62},
            "noise",
            "1/20",
            160,
        ),
        ({"kind": "noisy", "adc": 1, "begin": 0.5, "end": 0.6}, "noise", all_of(1), 160),
        ({"kind": "noisy", "adc": 1, "value": 2, "begin": 0.5}, "noise_change", all_of(1), 160),
        ({"kind": "gain", "adc": 2, "value": 0.25, "begin": 0.5}, "light_change", all_of(2), 160),
        ({"kind": "zeros", "begin": 0.4, "end": 0.52}, "unwritten", "0 1 2 3 4 5", 128),
        ({"kind": "lost", "begin": 0.5}, "order", "", 160),
        ({"kind": "stuck_buffer", "adc": 3, "begin": 0.6}, "repeats", all_of(3), 192),
        ({"kind": "tai_frozen", "adc": 2, "begin": 0.5}, "timestamps", "2", 160),
    ],
)
def test_what_begins_in_the_file_is_named_with_its_event(
    verdict: Verdict, fault: dict[str, Any], check: str, channels: str, event: int
) -> None:
    found = verdict(fault)
    assert failing(found) == {check: channels}
    told = re.search(r"events? (\d+)", found.loc[check, "reason"])
    assert told is not None
    assert abs(int(told[1]) - event) <= BLOCK


@pytest.mark.parametrize("jump", [9000, 4500])
def test_a_jump_at_the_end_is_named_with_its_event(verdict: Verdict, jump: int) -> None:
    fault = {"kind": "baseline_move", "adc": 3, "value": jump, "begin": 0.85}
    found = verdict(fault)
    assert len(failing(found)) == 1
    assert set(failing(found)) <= {"baseline_spread", "baseline_change"}
    reason = found.loc[next(iter(failing(found))), "reason"]
    told = re.search(
        rf"ADC 3 from event (\d+) on \(by \+{jump}", reason.replace(f"{jump - 1}", f"{jump}")
    )
    assert told is not None
    assert abs(int(told[1]) - 272) <= BLOCK


@pytest.mark.parametrize(
    ("fault", "check", "channels"),
    [
        ({"kind": "gain", "adc": 2, "value": 0.25}, "light", all_of(2)),
        ({"kind": "gain", "adc": 2, "channel": 26, "value": 0.2}, "light", "2/26"),
        ({"kind": "dark_rate", "adc": 1, "channel": 40, "value": 4}, "dark_rate", "1/40"),
        ({"kind": "copy", "adc": 1, "channel": 40}, "copies", "1/40 1/41"),
        ({"kind": "off_by_one", "adc": 2}, "alignment", "2 3"),
        ({"kind": "stuck_buffer", "adc": 5}, "repeats", all_of(5)),
        ({"kind": "reversed", "adc": 2}, "channel_order", "2"),
        ({"kind": "reversed", "adc": 0}, "channel_order", "0"),
        ({"kind": "duplicated", "value": 0.05}, "order", ""),
        ({"kind": "tai_ahead", "adc": 2, "value": 2500}, "timestamps", "2"),
        ({"kind": "seconds"}, "timestamps", "0 1 2 3 4 5"),
        ({"kind": "future", "value": 20}, "timestamps", "0 1 2 3 4 5"),
        ({"kind": "unshifted"}, "coding", "0 1 2 3 4 5"),
        ({"kind": "offset_binary"}, "coding", "0 1 2 3 4 5"),
        ({"kind": "byte_order"}, "coding", "0 1 2 3 4 5"),
    ],
)
def test_what_a_file_has_throughout_is_named(
    verdict: Verdict, fault: dict[str, Any], check: str, channels: str
) -> None:
    found = verdict(fault)
    assert failing(found) == {check: channels}
    assert found.loc[check, "action"]


def test_what_is_wrong_of_the_same_channels_is_said_once(verdict: Verdict) -> None:
    fault = {"kind": "stuck_buffer", "adc": 5, "begin": 0.3, "end": 0.7}
    reason = verdict(fault).loc["repeats", "reason"]
    said = r"48 channels with the waveform of the event before once more: ADC 5 in events \d+ to"
    assert re.match(said, reason)


@pytest.mark.parametrize("begin", [0.0, 0.5])
def test_exchanged_boards_contradict_their_serial_numbers_and_their_light(
    verdict: Verdict, begin: float
) -> None:
    found = verdict({"kind": "swapped", "adc": 2, "value": 4, "begin": begin})
    assert failing(found) == {"order": "2 4", "alignment": "2 3 4 5"}
    assert "(that of ADC 4)" in found.loc["order", "reason"]
    assert "ADC 2 goes with ADC 5 as ADC 4 should" in found.loc["alignment", "reason"]


def test_rows_are_paired_as_the_references_say(verdict: Verdict) -> None:
    sound, found = verdict(), verdict({"kind": "permuted"})
    assert overall_status(found) == "pass"
    for column in ("status", "value"):
        same = sound[column].astype(object).drop("order")
        pd.testing.assert_series_equal(found[column].astype(object).drop("order"), same)
    assert "paired as the references say" in found.loc["order", "reason"]


def test_a_gap_is_told_and_fails_nothing(verdict: Verdict) -> None:
    found = verdict({"kind": "gap", "begin": 0.5})
    assert overall_status(found) == "pass"
    assert "a gap of 120 min before event 160" in found.loc["timestamps", "reason"]


def test_a_detector_without_light_has_not_passed(verdict: Verdict) -> None:
    found = verdict({"kind": "dark"})
    assert overall_status(found) == "warn"
    assert found.loc["dark", "value"] == 0.0
    assert "no light to judge any channel by" in found.loc["dark", "reason"]
    few = verdict(n_events=10)
    assert overall_status(few) == "warn"
    assert few.loc["dark", "status"] == "warn"


def test_a_weaker_adc_warns(verdict: Verdict) -> None:
    found = verdict({"kind": "gain", "adc": 2, "value": 0.5})
    assert overall_status(found) == "warn"
    assert found.loc["light", "channels"] == all_of(2)


@pytest.mark.parametrize(
    "given",
    [
        {"seed": 11},
        {"seed": 12, "n_events": 200},
        {"seed": 13, "scintillation": {"interactions_beam": 12.0}},
        {"seed": 14, "scintillation": {"median_adc16": 3000.0}},
        {"seed": 15, "faults": [{"kind": "drift", "adc": a, "value": 100} for a in range(6)]},
    ],
)
def test_sound_files_stay_green(verdict: Verdict, given: dict[str, Any]) -> None:
    found = verdict(**given)
    assert overall_status(found) == "pass"
    assert found.loc["baseline_change", "status"] == "pass"
