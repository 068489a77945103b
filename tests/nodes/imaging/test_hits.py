"""Cuts on hits: the order of the reasons, closed windows, and which raw events go on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from radiograph.nodes.imaging import hits as nodes
from radiograph.nodes.imaging.cuts import first_reason, hit_filter_codes
from radiograph.schemas.imaging.codes import HitFilter, RawEventFate
from radiograph.schemas.imaging.filters import HitFilters, HitFiltersBySpecies, resolved
from radiograph.schemas.imaging.frames import HITS

NONE = HitFilters()


def cuts(**keys: Any) -> HitFilters:
    return HitFilters(**keys)


def reasons(frame: pd.DataFrame, **keys: Any) -> list[str]:
    return [HitFilter(c).name for c in hit_filter_codes(frame, cuts(**keys))]


@pytest.fixture
def mixed(make_hits) -> pd.DataFrame:
    """Three windows: n n g, g g g u, n; lights 1 .. 8."""
    return make_hits(
        event_id=[0, 0, 0, 2, 2, 2, 2, 5],
        species=["n", "n", "g", "g", "g", "g", "unknown", "n"],
        light_MeVee=np.arange(1.0, 9.0),
        det_id=[1, 2, 3, 1, 2, 3, 4, 5],
    )


def test_species_are_taken_apart_in_file_order(mixed) -> None:
    parts = [nodes.neutron_hits(mixed), nodes.gamma_hits(mixed), nodes.unknown_hits(mixed)]
    assert [p["light_MeVee"].tolist() for p in parts] == [[1, 2, 8], [3, 4, 5, 6], [7]]
    for part in parts:
        HITS.validate(part, "hits")
        assert part.index.tolist() == list(range(len(part)))


def test_light_window_is_closed(make_hits) -> None:
    hits = make_hits(light_MeVee=[0.99, 1.0, 2.0, 2.01])
    assert reasons(hits, min_light_MeVee=1.0, max_light_MeVee=2.0) == [
        "threshold", "kept", "kept", "threshold",
    ]  # fmt: skip
    assert reasons(hits) == ["kept"] * 4


def test_a_greatest_light_of_zero_is_a_limit(make_hits) -> None:
    assert reasons(make_hits(light_MeVee=[0.0, 0.1]), max_light_MeVee=0.0) == ["kept", "threshold"]


def test_psd_window_is_closed_and_only_where_a_psd_exists(make_hits) -> None:
    hits = make_hits(psd=[0.1, 0.2, 0.4, 0.5, np.nan])
    assert reasons(hits, psd_min=0.2, psd_max=0.4) == ["psd", "kept", "kept", "psd", "kept"]
    assert reasons(hits, psd_min=0.3) == ["psd", "psd", "kept", "kept", "kept"]
    assert reasons(hits, psd_max=0.3) == ["kept", "kept", "psd", "psd", "kept"]
    assert reasons(hits, psd_max=0.0) == ["psd"] * 4 + ["kept"]


def test_bars_and_materials(make_hits) -> None:
    hits = make_hits(det_id=[1, 2, 3], material=["OGS", "M600", "UNK"])
    assert reasons(hits, bars_exclude=[2]) == ["kept", "bar_exclude", "kept"]
    assert reasons(hits, bars_include=[2, 9]) == ["bar_include", "kept", "bar_include"]
    assert reasons(hits, materials_exclude=["M600", "none such"]) == [
        "kept", "material_exclude", "kept",
    ]  # fmt: skip
    assert reasons(hits, materials_include=["OGS"]) == [
        "kept", "material_include", "material_include",
    ]  # fmt: skip
    assert reasons(hits, materials_include=["none such"]) == ["material_include"] * 3


def test_empty_lists_restrict_nothing(make_hits) -> None:
    hits = make_hits(det_id=[1, 2], material=["OGS", "M600"])
    empty = dict.fromkeys(
        ("bars_include", "bars_exclude", "materials_include", "materials_exclude"), ()
    )
    assert reasons(hits, **empty) == ["kept", "kept"]


def test_the_first_reason_in_the_order_of_the_specification_counts(make_hits) -> None:
    # Section 1: threshold, psd, bar exclude, bar include, material exclude, material include.
    hit = make_hits(det_id=[1], light_MeVee=[0.5], psd=[0.1])
    faults = {
        "threshold": {"min_light_MeVee": 1.0},
        "psd": {"psd_min": 0.2},
        "bar_exclude": {"bars_exclude": [1]},
        "bar_include": {"bars_include": [2]},
        "material_exclude": {"materials_exclude": ["OGS"]},
        "material_include": {"materials_include": ["M600"]},
    }
    names = list(faults)
    for k, name in enumerate(names):
        keys = {key: value for later in names[k:] for key, value in faults[later].items()}
        assert reasons(hit, **keys) == [name]


@given(st.data())
def test_codes_agree_with_a_loop_over_the_hits(make_hits, data) -> None:
    n = data.draw(st.integers(0, 8))

    def column(values: Any) -> list:
        return data.draw(st.lists(values, min_size=n, max_size=n))

    names = ["OGS", "M600", "UNK"]
    small = st.sampled_from([0.0, 1.0, 2.0])
    hits = make_hits(
        event_id=[0] * n,
        det_id=column(st.integers(0, 3)),
        material=pd.Categorical(column(st.sampled_from(names)), categories=names),
        light_MeVee=column(small),
        psd=column(st.one_of(small, st.just(np.nan))),
    )
    bars = st.lists(st.integers(0, 3), max_size=2)
    some = st.lists(st.sampled_from(names), max_size=2)
    keys = {
        "min_light_MeVee": data.draw(small),
        "max_light_MeVee": data.draw(st.none() | small),
        "psd_min": data.draw(st.none() | small),
        "psd_max": data.draw(st.none() | small),
        "bars_include": data.draw(bars),
        "bars_exclude": data.draw(bars),
        "materials_include": data.draw(some),
        "materials_exclude": data.draw(some),
    }

    def expected(hit: Any) -> str:
        light, psd = hit.light_MeVee, hit.psd
        if light < keys["min_light_MeVee"]:
            return "threshold"
        if keys["max_light_MeVee"] is not None and light > keys["max_light_MeVee"]:
            return "threshold"
        if keys["psd_min"] is not None and psd < keys["psd_min"]:
            return "psd"
        if keys["psd_max"] is not None and psd > keys["psd_max"]:
            return "psd"
        if hit.det_id in keys["bars_exclude"]:
            return "bar_exclude"
        if keys["bars_include"] and hit.det_id not in keys["bars_include"]:
            return "bar_include"
        if hit.material in keys["materials_exclude"]:
            return "material_exclude"
        if keys["materials_include"] and hit.material not in keys["materials_include"]:
            return "material_include"
        return "kept"

    assert reasons(hits, **keys) == [expected(h) for h in hits.itertuples()]


def test_the_reason_of_no_mask_is_none() -> None:
    masks = {HitFilter.psd: np.zeros(2, bool), HitFilter.threshold: np.array([True, False])}
    assert first_reason(masks).tolist() == [HitFilter.threshold, HitFilter.kept]
    assert first_reason(masks).dtype == np.uint8


def test_each_species_has_its_own_cuts_in_the_order_of_the_hits(mixed, unchanged) -> None:
    with unchanged(mixed):
        n = nodes.neutron_hit_filter_code(nodes.neutron_hits(mixed), cuts(min_light_MeVee=2))
        g = nodes.gamma_hit_filter_code(nodes.gamma_hits(mixed), cuts(bars_exclude=[2]))
        u = nodes.unknown_hit_filter_code(nodes.unknown_hits(mixed), cuts(max_light_MeVee=1))
        code = nodes.hit_filter_code(mixed, n, g, u)
        kept = nodes.filtered_hits(mixed, code)
    assert [HitFilter(c).name for c in code] == [
        "threshold", "kept", "kept", "kept", "bar_exclude", "kept", "threshold", "kept",
    ]  # fmt: skip
    assert code.dtype == np.uint8
    assert kept["light_MeVee"].tolist() == [2, 3, 4, 6, 8]
    HITS.validate(kept, "filtered_hits")
    neutron = nodes.neutron_filtered_hits(nodes.neutron_hits(mixed), n)
    gamma = nodes.gamma_filtered_hits(nodes.gamma_hits(mixed), g)
    assert neutron["light_MeVee"].tolist() == [2, 8]
    assert gamma["light_MeVee"].tolist() == [3, 4, 6]
    # What is kept and what has a reason add up.
    assert len(neutron) + len(gamma) + np.count_nonzero(code) == len(mixed)


def test_an_override_wins_key_by_key() -> None:
    table = HitFiltersBySpecies.model_validate(
        {"min_light_MeVee": 1.0, "psd_min": 0.2, "neutron": {"min_light_MeVee": 0.0}}
    )
    neutron, gamma = resolved(table, table.neutron), resolved(table, table.gamma)
    assert (neutron.min_light_MeVee, neutron.psd_min) == (0.0, 0.2)
    assert (gamma.min_light_MeVee, gamma.psd_min) == (1.0, 0.2)
    # None is a value that can be set, too.
    off = HitFiltersBySpecies.model_validate({"psd_min": 0.2, "gamma": {"psd_min": None}})
    assert resolved(off, off.gamma).psd_min is None


def test_no_hit_and_one_hit(make_hits) -> None:
    empty = HITS.empty()
    keys = {"bars_include": [1], "materials_include": ["OGS"], "psd_min": 0.1}
    assert reasons(empty, **keys) == []
    for node in (nodes.neutron_hits, nodes.gamma_hits, nodes.unknown_hits):
        assert len(node(empty)) == 0
    none = np.zeros(0, np.uint8)
    assert len(nodes.filtered_hits(empty, nodes.hit_filter_code(empty, none, none, none))) == 0
    one = make_hits(det_id=[1])
    assert reasons(one, **keys) == ["kept"]
    assert len(nodes.neutron_hits(one)) == 1


def fate(records, neutron, gamma, *, neutrons_on=True, gammas_on=True) -> list[str]:
    code = nodes.raw_event_fate(records, neutron, gamma, neutrons_on, gammas_on)
    assert code.dtype == np.uint8
    return [RawEventFate(c).name for c in code]


def test_a_raw_event_goes_on_with_two_neutrons_or_three_gammas(make_hits, make_records) -> None:
    # Windows 3 .. 8 have (neutron, gamma) hits (2,0) (1,2) (0,3) (2,3) (0,0) (1,3).
    neutron = make_hits(event_id=[3, 3, 4, 6, 6, 8])
    gamma = make_hits(event_id=[4, 4, 5, 5, 5, 6, 6, 6, 8, 8, 8], species="g")
    records = make_records(raw_event_ids=np.arange(3, 9))
    k, u, off = "kept", "unreconstructable", "species_off"
    assert fate(records, neutron, gamma) == [k, u, k, k, u, k]
    assert fate(records, neutron, gamma, neutrons_on=False) == [off, u, k, k, u, k]
    assert fate(records, neutron, gamma, gammas_on=False) == [k, u, off, k, u, off]


def test_the_fate_of_gaps_in_the_ids(make_hits, make_records) -> None:
    records = make_records(raw_event_ids=np.array([10, 20, 21]))
    neutron = make_hits(event_id=[20, 20])
    u = "unreconstructable"
    assert fate(records, neutron, HITS.empty()) == [u, "kept", u]


def test_no_raw_event_has_no_fate(make_records) -> None:
    records = make_records(raw_event_ids=np.zeros(0, np.int64))
    assert fate(records, HITS.empty(), HITS.empty()) == []


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5)), max_size=8))
def test_fates_add_up_to_the_raw_events(make_hits, make_records, windows) -> None:
    ids = np.arange(len(windows))
    neutron = make_hits(event_id=np.repeat(ids, [w[0] for w in windows]))
    gamma = make_hits(event_id=np.repeat(ids, [w[1] for w in windows]), species="g")
    found = fate(make_records(raw_event_ids=ids), neutron, gamma)
    expected = ["kept" if n >= 2 or g >= 3 else "unreconstructable" for n, g in windows]
    assert found == expected
