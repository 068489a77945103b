"""Where the parts of a run are evaluated: in this process, in others of this machine, on Dask.

All give the same results in the same order. A worker is told where the pipeline stands, the
settings and the part; it builds the graph for itself and sends back the nodes that were asked for.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol, Self

from hamilton import driver

from ...schemas.errors import UsageError
from ...schemas.failures import Failure
from ..cache.execution import NodeCache
from ..cache.lazy import Lazy, n_rows_of, resolved
from ..cache.opening import NO_CACHE, CacheOptions, open_cache
from ..checks import freeze
from ..defaults import cores
from ..graph import build_driver
from ..node_records import Manifest, NodeRecord
from ..registry import definition_at
from .phases import Phase, evaluated

# Parts that wait at a worker while it computes another one.
_AHEAD_A_WORKER: Final = 2
_ANY: Final = -1


@dataclass(frozen=True)
class Recipe:
    """What is the same for every part of a phase.

    ``given`` holds the values of earlier phases that do not depend on the part. Of ``counted``
    nothing but the number of rows is wanted.
    """

    home: str
    choices: Mapping[str, Any]
    values: Mapping[str, Any]
    phase: Phase
    given: Mapping[str, Any]
    counted: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Results:
    """What a part gave: values of nodes, how many rows others have, failures nodes went on with."""

    values: Mapping[str, Any]
    n_rows: Mapping[str, int]
    taken: tuple[Failure, ...] = ()


@dataclass(frozen=True)
class Task:
    """One part: its name, what the graph is told of it, and its values of earlier phases.

    Those with the same ``affinity`` go to one worker, in their order.
    """

    number: int
    name: str
    inputs: Mapping[str, Any]
    given: Mapping[str, Any]
    affinity: str = ""


@dataclass(frozen=True)
class Here:
    """What evaluates parts in this process; ``let_go`` frees the cycles that a part left."""

    driver: driver.Driver
    manifest: Manifest
    cache: NodeCache | None
    let_go: Callable[[], object]


ResultOf = Callable[[Task], Results]
TaskOf = Callable[[int], Task]
"""The task of a part by its number, as far as it is known before the parts ahead of it are done."""


class Executor(Protocol):
    """Gives the results of the parts of a phase, asked for one after the other."""

    def opened(
        self, recipe: Recipe, here: Here, n_parts: int, ahead: TaskOf | None
    ) -> AbstractContextManager[ResultOf]:
        """A function that gives the results of a part; without ``ahead`` each waits for another."""

    def caching(self, options: CacheOptions) -> Executor:
        """The same where the processes of this machine keep what they make in a cache."""


class LocalExecutor:
    """Evaluates each part in this process when it is asked for."""

    @contextmanager
    def opened(
        self, recipe: Recipe, here: Here, n_parts: int, ahead: TaskOf | None
    ) -> Iterator[ResultOf]:
        """A function that evaluates a part."""
        del ahead

        def result_of(task: Task) -> Results:
            if n_parts > 1 and here.cache is not None:
                here.cache.end_part()
            if task.number:
                # Hamilton leaves cycles behind that hold the frames of a part: big but few
                # objects, which the collector would not hurry to look at.
                here.let_go()
            if here.cache is not None:
                here.cache.slot = task.name
            found = _results(here.driver, recipe, task)
            return replace(found, taken=here.manifest.noted())

        yield result_of

    def caching(self, options: CacheOptions) -> LocalExecutor:
        """The same: the session keeps what is made here."""
        del options
        return self


Packed = tuple[Any, str | None]
"""A value and its fingerprint."""


@dataclass(frozen=True)
class Answer:
    """What a worker sends back: the nodes that were asked for, and what became of all."""

    values: Mapping[str, Packed]
    n_rows: Mapping[str, int]
    records: Mapping[str, NodeRecord]
    taken: tuple[Failure, ...]


def evaluated_by_worker(recipe: Recipe, cache_options: CacheOptions, task: Task) -> Answer:
    """One part in a process of its own."""
    flow, manifest = definition_at(recipe.home), Manifest()
    cache = open_cache(cache_options, flow.untracked, flow.packages)
    if cache is not None:
        cache.slot = task.name
    dr = build_driver(flow, recipe.choices, manifest, cache)
    told = replace(recipe, given=_unpacked(recipe.given, with_cache=cache is not None))
    given = _unpacked(task.given, with_cache=cache is not None)
    found = _results(dr, told, replace(task, given=given))
    answer = Answer(_packed(found.values), found.n_rows, manifest.nodes, manifest.noted())
    if cache is not None:
        cache.store.close()
    return answer


def _packed(values: Mapping[str, Any]) -> dict[str, Packed]:
    """Values as another process can be sent them."""
    return {
        name: (resolved(value), value.fingerprint if isinstance(value, Lazy) else None)
        for name, value in values.items()
    }


def _unpacked(values: Mapping[str, Packed], *, with_cache: bool) -> dict[str, Any]:
    """Values from another process, read-only; known to the cache by the same fingerprint."""
    found = {}
    for name, (value, known) in values.items():
        freeze(value)
        found[name] = Lazy(value, fingerprint=known) if with_cache else value
    return found


def _results(dr: driver.Driver, recipe: Recipe, task: Task) -> Results:
    inputs = {**recipe.values, **task.inputs}
    found = evaluated(dr, recipe.phase, {**recipe.given, **task.given}, inputs)
    n_rows = {name: n_rows_of(found.pop(name)) for name in recipe.counted}
    return Results(found, n_rows)


class _Pools:
    """Processes by place: one each for what stays together, any of one pool for the rest."""

    def __init__(self, n_workers: int) -> None:
        self._n_workers = n_workers
        self._pools: dict[int, ProcessPoolExecutor] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for pool in self._pools.values():
            pool.shutdown(wait=kind is None, cancel_futures=kind is not None)

    def at(self, place: int) -> ProcessPoolExecutor:
        """The processes of a place, begun when they are first needed."""
        if place not in self._pools:
            size = self._n_workers if place == _ANY else 1
            spawn = multiprocessing.get_context("spawn")
            self._pools[place] = ProcessPoolExecutor(size, spawn)
        return self._pools[place]


@dataclass(frozen=True)
class ProcessExecutor:
    """Has parts evaluated by processes of this machine; 0 workers = as many as there are cores.

    They end with each phase, but those of ``lasting``.
    """

    workers: int = 0
    cache: CacheOptions = NO_CACHE
    pools: _Pools | None = None

    @contextmanager
    def lasting(self) -> Iterator[ProcessExecutor]:
        """The same with processes that go through all phases."""
        with _Pools(self._most()) as pools:
            yield replace(self, pools=pools)

    def _most(self) -> int:
        return cores(self.workers)

    @contextmanager
    def opened(
        self, recipe: Recipe, here: Here, n_parts: int, ahead: TaskOf | None
    ) -> Iterator[ResultOf]:
        """A function that fetches a part; the parts after it are worked on meanwhile."""
        n_workers = max(min(self._most(), n_parts), 1)
        told = _for_workers(recipe, n_workers)
        place_of = _Places(n_workers)
        with nullcontext(self.pools) if self.pools else _Pools(n_workers) as pools:

            def submit(task: Task) -> Any:
                return pools.at(place_of(task)).submit(evaluated_by_worker, told, self.cache, task)

            yield _Fetching(submit, _result_of_process, here, n_parts, n_workers, ahead)

    def caching(self, options: CacheOptions) -> ProcessExecutor:
        """The same, its processes with a cache."""
        return replace(self, cache=options)


@dataclass
class _Connection:
    """A client of Dask, from its first use until the block that ``stack`` belongs to ends."""

    stack: ExitStack
    client: Any = None


@dataclass(frozen=True)
class DaskExecutor:
    """Has parts evaluated by Dask: by the cluster of ``scheduler``, or by local processes.

    ``workers`` is the number of local processes; 0 = as many as there are cores. They end with
    each phase, but those of ``lasting``. Workers of a cluster must see the input files under the
    same paths, and have this package.
    """

    scheduler: str | None = None
    workers: int = 0
    cache: CacheOptions = NO_CACHE
    connection: _Connection | None = None

    @contextmanager
    def lasting(self) -> Iterator[DaskExecutor]:
        """The same with one connection for all phases, made when it is first needed."""
        with ExitStack() as stack:
            yield replace(self, connection=_Connection(stack))

    @contextmanager
    def opened(
        self, recipe: Recipe, here: Here, n_parts: int, ahead: TaskOf | None
    ) -> Iterator[ResultOf]:
        """A function that fetches a part; the parts after it are worked on meanwhile."""
        with ExitStack() as own:
            held = self.connection or _Connection(own)
            if held.client is None:
                held.client = self._client(held.stack)
            client = held.client
            addresses = sorted(client.scheduler_info(n_workers=-1)["workers"])
            n_workers = max(len(addresses), 1)
            place_of = _Places(n_workers)
            told = _for_workers(recipe, 1 if self.scheduler else n_workers)
            sent = client.scatter(told, broadcast=True)

            def submit(task: Task) -> Any:
                place = place_of(task)
                where = None if place == _ANY or not addresses else [addresses[place]]
                return client.submit(
                    evaluated_by_worker, sent, self.cache, task, pure=False, workers=where
                )

            yield _Fetching(submit, _result_of_dask, here, n_parts, n_workers, ahead)

    def caching(self, options: CacheOptions) -> DaskExecutor:
        """The same; the workers of a cluster do not see a folder of this machine."""
        return self if self.scheduler else replace(self, cache=options)

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
            n_workers=cores(self.workers),
            threads_per_worker=1,
            processes=True,
            dashboard_address=":0",
            silence_logs="ERROR",
        )
        stack.enter_context(cluster)
        return stack.enter_context(distributed.Client(cluster))


class _Places:
    """Which worker takes a part: what has an affinity, always the same one."""

    def __init__(self, n_workers: int) -> None:
        self._n_workers = n_workers
        self._known: dict[str, int] = {}

    def __call__(self, task: Task) -> int:
        if not task.affinity:
            return _ANY
        return self._known.setdefault(task.affinity, len(self._known) % self._n_workers)


def _for_workers(recipe: Recipe, n_workers: int) -> Recipe:
    """With values instead of promises, and the threads of this machine shared out."""
    values = dict(recipe.values)
    if "threads" in values:
        is_number = isinstance(values["threads"], int)
        here = values["threads"] if is_number else values["threads"].count
        count = max(here // n_workers, 1)
        values["threads"] = count if is_number else replace(values["threads"], count=count)
    return replace(recipe, values=values, given=_packed(recipe.given))


def _result_of_process(future: Any) -> Answer:
    answer: Answer = future.result()
    return answer


def _result_of_dask(future: Any) -> Answer:
    answer: Answer = future.result()
    # The cluster would hold it for as long as anything here does.
    future.release()
    return answer


class _Fetching:
    """Asks for parts in order and keeps the workers busy with those that follow."""

    def __init__(
        self,
        submit: Callable[[Task], Any],
        answer_of: Callable[[Any], Answer],
        here: Here,
        n_parts: int,
        n_workers: int,
        ahead: TaskOf | None,
    ) -> None:
        self._submit = submit
        self._answer_of = answer_of
        self._here = here
        self._n_parts = n_parts
        self._n_ahead = _AHEAD_A_WORKER * n_workers
        self._task_ahead = ahead
        self._submitted: dict[int, Any] = {}

    def __call__(self, task: Task) -> Results:
        if task.number not in self._submitted:
            self._submitted[task.number] = self._sent(task)
        if self._task_ahead is not None:
            last = min(task.number + 1 + self._n_ahead, self._n_parts)
            for number in range(task.number + 1, last):
                if number not in self._submitted:
                    self._submitted[number] = self._sent(self._task_ahead(number))
        answer = self._answer_of(self._submitted.pop(task.number))
        self._here.manifest.add(answer.records)
        values = _unpacked(answer.values, with_cache=self._here.cache is not None)
        return Results(values, answer.n_rows, answer.taken)

    def _sent(self, task: Task) -> Any:
        return self._submit(replace(task, given=_packed(task.given)))
