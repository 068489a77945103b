"""Where the ranges of a run are evaluated: in this process, or by the workers of a cluster.

Both give the same results in the same order. A worker of Dask is told the settings, the file and
the range, builds the graph for itself and sends back the values of the nodes that were asked for.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Protocol

from ...schemas.errors import UsageError
from ..cache.lazy import Lazy, resolved
from ..cache.opening import NO_CACHE, CacheOptions, open_cache
from ..checks import freeze
from ..engine.phases import Phase, evaluated
from ..graph import build_driver
from ..node_execution import Manifest, NodeRecord
from ..registry import definition
from .sources import Chunk

if TYPE_CHECKING:
    from .session import Session

# Ranges that wait at a worker while it computes another one.
_AHEAD_A_WORKER: Final = 2


@dataclass(frozen=True)
class RangeTask:
    """A range to be evaluated, with what the ranges before leave of the caps."""

    chunk: Chunk
    budgets: Mapping[str, int]

    @property
    def slot(self) -> str:
        """Name of the range among the ranges of a run."""
        events, number = self.chunk.event_range, self.chunk.file.number
        name = f"{events.first_event}+{events.n_events}"
        return name if number == 0 else f"{number}:{name}"

    @property
    def inputs(self) -> dict[str, Any]:
        """What the graph is told of the range."""
        return {
            "source_file": self.chunk.file.ref,
            "event_range": self.chunk.event_range,
            **self.budgets,
        }


ResultOf = Callable[[RangeTask], Mapping[str, Any]]


class Executor(Protocol):
    """Gives the results of the ranges of a session, asked for one after the other."""

    def opened(
        self, session: Session, phase: Phase, given: Mapping[str, Any]
    ) -> AbstractContextManager[ResultOf]: ...


class LocalExecutor:
    """Evaluates each range in this process when it is asked for."""

    @contextmanager
    def opened(
        self, session: Session, phase: Phase, given: Mapping[str, Any]
    ) -> Iterator[ResultOf]:
        """A function that evaluates a range."""
        several = len(session.ranges) > 1

        def result_of(task: RangeTask) -> Mapping[str, Any]:
            if several:
                # Hamilton leaves cycles behind that hold the frames of a range: big but few
                # objects, which the collector would not hurry to look at.
                gc.collect(1)
            session.begin(task.slot)
            inputs = {**session.inputs.values, **task.inputs}
            return evaluated(session.driver, phase, given, inputs)

        yield result_of


@dataclass(frozen=True)
class Recipe:
    """What a worker needs to evaluate any range of a run."""

    choices: Mapping[str, Any]
    values: Mapping[str, Any]
    phase: Phase
    given: Mapping[str, Any]
    cache: CacheOptions


@dataclass(frozen=True)
class Answer:
    """What a worker sends back: value and fingerprint of each node, and what became of all."""

    values: Mapping[str, tuple[Any, str | None]]
    records: Mapping[str, NodeRecord]


def evaluated_by_worker(recipe: Recipe, task: RangeTask) -> Answer:
    """One range in a process of its own."""
    pipeline, manifest = definition("imaging"), Manifest()
    cache = open_cache(recipe.cache, pipeline.untracked)
    if cache is not None:
        cache.slot = task.slot
    dr = build_driver(pipeline, recipe.choices, manifest, cache)
    inputs = {**recipe.values, **task.inputs}
    found = evaluated(dr, recipe.phase, recipe.given, inputs)
    values = {
        name: (resolved(v), v.fingerprint if isinstance(v, Lazy) else None)
        for name, v in found.items()
    }
    if cache is not None:
        cache.store.close()
    return Answer(values, manifest.nodes)


@dataclass(frozen=True)
class DaskExecutor:
    """Has ranges evaluated by Dask: by the cluster of ``scheduler``, or by local processes.

    ``workers`` is the number of local processes; 0 = as many as there are cores. Workers of a
    cluster must see the input files under the same paths, and have this package.
    """

    scheduler: str | None = None
    workers: int = 0
    cache: CacheOptions = NO_CACHE

    @contextmanager
    def opened(
        self, session: Session, phase: Phase, given: Mapping[str, Any]
    ) -> Iterator[ResultOf]:
        """A function that fetches a range; the ranges after it are worked on meanwhile."""
        with ExitStack() as stack:
            client = self._client(stack)
            n_workers = max(len(client.scheduler_info(n_workers=-1)["workers"]), 1)
            threads = session.inputs.values["threads"]
            share = (
                threads
                if self.scheduler
                else replace(threads, count=max(threads.count // n_workers, 1))
            )
            recipe = client.scatter(
                Recipe(
                    session.inputs.choices,
                    {**session.inputs.values, "threads": share},
                    phase,
                    {name: resolved(value) for name, value in given.items()},
                    self.cache,
                ),
                broadcast=True,
            )
            ahead = 0 if session.is_sequential(phase) else _AHEAD_A_WORKER * n_workers
            yield _Fetching(session, client, recipe, ahead)

    def _client(self, stack: ExitStack) -> Any:
        try:
            import distributed
        except ImportError:
            msg = (
                "--executor dask needs Dask's distributed, which is not installed. "
                "Run: pip install 'radiograph[dask]', or leave --executor out."
            )
            raise UsageError(msg, key="executor") from None
        if self.scheduler:
            try:
                return stack.enter_context(distributed.Client(self.scheduler, timeout="20s"))
            except (OSError, ValueError, TimeoutError) as reason:
                msg = (
                    f"--scheduler {self.scheduler}: no Dask scheduler answers there ({reason}). "
                    "Start one (dask scheduler), or leave --scheduler out for local processes."
                )
                raise UsageError(msg, key="scheduler") from None
        cluster = distributed.LocalCluster(
            n_workers=self.workers or len(os.sched_getaffinity(0)),
            threads_per_worker=1,
            processes=True,
            dashboard_address=":0",
            silence_logs="ERROR",
        )
        stack.enter_context(cluster)
        return stack.enter_context(distributed.Client(cluster))


class _Fetching:
    """Asks for ranges in order and keeps the workers busy with those that follow."""

    def __init__(self, session: Session, client: Any, recipe: Any, ahead: int) -> None:
        self._session = session
        self._client = client
        self._recipe = recipe
        self._ahead = ahead
        self._chunks = [Chunk(file, r) for file in session.files for r in file.ranges]
        self._submitted: dict[Chunk, Any] = {}

    def __call__(self, task: RangeTask) -> Mapping[str, Any]:
        here = self._chunks.index(task.chunk)
        for chunk in self._chunks[here : here + 1 + self._ahead]:
            if chunk not in self._submitted:
                work = RangeTask(chunk, task.budgets)
                self._submitted[chunk] = self._client.submit(
                    evaluated_by_worker, self._recipe, work, pure=False
                )
        future = self._submitted.pop(task.chunk)
        answer: Answer = future.result()
        future.release()
        self._session.manifest.add(answer.records)
        with_cache = self._session.cache is not None
        results = {}
        for name, (value, known) in answer.values.items():
            freeze(value)
            results[name] = Lazy(value, fingerprint=known) if with_cache else value
        return results
