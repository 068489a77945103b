"""A run of the germanium pipeline: channels side by side, and what an answer tells of each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..cache.opening import NO_CACHE, CacheOptions
from ..config import LoadedConfig
from ..engine.executors import Executor, ProcessExecutor
from ..engine.report import RunReport
from ..engine.running import run_pipeline


def run_config(
    loaded: LoadedConfig[Any],
    *,
    cache: CacheOptions = NO_CACHE,
    executor: Executor | None = None,
    **options: Any,
) -> RunReport:
    """Run a config; ``[run] workers`` other than 1 has channels evaluated by other processes."""
    return run_pipeline(
        loaded, cache=cache, executor=executor or _executor(loaded, cache), **options
    )


def _executor(loaded: LoadedConfig[Any], cache: CacheOptions) -> Executor | None:
    workers = loaded.config.run.workers
    if workers == 1:
        return None
    return ProcessExecutor(0 if workers == "auto" else workers, replace(cache))
