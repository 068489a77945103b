"""Stage studies: dead time on signal against veto efficiency on cosmic rays, window by window.

The signal, with pile-up in the veto counters, goes through the same cuts; what the veto takes of
it is dead time.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag

from ...schemas.cosmics.columns import AbsentLeaves, EventColumns
from ...schemas.cosmics.counts import VetoCounts
from ...schemas.cosmics.cuts import CutsInEffect
from ...schemas.cosmics.frames import DEAD_TIME_CURVE
from ...schemas.cosmics.statistics import StatisticsSettings
from ...schemas.cosmics.veto import SignalExtremes, VetoGrid, VetoStudy
from ...schemas.sources import EventRange, FileRef
from .absent import check_leaves
from .added_cuts import added_cut_marks__none, added_cut_marks__some
from .cuts import cut_marks, selections
from .extremes import event_extremes, track_extremes, veto_times_ns
from .readers import read_columns
from .window_grid import studied, veto_counts_of


@tag(stage="studies", scope="signal_range", helper="true")
@config.when(signal="given")
def signal_extremes(
    signal_file: FileRef,
    event_range: EventRange,
    tree: str,
    input_format: str,
    track_pdg: int,
    added_cuts: tuple,
) -> SignalExtremes:
    """What the cuts look at of a range of signal events."""
    found: EventColumns = read_columns(signal_file, event_range, tree, input_format)
    numbers, coincidences = found.event_numbers, found.coincidences
    added = (
        added_cut_marks__some(numbers, found.tracks, found.segments, coincidences, added_cuts)
        if added_cuts else added_cut_marks__none(found.tracks)
    )  # fmt: skip
    return SignalExtremes(
        track_extremes(found.tracks, found.segments, found.true_particles, track_pdg),
        event_extremes(numbers, found.tracks, coincidences),
        veto_times_ns(numbers, found.tracks, found.segments, coincidences),
        added,
        AbsentLeaves(tuple(sorted(found.absent))),
    )


@tag(stage="studies", scope="signal_range", helper="true")
@config.when(signal="given")
def signal_veto_counts(
    signal_extremes: SignalExtremes,
    signal_file: FileRef,
    cuts: CutsInEffect,
    veto_grid: VetoGrid,
) -> VetoCounts:
    """Signal events of Select that each window vetoes."""
    # Where the file stands is no part of what is kept of its content.
    absent = replace(signal_extremes.absent, path=signal_file.path)
    for place in cuts.active:
        cut = cuts.cuts[place].cut
        check_leaves(absent, cut.leaves, f"the cut {cut.name}")
    tracks, events, veto = signal_extremes.tracks, signal_extremes.events, signal_extremes.veto
    bits = cut_marks(tracks, events, veto, signal_extremes.added, cuts).bits
    parents = tracks["event_row"].to_numpy()
    return veto_counts_of(veto, parents, selections(bits, cuts), len(events), veto_grid)


@tag(stage="studies", scope="run")
@config.when(signal="given")
def signal_veto_study(signal_veto_counts: VetoCounts, statistics: StatisticsSettings) -> VetoStudy:
    """Dead time of each veto window on the signal sample, with its interval."""
    return studied(signal_veto_counts, statistics)


@tag(stage="studies", schema="DeadTimeCurve", scope="run")
@config.when(signal="none")
def dead_time_curve__none() -> pd.DataFrame:
    """Nothing: there is no signal sample."""
    return DEAD_TIME_CURVE.empty()


@tag(stage="studies", schema="DeadTimeCurve", scope="run", main="true")
@config.when(signal="given")
def dead_time_curve__given(
    veto_study: VetoStudy, signal_veto_study: VetoStudy, veto_target: float
) -> pd.DataFrame:
    """Efficiency on cosmic rays against dead time on signal, one row a window.

    Chosen are the narrowest window that reaches the target, and of all that do the one of least
    dead time; the figure of merit is efficiency x (1 - dead time).
    """
    n_lo, n_hi = veto_study.vetoed.shape
    lo, hi = np.repeat(veto_study.lo_ns, n_hi), np.tile(veto_study.hi_ns, n_lo)
    dead = signal_veto_study.fraction.ravel()
    efficiency = veto_study.fraction.ravel()
    reaches = efficiency >= veto_target
    merit = efficiency * (1.0 - dead)
    return DEAD_TIME_CURVE.frame(
        {
            "lo_ns": lo,
            "hi_ns": hi,
            "vetoed": veto_study.vetoed.ravel(),
            "efficiency": efficiency,
            "efficiency_lo": veto_study.fraction_lo.ravel(),
            "efficiency_hi": veto_study.fraction_hi.ravel(),
            "dead": signal_veto_study.vetoed.ravel(),
            "dead_time": dead,
            "dead_time_lo": signal_veto_study.fraction_lo.ravel(),
            "dead_time_hi": signal_veto_study.fraction_hi.ravel(),
            "merit": merit,
            "reaches_target": reaches,
            "is_narrowest": _is_first(hi - lo, reaches),
            "is_least_dead": _is_first(dead, reaches),
        }
    )


def _is_first(values: Any, among: Any) -> Any:
    """Marks the least of some values, the first of several; none if there is none."""
    found = np.zeros(len(values), bool)
    if among.any():
        found[np.argmin(np.where(among, values, np.inf))] = True
    return found
