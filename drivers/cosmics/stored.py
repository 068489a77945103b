"""What a run file of cosmics holds, read back: every table, figure and report is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import pandas as pd

from ...nodes.hdf5_content import Content, opened_content
from ...schemas.cosmics.frames import TABLES
from ...schemas.errors import InputError
from ...schemas.histograms import Histogram
from ..hdf5_histograms import read_histogram
from ..hdf5_values import values_below
from ..runfile.datasets import Datasets
from ..runfile.exporting import stored_table, stored_tables
from ..runfile.record import run_record
from ..runfile.summary import facts_of_making

LEDGER = "provenance/input_files"
PROJECTION = "studies/efficiency_projection"
_NEEDED: Final = (
    "histograms",
    "not_in_histograms",
    "normalisation/window_rates",
    "normalisation/normalisation",
    "studies/veto_study",
    "verdict/run_summary",
)


@dataclass(frozen=True)
class Stored:
    """The values of one run by the names of their nodes."""

    frames: Mapping[str, pd.DataFrame]
    histograms: Mapping[str, Histogram]
    missing: Mapping[str, Any]
    window_rates: Mapping[str, Mapping[str, Any]]
    normalisation: Mapping[str, Any]
    veto_study: Mapping[str, Any]
    projection: Mapping[str, Any]
    summary: Mapping[str, Any]
    input_files: pd.DataFrame
    facts: Mapping[str, Any]

    @cached_property
    def faults(self) -> tuple[str, ...]:
        """What failed of the verdict, as sentences; empty if nothing did."""
        verdict = self.frames["verdict"]
        return tuple(verdict["message"][(verdict["status"] == "fail").to_numpy()])

    @cached_property
    def is_active(self) -> Mapping[str, bool]:
        """Which cuts are on."""
        cuts = self.frames["effective_cuts"]
        return dict(zip(cuts["cut"], cuts["active"], strict=True))


def stored(path: Path) -> Stored:
    """Read a run file; InputError if something of it is absent or damaged."""
    with opened_content(path) as content:
        absent = [name for name in _NEEDED if name not in content]
        if absent:
            msg = f"{path}: holds no {absent[0]}; run it again without --until and --target."
            raise InputError(msg, file=path, code="no_results")
        frames = {t.name: _in_order(t.frame()) for t in stored_tables(content)}
        group = content.content("histograms")
        nans = content.content("not_in_histograms")
        return Stored(
            frames,
            {name: read_histogram(group.content(name)) for name in group},
            {name: nans[name][()] for name in nans},
            _windows(content.content("normalisation/window_rates")),
            values_below(content.content("normalisation/normalisation")),
            values_below(content.content("studies/veto_study")),
            values_below(content.content(PROJECTION)) if PROJECTION in content else {},
            values_below(content.content("verdict/run_summary")),
            _in_order(stored_table("input_files", content.content(LEDGER)).frame()),
            facts_of_making(run_record(Datasets(content.group, path)), path),
        )


def _in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """The columns in the order of their schema; a file holds them by name."""
    names = set(frame.columns)
    table = next((t for t in TABLES.values() if set(t.names) == names), None)
    return frame if table is None else frame[table.names]


def _windows(group: Content) -> dict[str, dict[str, Any]]:
    order = ("Inclusive", "Wide", "Extended", "Signal")
    return {name: values_below(group.content(name)) for name in order}
