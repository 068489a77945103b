"""Alarms with hysteresis, derived from the verdicts of the files in their order.

An alarm of a check (and channel) is raised after ``raise_after`` files in a row that fail, and
cleared after ``clear_after`` files in a row that do not. One that comes and goes is raised where
it failed in some of the last files (``flapping``). A file without data for a check neither
counts nor breaks a row. Nothing is remembered between two calls: the same verdicts give the same
alarms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

FAIL: Final = 1
GOOD: Final = 0
NO_DATA: Final = -1


@dataclass(frozen=True)
class Hysteresis:
    """How many files in a row raise an alarm, and how many clear it.

    ``flapping`` (k, n) raises one, too, where k of the last n files with data failed.
    """

    raise_after: int = 2
    clear_after: int = 2
    flapping: tuple[int, int] | None = None


@dataclass(frozen=True)
class CheckResult:
    """What one check found in one file; ``channels`` are texts adc/channel."""

    check: str
    status: str
    channels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Alarm:
    """A check (of a channel, or of the file where ``channel`` is empty) that has failed.

    Attributes
    ----------
    raised
        Whether the alarm stands after the last file.
    since, last_failed
        Position of the file that raised it or cleared it last (-1: it never rose), and of the
        last failing file.
    n_failed, n_files
        Files that failed, of those with data.
    in_a_row
        Failing files in a row up to the last one with data (0 if that one was good).
    """

    check: str
    channel: str
    raised: bool
    since: int
    last_failed: int
    n_failed: int
    n_files: int
    in_a_row: int


def alarms(files: Sequence[Sequence[CheckResult]], hysteresis: Hysteresis) -> list[Alarm]:
    """Every check and channel that ever failed, those that are raised first.

    ``files`` holds the results of each file, in the order of the data.
    """
    items, outcomes = outcome_table(files)
    if not items:
        return []
    raised, since, row = hysteresis_states(outcomes, hysteresis)
    last = len(files) - 1 - np.argmax(outcomes[::-1] == FAIL, axis=0)
    found = [
        Alarm(
            check,
            channel,
            bool(raised[i]),
            int(since[i]),
            int(last[i]),
            int(np.count_nonzero(outcomes[:, i] == FAIL)),
            int(np.count_nonzero(outcomes[:, i] != NO_DATA)),
            int(row[i]),
        )
        for i, (check, channel) in enumerate(items)
    ]
    return sorted(found, key=lambda a: (not a.raised, -a.last_failed))


def outcome_table(
    files: Sequence[Sequence[CheckResult]],
) -> tuple[list[tuple[str, str]], np.ndarray]:
    """(check, channel) of whatever failed once, and FAIL, GOOD or NO_DATA of each: (file, item)."""
    failed = {
        (result.check, channel): None
        for results in files
        for result in results
        if result.status == "fail"
        for channel in (result.channels or ("",))
    }
    items = list(failed)
    columns: dict[str, list[tuple[int, str]]] = {}
    for i, (check, channel) in enumerate(items):
        columns.setdefault(check, []).append((i, channel))
    outcomes = np.full((len(files), len(items)), NO_DATA, np.int8)
    for n, results in enumerate(files):
        for result in results:
            if result.status == "no_data":
                continue
            bad = set(result.channels or ("",)) if result.status == "fail" else set()
            for i, channel in columns.get(result.check, ()):
                outcomes[n, i] = FAIL if channel in bad else GOOD
    return items, outcomes


def hysteresis_states(
    outcomes: np.ndarray, hysteresis: Hysteresis
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """State of each item after the last file: raised, position of its last change, failing row.

    ``outcomes`` has the shape (file, item).
    """
    n_items = outcomes.shape[1]
    raised = np.zeros(n_items, bool)
    since = np.full(n_items, -1)
    bad, good = np.zeros(n_items, int), np.zeros(n_items, int)
    least, length = hysteresis.flapping or (1, 0)
    recent = np.zeros((length, n_items), bool)
    for n, row in enumerate(outcomes):
        seen = row != NO_DATA
        bad = np.where(seen, np.where(row == FAIL, bad + 1, 0), bad)
        good = np.where(seen, np.where(row == GOOD, good + 1, 0), good)
        recent[:, seen] = np.concatenate([recent[1:], [row == FAIL]])[:length, seen]
        often = (recent.sum(axis=0) >= least) & (row == FAIL)
        rises = (bad >= hysteresis.raise_after) | often
        change = np.where(raised, good >= hysteresis.clear_after, rises)
        since[change & seen] = n
        raised ^= change & seen
    return raised, since, bad
