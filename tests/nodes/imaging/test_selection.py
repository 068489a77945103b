"""Selected cones: the least score wins, a cut event has no second choice, caps in file order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from radiograph.nodes.imaging import selection
from radiograph.schemas.imaging.codes import GAMMA_ORDERS, CandidateStatus, ConeFilter, Recoil
from radiograph.schemas.imaging.filters import ConeFilters
from radiograph.schemas.imaging.frames import CANDIDATE_CONES, SELECTED_CONES

BAD = CandidateStatus.cosine_outside
KEPT = int(ConeFilter.kept)
NO_CUT = ConeFilters()


def candidates_of(
    status: Any, energy: Any = 10.0, species: str = "n", first_id: int = 0
) -> pd.DataFrame:
    """Hypotheses of events from a status each: two of a neutron event, six of a gamma event."""
    status = np.asarray(status, np.uint8).ravel()
    per_event = 2 if species == "n" else 6
    event = np.repeat(np.arange(len(status) // per_event), per_event)
    n = len(status)
    theta = np.where(status == 0, 0.1 + 0.01 * np.arange(n), np.nan)
    orders = (
        np.tile(GAMMA_ORDERS, (n // 6 + 1, 1))[:n] if species == "g" else np.tile([0, 1, 2], (n, 1))
    )
    return CANDIDATE_CONES.frame(
        {
            "event_index": event,
            "event_id": first_id + event,
            "species": [species] * n,
            "recoil_code": np.tile([1, 2], n)[:n] if species == "n" else np.zeros(n),
            **{f"hit_order_{k + 1}": orders[:, k] for k in range(3)},
            **{f"apex_{a}_cm": np.arange(n, dtype=float) for a in "xyz"},
            **{f"axis_{a}": np.full(n, v) for a, v in zip("xyz", (0.0, 0.6, 0.8), strict=True)},
            "theta_rad": theta,
            "incident_energy_MeV": np.broadcast_to(energy, n),
            "recoil_energy_MeV": np.ones(n),
            "status": status,
        }
    )


def chosen(
    candidates: pd.DataFrame, scores: Any, direction: Any = None, protons: bool = False
) -> list[int]:
    scores = np.asarray(scores, float).ravel()
    ok = np.ones(len(scores), bool) if direction is None else np.asarray(direction, bool)
    before = candidates.copy(deep=True), scores.copy(), ok.copy()
    if candidates["species"].eq("g").any():
        rows = selection.gamma_chosen_row__nearest(candidates, scores, ok)
    else:
        rows = selection.neutron_chosen_row__nearest(candidates, scores, ok, protons)
    pd.testing.assert_frame_equal(candidates, before[0])
    np.testing.assert_array_equal(scores, before[1])
    np.testing.assert_array_equal(ok, before[2])
    assert rows.dtype == np.int64
    return rows.tolist()


def test_the_least_score_wins() -> None:
    assert chosen(candidates_of([0, 0, 0, 0]), [0.2, 0.1, 0.1, 0.2]) == [1, 2]


def test_an_impossible_hypothesis_never_wins() -> None:
    assert chosen(candidates_of([BAD, 0, 0, BAD]), [0.0, 0.9, 0.9, 0.0]) == [1, 2]


def test_no_possible_hypothesis_gives_minus_one() -> None:
    assert chosen(candidates_of([BAD, BAD, 0, 0]), [0.1, 0.2, 0.3, 0.1]) == [-1, 3]


def test_a_hypothesis_that_points_away_never_wins() -> None:
    candidates = candidates_of([0, 0, 0, 0])
    assert chosen(candidates, [0.1, 0.2, 0.1, 0.2], [False, True, False, False]) == [1, -1]


def test_protons_only_takes_no_carbon() -> None:
    candidates = candidates_of([0, 0, BAD, 0])
    scores = [0.5, 0.1, 0.1, 0.2]
    assert chosen(candidates, scores) == [1, 3]
    assert chosen(candidates, scores, protons=True) == [0, -1]


def test_a_tie_is_won_by_the_proton() -> None:
    assert chosen(candidates_of([0, 0]), [0.3, 0.3]) == [0]


def test_gamma_ties_follow_the_list_of_orders() -> None:
    status = [[0] * 6, [BAD, 0, 0, 0, 0, 0], [BAD, BAD, 0, BAD, 0, 0]]
    candidates = candidates_of(status, species="g")
    rows = chosen(candidates, [[0.3] * 6] * 3)
    assert rows == [0, 7, 14]
    order = candidates[["hit_order_1", "hit_order_2", "hit_order_3"]].to_numpy()[rows]
    assert order.tolist() == [[0, 1, 2], [0, 2, 1], [1, 0, 2]]
    # The order of the list as the specification writes it.
    assert GAMMA_ORDERS == ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))


def test_without_any_prior_the_first_possible_one_is_taken() -> None:
    candidates = candidates_of([0, 0, BAD, 0, BAD, BAD])
    assert chosen(candidates, [np.nan] * 6) == [0, 3, -1]


def test_a_possible_hypothesis_with_a_score_beats_one_without() -> None:
    assert chosen(candidates_of([0, 0]), [np.nan, 3.0]) == [1]


def test_the_likeliest_needs_no_score() -> None:
    """An impossible one, one that does not point at the plane and one without weight are none."""
    candidates = candidates_of([0, 0, BAD, 0, 0, 0, 0, 0])
    weights = np.array([0.3, 0.7, 0.9, 0.1, 0.0, 0.0, 0.5, 0.5])
    ok = np.array([True, True, True, True, True, True, True, True])
    rows = selection.neutron_chosen_row__likeliest(candidates, weights, ok)
    assert rows.tolist() == [1, 3, -1, 6]
    ok[1] = False
    assert selection.neutron_chosen_row__likeliest(candidates, weights, ok)[0] == 0
    gammas = candidates_of([0] * 6, species="g")
    shares = np.array([0.1, 0.2, 0.4, 0.1, 0.1, 0.1])
    assert selection.gamma_chosen_row__likeliest(gammas, shares, np.ones(6, bool)).tolist() == [2]


def test_no_event() -> None:
    for species in "ng":
        nothing = candidates_of([], species=species)
        none, no_rows = np.zeros(0, bool), np.zeros(0, np.int64)
        assert chosen(nothing, []) == []
        if species == "n":
            code = selection.neutron_cone_cut_code(nothing, np.zeros(0), no_rows, NO_CUT, False)
            cones = selection.neutron_selected_cones__chosen(nothing, np.zeros(0), no_rows, code)
        else:
            rows = selection.gamma_chosen_row__nearest(nothing, np.zeros(0), none)
            assert rows.shape == (0,)
            assert len(selection.gamma_chosen_row__likeliest(nothing, np.zeros(0), none)) == 0
            code = selection.gamma_cone_cut_code(nothing, np.zeros(0), no_rows, NO_CUT)
            cones = selection.gamma_selected_cones__chosen(nothing, np.zeros(0), no_rows, code)
        assert code.dtype == np.uint8
        assert code.shape == (0,)
        SELECTED_CONES.validate(cones, "selected_cones")


@given(st.integers(0, 2**32 - 1), st.sampled_from("ng"), st.booleans())
def test_choice_equals_a_loop(seed: int, species: str, coarse: bool) -> None:
    rng = np.random.default_rng(seed)
    per_event, n = (2 if species == "n" else 6), 8
    status = rng.choice([0, 0, BAD], n * per_event)
    scores = rng.uniform(0, 1, n * per_event).round(1 if coarse else 9)
    scores[rng.random(len(scores)) < 0.1] = np.nan
    direction = rng.random(len(scores)) < 0.8
    expected = []
    for e in range(n):
        best, least = -1, np.inf
        for row in range(e * per_event, (e + 1) * per_event):
            score = 1e300 if np.isnan(scores[row]) else scores[row]
            if status[row] == 0 and direction[row] and score < least:
                best, least = row, score
        expected.append(best)
    assert chosen(candidates_of(status, species=species), scores, direction) == expected


# --- cuts -------------------------------------------------------------------------------------


def codes(
    candidates: pd.DataFrame, scores: Any, rows: Any, protons: bool = False, **cuts: float
) -> list[str]:
    scores, rows = np.asarray(scores, float), np.asarray(rows, np.int64)
    if candidates["species"].eq("g").any():
        code = selection.gamma_cone_cut_code(candidates, scores, rows, ConeFilters(**cuts))
    else:
        code = selection.neutron_cone_cut_code(
            candidates, scores, rows, ConeFilters(**cuts), protons
        )
    assert code.dtype == np.uint8
    return [ConeFilter(c).name for c in code]


def test_a_cut_event_does_not_fall_back_to_its_other_hypothesis() -> None:
    # The proton wins and is cut; the carbon would pass every cut.
    candidates = candidates_of([0, 0, 0, 0], energy=[200.0, 10.0, 10.0, 10.0])
    scores = [0.1, 0.2, 0.1, 0.2]
    rows = chosen(candidates, scores)
    assert rows == [0, 2]
    code = codes(candidates, scores, rows, max_incident_energy_MeV=100.0)
    assert code == ["incident_energy", "kept"]
    kept = selection.neutron_selected_cones__chosen(
        candidates, np.array(scores), np.array(rows), np.array([ConeFilter[c] for c in code])
    )
    assert kept["event_index"].tolist() == [1]
    assert kept["candidate_row"].tolist() == [2]


def test_cut_on_delta_theta_is_in_degrees_and_closed() -> None:
    candidates = candidates_of([0, 0] * 3)
    scores = np.radians([1.9, 50, 2.0, 50, 2.1, 50])
    rows = chosen(candidates, scores)
    found = codes(candidates, scores, rows, max_delta_theta_deg=2.0)
    assert found == ["kept", "kept", "delta_theta"]


def test_cut_on_energy_is_closed() -> None:
    candidates = candidates_of([0, 0] * 3, energy=np.repeat([99.0, 100.0, 100.1], 2))
    found = codes(candidates, [0.1] * 6, [0, 2, 4], max_incident_energy_MeV=100.0)
    assert found == ["kept", "kept", "incident_energy"]


def test_an_event_has_one_reason_and_delta_theta_comes_first() -> None:
    candidates = candidates_of([0, 0], energy=200.0)
    found = codes(
        candidates, [0.1, 0.2], [0], max_delta_theta_deg=1.0, max_incident_energy_MeV=100.0
    )
    assert found == ["delta_theta"]


def test_zero_is_no_cut() -> None:
    candidates = candidates_of([0, 0], energy=1e9)
    assert codes(candidates, [3.0, 3.1], [0]) == ["kept"]


def test_no_candidate_and_wrong_direction_are_told_apart() -> None:
    candidates = candidates_of([BAD, BAD, 0, BAD, 0, 0])
    assert codes(candidates, [0.1] * 6, [-1, -1, 4]) == ["no_candidate", "direction", "kept"]
    gammas = candidates_of([[BAD] * 6, [BAD] * 5 + [0]], species="g")
    assert codes(gammas, [0.1] * 12, [-1, -1]) == ["no_candidate", "direction"]


def test_with_protons_only_a_carbon_is_no_candidate() -> None:
    candidates = candidates_of([BAD, 0])
    assert codes(candidates, [0.1, 0.1], [-1], protons=True) == ["no_candidate"]
    assert codes(candidates, [0.1, 0.1], [-1], protons=False) == ["direction"]


def test_a_score_of_nan_passes_the_cut_on_it() -> None:
    candidates = candidates_of([0, 0])
    assert codes(candidates, [np.nan] * 2, [0], max_delta_theta_deg=1.0) == ["kept"]


# --- caps -------------------------------------------------------------------------------------


def events_with(ids: Any) -> pd.DataFrame:
    return pd.DataFrame({"event_id": np.asarray(ids, np.int64)})


def capped(
    n_ids: Any, g_ids: Any, n_code: Any, g_code: Any, budget: int
) -> tuple[list[int], list[int]]:
    frames = events_with(n_ids), events_with(g_ids)
    before = [np.asarray(c, np.uint8) for c in (n_code, g_code)]
    given = [c.copy() for c in before]
    found = (
        selection.neutron_cone_filter_code__capped(*frames, *given, budget),
        selection.gamma_cone_filter_code__capped(*frames, *given, budget),
    )
    for old, new in zip(before, given, strict=True):
        np.testing.assert_array_equal(old, new)
    assert all(f.dtype == np.uint8 for f in found)
    return found[0].tolist(), found[1].tolist()


CAP = int(ConeFilter.max_cones)
CUT = int(ConeFilter.delta_theta)


def test_the_cap_counts_kept_cones_of_both_species_in_file_order() -> None:
    # File order of what is kept: n3 n4 g5 n7 g9; the cut n1 takes no place.
    found = capped([1, 3, 4, 7], [5, 9], [CUT, KEPT, KEPT, KEPT], [KEPT, KEPT], 3)
    assert found == ([CUT, KEPT, KEPT, CAP], [KEPT, CAP])


def test_within_one_window_the_neutron_comes_first() -> None:
    assert capped([2], [2], [KEPT], [KEPT], 1) == ([KEPT], [CAP])


@pytest.mark.parametrize(("budget", "expected"), [(0, CAP), (-1, CAP), (99, KEPT)])
def test_an_empty_budget_keeps_nothing_and_a_great_one_all(budget: int, expected: int) -> None:
    assert capped([1, 2], [3], [KEPT] * 2, [KEPT], budget) == ([expected] * 2, [expected])


def test_without_a_cap_the_codes_are_those_of_the_cuts() -> None:
    code = np.array([KEPT, CUT], np.uint8)
    assert selection.neutron_cone_filter_code__all(code).tolist() == [KEPT, CUT]
    assert selection.gamma_cone_filter_code__all(code).tolist() == [KEPT, CUT]


def test_cap_of_nothing() -> None:
    assert capped([], [], [], [], 3) == ([], [])


@given(st.integers(0, 2**32 - 1), st.integers(0, 12))
def test_cap_equals_a_sorted_list(seed: int, budget: int) -> None:
    rng = np.random.default_rng(seed)
    ids = [np.sort(rng.integers(0, 8, rng.integers(0, 8))) for _ in range(2)]
    code = [rng.choice([KEPT, KEPT, CUT], len(i)) for i in ids]
    # (event, species, row): several events of one window stand in order of their rows.
    kept = sorted(
        (int(event), s, row)
        for s in (0, 1)
        for row, event in enumerate(ids[s])
        if code[s][row] == KEPT
    )
    expected = [c.tolist() for c in code]
    for _, s, row in kept[budget:]:
        expected[s][row] = CAP
    assert capped(*ids, *code, budget) == tuple(expected)


# --- the frames -------------------------------------------------------------------------------


def test_selected_cones_take_the_row_of_the_candidates() -> None:
    candidates = candidates_of([0, 0] * 4, energy=np.arange(8.0), first_id=20)
    scores = np.linspace(0.1, 0.8, 8)
    rows = np.array([1, -1, 4, 7])
    code = np.array([KEPT, ConeFilter.direction, CUT, KEPT], np.uint8)
    found = selection.neutron_selected_cones__chosen(candidates, scores, rows, code)
    SELECTED_CONES.validate(found, "neutron_selected_cones")
    assert found["event_index"].tolist() == [0, 3]
    assert found["event_id"].tolist() == [20, 23]
    assert found["candidate_row"].tolist() == [1, 7]
    assert found["recoil_code"].tolist() == [Recoil.carbon] * 2
    assert found["incident_energy_MeV"].tolist() == [1, 7]
    assert found["delta_theta_rad"].tolist() == scores[[1, 7]].tolist()
    for name in set(CANDIDATE_CONES.names) & set(SELECTED_CONES.names):
        assert found[name].tolist() == candidates[name][[1, 7]].tolist()


def test_selected_gamma_cones_keep_their_order_of_hits() -> None:
    candidates = candidates_of([[0] * 6] * 2, species="g")
    scores = np.full(12, 0.1)
    code = np.zeros(2, np.uint8)
    found = selection.gamma_selected_cones__chosen(candidates, scores, np.array([3, 10]), code)
    SELECTED_CONES.validate(found, "gamma_selected_cones")
    orders = found[["hit_order_1", "hit_order_2", "hit_order_3"]].to_numpy().tolist()
    assert orders == [[1, 2, 0], [2, 0, 1]]
