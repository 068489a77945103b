"""Intervals on planted truth: toys of simulated events through the nodes, as a run counts them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from radiograph.drivers.cosmics.simulation import simulated_block
from radiograph.nodes.cosmics.added_cuts import added_cut_marks__none
from radiograph.nodes.cosmics.cuts import cut_counts, cut_marks
from radiograph.nodes.cosmics.extremes import event_extremes, track_extremes, veto_times_ns
from radiograph.nodes.cosmics.intervals import fraction_interval
from radiograph.schemas.cosmics.columns import AbsentLeaves
from radiograph.schemas.cosmics.counts import CutMarks
from radiograph.schemas.cosmics.cuts import CUTS, Cut, CutInEffect, CutsInEffect
from radiograph.schemas.cosmics.frames import (
    COINCIDENCES,
    EVENT_NUMBERS,
    SEGMENTS,
    TRACKS,
    TRUE_PARTICLES,
)
from radiograph.schemas.cosmics.statistics import StatisticsSettings
from radiograph.schemas.cosmics_simulation import CosmicsSimulationSettings

TOYS, EVENTS = 2000, 60
_ON = {"thru_trk", "is_reco_electron", "unvetoed"}


def in_effect() -> CutsInEffect:
    """Tracks through the whole tracker and the veto; no other cut is on."""
    thresholds = {key: 0.0 for cut in CUTS for key in (cut.lo, cut.hi) if key}
    return CutsInEffect("toys", True, tuple(map(item_of, CUTS)), thresholds)


def item_of(cut: Cut) -> CutInEffect:
    lo, hi = (-150.0, 150.0) if cut.name == "unvetoed" else (0.0, 1.0)
    return CutInEffect(cut, cut.name in _ON, "", lo if cut.lo else None, hi if cut.hi else None)


def frames_of(drawn: dict[str, Any]) -> tuple[pd.DataFrame, ...]:
    """What a reader gives of the simulated columns that these cuts look at."""
    fits, coincidences = drawn["simulated_fits"], drawn["simulated_coincidences"]
    segments = drawn["simulated_segments"]
    segments = segments[segments["sid"].to_numpy() <= 2]
    event = drawn["simulated_events"]["event"].to_numpy()
    none = np.zeros(len(segments), np.float32)
    of_coincidences = {n: coincidences[n] for n in ("time_ns", "start_ns", "end_ns", "pes")}
    return (
        EVENT_NUMBERS.frame(dict.fromkeys(EVENT_NUMBERS.names, event)),
        TRACKS.frame({"event_row": fits["event"], "trkqual": fits["quality"]}
                     | {n: fits[n] for n in ("pdg", "nactive")}),
        SEGMENTS.frame({c.name: none for c in SEGMENTS.columns}
                       | {"track_row": segments["fit"]}
                       | {n: segments[n] for n in ("sid", "time_ns")}),
        TRUE_PARTICLES.empty(),
        COINCIDENCES.frame({c.name: np.zeros(len(coincidences)) for c in COINCIDENCES.columns}
                           | {"event_row": coincidences["event"], **of_coincidences}),
    )  # fmt: skip


def counts_of_toys(frames: tuple[pd.DataFrame, ...], cuts: CutsInEffect) -> np.ndarray:
    """Shape (toys, 2): events of Select, and those of them that the veto does not see."""
    numbers, tracks, segments, particles, coincidences = frames
    extremes = track_extremes(tracks, segments, particles, 11)
    of_events = event_extremes(numbers, tracks, coincidences)
    times = veto_times_ns(numbers, tracks, segments, coincidences)
    marks = cut_marks(extremes, of_events, times, added_cut_marks__none(tracks), cuts)
    edges = np.arange(TOYS + 1) * EVENTS
    rows = np.searchsorted(extremes["event_row"].to_numpy(), edges)
    found = np.zeros((TOYS, 2), np.int64)
    for k in range(TOYS):
        of_toy = slice(rows[k], rows[k + 1])
        its_tracks = extremes.iloc[of_toy]
        its_tracks = its_tracks.assign(event_row=its_tracks["event_row"] - edges[k])
        its_marks = CutMarks(marks.bits[of_toy], {})
        its_events = of_events.iloc[edges[k] : edges[k + 1]]
        counts = cut_counts(its_marks, its_tracks, its_events, AbsentLeaves(), cuts)
        found[k] = counts.in_window[0]
    return found


@pytest.mark.parametrize(("kind", "seed"), [("cosmic", 11), ("mix", 12)])
def test_intervals_hold_the_planted_inefficiency_and_dead_time(kind: Any, seed: int) -> None:
    n = TOYS * EVENTS
    settings = CosmicsSimulationSettings(kind=kind, n_events=n, seed=seed, veto_inefficiency=0.3)
    drawn = simulated_block(settings, 0, n)
    # Of cosmic particles the veto efficiency, of signal with coincidences of the beam dead time.
    planted = drawn["simulated_sums"].expected_vetoed / n
    assert (0.69 < planted < 0.70) if kind == "cosmic" else (0.35 < planted < 0.40)
    selected, unvetoed = counts_of_toys(frames_of(drawn), in_effect()).T
    assert selected.min() > 0.7 * EVENTS
    lower, upper = fraction_interval(unvetoed, selected, StatisticsSettings())
    held = (lower <= 1.0 - planted) & (1.0 - planted <= upper)
    assert 0.65 <= held.mean() <= 0.71
