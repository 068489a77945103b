"""Stage comparison: two runs side by side."""

from __future__ import annotations

from hamilton.function_modifiers import tag

from ...schemas.cosmics.comparison import DatasetComparison, RunResults
from .side_by_side import (
    compared_cuts,
    compared_flows,
    compared_histograms,
    compared_settings,
    compared_survivors,
)


@tag(stage="comparison")
def dataset_comparison(results_a: RunResults, results_b: RunResults) -> DatasetComparison:
    """What differs between two runs, and how significantly."""
    table, other_bins = compared_histograms(results_a, results_b)
    return DatasetComparison(
        results_a.name,
        results_b.name,
        len({*results_a.inputs} & {*results_b.inputs}),
        results_a.cutset_hash == results_b.cutset_hash,
        compared_cuts(results_a.effective_cuts, results_b.effective_cuts),
        compared_settings(results_a, results_b),
        compared_flows(results_a.cut_flow, results_b.cut_flow),
        table,
        other_bins,
        compared_survivors(results_a.survivors, results_b.survivors),
    )
