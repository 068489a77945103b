"""Parts of a run made one: rows numbered over the whole run, counts added, footprints in order."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from radiograph.drivers.cache.code import CodeVersions
from radiograph.drivers.cache.execution import NodeCache
from radiograph.drivers.cache.lazy import Lazy
from radiograph.drivers.cache.opening import PACKAGES
from radiograph.drivers.cache.store import Store
from radiograph.drivers.engine import merging
from radiograph.drivers.engine.evaluation import Before
from radiograph.drivers.engine.executors import Results
from radiograph.drivers.engine.merging import ARRAY, Gathering, merge_of, numbered_columns
from radiograph.drivers.engine.parts import Part
from radiograph.drivers.engine.protocol import NoCarry
from radiograph.drivers.imaging.definition import IMAGING
from radiograph.nodes.imaging import tables
from radiograph.nodes.imaging.stacking import joined_footprints, stacked
from radiograph.schemas.imaging.frames import (
    CANDIDATE_CONES,
    ENERGIES,
    FILTERED,
    GAMMA_ENERGIES,
    GAMMA_FILTERED,
    NEUTRON_ENERGIES,
    NEUTRON_FILTERED,
    SELECTED_CONES,
)
from radiograph.schemas.imaging.images import BackProjection, Counts, Footprints
from radiograph.schemas.imaging.record_frames import PROBLEMS
from radiograph.schemas.tables import TableSchema

ROWS = {
    "neutron_filtered_events": 10,
    "gamma_filtered_events": 100,
    "neutron_candidate_cones": 20,
    "gamma_candidate_cones": 600,
    "neutron_filtered_hits": 1000,
    "gamma_filtered_hits": 5000,
}
BEFORE = Before(NoCarry(), ROWS)


def shifts_of(node: str, table: TableSchema | None = None, before: Before = BEFORE) -> Any:
    """By column, what the row numbers of an imaging node grow by."""
    return before.shifts(numbered_columns(IMAGING, node, table))


def shifted(
    node: str, value: Any, table: TableSchema | None = None, before: Before = BEFORE
) -> Any:
    return merging.shifted(value, shifts_of(node, table, before))


def merged(node: str, parts: Sequence[Any]) -> Any:
    """One value of those of parts, by the rule of imaging."""
    rule = merge_of(IMAGING, node, type(parts[0]))
    assert rule is not None
    gatherer = rule()
    for part in parts:
        gatherer.take(part)
    return gatherer.whole()


def gathered(node: str, parts: Sequence[tuple[int, Any]], cache: NodeCache | None = None) -> Any:
    """The whole of arrays, each with what its numbers grow by."""
    gathering = Gathering(merging.Appended, node, cache)
    for before, value in parts:
        gathering.take(value, {ARRAY: before})
    gathering.end_file()
    return gathering.whole()


def filled(schema: TableSchema, n: int, **columns: Any) -> pd.DataFrame:
    """A frame of zeros and of the columns given."""
    data: dict[str, Any] = {}
    for column in schema.columns:
        names = column.categories or ("OGS", "M600")
        zero = [names[0]] * n if column.dtype == "category" else np.zeros(n)
        data[column.name] = zero
        if column.dtype == "category" and column.name not in columns:
            data[column.name] = pd.Categorical(zero, categories=pd.Index(names, dtype=str))
    return schema.frame(data | columns)


# --- row numbers ------------------------------------------------------------------------------


def test_rows_before_grow_by_what_a_range_gives() -> None:
    part, frame = Part({"file": 1, "range": 0}, {}, 7), pd.DataFrame({"x": [1, 2, 3]})
    results = Results({"gamma_filtered_events": frame}, {"neutron_filtered_events": 2})
    before = BEFORE.at(Part({"file": 0, "range": 4})).at(part)
    counted = {"gamma_filtered_events", "neutron_filtered_events"}
    after = before.after(part, results, counted)
    assert after.rows == {
        **ROWS, "neutron_filtered_events": 12, "gamma_filtered_events": 103,
    }  # fmt: skip
    assert after.records == 7
    numbered = {"event_id": "file"}
    # Records are numbered within their file: what grows is told of those before it.
    assert after.at(Part({"file": 1, "range": 1})).shifts(numbered) == {"event_id": 0}
    assert after.at(Part({"file": 2, "range": 0})).shifts(numbered) == {"event_id": 7}


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ("neutron_selected_cones", {"event_index": [10, 11], "candidate_row": [21, 23]}),
        ("gamma_selected_cones", {"event_index": [100, 101], "candidate_row": [601, 603]}),
        # Made of both species of the whole run: numbered already.
        ("selected_cones", {"event_index": [0, 1], "candidate_row": [1, 3]}),
    ],
)
def test_rows_of_a_frame_are_shifted_by_those_before(node: str, expected: Any) -> None:
    frame = filled(SELECTED_CONES, 2, event_index=[0, 1], candidate_row=[1, 3], event_id=[7, 8])
    before = frame.copy(deep=True)
    found = shifted(node, frame, SELECTED_CONES)
    pd.testing.assert_frame_equal(frame, before)
    SELECTED_CONES.validate(found, node)
    for name, values in expected.items():
        assert found[name].tolist() == values
    assert found["event_id"].tolist() == [7, 8]


def test_rows_of_hits_and_chosen_rows_are_shifted() -> None:
    frame = pd.DataFrame({"event_id": [4], "hit1_row": [2], "hit2_row": [-1]})
    found = shifted("neutron_shaped_events", frame, IMAGING.frames()["NeutronShapedEvents"])
    assert found.to_numpy().tolist() == [[4, 1002, -1]]
    found = shifted("gamma_shaped_events", frame, IMAGING.frames()["GammaShapedEvents"])
    assert found["hit1_row"].tolist() == [5002]
    rows = np.array([0, -1, 3])
    assert shifted("neutron_chosen_row", rows).tolist() == [20, -1, 23]
    assert shifted("gamma_chosen_row", rows).tolist() == [600, -1, 603]
    assert rows.tolist() == [0, -1, 3]
    scores = np.array([0.5])
    assert shifted("neutron_cone_scores", scores) is scores


def test_what_is_not_numbered_stays() -> None:
    counts = Counts({"a": 1})
    assert shifted("hit_counters", counts) is counts
    assert shifts_of("hits", IMAGING.frames()["Hits"]) == {"event_id": 0}
    frame = pd.DataFrame({"event_index": [1]})
    none = Before(NoCarry())
    assert shifted("neutron_filtered_events", frame, NEUTRON_FILTERED, none) is frame
    assert shifted("parse_problems", frame, PROBLEMS) is frame


# --- one value of several ---------------------------------------------------------------------


def test_one_part_is_the_value_itself() -> None:
    value = np.array([1])
    assert merged("hit_filter_code", [value]) is value
    assert gathered("node", [(0, value)]) is value


def test_arrays_counts_and_frames_are_joined_in_order() -> None:
    parts = [np.array([1, 2], np.uint8), np.zeros(0, np.uint8), np.array([3], np.uint8)]
    found = merged("hit_filter_code", parts)
    assert found.tolist() == [1, 2, 3]
    assert found.dtype == np.uint8
    total = merged("node", [Counts({"a": 1, "b": 2}), Counts({"a": 3, "c": 4}), Counts()])
    assert dict(total.values) == {"a": 4, "b": 2, "c": 4}
    frames = [filled(CANDIDATE_CONES, n, theta_rad=np.full(n, float(n))) for n in (2, 0, 1)]
    frame = merged("node", frames)
    CANDIDATE_CONES.validate(frame, "node")
    assert frame["theta_rad"].tolist() == [2, 2, 1]
    assert frame.index.tolist() == [0, 1, 2]


def test_joined_values_are_numbered_and_read_only() -> None:
    found = gathered("neutron_chosen_row", [(0, np.array([0, -1])), (4, np.array([1]))])
    assert found.tolist() == [0, -1, 5]
    assert not found.flags.writeable


def test_a_joined_value_is_known_by_its_parts_and_the_rows_before_them(tmp_path: Path) -> None:
    """Row 0 of a part is row 4 of the run after four rows, row 6 after six."""
    store = Store(tmp_path, ())
    cache = NodeCache(store, CodeVersions(PACKAGES))

    def of(n_before: int, *, first: int = 0, node: str = "neutron_chosen_row") -> Lazy:
        parts = [(0, Lazy(np.array([first]))), (n_before, Lazy(np.array([0])))]
        found: Lazy = gathered(node, parts, cache)
        return found

    assert of(4).value().tolist() == [0, 4]
    assert of(6).value().tolist() == [0, 6]
    assert of(4).fingerprint == of(4).fingerprint
    others = (of(6), of(4, first=1), of(4, node="gamma_chosen_row"))
    assert of(4).fingerprint not in {v.fingerprint for v in others}
    store.close()


def problems_of(*rows: tuple[str, int, int]) -> pd.DataFrame:
    kind, line, count = zip(*rows, strict=True) if rows else ((), (), ())
    return PROBLEMS.frame({"kind": list(kind), "line_or_entry": line, "count": count})


def test_kinds_of_damage_that_differ_from_range_to_range() -> None:
    """As the whole file in one range gives them, whichever range has none or another kind."""
    parts = [
        problems_of(),
        problems_of(("no_hits", 3, 1)),
        problems_of(("bad_number", 9, 1), ("no_hits", 12, 4)),
        problems_of(),
    ]
    expected = problems_of(("no_hits", 3, 1), ("bad_number", 9, 1), ("no_hits", 12, 4))
    found = merged("parse_problems", parts)
    PROBLEMS.validate(found, "parse_problems")
    pd.testing.assert_frame_equal(found, expected)
    pd.testing.assert_frame_equal(merged("parse_problems", [problems_of()] * 2), problems_of())


def test_equal_categories_keep_their_order() -> None:
    frames = [filled(CANDIDATE_CONES, 1), filled(CANDIDATE_CONES, 1)]
    found = merged("node", frames)
    assert list(found["species"].cat.categories) == ["n", "g", "unknown"]


def test_what_a_file_gave_is_taken_back_and_what_waits_is_read_once() -> None:
    read: list[int] = []

    def hit(value: int) -> Lazy:
        def make() -> np.ndarray:
            read.append(value)
            return np.array([value])

        return Lazy(make=make, fingerprint=str(value))

    gathering = Gathering(merging.Appended, "node", None)
    for file, values in enumerate([[hit(0), hit(1)], [hit(2), Lazy(np.array([3]))], [hit(4)]]):
        for value in values:
            gathering.take(value, {})
        # The second file fails, though a value of it was merged.
        if file == 1:
            gathering.drop_file()
        else:
            gathering.end_file()
    assert read == [2]
    assert gathering.whole().tolist() == [0, 1, 4]
    assert read == [2, 0, 1, 4]


def test_what_nothing_says_how_to_merge() -> None:
    assert merge_of(IMAGING, "source_records", str) is None


def projection_of(rng: np.random.Generator, n: int, list_mode: bool = True) -> BackProjection:
    lit = rng.integers(0, 4, n).astype(np.uint32)
    pixels = rng.integers(0, 6, lit.sum()).astype(np.uint32)
    offsets = np.concatenate([[0], np.cumsum(lit)]).astype(np.uint64)
    image = np.bincount(pixels, minlength=6).astype(np.uint32).reshape(2, 3)
    return BackProjection(image, lit, Footprints(offsets, pixels) if list_mode else None)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 5), min_size=2, max_size=5))
def test_back_projections_add_and_keep_the_order_of_cones(seed: int, sizes: list[int]) -> None:
    rng = np.random.default_rng(seed)
    parts = [projection_of(rng, n) for n in sizes]
    found = merged("neutron_back_projection", parts)
    np.testing.assert_array_equal(found.image, sum(p.image for p in parts))
    assert found.image.dtype == np.uint32
    assert found.lit_pixels.tolist() == [int(x) for p in parts for x in p.lit_pixels]
    assert found.lit_pixels.dtype == np.uint32
    assert found.footprints is not None
    assert (found.footprints.offsets.dtype, found.footprints.pixels.dtype) == (np.uint64, np.uint32)
    expected = [
        p.footprints.pixels[int(a) : int(b)].tolist()
        for p in parts
        if p.footprints is not None
        for a, b in pairwise(p.footprints.offsets)
    ]
    offsets = found.footprints.offsets.astype(int)
    rows = [found.footprints.pixels[a:b].tolist() for a, b in pairwise(offsets)]
    assert rows == expected


def test_without_list_mode_there_are_no_footprints() -> None:
    rng = np.random.default_rng(0)
    parts = [projection_of(rng, 3, list_mode=False) for _ in range(2)]
    assert merged("neutron_back_projection", parts).footprints is None
    empty = joined_footprints(parts)
    assert empty.n_cones == 6
    assert empty.pixels.shape == (0,)
    assert empty.offsets.tolist() == [0] * 7


def test_images_of_many_counts_do_not_overflow_on_the_way() -> None:
    part = BackProjection(np.array([[2**31]], np.uint32), np.zeros(0, np.uint32))
    small = BackProjection(np.array([[2**31 - 1]], np.uint32), np.zeros(0, np.uint32))
    assert merged("neutron_back_projection", [part, small]).image.tolist() == [[2**32 - 1]]


# --- both species under one name --------------------------------------------------------------


def test_neutrons_stand_over_gammas_with_gamma_rows_shifted() -> None:
    neutron = filled(NEUTRON_FILTERED, 2, event_index=[0, 1], event_id=[5, 9])
    gamma = filled(GAMMA_FILTERED, 2, event_index=[0, 1], event_id=[2, 9], det_id3=[7, 8])
    before = neutron.copy(deep=True), gamma.copy(deep=True)
    found = tables.filtered_events(neutron, gamma)
    FILTERED.validate(found, "filtered_events")
    assert found["event_index"].tolist() == [0, 1, 2, 3]
    assert found["event_id"].tolist() == [5, 9, 2, 9]
    assert found["species"].tolist() == ["n", "n", "g", "g"]
    assert found["det_id3"].tolist() == [-1, -1, 7, 8]
    assert found["x3_cm"].isna().tolist() == [True, True, False, False]
    assert found["material3"].isna().tolist() == [True, True, False, False]
    pd.testing.assert_frame_equal(neutron, before[0])
    pd.testing.assert_frame_equal(gamma, before[1])


def test_energies_of_the_other_species_are_nan() -> None:
    neutron = filled(NEUTRON_ENERGIES, 1, proton_energy_status=[3])
    gamma = filled(GAMMA_ENERGIES, 1)
    found = tables.energies(neutron, gamma)
    ENERGIES.validate(found, "energies")
    assert found["event_index"].tolist() == [0, 1]
    assert found["proton_energy_status"].tolist() == [3, 0]
    assert found["deposited1_energy_MeV"].isna().tolist() == [True, False]
    assert found["scattered_energy_MeV"].isna().tolist() == [False, True]


def test_cones_are_numbered_over_both_species() -> None:
    events = filled(NEUTRON_FILTERED, 3, event_index=[0, 1, 2])
    candidates = filled(CANDIDATE_CONES, 6)
    neutron = filled(SELECTED_CONES, 2, event_index=[0, 2], candidate_row=[1, 4])
    gamma = filled(SELECTED_CONES, 1, event_index=[0], candidate_row=[5])
    found = tables.selected_cones(neutron, gamma, events, candidates)
    SELECTED_CONES.validate(found, "selected_cones")
    assert found["event_index"].tolist() == [0, 2, 3]
    assert found["candidate_row"].tolist() == [1, 4, 11]
    assert found["species"].tolist() == ["n", "n", "g"]
    every = tables.candidate_cones(candidates, filled(CANDIDATE_CONES, 6), events)
    assert every["event_index"].tolist() == [0] * 6 + [3] * 6


def test_scores_and_directions_are_joined() -> None:
    assert tables.cone_scores(np.array([0.1]), np.array([0.2, 0.3])).tolist() == [0.1, 0.2, 0.3]
    assert tables.direction_ok(np.array([True]), np.array([False])).tolist() == [True, False]


def test_nothing_of_one_or_both_species() -> None:
    none_n, none_g = NEUTRON_FILTERED.empty(), GAMMA_FILTERED.empty()
    FILTERED.validate(tables.filtered_events(none_n, none_g), "filtered_events")
    only = tables.filtered_events(none_n, filled(GAMMA_FILTERED, 1))
    FILTERED.validate(only, "filtered_events")
    assert only["event_index"].tolist() == [0]
    assert only["material1"].tolist() == ["OGS"]
    only = tables.filtered_events(filled(NEUTRON_FILTERED, 1), none_g)
    FILTERED.validate(only, "filtered_events")
    assert only["material2"].tolist() == ["OGS"]


def test_materials_of_both_species_keep_their_names() -> None:
    def material(*names: str) -> pd.Categorical:
        return pd.Categorical(list(names), categories=pd.Index(["M600", "OGS"], dtype=str))

    neutron = filled(NEUTRON_FILTERED, 1, material1=material("M600"), material2=material("OGS"))
    gamma = filled(
        GAMMA_FILTERED, 1, material1=material("OGS"), material2=material("M600"),
        material3=material("M600"),
    )  # fmt: skip
    found = stacked(neutron, gamma, FILTERED)
    assert found["material1"].tolist() == ["M600", "OGS"]
    assert found["material2"].tolist() == ["OGS", "M600"]
    assert found["material3"].tolist()[1] == "M600"


def test_footprints_of_both_species() -> None:
    rng = np.random.default_rng(1)
    n, g = projection_of(rng, 3), projection_of(rng, 2)
    found = tables.footprints(n, g)
    assert found.n_cones == 5
    np.testing.assert_array_equal(
        np.diff(found.offsets.astype(int)), np.concatenate([n.lit_pixels, g.lit_pixels])
    )
