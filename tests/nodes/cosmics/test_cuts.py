"""Bits and flows against their definitions by brute force; extremes by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from radiograph.nodes.cosmics.bits import flow_counts, selection_places, within
from radiograph.nodes.cosmics.quantities import is_true_particle, momentum_MeV, slope
from radiograph.nodes.cosmics.ragged import extremes, pairs
from radiograph.schemas.cosmics.cuts import CUTS, CutInEffect, CutsInEffect
from radiograph.schemas.cosmics.frames import SEGMENTS, TRACK_EXTREMES, TRUE_PARTICLES

N_CUTS = 5


def cuts_on(*places: int) -> CutsInEffect:
    items = tuple(CutInEffect(CUTS[i], i in places, "test") for i in range(N_CUTS))
    return CutsInEffect("test", True, items)


@given(
    st.lists(st.lists(st.integers(0, 2**N_CUTS - 1), max_size=4), max_size=12),
    st.sets(st.integers(0, N_CUTS - 1)),
)
def test_the_flow_is_what_it_says(events: list[list[int]], on: set[int]) -> None:
    bits = np.array([b for tracks in events for b in tracks], np.uint32)
    rows = np.repeat(np.arange(len(events)), [len(tracks) for tracks in events])
    active = sorted(on)
    of_events, of_tracks = flow_counts(bits, rows, len(events), cuts_on(*active))

    def n(asked: list[int]) -> tuple[int, int]:
        good = [[all(b >> c & 1 for c in asked) for b in tracks] for tracks in events]
        return sum(any(g) for g in good), sum(sum(g) for g in good)

    for k in range(len(active)):
        row = n(active[: k + 1])
        assert (of_events.cumulative[k + 1], of_tracks.cumulative[k + 1]) == row
        assert of_events.individual[k] == n([active[k]])[0]
        others = [c for c in active if c != active[k]]
        # Without the only cut every event with a track is left.
        assert of_events.n_minus_one[k] == n(others)[0]
    assert of_events.cumulative[0] == len(events)
    if active:
        assert (of_events.n_minus_one >= of_events.cumulative[-1]).all()


def test_extremes_of_no_rows_let_every_bound_pass() -> None:
    values = np.array([3.0, 1.0, np.nan, 5.0], np.float32)
    lowest, highest = extremes(values, np.array([0, 0, 2, 2]), 4)
    assert lowest.tolist()[:2] == [1.0, np.inf]
    assert highest.tolist()[:2] == [3.0, -np.inf]
    assert np.isnan(lowest[2])
    assert np.isnan(highest[2])
    assert lowest.dtype == np.float32


def test_thresholds_are_compared_in_the_precision_of_the_file() -> None:
    row = {c.name: np.zeros(2, c.dtype) for c in TRACK_EXTREMES.columns}
    row["trkqual"] = np.array([np.float32(0.8), np.nextafter(np.float32(0.8), np.float32(1))])
    quality = next(c for c in CUTS if c.name == "good_trkqual")
    passes, is_nan = within(TRACK_EXTREMES.frame(row), CutInEffect(quality, True, "", lo=0.8))
    assert passes.tolist() == [False, True]
    assert not is_nan.any()


def test_a_nan_fails_and_is_counted() -> None:
    row = {c.name: np.zeros(1, c.dtype) for c in TRACK_EXTREMES.columns}
    row["d0_max_mm"] = np.array([np.nan], np.float32)
    d0 = next(c for c in CUTS if c.name == "within_d0")
    passes, is_nan = within(TRACK_EXTREMES.frame(row), CutInEffect(d0, True, "", hi=100.0))
    assert (passes.tolist(), is_nan.tolist()) == ([False], [True])


def test_slope_without_transverse_momentum_is_zero() -> None:
    row = {c.name: np.zeros(2, c.dtype) for c in SEGMENTS.columns}
    row |= {"px_MeV": [3, 0], "py_MeV": [4, 0], "pz_MeV": [12, 7]}
    frame = SEGMENTS.frame(row)
    assert slope(frame).tolist() == [np.float32(2.4), 0.0]
    assert momentum_MeV(frame).tolist() == [13.0, 7.0]


def test_ties_of_true_particles_are_all_looked_at() -> None:
    row = {c.name: np.zeros(4, c.dtype) for c in TRUE_PARTICLES.columns}
    row |= {"track_row": [0, 0, 0, 2], "nhits": [9, 9, 3, -1], "pdg": [13, 11, 22, 13]}
    assert is_true_particle(TRUE_PARTICLES.frame(row), 3, 11).tolist() == [True, False, False]


def test_pairs_are_of_one_parent() -> None:
    first, second = pairs(np.array([0, 2, 2]), np.array([0, 0, 1, 2]), 3)
    assert list(zip(first, second, strict=True)) == [(0, 0), (0, 1), (1, 3), (2, 3)]


def test_select_takes_groups_of_users_and_leaves_veto_and_momentum_out() -> None:
    groups = ("Preselect", "Mine", "Veto", "Momentum")
    items = [CutInEffect(replace(CUTS[0], group=group), True, "") for group in groups]
    places = selection_places(CutsInEffect("test", True, tuple(items)))
    assert places == {"All": (), "Preselect": (0,), "Select": (0, 1), "Unvetoed": (0, 1, 2)}
