"""A run of the germanium pipeline: channels side by side, and what an answer tells of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...nodes.germanium.lh5 import layout_of
from ...schemas.errors import InputError
from ..config import LoadedConfig
from ..defaults import cores
from ..engine.input_files import found_paths
from ..engine.report import RunReport
from ..engine.running import run_pipeline
from ..registry import definition_of
from .summary import channels_summary, failed_check, verdict_of


def run_config(loaded: LoadedConfig[Any], **options: Any) -> RunReport:
    """Run a config, and say what became of each channel."""
    report = run_pipeline(loaded, **options)
    report.summary = channels_summary(report.values, report.failed, _channels(report))
    report.verdict = verdict_of(report.values, loaded.config.germanium)
    report.warnings += [failed_check(c) for c in report.verdict if c["status"] == "fail"]
    return report


def _channels(report: RunReport) -> list[str]:
    """Every channel that has a value or a failure, in the order of the input."""
    by_node = [value for value in report.values.values() if isinstance(value, Mapping)]
    named = [str(f.at["channel"]) for f in report.failed if "channel" in f.at]
    return list(dict.fromkeys([*(str(key) for value in by_node for key in value), *named]))


def processes(loaded: LoadedConfig[Any]) -> int:
    """As many as [run] workers asks for ("auto" = one a core); one where there is one channel."""
    n = cores(loaded.config.run.workers)
    if n == 1 or len(loaded.config.germanium.channels) == 1 or _n_channels(loaded) < 2:
        return 1
    return n


def _n_channels(loaded: LoadedConfig[Any]) -> int:
    """Channels in the first file of the input; 0 if it cannot be read."""
    (source,) = definition_of(loaded.config).sources[:1]
    for path in found_paths(loaded, source)[:1]:
        try:
            return len({table.channel for table in layout_of(path).tables})
        except InputError:
            return 0
    return 0
