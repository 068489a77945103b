"""A run of the cosmics pipeline, its ranges of events side by side where that is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ...schemas.cosmics.config import CosmicsConfig
from ..cache.opening import NO_CACHE, CacheOptions
from ..config import LoadedConfig
from ..engine.executors import Executor, ProcessExecutor
from ..engine.report import RunReport
from ..engine.running import run_pipeline


def run_config(
    loaded: LoadedConfig[CosmicsConfig],
    *,
    cache: CacheOptions = NO_CACHE,
    executor: Executor | None = None,
    **options: Any,
) -> RunReport:
    """Run a config; ``[run] workers`` has ranges evaluated by processes, where none are given."""
    with side_by_side(loaded, cache) as processes:
        return run_pipeline(loaded, cache=cache, executor=executor or processes, **options)


@contextmanager
def side_by_side(
    loaded: LoadedConfig[CosmicsConfig], cache: CacheOptions
) -> Iterator[Executor | None]:
    """The processes that ``[run] workers`` asks for; None = this one alone."""
    workers = loaded.config.run.workers
    if workers in ("auto", 1):
        yield None
        return
    with ProcessExecutor(int(workers), cache).lasting() as processes:
        yield processes
