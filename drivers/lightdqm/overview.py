"""What the store of runs says at a glance: its files with their verdicts, and the alarms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ...nodes.lightdqm.figure_times import local_time
from .alarms import Alarm, CheckResult, Hysteresis, alarms
from .history import failing_channels, stored_verdicts
from .store import RunStore, StoredRun
from .verdict_text import columns, overall_status, shortened, status_word

_MOST_CHECKS = 3


@dataclass(frozen=True)
class FileRow:
    """A file of the store: its verdict and how many events of each trigger it holds."""

    run: StoredRun
    verdict: pd.DataFrame
    status: str
    failing: dict[str, list[str]]
    n_beam: int | None
    n_self: int | None

    def as_json(self, time_zone: str) -> dict[str, Any]:
        """The row as plain values."""
        identity = self.run.identity
        return {
            "name": identity.name,
            "path": self.run.path,
            "run": _known(identity.run),
            "subrun": _known(identity.subrun),
            "start_ms": identity.start_ms,
            "end_ms": identity.end_ms,
            "start": start_text(self.run, time_zone),
            "status": self.status,
            "failing": self.failing,
            "n_beam": self.n_beam,
            "n_self": self.n_self,
            "origin": self.run.origin,
            "version": self.run.version,
        }


@dataclass(frozen=True)
class Overview:
    """Files of the store in their order, and the alarms that follow from all of them."""

    files: Sequence[FileRow]
    alarms: Sequence[Alarm]

    @property
    def raised(self) -> list[Alarm]:
        """The alarms that stand."""
        return [alarm for alarm in self.alarms if alarm.raised]

    def as_json(self, time_zone: str, last: int = 0) -> dict[str, Any]:
        """The last files (0 = all) and the alarms as plain values; files by their names."""
        return {
            "files": [row.as_json(time_zone) for row in self.files[-last:]],
            "alarms": [self._alarm(alarm) for alarm in self.alarms],
            "n_raised": len(self.raised),
        }

    def _alarm(self, alarm: Alarm) -> dict[str, Any]:
        since = self.file_name(alarm.since)
        return {**vars(alarm), "since": since, "last_failed": self.file_name(alarm.last_failed)}

    def file_name(self, place: int) -> str | None:
        """The name of the file at a place, None for -1."""
        return self.files[place].run.identity.name if place >= 0 else None


def overview(store: RunStore, runs: Sequence[StoredRun], hysteresis: Hysteresis) -> Overview:
    """Verdicts and alarms of some files, in the order of ``runs``."""
    ids = [run.run_id for run in runs]
    verdicts = stored_verdicts(store, runs)
    counts: dict[int, dict[str, int]] = {}
    triggers = store.rows("triggers", ids)
    for run_id, trigger, n in zip(
        triggers["run_id"], triggers["trigger"], triggers["n_events"], strict=True
    ):
        counts.setdefault(run_id, {})[str(trigger)] = int(n)
    rows = []
    for run, verdict in zip(runs, verdicts, strict=True):
        n = counts.get(run.run_id, {})
        status, failing = overall_status(verdict), failing_channels(verdict)
        rows.append(FileRow(run, verdict, status, failing, n.get("beam"), n.get("self")))
    return Overview(rows, alarms([_check_results(v) for v in verdicts], hysteresis))


def _check_results(verdict: pd.DataFrame) -> list[CheckResult]:
    """A verdict as alarms() takes it."""
    columns = (verdict[c] for c in ("check", "status", "channels"))
    return [
        CheckResult(str(check), str(status), tuple(channels.split()))
        for check, status, channels in zip(*columns, strict=True)
    ]


def start_text(run: StoredRun, time_zone: str) -> str:
    """The local time of the first event, empty where it is unknown."""
    start = run.identity.start_ms
    return "" if start is None else local_time(start, time_zone)


def file_lines(rows: Sequence[FileRow], time_zone: str) -> list[str]:
    """A table of files."""
    head = ("start", "run", "sub-run", "verdict", "beam", "self", "file", "fails")
    table = [head]
    for row in rows:
        identity = row.run.identity
        table.append(
            (
                start_text(row.run, time_zone) or "unknown",
                _text(_known(identity.run)),
                _text(_known(identity.subrun)),
                status_word(row.status),
                _text(row.n_beam),
                _text(row.n_self),
                identity.name,
                failing_text(row.failing),
            )
        )
    return columns(table)


def failing_text(failing: dict[str, list[str]]) -> str:
    """Checks that fail with their first channels."""
    parts = [
        f"{check} {shortened(channels, 3)}".rstrip()
        for check, channels in list(failing.items())[:_MOST_CHECKS]
    ]
    more = len(failing) - _MOST_CHECKS
    return "; ".join([*parts, f"{more} checks more"] if more > 0 else parts)


def alarm_lines(found: Overview) -> list[str]:
    """A table of the alarms that stand; a line if there is none."""
    if not found.raised:
        return ["no alarm is raised"]
    table = [("alarm", "channels", "raised by", "last failed", "files that failed")]
    table += [
        (group.check, shortened(group.channels, 8), group.since, group.last_failed, group.failed)
        for group in raised_groups(found)
    ]
    return columns(table)


@dataclass(frozen=True)
class RaisedGroup:
    """Alarms of one check that the same file raised: their channels, when, how often."""

    check: str
    channels: Sequence[str]
    since: str
    last_failed: str
    failed: str


def raised_groups(found: Overview) -> list[RaisedGroup]:
    """The alarms that stand, one row for the channels of a check with the same history."""
    groups: dict[tuple[str, str, str, str], list[str]] = {}
    for alarm in found.raised:
        key = (
            alarm.check,
            found.file_name(alarm.since) or "",
            found.file_name(alarm.last_failed) or "",
            f"{alarm.n_failed} of {alarm.n_files}",
        )
        groups.setdefault(key, []).append(alarm.channel)
    return [
        RaisedGroup(check, [c for c in channels if c], since, last, failed)
        for (check, since, last, failed), channels in groups.items()
    ]


def _known(number: int) -> int | None:
    return None if number < 0 else number


def _text(number: int | None) -> str:
    return "" if number is None else str(number)
