"""Input files through the imaging graph: caps carried on, results handed on range by range."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from hamilton import driver

from ...schemas.errors import InputError
from ...schemas.imaging.config import ImagingConfig
from ...schemas.imaging.reading import SourceMetadata
from ...schemas.sources import EventRange, FileRef
from ..cache.execution import NodeCache, Verdict
from ..cache.lazy import peeked, resolved
from ..cache.opening import NO_CACHE, CacheOptions, open_cache
from ..cache.survey import surveyed
from ..engine.phases import FILE, RANGE, RUN, Phase, Plan, check_scopes, evaluated, planned
from ..graph import build_driver, resolved_targets, upstream
from ..node_execution import Manifest
from ..registry import definition
from ..unchanged import check_unchanged
from .executors import Executor, LocalExecutor, RangeTask
from .inputs import GraphInputs, graph_inputs, reader_settings
from .merging import RowsBefore, is_mergeable, whole
from .progress import Progress, check_damage
from .restart import Restart, opened_restart
from .sources import Chunk, FailedFile, PlannedFile, none_left, planned_files, tell_left_out

_WHOLE_RUN = "run"
# What the graph is told of a range of events, or of a file.
PART_INPUTS = {
    FILE: frozenset({"source_file"}),
    RANGE: frozenset({"source_file", "event_range", "event_budget", "cone_budget"}),
}
# What the ranges before decide: numbers of rows, and what is left of the caps.
_NUMBERED = {"neutron_filtered_events", "gamma_filtered_events"}
_WITHIN_MAX_EVENTS = {"neutron_within_max_events", "gamma_within_max_events"}
_WITHIN_MAX_CONES = {"neutron_cone_filter_code", "gamma_cone_filter_code"}


class PerFile(dict[int, Any]):
    """The values of a node of scope ``file``, by the number of the file."""


class Sink(Protocol):
    """Takes the streams of each range; what a file gave is taken back if it fails later."""

    def __call__(self, chunk: Chunk, results: Mapping[str, Any], before: RowsBefore) -> None: ...

    def begin_file(self) -> None:
        """The ranges of a further file follow."""

    def drop_file(self) -> None:
        """Forget what was given since begin_file()."""


@dataclass
class Session:
    """A config and its input files, ready to be asked for nodes.

    ``failed`` lists the files that gave nothing; it grows while a run goes on.
    """

    config: ImagingConfig
    files: Sequence[PlannedFile]
    inputs: GraphInputs
    cache: NodeCache | None = None
    failed: list[FailedFile] = field(default_factory=list)
    executor: Executor = field(default_factory=LocalExecutor)
    restart: Restart | None = None
    manifest: Manifest = field(default_factory=Manifest)

    def __post_init__(self) -> None:
        pipeline = definition("imaging")
        self.aliases = pipeline.aliases
        self.driver: driver.Driver = build_driver(
            pipeline, self.inputs.choices, self.manifest, self.cache
        )
        check_scopes(self.driver, PART_INPUTS, is_mergeable)

    @property
    def input_files(self) -> list[FileRef]:
        """The files that are read."""
        return [file.ref for file in self.files]

    @property
    def usable(self) -> list[PlannedFile]:
        """The files that have not failed so far."""
        gone = {f.number for f in self.failed}
        return [file for file in self.files if file.number not in gone]

    @property
    def ranges(self) -> list[EventRange]:
        """The ranges of every file, in order."""
        return [r for file in self.files for r in file.ranges]

    def resolved(self, targets: Iterable[str]) -> list[str]:
        """Names of nodes, aliases replaced."""
        return resolved_targets(self.driver, targets, self.aliases)

    def run(
        self, targets: Iterable[str], streams: Iterable[str] = (), sink: Sink | None = None
    ) -> dict[str, Any]:
        """One value a target; of a node of scope ``file`` one for each file, by its number.

        ``streams`` are given to ``sink`` range by range.
        """
        targets, streams = self.resolved(targets), tuple(streams)
        # The caps and the row numbers of a range need what the ranges before it kept.
        counted = self._running_counts(targets, streams)
        plan = planned(self.driver, targets, {*streams, "record_counters", *counted})
        found: dict[str, Any] = {}
        first = next((p for p in plan.phases if p.scope == RANGE), None)
        for phase in plan.phases:
            if phase.scope == RUN:
                self.begin(_WHOLE_RUN)
                found |= evaluated(self.driver, phase, found, self.inputs.values)
            elif phase.scope == FILE:
                found |= self._of_files(phase, found)
            else:
                found |= self._sweep(phase, found, streams, sink, may_drop=phase is first)
        return {name: _whole(found[name]) for name in targets}

    def _sweep(
        self,
        phase: Phase,
        found: Mapping[str, Any],
        streams: Sequence[str],
        sink: Sink | None,
        *,
        may_drop: bool,
    ) -> dict[str, Any]:
        """The ranges of every file once: one value of those nodes that are wanted whole."""
        parts: dict[str, list[tuple[RowsBefore, Any]]] = {name: [] for name in phase.merged}
        streamed = [name for name in streams if name in phase.asked]

        def run_file(file: PlannedFile, progress: Progress) -> Progress:
            """The ranges of a file; InputError if it cannot be read, is too damaged or changed."""
            for event_range in file.ranges:
                task = RangeTask(Chunk(file, event_range), progress.budgets())
                results = result_of(task)
                for name in phase.merged:
                    parts[name].append((progress.before, results[name]))
                if sink is not None and streamed:
                    # What is written once must not stay in memory until the end.
                    asked = {name: peeked(results[name]) for name in streamed}
                    sink(task.chunk, asked, progress.before)
                    del asked
                progress = progress.after(results)
                # No name holds the results: they are gone when the next range begins.
                del results
            check_unchanged(file.ref)
            check_damage(progress, file.ref.path, self.config, reader_settings(self.config))
            return progress.after_file(file.n_events)

        progress = Progress.of_start(self.config)
        given = {name: found[name] for name in phase.given}
        with self.executor.opened(self, phase, given) as result_of:
            for file in self.usable:
                known = {name: len(part) for name, part in parts.items()}
                if sink is not None:
                    sink.begin_file()
                try:
                    progress = run_file(file, progress)
                except InputError as error:
                    if not may_drop:
                        # An earlier sweep has merged what it holds: it cannot be left out now.
                        raise
                    self._drop(file, error, sink)
                    for name, part in parts.items():
                        del part[known[name] :]
        self.begin(_WHOLE_RUN)
        return {name: whole(name, part, self.cache) for name, part in parts.items()}

    def _drop(self, file: PlannedFile, error: InputError, sink: Sink | None) -> None:
        """Note that a file failed; the error itself if no other is left."""
        if len(self.files) + len(self.failed) == 1:
            raise error
        left = FailedFile(file.ref.path, file.number, error.message)
        self.failed.append(left)
        if not self.usable:
            raise none_left(self.failed) from None
        tell_left_out(left)
        if sink is not None:
            sink.drop_file()

    def metadata(self) -> dict[int, SourceMetadata]:
        """What each file says of itself, by the number of the file."""
        node = "source_metadata"
        values = self._of_files(Phase(FILE, (node,), (), ()), {})[node]
        return {number: resolved(value) for number, value in values.items()}

    def _of_files(self, phase: Phase, found: Mapping[str, Any]) -> dict[str, PerFile]:
        """The nodes of a phase for each file, by its number."""
        values = {name: PerFile() for name in phase.asked}
        for file in self.usable:
            inputs = {**self.inputs.values, "source_file": file.ref}
            for name, value in evaluated(self.driver, phase, found, inputs).items():
                values[name][file.number] = value
        return values

    def survey(self, targets: Iterable[str]) -> list[Verdict]:
        """What a run would do with each node the targets need; nothing is executed."""
        assert self.cache is not None
        return surveyed(self.cache, self.run, targets)

    def begin(self, slot: str) -> None:
        """Tell the cache which part of the run comes next."""
        if self.cache is not None:
            self.cache.slot = slot

    def plan(self, targets: Iterable[str], streams: Iterable[str] = ()) -> Plan:
        """What a run would evaluate."""
        return planned(self.driver, self.resolved(targets), streams)

    def is_sequential(self, phase: Phase) -> bool:
        """Whether a range must know what the ranges before it kept: a cap is in force."""
        caps, needed = self.config.run, upstream(self.driver, phase.asked)
        return bool(
            (caps.max_events and _WITHIN_MAX_EVENTS & needed)
            or (caps.max_cones and _WITHIN_MAX_CONES & needed)
        )

    def _running_counts(self, targets: Iterable[str], streams: Iterable[str]) -> list[str]:
        if len(self.ranges) == 1:
            return []
        plan = self.plan(targets, streams)
        caps = self.config.run
        counts = []
        if {"neutron_shaped_events", "gamma_shaped_events"} & plan.merged():
            counts.append("hit_counters")
        if _NUMBERED & plan.needed or (caps.max_events and _WITHIN_MAX_EVENTS & plan.needed):
            counts.append("event_counters")
        if caps.max_cones and _WITHIN_MAX_CONES & plan.needed:
            counts.append("cone_counters")
        return counts


def open_session(
    config: ImagingConfig,
    sources: Path | Sequence[Path],
    folder: Path,
    cache: CacheOptions = NO_CACHE,
    executor: Executor | None = None,
) -> Session:
    """Plan a run over some files; InputError for missing, empty or wrong-kind files.

    Of several files those that can be read are used; the others stand in ``failed``.
    """
    paths = [sources] if isinstance(sources, Path) else list(sources)
    opened = open_cache(cache, definition("imaging").untracked)
    settings = reader_settings(config)
    files, failed = planned_files(config, paths, settings, opened, rehash=cache.rehash)
    restart = opened_restart(config, paths)
    inputs = graph_inputs(config, folder, source_name=_shown(paths), restart=restart)
    session = Session(config, files, inputs, opened, failed, executor or LocalExecutor(), restart)
    if opened is not None:
        opened.refreshed = tuple(session.resolved(cache.refreshed))
    return session


def _whole(value: Any) -> Any:
    """The value behind what a phase gave; of a node of scope ``file`` those of all files."""
    if isinstance(value, PerFile):
        return {number: resolved(of_file) for number, of_file in value.items()}
    return resolved(value)


def _shown(paths: Sequence[Path]) -> str:
    """The input as a figure names it."""
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"{paths[0].name}{more}"


def run_nodes(config: ImagingConfig, source: Path, targets: Iterable[str]) -> dict[str, Any]:
    """The values of some nodes for one file, from Python."""
    return open_session(config, source, source.parent).run(targets)
