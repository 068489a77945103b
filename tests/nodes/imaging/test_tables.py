"""Both species in one table: neutrons first, row numbers over both, absent columns filled."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from radiograph.nodes.imaging import energies, tables
from radiograph.nodes.imaging.stacking import stacked
from radiograph.schemas.imaging.frames import (
    CANDIDATE_CONES,
    ENERGIES,
    FILTERED,
    GAMMA_FILTERED,
    NEUTRON_FILTERED,
    NEUTRON_TYPED,
    SELECTED_CONES,
    TYPED,
)
from radiograph.schemas.imaging.images import BackProjection, Footprints


def cones(schema: Any, species: str, n: int, **given: Any) -> pd.DataFrame:
    """Rows of a cone table with zeros but for what is given."""
    columns = {c.name: np.zeros(n) for c in schema.columns} | {"species": [species] * n}
    return schema.frame(columns | given)


def projection(lit: list[int], pixels: list[int] | None) -> BackProjection:
    footprints = None
    if pixels is not None:
        offsets = np.concatenate([[0], np.cumsum(lit)]).astype(np.uint64)
        footprints = Footprints(offsets, np.array(pixels, np.uint32))
    return BackProjection(np.zeros((2, 2), np.uint32), np.array(lit, np.uint32), footprints)


def test_typed_events_neutrons_first(make_neutron_typed, make_gamma_typed, unchanged) -> None:
    neutron = make_neutron_typed(event_id=[3, 8], det_id2=[5, 6])
    gamma = make_gamma_typed(event_id=[1], det_id3=[7], material3=["M600"])
    with unchanged(neutron, gamma):
        found = tables.typed_events(neutron, gamma)
    TYPED.validate(found, "typed_events")
    assert found["event_id"].tolist() == [3, 8, 1]
    assert found["species"].tolist() == ["n", "n", "g"]
    assert found["det_id3"].tolist() == [-1, -1, 7]
    assert found["det_id2"].tolist() == [5, 6, 0]
    np.testing.assert_array_equal(found["x3_cm"], [np.nan, np.nan, 30.0])
    assert found["material3"].isna().tolist() == [True, True, False]
    assert found["material3"][2] == "M600"


def test_event_index_is_the_row(make_neutron_filtered, make_gamma_filtered) -> None:
    found = tables.filtered_events(
        make_neutron_filtered(event_id=[4, 5, 6]), make_gamma_filtered(event_id=[4, 6])
    )
    FILTERED.validate(found, "filtered_events")
    assert found["event_index"].tolist() == [0, 1, 2, 3, 4]
    assert found["species"].tolist() == ["n"] * 3 + ["g"] * 2


def test_materials_of_both_species_keep_their_names(
    make_neutron_filtered, make_gamma_filtered
) -> None:
    names = ["M600", "OGS", "UNK"]
    neutron = make_neutron_filtered(material1=pd.Categorical(["UNK", "OGS"], categories=names))
    gamma = make_gamma_filtered(material1=pd.Categorical(["M600"], categories=names))
    found = tables.filtered_events(neutron, gamma)
    assert found["material1"].tolist() == ["UNK", "OGS", "M600"]
    assert list(found["material1"].cat.categories) == names


def test_one_species_or_none(make_neutron_filtered, make_gamma_filtered) -> None:
    no_n, no_g = NEUTRON_FILTERED.empty(), GAMMA_FILTERED.empty()
    for neutron, gamma in (
        (make_neutron_filtered(), no_g), (no_n, make_gamma_filtered()), (no_n, no_g),
    ):  # fmt: skip
        found = tables.filtered_events(neutron, gamma)
        FILTERED.validate(found, "filtered_events")
        assert len(found) == len(neutron) + len(gamma)
        assert found["event_index"].tolist() == list(range(len(found)))


def test_energies_of_both_species(make_neutron_filtered, make_gamma_filtered) -> None:
    neutron = energies.neutron_energies__edep(make_neutron_filtered(light1_MeVee=[2.0, 0.0]))
    gamma = energies.gamma_energies(make_gamma_filtered(light2_MeVee=[0.7]))
    found = tables.energies(neutron, gamma)
    ENERGIES.validate(found, "energies")
    assert found["event_index"].tolist() == [0, 1, 2]
    np.testing.assert_array_equal(found["proton_recoil_energy_MeV"], [2.0, np.nan, np.nan])
    np.testing.assert_array_equal(found["deposited2_energy_MeV"], [np.nan, np.nan, 0.7])
    assert found["proton_energy_status"].tolist() == [0, 6, 0]


def test_candidates_and_cones_count_events_and_candidates_over_both(
    make_neutron_filtered, unchanged
) -> None:
    events = make_neutron_filtered(event_id=[10, 11, 12])
    neutron = cones(CANDIDATE_CONES, "n", 6, event_index=[0, 0, 1, 1, 2, 2], recoil_code=[1, 2] * 3)
    gamma = cones(CANDIDATE_CONES, "g", 6, event_index=[0] * 6, hit_order_1=[0, 0, 1, 1, 2, 2])
    with unchanged(neutron, gamma, events):
        found = tables.candidate_cones(neutron, gamma, events)
    CANDIDATE_CONES.validate(found, "candidate_cones")
    assert found["event_index"].tolist() == [0, 0, 1, 1, 2, 2] + [3] * 6
    assert found["species"].tolist() == ["n"] * 6 + ["g"] * 6
    chosen_n = cones(SELECTED_CONES, "n", 1, event_index=[2], candidate_row=[4])
    chosen_g = cones(SELECTED_CONES, "g", 1, event_index=[0], candidate_row=[3])
    selected = tables.selected_cones(chosen_n, chosen_g, events, neutron)
    SELECTED_CONES.validate(selected, "selected_cones")
    assert selected["event_index"].tolist() == [2, 3]
    # Each selected cone points at its own hypothesis.
    assert selected["candidate_row"].tolist() == [4, 9]
    rows = found.iloc[selected["candidate_row"]]
    assert rows["event_index"].tolist() == selected["event_index"].tolist()
    assert rows["species"].tolist() == selected["species"].tolist()


def test_cones_of_no_event() -> None:
    none = CANDIDATE_CONES.empty()
    CANDIDATE_CONES.validate(tables.candidate_cones(none, none, NEUTRON_FILTERED.empty()), "c")
    empty = SELECTED_CONES.empty()
    found = tables.selected_cones(empty, empty, NEUTRON_FILTERED.empty(), none)
    SELECTED_CONES.validate(found, "selected_cones")


def test_scores_and_directions_stand_one_after_the_other() -> None:
    n, g = np.array([0.1, np.nan]), np.array([0.3])
    np.testing.assert_array_equal(tables.cone_scores(n, g), [0.1, np.nan, 0.3])
    found = tables.direction_ok(np.array([True, False]), np.array([True]))
    assert found.tolist() == [True, False, True]


def test_footprints_of_both_species() -> None:
    found = tables.footprints(projection([2, 0, 1], [0, 3, 2]), projection([1], [1]))
    assert found.offsets.tolist() == [0, 2, 2, 3, 4]
    assert found.pixels.tolist() == [0, 3, 2, 1]
    assert found.offsets.dtype == np.uint64
    assert found.pixels.dtype == np.uint32
    assert found.n_cones == 4


def test_footprints_without_list_mode_are_empty_rows() -> None:
    found = tables.footprints(projection([5, 6], None), projection([7], None))
    assert found.offsets.tolist() == [0, 0, 0, 0]
    assert len(found.pixels) == 0
    mixed = tables.footprints(projection([2], None), projection([1], [3]))
    assert mixed.offsets.tolist() == [0, 0, 1]
    none = tables.footprints(projection([], []), projection([], []))
    assert none.offsets.tolist() == [0]


@given(st.integers(0, 5), st.integers(0, 5), st.integers(0, 100))
def test_rows_of_each_species_are_kept_in_order(
    make_neutron_typed, make_gamma_typed, n, g, seed
) -> None:
    x = np.random.default_rng(seed).normal(size=n + g)
    neutron = make_neutron_typed(event_id=np.arange(n), x1_cm=x[:n])
    gamma = make_gamma_typed(event_id=np.arange(g), x1_cm=x[n:])
    found = stacked(neutron, gamma, TYPED)
    np.testing.assert_array_equal(found["x1_cm"], x)
    part = found[found["species"] == "n"]
    columns = [c for c in NEUTRON_TYPED.names if not c.startswith("material")]
    pd.testing.assert_frame_equal(part[columns].reset_index(drop=True), neutron[columns])
