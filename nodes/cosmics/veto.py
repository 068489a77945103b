"""Stage studies: what every veto window of a grid vetoes, in one pass over the time differences."""

from __future__ import annotations

import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.arrays import U1
from ...schemas.cosmics.counts import VetoCounts
from ...schemas.cosmics.statistics import StatisticsSettings
from ...schemas.cosmics.veto import VetoGrid, VetoStudy
from .window_grid import studied, veto_counts_of


@tag(stage="studies", helper="true")
def veto_counts(
    veto_times_ns: pd.DataFrame,
    track_extremes: pd.DataFrame,
    event_extremes: pd.DataFrame,
    selections: U1,
    veto_grid: VetoGrid,
) -> VetoCounts:
    """Events of Select with a time difference in each window, of all their electron fits."""
    parents = track_extremes["event_row"].to_numpy()
    return veto_counts_of(veto_times_ns, parents, selections, len(event_extremes), veto_grid)


@tag(stage="studies", scope="run", main="true")
def veto_study(veto_counts: VetoCounts, statistics: StatisticsSettings) -> VetoStudy:
    """Efficiency of each veto window on the events of Select, with its interval."""
    return studied(veto_counts, statistics)
