"""Results of a run as they lie in its file, and what a comparison of several says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from ..histograms import Histogram
from ..tables import Column, TableSchema


@dataclass(frozen=True)
class RunResults:
    """What a file of the cosmics pipeline says.

    Attributes
    ----------
    name
        How tables and figures call it.
    cutset, cutset_hash
        The cut set, and what decides which tracks pass.
    cut_flow, effective_cuts
        As their schemas of these names.
    histograms
        By name, each over its axis and the selections.
    window_rates
        By window the numbers by name.
    survivors
        Run, subrun and event of the unvetoed events; absent where the run did not store them.
    settings
        Dotted name and value of every setting.
    verdict
        Whether the files are complete: "pass", "warn" or "fail".
    inputs
        Hashes of the files that were read.
    """

    name: str
    cutset: str
    cutset_hash: str
    cut_flow: pd.DataFrame
    effective_cuts: pd.DataFrame
    histograms: Mapping[str, Histogram]
    window_rates: Mapping[str, Mapping[str, Any]]
    survivors: pd.DataFrame | None
    settings: Mapping[str, Any]
    verdict: str
    inputs: tuple[str, ...] = ()


FLOW_COMPARISON: Final = TableSchema(
    "FlowComparison",
    "a cut that is on in A or in B; before them all events",
    (
        Column("cut", "category", "", "name of the cut"),
        Column("events_a", "int64", "", "events of A after it; -1 where it is off"),
        Column("events_b", "int64", "", "events of B after it; -1 where it is off"),
        Column("absolute_a_pct", "float64", "%", "of all events of A", nullable=True),
        Column("absolute_b_pct", "float64", "%", "of all events of B", nullable=True),
        Column("difference_pct", "float64", "%", "B less A", nullable=True),
        Column("significance", "float64", "", "of it, in standard deviations", nullable=True),
        Column("exact", "bool", "", "Fisher's test, for few events; else two proportions"),
    ),
)

HISTOGRAM_COMPARISON: Final = TableSchema(
    "HistogramComparison",
    "a histogram of a selection that both have with the same bins",
    (
        Column("histogram", "category", "", "its name"),
        Column("selection", "category", "", "the selection"),
        Column("entries_a", "float64", "", "entries of A within the axis"),
        Column("entries_b", "float64", "", "entries of B within the axis"),
        Column("chi2", "float64", "", "chi-square of the shapes", nullable=True),
        Column("ndf", "int64", "", "its degrees of freedom; 0 without entries", at_least=0),
        Column("chi2_p", "float64", "", "its p-value", nullable=True, at_least=0, at_most=1),
        Column("ks", "float64", "", "Kolmogorov's distance of the shapes", nullable=True),
        Column("ks_p", "float64", "", "its p-value, too large for bins", nullable=True),
    ),
)

SURVIVORS: Final = TableSchema(
    "SurvivorComparison",
    "an unvetoed event of A or of B",
    (
        Column("run", "int64", "", "number of the run"),
        Column("subrun", "int64", "", "number of the subrun"),
        Column("event", "int64", "", "number of the event"),
        Column("survives", "category", "", "where", categories=("A", "B", "both")),
    ),
)


@dataclass(frozen=True)
class DatasetComparison:
    """Two runs side by side: A, and B that is compared with it.

    Attributes
    ----------
    name_a, name_b
        What the runs are called.
    common_inputs
        How many input files both have read: events of these are in both, and the significances,
        which are of independent samples, too small.
    same_cuts
        Whether the same cuts with the same bounds are in effect.
    cut_differences
        Of each cut that differs how it is in A and in B.
    setting_differences
        Dotted name, value in A, value in B; None where one has no such setting.
    flow, histograms
        As FlowComparison and HistogramComparison.
    other_bins
        Histograms that both have, but with other bins.
    survivors
        As SurvivorComparison; absent where a run did not store its events.
    """

    name_a: str
    name_b: str
    common_inputs: int
    same_cuts: bool
    cut_differences: tuple[tuple[str, str, str], ...]
    setting_differences: tuple[tuple[str, Any, Any], ...]
    flow: pd.DataFrame
    histograms: pd.DataFrame
    other_bins: tuple[str, ...]
    survivors: pd.DataFrame | None
