"""Stage studies: the error of the veto efficiency over wall time."""

from __future__ import annotations

from hamilton.function_modifiers import tag

from ...schemas.cosmics.counts import CutCounts
from ...schemas.cosmics.cuts import CutsInEffect
from ...schemas.cosmics.projection import EfficiencyProjection, ProjectionSettings
from ...schemas.cosmics.results import Normalisation
from ...schemas.cosmics.statistics import StatisticsSettings
from .error_over_time import projected


@tag(stage="studies", scope="run", main="true")
def efficiency_projection(
    cut_counts: CutCounts,
    normalisation: Normalisation,
    cuts: CutsInEffect,
    statistics: StatisticsSettings,
    projection: ProjectionSettings,
) -> EfficiencyProjection:
    """The error of the veto efficiency of the selected events over wall time."""
    selected, unvetoed = (int(n) for n in cut_counts.in_window[0])
    fraction = projection.live_fraction["on" if cuts.on_spill else "off"]
    return projected(
        selected, unvetoed, normalisation.livetime_s, fraction, projection.target, statistics.sigma
    )
