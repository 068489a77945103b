"""One input file through the imaging graph: ranges planned, caps carried on, results handed on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hamilton import driver

from ...nodes.imaging.readers import READERS
from ...schemas.errors import InputError
from ...schemas.imaging.config import ImagingConfig
from ...schemas.imaging.images import Counts
from ...schemas.sources import EventRange, FileRef
from ..cache.execution import NodeCache, Verdict
from ..cache.lazy import NotComputedError, peeked, resolved
from ..cache.opening import NO_CACHE, CacheOptions, known_file, open_cache
from ..execution import Plan, RangeResults, planned, run_constants, run_ranges, run_rest
from ..graph import build_driver, imaging, resolved_targets
from ..node_execution import Manifest
from .inputs import GraphInputs, graph_inputs, reader_settings
from .merging import RowsBefore, whole

_WHOLE_RUN = "run"
# What the ranges before decide: numbers of rows, and what is left of the caps.
_NUMBERED = {"neutron_filtered_events", "gamma_filtered_events"}
_WITHIN_MAX_EVENTS = {"neutron_within_max_events", "gamma_within_max_events"}
_WITHIN_MAX_CONES = {"neutron_cone_filter_code", "gamma_cone_filter_code"}
Sink = Callable[[EventRange, RangeResults, RowsBefore], None]


@dataclass
class Session:
    """A config and an input file, ready to be asked for nodes."""

    config: ImagingConfig
    source: FileRef
    ranges: Sequence[EventRange]
    inputs: GraphInputs
    cache: NodeCache | None = None
    manifest: Manifest = field(default_factory=Manifest)

    def __post_init__(self) -> None:
        pipeline = imaging()
        self.aliases = pipeline.aliases
        self.driver: driver.Driver = build_driver(
            pipeline, self.inputs.choices, self.manifest, self.cache
        )

    @property
    def input_files(self) -> list[FileRef]:
        """The files that are read."""
        return [self.source]

    def resolved(self, targets: Iterable[str]) -> list[str]:
        """Names of nodes, aliases replaced."""
        return resolved_targets(self.driver, targets, self.aliases)

    def run(
        self, targets: Iterable[str], streams: Iterable[str] = (), sink: Sink | None = None
    ) -> dict[str, Any]:
        """One value a target. ``streams`` are given to ``sink`` range by range."""
        targets = self.resolved(targets)
        # The caps and the row numbers of a range need what the ranges before it kept.
        always = {"record_counters"} | set(self._running_counts(targets, streams))
        plan = planned(self.driver, targets, {*streams, *always})
        parts: dict[str, list[tuple[RowsBefore, Any]]] = {name: [] for name in plan.merged}
        progress = _Progress(self.config)

        def inputs_of(event_range: EventRange) -> Mapping[str, Any]:
            self._begin(f"{event_range.first_event}+{event_range.n_events}")
            return {**self._values, "event_range": event_range, **progress.budgets()}

        def each(event_range: EventRange, results: RangeResults) -> None:
            for name in plan.merged:
                parts[name].append((progress.before, results[name]))
            if sink is not None:
                # What is written once must not stay in memory until the last range is done.
                asked = {name: peeked(results[name]) for name in streams}
                sink(event_range, asked, progress.before)
            progress.add(results)

        self._begin(_WHOLE_RUN)
        constants = run_constants(self.driver, plan, self._run_values)
        run_ranges(self.driver, plan, constants, self.ranges, inputs_of, each)
        check_damage(progress, self.source.path, self.config)
        self._begin(_WHOLE_RUN)
        joined = {name: whole(name, part, self.cache) for name, part in parts.items()}
        rest = run_rest(self.driver, plan, {**constants, **joined}, self._run_values)
        return {name: resolved(joined.get(name, rest.get(name))) for name in targets}

    def survey(self, targets: Iterable[str]) -> list[Verdict]:
        """What a run would do with each node the targets need; nothing is executed."""
        assert self.cache is not None
        found: list[Verdict] = []
        self.cache.survey = found
        try:
            self.run(targets)
        except NotComputedError:
            # What a range kept decides what the next is told: here the survey must end.
            pass
        finally:
            self.cache.survey = None
        return found

    def _begin(self, slot: str) -> None:
        """Tell the cache which part of the run comes next."""
        if self.cache is not None:
            self.cache.slot = slot

    def plan(self, targets: Iterable[str], streams: Iterable[str] = ()) -> Plan:
        """What a run would evaluate."""
        return planned(self.driver, self.resolved(targets), streams)

    @property
    def _values(self) -> dict[str, Any]:
        return {**self.inputs.values, "source_file": self.source}

    @property
    def _run_values(self) -> dict[str, Any]:
        return {**self._values, "event_range": self.ranges[0]}

    def _running_counts(self, targets: Iterable[str], streams: Iterable[str]) -> list[str]:
        if len(self.ranges) == 1:
            return []
        plan = self.plan(targets, streams)
        caps = self.config.run
        counts = []
        if {"neutron_shaped_events", "gamma_shaped_events"} & set(plan.merged):
            counts.append("hit_counters")
        if _NUMBERED & plan.needed or (caps.max_events and _WITHIN_MAX_EVENTS & plan.needed):
            counts.append("event_counters")
        if caps.max_cones and _WITHIN_MAX_CONES & plan.needed:
            counts.append("cone_counters")
        return counts


class _Progress:
    """What the ranges so far hold: rows, budgets of the caps, damage."""

    def __init__(self, config: ImagingConfig) -> None:
        self.before = RowsBefore()
        self.events_left = config.run.max_events
        self.cones_left = config.run.max_cones
        self.n_good = 0
        self.n_damaged = 0

    def budgets(self) -> dict[str, int]:
        return {"event_budget": self.events_left, "cone_budget": self.cones_left}

    def add(self, results: RangeResults) -> None:
        records: Counts = resolved(results["record_counters"])
        self.n_good += records["records_read"]
        self.n_damaged += records["records_damaged"]
        hits: Counts | None = resolved(results.get("hit_counters"))
        events: Counts | None = resolved(results.get("event_counters"))
        cones: Counts | None = resolved(results.get("cone_counters"))
        if hits is not None:
            self.before = self.before.after(hits)
        if events is not None:
            self.before = self.before.after(events)
            self.events_left = max(self.events_left - events["events_total_for_filters"], 0)
        if cones is not None:
            self.cones_left = max(self.cones_left - cones["cones_kept"], 0)


def check_damage(progress: _Progress, path: str, config: ImagingConfig) -> None:
    """InputError if no raw event survives or too many records are damaged."""
    total = progress.n_good + progress.n_damaged
    if progress.n_good == 0:
        msg = f"{path}: none of its {total} records can be read ({progress.n_damaged} damaged)."
        raise InputError(msg, file=path, code="no_events")
    share = progress.n_damaged / total
    if share > config.io.max_bad_fraction:
        msg = (
            f"{path}: {progress.n_damaged} of {total} records are damaged ({share:.2%}), allowed "
            f"{config.io.max_bad_fraction:.2%}. Repair the file, or raise [io] max_bad_fraction."
        )
        raise InputError(msg, file=path, key="io.max_bad_fraction", code="too_much_damage")


def open_session(
    config: ImagingConfig, source: Path, folder: Path, cache: CacheOptions = NO_CACHE
) -> Session:
    """Plan a run over one file; InputError for a missing, empty or wrong-kind file."""
    if source.is_dir():
        msg = f"{source}: is a folder. Give a file in it."
        raise InputError(msg, file=source, key="io.input_path")
    if not source.exists():
        msg = f"{source}: no such file. Set [io] input_path or give --input-path."
        raise InputError(msg, file=source, key="io.input_path")
    if source.stat().st_size == 0:
        msg = f"{source}: the file is empty (0 bytes). Give another file."
        raise InputError(msg, file=source, key="io.input_path")
    reader = READERS[config.io.input_format]
    ranges = reader.event_ranges(source, config.run.chunk_events, reader_settings(config))
    if not ranges:
        msg = (
            f"{source}: holds no raw event in the format {config.io.input_format}. Give another "
            f"file, or set [io] input_format to its format: {', '.join(READERS)}."
        )
        raise InputError(msg, file=source, key="io.input_format")
    inputs = graph_inputs(config, folder, source_name=source.name)
    opened = open_cache(cache, imaging().untracked)
    file = known_file(source, opened, rehash=cache.rehash)
    session = Session(config, file, ranges, inputs, opened)
    if opened is not None:
        opened.refreshed = tuple(session.resolved(cache.refreshed))
    return session


def run_nodes(config: ImagingConfig, source: Path, targets: Iterable[str]) -> dict[str, Any]:
    """The values of some nodes for one file, from Python."""
    return open_session(config, source, source.parent).run(targets)
