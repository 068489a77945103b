"""A run of the germanium pipeline: channels side by side, and what an answer tells of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..cache.opening import NO_CACHE, CacheOptions
from ..config import LoadedConfig
from ..engine.executors import Executor, ProcessExecutor
from ..engine.report import RunReport
from ..engine.running import run_pipeline
from .summary import channels_summary, verdict_of


def run_config(
    loaded: LoadedConfig[Any],
    *,
    cache: CacheOptions = NO_CACHE,
    executor: Executor | None = None,
    **options: Any,
) -> RunReport:
    """Run a config; ``[run] workers`` other than 1 has channels evaluated by other processes."""
    report = run_pipeline(
        loaded, cache=cache, executor=executor or _executor(loaded, cache), **options
    )
    report.summary = channels_summary(report.values, report.failed, _channels(report))
    report.verdict = verdict_of(report.values, loaded.config.germanium)
    return report


def _channels(report: RunReport) -> list[str]:
    """Every channel that has a value or a failure, in the order of the input."""
    by_node = [value for value in report.values.values() if isinstance(value, Mapping)]
    named = [str(f.at["channel"]) for f in report.failed if "channel" in f.at]
    return list(dict.fromkeys([*(str(key) for value in by_node for key in value), *named]))


def _executor(loaded: LoadedConfig[Any], cache: CacheOptions) -> Executor | None:
    workers = loaded.config.run.workers
    if workers == 1:
        return None
    return ProcessExecutor(0 if workers == "auto" else workers, replace(cache))
