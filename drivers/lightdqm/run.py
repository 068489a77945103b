"""Runs of the light pipeline: one file in; numbers, pictures and a report out.

Nothing is written before the request is known to be possible, and each file appears under its
name only when it is whole.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pandas as pd

from ...schemas.errors import ConfigError, InputError, SettingProblem, UsageError
from ...schemas.lightdqm.config import LightDqm, LightDqmConfig
from ...schemas.lightdqm.settings import RunFacts
from ..cache.explaining import remember_settings
from ..cache.opening import NO_CACHE, CacheOptions
from ..config import LoadedConfig, config_rows, resolved_path
from ..files import replaced_file, writable
from ..graph import visible_nodes
from ..node_execution import NodeRecord
from .file_names import FileSelection, chosen_files, stem
from .output import write_numbers, write_parquet
from .session import Session, open_session

log = logging.getLogger("radiograph.run")

NUMBERS: Final = (
    "light_layout",
    "trigger_counts",
    "missing_adcs",
    "selected_events",
    "waveform_features",
    "noise_summary",
    "baseline_summary",
    "light_hits",
    "spark_rates",
    "dqm_fractions",
    "power_spectra",
    "epcb_spectra",
    "noise_tones",
    "picked_waveforms",
    "channel_masks",
    "dqm_verdict",
)
"""The nodes whose values a full run writes."""
FIGURES: Final = "light_figures"
_ARGUMENTS: Final = (
    "input_path",
    "nfiles",
    "start_run",
    "ncomp",
    "output_dir",
    "units",
    "ptps16bit",
    "max_evts",
    "powspec_nevts",
)


@dataclass
class LightReport:
    """What became of one file, as ``--json`` prints it; ``values`` are those of the nodes."""

    input: str
    status: str
    output: str
    targets: list[str]
    figures: list[str]
    counters: dict[str, int]
    verdict: list[dict[str, Any]]
    seconds: float
    nodes: Mapping[str, Any]
    warnings: list[str] = field(default_factory=list)
    problems: list[dict[str, Any]] = field(default_factory=list)
    failed: list[dict[str, Any]] = field(default_factory=list)
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def as_json(self) -> dict[str, Any]:
        """The report as plain values."""
        return {name: value for name, value in vars(self).items() if name != "values"}
