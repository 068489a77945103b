"""What the ranges so far decide for the next one: row numbers, what is left of the caps, damage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from ...nodes.imaging.readers import READERS
from ...schemas.errors import InputError
from ...schemas.imaging.config import ImagingConfig
from ...schemas.imaging.images import Counts
from ...schemas.imaging.reading import ReaderSettings
from ..cache.lazy import resolved
from .merging import RowsBefore


@dataclass(frozen=True)
class Progress:
    """Rows before the next range, budgets of the caps, records of the present file.

    ``damage`` holds by kind how many records of the file are so, and the place of the first, as
    far as the run asks for its problems.
    """

    before: RowsBefore
    events_left: int
    cones_left: int
    n_good: int = 0
    n_damaged: int = 0
    damage: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def of_start(cls, config: ImagingConfig) -> Progress:
        """Nothing done yet."""
        return cls(RowsBefore(), config.run.max_events, config.run.max_cones)

    def budgets(self) -> dict[str, int]:
        """The caps as the next range is told them."""
        return {"event_budget": self.events_left, "cone_budget": self.cones_left}

    def after(self, results: Mapping[str, Any]) -> Progress:
        """With one more range."""
        records: Counts = resolved(results["record_counters"])
        before, events_left, cones_left = self.before, self.events_left, self.cones_left
        hits: Counts | None = resolved(results.get("hit_counters"))
        events: Counts | None = resolved(results.get("event_counters"))
        cones: Counts | None = resolved(results.get("cone_counters"))
        if hits is not None:
            before = before.after(hits)
        if events is not None:
            before = before.after(events)
            events_left = max(events_left - events.values.get("events_total_for_filters", 0), 0)
        if cones is not None:
            cones_left = max(cones_left - cones.values.get("cones_kept", 0), 0)
        return Progress(
            before,
            events_left,
            cones_left,
            self.n_good + records["records_read"],
            self.n_damaged + records["records_damaged"],
            self._with_damage(results),
        )

    def _with_damage(self, results: Mapping[str, Any]) -> Mapping[str, tuple[int, int]]:
        problems: pd.DataFrame | None = resolved(results.get("parse_problems"))
        if problems is None:
            return self.damage
        found = dict(self.damage)
        for kind, place, count in problems.itertuples(index=False):
            before, first = found.get(kind, (0, place))
            found[kind] = (before + count, min(first, place))
        return found

    def after_file(self, n_events: int) -> Progress:
        """At the end of a file of so many raw events."""
        before = replace(self.before, raw_events=self.before.raw_events + n_events)
        return replace(self, before=before, n_good=0, n_damaged=0, damage={})


def check_damage(
    progress: Progress, path: str, config: ImagingConfig, settings: ReaderSettings
) -> None:
    """InputError if no raw event of a file survives or too many records are damaged."""
    n_damaged, total = progress.n_damaged, progress.n_good + progress.n_damaged
    if progress.n_good == 0:
        msg = (
            f"{path}: none of its {total} records can be read ({n_damaged} damaged"
            f"{_commonest(progress, settings)}).{_explanation(progress, path, settings)} Repair "
            "the file, or give another."
        )
        raise InputError(msg, file=path, code="no_events")
    share = n_damaged / total
    if share > config.io.max_bad_fraction:
        msg = (
            f"{path}: {n_damaged} of {total} records are damaged ({share:.2%}), allowed "
            f"{config.io.max_bad_fraction:.2%}{_commonest(progress, settings)}."
            f"{_explanation(progress, path, settings)} Repair the file, or raise [io] "
            "max_bad_fraction."
        )
        raise InputError(msg, file=path, key="io.max_bad_fraction", code="too_much_damage")


def _most(progress: Progress) -> tuple[str, tuple[int, int]]:
    return max(progress.damage.items(), key=lambda item: item[1][0])


def _commonest(progress: Progress, settings: ReaderSettings) -> str:
    """The kind of most of the damage and its first place, as the end of a clause."""
    if not progress.damage:
        return ""
    kind, (count, first) = _most(progress)
    place = READERS[settings.input_format].record
    return f"; most often {kind.replace('_', ' ')}: {count}, the first in {place} {first}"


def _explanation(progress: Progress, path: str, settings: ReaderSettings) -> str:
    """What the reader knows of the first record of the commonest damage, after a blank."""
    if not progress.damage:
        return ""
    known = READERS[settings.input_format].explanation(Path(path), _most(progress)[1][1], settings)
    return f" {known}" if known else ""
