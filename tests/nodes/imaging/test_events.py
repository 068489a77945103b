"""Shaping, typed events and the cuts on them."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from radiograph.nodes.imaging import events as nodes
from radiograph.nodes.imaging.counters import event_counters__counted as event_counters
from radiograph.schemas.imaging.codes import EventFilter
from radiograph.schemas.imaging.filters import EventFilters, ShapingRule
from radiograph.schemas.imaging.frames import (
    GAMMA_FILTERED,
    GAMMA_SHAPED,
    GAMMA_TYPED,
    HITS,
    NEUTRON_FILTERED,
    NEUTRON_SHAPED,
    NEUTRON_TYPED,
)

NO_CUTS = EventFilters(tof_window_ns=(-1e9, 1e9))


def rule(policy: str = "time_asc", most: int = 5000) -> ShapingRule:
    return ShapingRule(policy=policy, max_combinations=most)


def rows(shaped: pd.DataFrame) -> list[tuple]:
    return list(shaped.itertuples(index=False, name=None))


def neutron_pairs(hits: pd.DataFrame, policy: str, most: int = 5000) -> list[tuple]:
    shaped = nodes.neutron_shaped_events__on(hits, rule(policy, most))
    NEUTRON_SHAPED.validate(shaped, "shaped")
    return rows(shaped)


def gamma_triples(hits: pd.DataFrame, policy: str, most: int = 5000) -> list[tuple]:
    shaped = nodes.gamma_shaped_events__on(hits, rule(policy, most))
    GAMMA_SHAPED.validate(shaped, "shaped")
    return rows(shaped)


@pytest.fixture
def four_hits(make_hits) -> pd.DataFrame:
    """One window; in time 2 0 3 1, from bright to dark 1 3 0 2."""
    return make_hits(event_id=[7] * 4, t_ns=[2.0, 9.0, 1.0, 5.0], light_MeVee=[2.0, 8.0, 1.0, 4.0])


def test_the_first_in_time(four_hits) -> None:
    assert neutron_pairs(four_hits, "time_asc") == [(7, 2, 0)]
    assert gamma_triples(four_hits, "time_asc") == [(7, 2, 0, 3)]


def test_the_brightest_are_put_in_order_of_time(four_hits) -> None:
    assert neutron_pairs(four_hits, "energy_desc") == [(7, 3, 1)]
    assert gamma_triples(four_hits, "energy_desc") == [(7, 0, 3, 1)]


def test_all_combinations_in_order_of_the_rows(four_hits) -> None:
    assert neutron_pairs(four_hits, "all_combinations") == [
        (7, 0, 1), (7, 2, 0), (7, 0, 3), (7, 2, 1), (7, 3, 1), (7, 2, 3),
    ]  # fmt: skip
    assert gamma_triples(four_hits, "all_combinations") == [
        (7, 2, 0, 1), (7, 0, 3, 1), (7, 2, 0, 3), (7, 2, 3, 1),
    ]  # fmt: skip


def test_the_cap_takes_the_first_of_each_window(make_hits) -> None:
    hits = make_hits(event_id=[1, 1, 1, 4, 4, 4], t_ns=[1, 2, 3, 1, 2, 3])
    assert neutron_pairs(hits, "all_combinations", 2) == [
        (1, 0, 1), (1, 0, 2), (4, 3, 4), (4, 3, 5),
    ]  # fmt: skip


def test_ties_go_to_the_earlier_row(make_hits) -> None:
    hits = make_hits(event_id=[0] * 4, t_ns=1.0, light_MeVee=2.0)
    for policy in ("time_asc", "energy_desc"):
        assert neutron_pairs(hits, policy) == [(0, 0, 1)]
        assert gamma_triples(hits, policy) == [(0, 0, 1, 2)]


def test_windows_with_too_few_hits_give_no_event(make_hits) -> None:
    hits = make_hits(event_id=[0, 3, 3, 8, 8, 8], t_ns=[1, 3, 2, 1, 2, 3])
    for policy in ("time_asc", "energy_desc"):
        assert [e[0] for e in neutron_pairs(hits, policy)] == [3, 8]
        assert [e[0] for e in gamma_triples(hits, policy)] == [8]
    assert neutron_pairs(hits.iloc[:1], "time_asc") == []


@pytest.mark.parametrize("policy", ["time_asc", "energy_desc", "all_combinations"])
def test_no_hit_gives_no_event(policy: str) -> None:
    assert neutron_pairs(HITS.empty(), policy) == []
    assert gamma_triples(HITS.empty(), policy) == []


def test_a_species_that_is_off_has_no_event() -> None:
    NEUTRON_SHAPED.validate(nodes.neutron_shaped_events__off(), "shaped")
    GAMMA_SHAPED.validate(nodes.gamma_shaped_events__off(), "shaped")
    assert len(nodes.neutron_shaped_events__off()) == len(nodes.gamma_shaped_events__off()) == 0


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.sampled_from([0.0, 1.0, 2.0]), st.integers(1, 3)),
        max_size=14,
    ),
    st.sampled_from([2, 3]),
    st.sampled_from(["time_asc", "energy_desc", "all_combinations"]),
    st.integers(1, 6),
)
def test_shaping_agrees_with_a_loop_over_the_windows(make_hits, hits, take, policy, most) -> None:
    hits = sorted(hits, key=lambda h: h[0])
    frame = make_hits(
        event_id=[h[0] for h in hits], t_ns=[h[1] for h in hits], light_MeVee=[h[2] for h in hits]
    )
    expected = []
    for event in sorted({h[0] for h in hits}):
        mine = [k for k, h in enumerate(hits) if h[0] == event]
        if policy == "all_combinations":
            chosen = list(combinations(mine, take))[:most]
        else:
            key = {"time_asc": lambda k: hits[k][1], "energy_desc": lambda k: -hits[k][2]}[policy]
            chosen = [tuple(sorted(mine, key=key)[:take])] if len(mine) >= take else []
        expected += [(event, *sorted(c, key=lambda k: (hits[k][1], k))) for c in chosen]
    found = (neutron_pairs if take == 2 else gamma_triples)(frame, policy, most)
    assert found == expected


def test_typed_events_carry_the_columns_of_their_hits(make_hits, unchanged) -> None:
    hits = make_hits(
        event_id=[5, 5, 5],
        t_ns=[3.0, 1.0, 2.0],
        det_id=[30, 10, 20],
        material=pd.Categorical(["OGS", "M600", "UNK"], categories=["M600", "OGS", "UNK"]),
        x_cm=[0.3, 0.1, 0.2],
        y_cm=[1.3, 1.1, 1.2],
        z_cm=[2.3, 2.1, 2.2],
        light_MeVee=[33.0, 11.0, 22.0],
        psd=[0.3, np.nan, 0.2],
        energy_deposited_MeV=[np.nan, 111.0, 222.0],
        species="g",
    )
    shaped = nodes.gamma_shaped_events__on(hits, rule())
    with unchanged(hits, shaped):
        typed = nodes.gamma_typed_events(hits, shaped)
    GAMMA_TYPED.validate(typed, "typed")
    event = typed.iloc[0]
    assert event["event_id"] == 5
    for k, hit in enumerate((1, 2, 0), start=1):
        assert event[f"t{k}_ns"] == float(k)
        for name, numbered in (
            ("det_id", f"det_id{k}"), ("material", f"material{k}"), ("x_cm", f"x{k}_cm"),
            ("y_cm", f"y{k}_cm"), ("z_cm", f"z{k}_cm"), ("light_MeVee", f"light{k}_MeVee"),
            ("psd", f"psd{k}"), ("energy_deposited_MeV", f"energy_deposited{k}_MeV"),
        ):  # fmt: skip
            np.testing.assert_equal(event[numbered], hits[name][hit])
    assert list(typed["material1"].cat.categories) == ["M600", "OGS", "UNK"]


def test_times_of_a_long_run_keep_their_difference(make_hits) -> None:
    hits = make_hits(event_id=[0, 0], t_ns=[6e11 + 1.25, 6e11])
    typed = nodes.neutron_typed_events(hits, nodes.neutron_shaped_events__on(hits, rule()))
    NEUTRON_TYPED.validate(typed, "typed")
    assert typed["t2_ns"][0] - typed["t1_ns"][0] == 1.25


def test_a_mixed_window_gives_a_neutron_and_a_gamma_event(make_hits) -> None:
    ids = {"n": [0, 0, 1], "g": [0, 0, 0, 1, 1]}
    neutron, gamma = (make_hits(event_id=i, species=s, t_ns=range(len(i))) for s, i in ids.items())
    assert neutron_pairs(neutron, "time_asc") == [(0, 0, 1)]
    assert gamma_triples(gamma, "time_asc") == [(0, 0, 1, 2)]


def test_typed_events_of_no_event(make_hits) -> None:
    typed = nodes.neutron_typed_events(HITS.empty(), NEUTRON_SHAPED.empty())
    NEUTRON_TYPED.validate(typed, "typed")
    assert len(typed) == 0
    hits = make_hits(event_id=[0, 1])
    GAMMA_TYPED.validate(nodes.gamma_typed_events(hits, GAMMA_SHAPED.empty()), "typed")


def neutron_codes(events: pd.DataFrame, cuts: EventFilters, within: Any = None) -> list[str]:
    mask = np.ones(len(events), bool) if within is None else np.asarray(within)
    code = nodes.neutron_event_filter_code(events, mask, cuts)
    assert code.dtype == np.uint8
    return [EventFilter(c).name for c in code]


def gamma_codes(events: pd.DataFrame, cuts: EventFilters, within: Any = None) -> list[str]:
    mask = np.ones(len(events), bool) if within is None else np.asarray(within)
    code = nodes.gamma_event_filter_code(events, mask, cuts)
    assert code.dtype == np.uint8
    return [EventFilter(c).name for c in code]


def test_tof_window_is_closed(make_neutron_typed, make_gamma_typed) -> None:
    times = {"t1_ns": 1.0, "t2_ns": [1.0, 1.5, 2.0, 26.0, 26.5]}
    cuts = EventFilters(tof_window_ns=(0.5, 25.0))
    expected = ["tof_window", "kept", "kept", "kept", "tof_window"]
    assert neutron_codes(make_neutron_typed(**times), cuts) == expected
    assert gamma_codes(make_gamma_typed(**times), cuts) == expected
    assert neutron_codes(make_neutron_typed(**times), EventFilters()) == ["kept"] * 5


def test_least_light_of_the_first_and_second_hit(make_neutron_typed) -> None:
    events = make_neutron_typed(light1_MeVee=[3.0, 2.9, 9.0, 0.0], light2_MeVee=[1, 9, 0.9, 0])
    cuts = EventFilters(min_L1_MeVee=3.0, min_L2_MeVee=1.0)
    assert neutron_codes(events, cuts) == ["kept", "L1_min", "L2_min", "L1_min"]


@pytest.mark.parametrize("dark", [1, 2, 3])
def test_least_light_of_any_hit_of_a_gamma(make_gamma_typed, dark: int) -> None:
    events = make_gamma_typed(**{f"light{dark}_MeVee": [0.5, 0.49]})
    assert gamma_codes(events, EventFilters(min_L_any_MeVee=0.5)) == ["kept", "L_any_min"]
    # The neutron's cuts are none of the gamma's.
    assert gamma_codes(events, EventFilters(min_L1_MeVee=9, min_L2_MeVee=9)) == ["kept"] * 2


def test_greatest_distance_by_hand(make_neutron_typed, make_gamma_typed) -> None:
    # 3-4-12: a distance of 13 cm.
    place = {"x1_cm": 1.0, "x2_cm": 4.0, "y1_cm": 2.0, "y2_cm": 6.0, "z1_cm": 0.0}
    events = {**place, "z2_cm": [12.0, 12.001]}
    for build, codes in ((make_neutron_typed, neutron_codes), (make_gamma_typed, gamma_codes)):
        frame = build(**events)
        assert codes(frame, EventFilters(max_hit_distance_cm=13.0)) == ["kept", "hit_distance"]
        assert codes(frame, EventFilters(max_hit_distance_cm=0.0)) == ["kept", "kept"]


def test_the_first_reason_counts(make_neutron_typed, make_gamma_typed) -> None:
    bad = {"t1_ns": 9.0, "t2_ns": 1.0, "light1_MeVee": 0.0, "light2_MeVee": 0.0, "x2_cm": 99.0}
    steps = [
        ("tof_window", {"tof_window_ns": (0.0, 5.0)}),
        ("L1_min", {"min_L1_MeVee": 1.0}),
        ("L2_min", {"min_L2_MeVee": 1.0}),
        ("L_any_min", {"min_L_any_MeVee": 1.0}),
        ("hit_distance", {"max_hit_distance_cm": 1.0}),
    ]
    for k in range(len(steps)):
        keys = {"tof_window_ns": (-100.0, 100.0)}
        for _, change in steps[k:]:
            keys |= change
        cuts = EventFilters(**keys)
        of_neutrons = [s for s, _ in steps[k:] if s != "L_any_min"]
        of_gammas = [s for s, _ in steps[k:] if s not in ("L1_min", "L2_min")]
        assert neutron_codes(make_neutron_typed(**bad), cuts) == of_neutrons[:1]
        assert gamma_codes(make_gamma_typed(**bad), cuts) == of_gammas[:1]
        assert neutron_codes(make_neutron_typed(**bad), cuts, [False]) == ["max_events"]
        assert gamma_codes(make_gamma_typed(**bad), cuts, [False]) == ["max_events"]


def test_no_cap_keeps_all(make_neutron_typed, make_gamma_typed) -> None:
    assert nodes.neutron_within_max_events__all(make_neutron_typed(event_id=[1, 2])).tolist() == [
        True, True,
    ]  # fmt: skip
    assert nodes.gamma_within_max_events__all(make_gamma_typed(event_id=[])).tolist() == []


@pytest.mark.parametrize(
    ("budget", "neutron", "gamma"),
    [
        (0, [False] * 3, [False] * 2),
        (1, [True, False, False], [False] * 2),
        (2, [True, False, False], [True, False]),
        (3, [True, True, False], [True, False]),
        (4, [True, True, False], [True, True]),
        (99, [True] * 3, [True] * 2),
    ],
)
def test_the_cap_counts_both_species_in_file_order(
    make_neutron_typed, make_gamma_typed, unchanged, budget: int, neutron: list, gamma: list
) -> None:
    # File order: neutron of 1, gamma of 3, neutron of 5, gamma of 5, neutron of 9.
    events = make_neutron_typed(event_id=[1, 5, 9]), make_gamma_typed(event_id=[3, 5])
    with unchanged(*events):
        assert nodes.neutron_within_max_events__capped(*events, budget).tolist() == neutron
        assert nodes.gamma_within_max_events__capped(*events, budget).tolist() == gamma


def test_filtered_events_are_counted_from_zero(
    make_neutron_typed, make_gamma_typed, unchanged
) -> None:
    code = np.array([EventFilter.L1_min, 0, EventFilter.max_events, 0], np.uint8)
    neutron, gamma = make_neutron_typed(event_id=[1, 2, 3, 4]), make_gamma_typed(event_id=[5] * 4)
    with unchanged(neutron, gamma, code):
        kept = nodes.neutron_filtered_events__cut(neutron, code)
        gammas = nodes.gamma_filtered_events__cut(gamma, code)
    NEUTRON_FILTERED.validate(kept, "filtered")
    GAMMA_FILTERED.validate(gammas, "filtered")
    assert kept["event_index"].tolist() == [0, 1]
    assert kept["event_id"].tolist() == [2, 4]
    assert kept.drop(columns="event_index").equals(neutron.iloc[[1, 3]].reset_index(drop=True))


def test_filters_of_no_event() -> None:
    cuts = EventFilters(max_hit_distance_cm=1.0, min_L_any_MeVee=1.0)
    assert neutron_codes(NEUTRON_TYPED.empty(), cuts) == []
    assert gamma_codes(GAMMA_TYPED.empty(), cuts) == []
    none = np.zeros(0, np.uint8)
    empty = nodes.neutron_filtered_events__cut(NEUTRON_TYPED.empty(), none)
    NEUTRON_FILTERED.validate(empty, "filtered")
    GAMMA_FILTERED.validate(nodes.gamma_filtered_events__cut(GAMMA_TYPED.empty(), none), "filtered")


def test_nan_fails_no_cut(make_neutron_typed) -> None:
    # A comparison with NaN is false; readers drop NaN positions and times before.
    events = make_neutron_typed(t2_ns=np.nan, x2_cm=np.nan)
    assert neutron_codes(events, EventFilters(max_hit_distance_cm=1.0)) == ["kept"]


def counters(neutron, gamma, most: int, *, gammas_on: bool = True) -> Any:
    r = rule("all_combinations", most)
    pairs = nodes.neutron_shaped_events__on(neutron, r)
    triples = (
        nodes.gamma_shaped_events__on(gamma, r) if gammas_on else nodes.gamma_shaped_events__off()
    )
    codes = [np.zeros(len(s), np.uint8) for s in (pairs, triples)]
    return event_counters(neutron, gamma, pairs, triples, *codes, r, r, True, gammas_on)


def test_the_cap_of_combinations_is_counted(make_hits) -> None:
    # Windows of 4 and 2 neutron hits: 6 + 1 pairs, 4 + 1 at a cap of 4. Gammas: 10 triples.
    neutron = make_hits(event_id=[0] * 4 + [1] * 2)
    gamma = make_hits(event_id=[0] * 5, species="g")
    found = counters(neutron, gamma, 4)
    assert (found["shaped_events_n"], found["shaped_events_g"]) == (5, 4)
    assert (found["shaped_events_capped_n"], found["shaped_events_capped_g"]) == (2, 6)
    assert found["shaped_events_capped"] == 8
    free = counters(neutron, gamma, 5000)
    assert (free["shaped_events_total"], free["shaped_events_capped"]) == (17, 0)
    off = counters(neutron, gamma, 4, gammas_on=False)
    assert (off["shaped_events_g"], off["shaped_events_capped_g"]) == (0, 0)
