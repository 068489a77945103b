"""Stage studies: what other thresholds would give, from the extremes alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag

from ...schemas.arrays import U4, frozen
from ...schemas.cosmics.counts import ScanCounts
from ...schemas.cosmics.cuts import CutsInEffect
from ...schemas.cosmics.frames import THRESHOLD_SCANS
from ...schemas.cosmics.statistics import StatisticsSettings
from ..statistics.intervals import fraction_of
from .bits import changed_bits, mask_of, n_events_with, passes_all, selection_places
from .intervals import fraction_interval


@tag(stage="studies", helper="true")
@config.when(scan="some")
def scan_counts(
    track_extremes: pd.DataFrame,
    event_extremes: pd.DataFrame,
    veto_times_ns: pd.DataFrame,
    cut_bits: U4,
    cuts: CutsInEffect,
    scan_points: tuple,
) -> ScanCounts:
    """Events in the last row, Select and Unvetoed at each point of the scan.

    ``scan_points`` are tuples of names of thresholds with their values. Only the cuts that
    a scanned threshold bounds are looked at again.
    """
    rows = track_extremes["event_row"].to_numpy()
    word = mask_of(cuts.active)
    places = selection_places(cuts)
    tables = (track_extremes, event_extremes, veto_times_ns)
    counts = np.zeros((len(scan_points), 3), np.int64)
    for k, point in enumerate(scan_points):
        changed = changed_bits(cut_bits, tables, cuts, dict(point))
        masks = (
            (changed & word) == word,
            passes_all(changed, places["Select"]),
            passes_all(changed, places["Unvetoed"]),
        )
        counts[k] = [n_events_with(mask, rows) for mask in masks]
    return ScanCounts(frozen(counts))


@tag(stage="studies", schema="ThresholdScans", scope="run")
@config.when(scan="none")
def threshold_scans__none() -> pd.DataFrame:
    """Nothing: no threshold is scanned."""
    return THRESHOLD_SCANS.empty()


@tag(stage="studies", schema="ThresholdScans", scope="run", main="true")
@config.when(scan="some")
def threshold_scans__some(
    scan_counts: ScanCounts, scan_points: tuple, statistics: StatisticsSettings
) -> pd.DataFrame:
    """The last row, Select, Unvetoed and the veto efficiency at each point of the scan."""
    last, selected, unvetoed = scan_counts.counts.T
    lower, upper = fraction_interval(unvetoed, selected, statistics)
    first = [point[0] for point in scan_points]
    second = [point[1] if len(point) > 1 else ("", np.nan) for point in scan_points]
    return THRESHOLD_SCANS.frame(
        {
            "threshold": pd.Categorical([name for name, _ in first]),
            "value": [value for _, value in first],
            "second_threshold": pd.Categorical([name for name, _ in second]),
            "second_value": [value for _, value in second],
            "events": last,
            "selected": selected,
            "unvetoed": unvetoed,
            "veto_efficiency": 1.0 - fraction_of(unvetoed, selected),
            "veto_efficiency_lo": 1.0 - upper,
            "veto_efficiency_hi": 1.0 - lower,
        }
    )
