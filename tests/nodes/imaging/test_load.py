"""From records to canonical hits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from radiograph.drivers.files import file_ref
from radiograph.nodes.imaging import load
from radiograph.schemas.imaging.detectors import Detectors
from radiograph.schemas.imaging.frames import HITS
from radiograph.schemas.imaging.imaging_method import Threads
from radiograph.schemas.imaging.reading import ReaderSettings
from radiograph.schemas.imaging.record_frames import PROBLEMS, PRODUCTS, REACTIONS
from radiograph.schemas.sources import EventRange

PHITS = ReaderSettings(input_format="phits_usrdef", cm_per_position_unit=1.0)


def detectors_of(material_map: dict[int, str], **more: Any) -> Detectors:
    return Detectors.model_validate({"material_map": material_map, **more})


def test_hits_have_material_and_world_position(make_hits, make_records) -> None:
    detectors = detectors_of(
        {3: "M600", 1: "OGS", 99: "EJ309"},
        default_material="UNK",
        geometry={"frame": {"origin_cm": [0, 0, 100], "rotation_deg": [0, 0, 90]}},
    )
    raw = make_hits(
        event_id=[4, 4, 5], det_id=[1, 3, 7], x_cm=[1.0, 2.0, 3.0], t_ns=[6e11, 6e11 + 0.25, 0.5]
    )
    hits = load.hits(make_records(raw), detectors)
    HITS.validate(hits, "hits")
    assert hits["material"].tolist() == ["OGS", "M600", "UNK"]
    assert list(hits["material"].cat.categories) == ["EJ309", "M600", "OGS", "UNK"]
    assert hits[["x_cm", "y_cm", "z_cm"]].to_numpy() == pytest.approx(
        np.array([[0, 1, 100], [0, 2, 100], [0, 3, 100]]), abs=1e-12
    )
    # A quarter of a nanosecond survives beside 6e11 ns.
    assert hits["t_ns"][1] - hits["t_ns"][0] == 0.25


def test_other_columns_pass_unchanged_and_inputs_stay(make_hits, make_records, unchanged) -> None:
    raw = make_hits(
        event_id=[0, 0], species=["n", "unknown"], psd=[np.nan, 0.2], light_MeVee=[1.5, 2.5],
        energy_deposited_MeV=[3.0, np.nan],
    )  # fmt: skip
    records = make_records(raw)
    with unchanged(records.hits):
        hits = load.hits(records, detectors_of({}))
    for name in records.hits.columns:
        np.testing.assert_array_equal(hits[name], records.hits[name])
    assert hits["material"].tolist() == ["UNK", "UNK"]


@given(
    st.dictionaries(st.integers(-3, 12), st.sampled_from(["OGS", "M600", "EJ", "UNK"]), max_size=6),
    st.lists(st.integers(-5, 14), max_size=12),
)
def test_materials_are_those_of_the_map(make_hits, make_records, material_map, ids) -> None:
    raw = make_hits(event_id=[0] * len(ids), det_id=ids)
    hits = load.hits(make_records(raw), detectors_of(material_map, default_material="other"))
    assert hits["material"].tolist() == [material_map.get(i, "other") for i in ids]


def test_no_hit_and_one_hit(make_hits, make_records) -> None:
    detectors = detectors_of({1: "OGS"}, geometry={"frame": {"origin_cm": [1, 0, 0]}})
    empty = load.hits(make_records(), detectors)
    assert len(empty) == 0
    HITS.validate(empty, "hits")
    one = load.hits(make_records(make_hits(event_id=[9], det_id=[1])), detectors)
    HITS.validate(one, "hits")
    assert one["x_cm"].tolist() == [1.0]


def test_nan_positions_stay_nan_in_their_row(make_hits, make_records) -> None:
    raw = make_hits(event_id=[0, 0], x_cm=[np.nan, 1.0])
    hits = load.hits(make_records(raw), detectors_of({}))
    assert np.isnan(hits["x_cm"][0])
    assert hits["x_cm"][1] == 1.0


def test_truth_and_problems_pass(make_records) -> None:
    problems = PROBLEMS.frame({"kind": ["bad_number"], "line_or_entry": [3], "count": [2]})
    records = make_records(problems=problems)
    assert load.parse_problems__read(records).equals(problems)
    REACTIONS.validate(load.reactions(records), "reactions")
    PRODUCTS.validate(load.reaction_products(records), "products")


def test_the_format_chooses_the_reader(tmp_path: Path) -> None:
    file = tmp_path / "a.out"
    file.write_text("ne 0 1 2 3 4 ; 7 1.0 1 2 3 4 , 8 2.0 1 2 3 5\n")
    ref = file_ref(file)
    records = load.source_records(ref, EventRange(0, 1, 0, ref.size), PHITS, Threads(1))
    assert records.hits["det_id"].tolist() == [7, 8]
    assert load.source_metadata(ref, PHITS).values == {}
    wrong = PHITS.model_copy(update={"input_format": "x"})
    with pytest.raises(KeyError):
        load.source_records(ref, EventRange(0, 1), wrong, Threads(1))
