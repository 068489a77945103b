"""Alarms: raised after files in a row that fail, cleared after files in a row that do not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from radiograph.drivers.lightdqm.alarms import (
    FAIL,
    GOOD,
    NO_DATA,
    CheckResult,
    Hysteresis,
    alarms,
    hysteresis_states,
)

CODES = {"x": FAIL, ".": GOOD, "-": NO_DATA}


def files_of(text: str) -> list[list[CheckResult]]:
    """One file a letter: x fails in 0/5, . passes, - has no data."""
    status = {"x": ("fail", ("0/5",)), ".": ("pass", ()), "-": ("no_data", ())}
    return [[CheckResult("dead", *status[letter])] for letter in text]


@pytest.mark.parametrize(
    ("text", "raised", "since"),
    [
        ("x", False, -1),
        ("xx", True, 1),
        ("x.x.x", False, -1),
        ("xx.", True, 1),
        ("xx.x.", True, 1),
        ("xx..", False, 3),
        ("xx..x", False, 3),
        ("xx..xx", True, 5),
        ("x-x", True, 2),
        ("xx-.-.", False, 5),
        ("xx--", True, 1),
        ("xxxxx", True, 1),
    ],
)
def test_two_files_raise_and_two_clear(text: str, raised: bool, since: int) -> None:
    (alarm,) = alarms(files_of(text), Hysteresis(2, 2))
    assert (alarm.raised, alarm.since) == (raised, since)
    assert (alarm.check, alarm.channel) == ("dead", "0/5")
    assert alarm.n_failed == text.count("x")
    assert alarm.n_files == len(text) - text.count("-")
    assert alarm.last_failed == text.rindex("x")


def test_raising_and_clearing_have_their_own_counts() -> None:
    assert alarms(files_of("x"), Hysteresis(1, 3))[0].raised
    assert alarms(files_of("x.."), Hysteresis(1, 3))[0].raised
    assert not alarms(files_of("x..."), Hysteresis(1, 3))[0].raised


def test_channels_and_checks_have_their_own_alarms() -> None:
    files = [
        [CheckResult("dead", "fail", ("0/5", "1/6")), CheckResult("triggers", "fail")],
        [CheckResult("dead", "fail", ("0/5",)), CheckResult("triggers", "fail")],
        [CheckResult("dead", "warn", ("0/5",)), CheckResult("noise", "pass")],
    ]
    found = {(a.check, a.channel): a for a in alarms(files, Hysteresis(2, 2))}
    assert found.keys() == {("dead", "0/5"), ("dead", "1/6"), ("triggers", "")}
    assert found["dead", "0/5"].raised
    assert found["dead", "0/5"].in_a_row == 0
    assert not found["dead", "1/6"].raised
    assert found["triggers", ""].raised
    assert found["triggers", ""].n_files == 2


def test_raised_alarms_come_first() -> None:
    files = [
        [CheckResult("noise", "fail", ("1/1",)), CheckResult("dead", "pass")],
        [CheckResult("noise", "fail", ("1/1",)), CheckResult("dead", "pass")],
        [CheckResult("noise", "pass"), CheckResult("dead", "fail", ("2/2",))],
    ]
    assert [a.check for a in alarms(files, Hysteresis(2, 2))] == ["noise", "dead"]


def test_what_failed_last_comes_first_among_equals() -> None:
    def of(*checks: str) -> list[CheckResult]:
        return [CheckResult(c, "fail" if c in checks else "pass") for c in "abcd"]

    # a and b stand, b failed last; c and d failed once each, d last.
    files = [of("a", "c"), of("a", "b"), of("b", "d")]
    found = alarms(files, Hysteresis(2, 2))
    assert [(a.check, a.raised, a.last_failed) for a in found] == [
        ("b", True, 2), ("a", True, 1), ("d", False, 2), ("c", False, 0),
    ]  # fmt: skip


def test_nothing_failed_or_no_file_is_no_alarm() -> None:
    assert alarms(files_of("...-"), Hysteresis()) == []
    assert alarms([], Hysteresis()) == []


@given(st.text("x.-", max_size=40), st.integers(1, 4), st.integers(1, 4))
def test_the_states_are_those_of_a_plain_reading(text: str, up: int, down: int) -> None:
    outcomes = np.array([[CODES[letter]] for letter in text], np.int8).reshape(-1, 1)
    before = outcomes.copy()
    raised, since, row = hysteresis_states(outcomes, Hysteresis(up, down))
    state, changed, bad, good = False, -1, 0, 0
    for i, letter in enumerate(text):
        if letter == "-":
            continue
        bad, good = (bad + 1, 0) if letter == "x" else (0, good + 1)
        if (not state and bad >= up) or (state and good >= down):
            state, changed = not state, i
    assert (bool(raised[0]), int(since[0]), int(row[0])) == (state, changed, bad)
    np.testing.assert_array_equal(outcomes, before)


@pytest.mark.parametrize(
    ("text", "raised", "since"),
    [
        ("x.x.x", True, 4),
        ("x.x-.-x", True, 6),
        ("x.x....x", False, -1),
        ("x..x...x", False, -1),
        ("x.x.x..", False, 6),
        ("x.x.x..x", True, 7),
        ("xx", True, 1),
    ],
)
def test_what_comes_and_goes_raises_an_alarm(text: str, raised: bool, since: int) -> None:
    (alarm,) = alarms(files_of(text), Hysteresis(2, 2, (3, 6)))
    assert (alarm.raised, alarm.since) == (raised, since)
