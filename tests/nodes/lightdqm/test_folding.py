"""One finding leads, and the pictures say it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from radiograph.nodes.lightdqm.figure_history import history_sheet
from radiograph.nodes.lightdqm.figure_masks import KIND_NAMES, MaskGrid
from radiograph.nodes.lightdqm.figure_parts import Heading
from radiograph.nodes.lightdqm.figure_verdict import banner, other_failures, verdict_sheet
from radiograph.nodes.lightdqm.finding import Finding
from radiograph.nodes.lightdqm.folding import FOLLOWS, LEADING, folded, in_order
from radiograph.nodes.sheets.frames import GREY
from radiograph.schemas.lightdqm.frames import CHECKS, DQM_VERDICT
from radiograph.schemas.lightdqm.history_frames import CHANNEL_HISTORY
from radiograph.schemas.sheets import Fills, Marks, Words

ALL_OF_2 = " ".join(f"2/{c}" for c in range(64) if c % 16 >= 4)
Spans = tuple[tuple[int, int], ...]
HEADING = Heading("run_7.FLOW.hdf5", "12:00 to 13:00", "40 of 40 events")


def findings(**failing: str) -> list[Finding]:
    return [
        Finding(check, "fail" if check in failing else "pass", 1.0, 0.0, "",
                tuple(failing.get(check, "").split()), f"reason of {check}")
        for check in CHECKS
    ]  # fmt: skip


def status_of(found: list[Finding]) -> dict[str, str]:
    return {finding.check: finding.status for finding in found if finding.status != "pass"}


@pytest.mark.parametrize(
    ("failing", "left"),
    [
        ({"coding": "0", "baseline_band": "0/4 0/5", "noise": "0/4"}, {"coding"}),
        ({"railed": "1/4", "dead": "1/4", "light": "1/4"}, {"railed"}),
        ({"noise": "1/4", "negative": "1/4"}, {"noise"}),
        ({"noise": "1/4", "negative": "1/5"}, {"noise", "negative"}),
        ({"baseline_band": "1/4", "baseline_change": "1/4"}, {"baseline_band"}),
        ({"baseline_spread": "1/4", "baseline_change": "1/4 1/5"}, {"baseline_change"}),
        ({"order": "", "dead": "1/4"}, {"order", "dead"}),
        ({"order": "", "baseline_change": "1/4"}, {"order", "baseline_change"}),
        ({"order": "1 2", "baseline_change": "1/4 2/5"}, {"order"}),
        ({"order": "1 2", "baseline_change": "1/4 3/5"}, {"order", "baseline_change"}),
        # The partner of an ADC that is noisy as a whole is compared with its light.
        ({"noise": ALL_OF_2, "light_change": "3/4 3/5", "dead": "3/4"}, {"noise"}),
        ({"noise": "2/4 2/5", "light_change": "3/4"}, {"noise", "light_change"}),
        ({"noise": ALL_OF_2, "light_change": "4/4"}, {"noise", "light_change"}),
        # Channels 4 to 9 are a board.
        ({"dark_rate": "1/9", "light_change": "1/5 1/7"}, {"dark_rate"}),
        ({"dark_rate": "1/9", "light_change": "1/10"}, {"dark_rate", "light_change"}),
        ({"dark_rate": "1/9", "light_change": "2/5"}, {"dark_rate", "light_change"}),
    ],
)
def test_what_follows_is_folded(failing: dict[str, str], left: set[str]) -> None:
    found = folded(findings(**failing))
    assert [finding.check for finding in found] == list(CHECKS)
    status = status_of(found)
    assert {check for check, state in status.items() if state == "fail"} == left
    assert {check for check, state in status.items() if state == "no_data"} == set(failing) - left
    for finding in found:
        if finding.status == "no_data":
            assert finding.failing == ()
            assert finding.reason.startswith("follows from ")


def test_what_is_left_stays_red() -> None:
    found = {f.check: f for f in folded(findings(flat="1/4", noise="1/4 2/4"))}
    assert found["noise"].failing == ("2/4",)
    assert found["noise"].reason == "reason of noise; 1 of them follow from flat"


def test_a_folded_change_tells_its_event_with_the_cause() -> None:
    found = {f.check: f for f in folded(findings(baseline_band="1/4", baseline_change="1/4"))}
    assert found["baseline_band"].reason == "reason of baseline_band; reason of baseline_change"


@pytest.mark.parametrize(
    ("change", "state", "size", "leads"),
    [
        ("baseline_change", "baseline_spread", 1000.0, True),
        ("baseline_change", "baseline_spread", 400.0, False),
        ("light_change", "light", 1000.0, True),
        ("baseline_change", "baseline_band", 1000.0, False),
    ],
)
def test_a_change_that_is_large_enough_makes_the_state_of_the_file(
    change: str, state: str, size: float, leads: bool
) -> None:
    values = {change: size, state: 1000.0}
    found = [
        replace(f, value=values.get(f.check, 1.0)) for f in findings(**dict.fromkeys(values, "1/4"))
    ]
    left = {check for check, status in status_of(folded(found)).items() if status == "fail"}
    assert left == {change if leads else state}


FROM_250, BURST, LATER = (250, 499), (250, 281), (282, 300)


@pytest.mark.parametrize(
    ("cause", "effect", "explained"),
    [
        ((BURST,), (BURST,), True),
        ((BURST,), (LATER,), False),
        ((BURST,), ((400, 499),), False),
        ((FROM_250,), (FROM_250,), True),
        ((), (FROM_250,), True),
        ((BURST,), (BURST, (10, 20)), False),
        ((BURST,), (), False),
        ((), (), True),
    ],
)
def test_what_follows_happens_at_the_same_events(
    cause: Spans, effect: Spans, explained: bool
) -> None:
    for check, channels, other in (
        ("noise", ALL_OF_2, "light_change"),
        ("order", "3", "noise_change"),
    ):
        spans = {check: cause, other: effect}
        found = [
            replace(f, spans=spans.get(f.check, ()))
            for f in findings(**{check: channels, other: "3/4"})
        ]
        status = status_of(folded(found))
        assert status == {check: "fail", other: "no_data" if explained else "fail"}


def test_causes_and_effects_are_checks() -> None:
    assert {c for cause, effects in FOLLOWS for c in (cause, *effects)} | set(LEADING) <= set(
        CHECKS
    )


def verdict(**failing: str) -> pd.DataFrame:
    found = findings(**failing)
    return DQM_VERDICT.frame(
        {
            "check": [f.check for f in found],
            "status": [f.status for f in found],
            "value": [f.value for f in found],
            "limit": [f.limit for f in found],
            "unit": [f.unit for f in found],
            "n_channels": [len(f.failing) for f in found],
            "channels": [" ".join(f.failing) for f in found],
            "reason": [f.reason for f in found],
            "action": [f.action for f in found],
        }
    )


def test_the_verdict_page_begins_with_what_leads() -> None:
    frame = verdict(noise="1/4", order="")
    assert in_order(frame)["check"].tolist()[:2] == ["order", "noise"]
    texts = [
        s.text for s in verdict_sheet("verdict", frame, HEADING).shapes if isinstance(s, Words)
    ]
    assert texts[0] == "FAIL"
    assert texts[3:5] == ["FAIL", "order: reason of order"]
    assert "event builder" in texts[5]
    assert any("noise: reason of noise (1/4)" in text for text in texts)
    assert [w.text for w in banner(frame, 16.0, 4.0)] == ["FAIL  order: reason of order"]
    assert [w.text for w in banner(verdict(), 16.0, 4.0)] == ["PASS"]


def test_a_banner_without_room_for_all_keeps_place_and_event() -> None:
    frame = verdict(noise="1/4")
    where = "a step: ADC 5 from event 244 on (by +6000 adc16)"
    said = f"48 channels with a baseline that changes in the file: {where}"
    frame["reason"] = frame["reason"].astype(object).where(frame["status"] != "fail", said)
    assert [w.text for w in banner(frame, 16.0, 4.0)] == [f"FAIL  noise: {where}"]


def test_a_mask_marks_what_fails_elsewhere() -> None:
    kinds = np.full((2, 64), KIND_NAMES.index("good"), np.uint8)
    kinds[0, 5] = KIND_NAMES.index("bad")
    grid = MaskGrid("m", "Mask", kinds, np.full((2, 64), ""), {})
    marks, words = other_failures(grid, verdict(negative="0/5 0/6", missing_adcs="1"))
    assert isinstance(marks, Marks)
    assert len(marks.texts) == 1 + 48
    assert marks.texts[0] == "ADC 0 channel 6: fails negative"
    assert isinstance(words, Words)
    assert words.text == "× also fails: missing_adcs, negative"
    assert other_failures(grid, verdict()) == ()


def test_the_page_of_events_has_a_row_an_adc() -> None:
    columns = {c.name: np.zeros(8) for c in CHANNEL_HISTORY.columns}
    columns |= {"block": np.repeat([0, 1], 4), "last_row": np.repeat([9, 19], 4)}
    columns |= {"first_row": np.repeat([0, 10], 4), "adc": np.tile([0, 0, 1, 1], 2)}
    columns |= {"channel": np.tile([4, 5], 4), "baseline_adc16": np.arange(8.0)}
    sheet = history_sheet("history", CHANNEL_HISTORY.frame(columns), HEADING)
    texts = [s.text for s in sheet.shapes if isinstance(s, Words)]
    assert sum(text.startswith("ADC ") for text in texts) == 2
    assert texts.count("no data") == 2  # there was light nowhere
    # One of two waveforms of ADC 1 has no signal in the second block: shaded in its four panels.
    columns |= {"n_valid": np.full(8, 2), "n_sound": np.array([2, 2, 2, 2, 2, 2, 2, 0])}
    marked = history_sheet("history", CHANNEL_HISTORY.frame(columns), HEADING)
    shades = [
        sum(isinstance(s, Fills) and s.color == GREY for s in page.shapes)
        for page in (sheet, marked)
    ]
    assert shades[1] - shades[0] == 4
    empty = history_sheet("history", CHANNEL_HISTORY.empty(), HEADING)
    assert empty.size[1] < sheet.size[1]
