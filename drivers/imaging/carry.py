"""What the ranges so far decide for the next one: what is left of the caps, damage of a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import pandas as pd

from ...nodes.imaging.readers import READERS
from ...schemas.errors import InputError
from ...schemas.imaging.config import ImagingConfig
from ...schemas.imaging.images import Counts
from ...schemas.imaging.reading import ReaderSettings
from ..cache.lazy import resolved
from ..engine.parts import Part

_WITHIN_MAX_EVENTS: Final = {"neutron_within_max_events", "gamma_within_max_events"}
_WITHIN_MAX_CONES: Final = {"neutron_cone_filter_code", "gamma_cone_filter_code"}


@dataclass(frozen=True)
class ImagingCarry:
    """What is left of the caps, and the records of the present file.

    ``damage`` holds by kind how many records of the file are so, and the place of the first, as
    far as the run asks for its problems. ``is_alone`` = there is one range: no cap is carried on.
    """

    config: ImagingConfig
    settings: ReaderSettings
    is_alone: bool
    events_left: int
    cones_left: int
    path: str = ""
    n_good: int = 0
    n_damaged: int = 0
    damage: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def of_start(
        cls, config: ImagingConfig, settings: ReaderSettings, n_ranges: int
    ) -> ImagingCarry:
        """Nothing done yet."""
        caps = config.run
        return cls(config, settings, n_ranges == 1, caps.max_events, caps.max_cones)

    def needs(self, asked: frozenset[str]) -> frozenset[str]:
        """The counters of records, and those of the caps that are in force."""
        caps = self.config.run
        found = {"record_counters"}
        if not self.is_alone and caps.max_events and _WITHIN_MAX_EVENTS & asked:
            found.add("event_counters")
        if not self.is_alone and caps.max_cones and _WITHIN_MAX_CONES & asked:
            found.add("cone_counters")
        return frozenset(found)

    def in_order(self, asked: frozenset[str]) -> bool:
        """Whether a range must know what the ranges before it kept: a cap is in force."""
        return len(self.needs(asked)) > 1

    def inputs(self) -> Mapping[str, int]:
        """The caps as the next range is told them."""
        return {"event_budget": self.events_left, "cone_budget": self.cones_left}

    def after(self, part: Part, values: Mapping[str, Any]) -> ImagingCarry:
        """With one more range."""
        records: Counts = resolved(values["record_counters"])
        events_left, cones_left = self.events_left, self.cones_left
        events: Counts | None = resolved(values.get("event_counters"))
        cones: Counts | None = resolved(values.get("cone_counters"))
        if events is not None:
            events_left = max(events_left - events.values.get("events_total_for_filters", 0), 0)
        if cones is not None:
            cones_left = max(cones_left - cones.values.get("cones_kept", 0), 0)
        return replace(
            self,
            events_left=events_left,
            cones_left=cones_left,
            path=part.inputs["source_file"].path,
            n_good=self.n_good + records["records_read"],
            n_damaged=self.n_damaged + records["records_damaged"],
            damage=self._with_damage(values),
        )

    def _with_damage(self, values: Mapping[str, Any]) -> Mapping[str, tuple[int, int]]:
        problems: pd.DataFrame | None = resolved(values.get("parse_problems"))
        if problems is None:
            return self.damage
        found = dict(self.damage)
        for kind, place, count in problems.itertuples(index=False):
            before, first = found.get(kind, (0, place))
            found[kind] = (before + count, min(first, place))
        return found

    def after_file(self) -> ImagingCarry:
        """At the end of a file; InputError if too much of it is damaged."""
        check_damage(self)
        return replace(self, n_good=0, n_damaged=0, damage={})


def check_damage(progress: ImagingCarry) -> None:
    """InputError if no raw event of a file survives or too many records are damaged."""
    path, config, settings = progress.path, progress.config, progress.settings
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


def _most(progress: ImagingCarry) -> tuple[str, tuple[int, int]]:
    return max(progress.damage.items(), key=lambda item: item[1][0])


def _commonest(progress: ImagingCarry, settings: ReaderSettings) -> str:
    """The kind of most of the damage and its first place, as the end of a clause."""
    if not progress.damage:
        return ""
    kind, (count, first) = _most(progress)
    place = READERS[settings.input_format].record
    return f"; most often {kind.replace('_', ' ')}: {count}, the first in {place} {first}"


def _explanation(progress: ImagingCarry, path: str, settings: ReaderSettings) -> str:
    """What the reader knows of the first record of the commonest damage, after a blank."""
    if not progress.damage:
        return ""
    known = READERS[settings.input_format].explanation(Path(path), _most(progress)[1][1], settings)
    return f" {known}" if known else ""
