"""NOVO DDAQ ROOT files written by uproot: slots, codes, damage, ranges, and what is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pandas as pd
import pytest
import uproot
from hypothesis import given, settings
from hypothesis import strategies as st
from radiograph.drivers.files import file_ref
from radiograph.nodes.imaging.readers import READERS
from radiograph.nodes.imaging.readers.novo_ddaq_root import (
    _plain,
    event_ranges,
    metadata,
    read,
)
from radiograph.nodes.imaging.readers.phits_usrdef import HITS_WITHOUT_MATERIAL
from radiograph.schemas.errors import EXIT_INPUT, InputError
from radiograph.schemas.imaging.images import SourceRecords
from radiograph.schemas.imaging.reading import ReaderSettings
from radiograph.schemas.imaging.record_frames import PROBLEMS, PRODUCTS, REACTIONS
from radiograph.schemas.sources import EventRange

MM_NS = ReaderSettings(input_format="root_novo_ddaq", cm_per_position_unit=0.1)
TYPES = {
    "x": "f4", "y": "f4", "z": "f4", "t": "f8", "dE": "f4", "psd": "f4",
    "det": "i4", "particle": "i4", "clipped": "i4",
}  # fmt: skip
HIT = {"x": 10, "y": -20, "z": 30, "t": 1.5, "dE": 2, "psd": 0.25, "det": 5, "particle": 1,
       "clipped": 0}  # fmt: skip
EMPTY = {"det": -1, "particle": -1, "x": np.nan, "y": np.nan, "z": np.nan, "dE": -1, "t": np.nan}


def branches(entries: list[list[dict]], slots: int = 3) -> dict[str, np.ndarray]:
    """Arrays of the tree; an entry lists its hits by what differs from HIT."""
    columns = {}
    for i in range(slots):
        hits = [{**HIT, **(e[i] if i < len(e) else EMPTY)} for e in entries]
        for f, dtype in TYPES.items():
            columns[f"{f}{i + 1}"] = np.array([h[f] for h in hits], dtype)
    return columns


def write(path: Path, columns: dict[str, Any], *, tree: str = "image_tree", kind: str = "mktree",
          **more: dict[str, Any]) -> Path:  # fmt: skip
    with uproot.recreate(path) as file:
        for name, values in {tree: columns, **more}.items():
            if kind == "mkrntuple":
                file.mkrntuple(name, values)
            else:
                file.mktree(name, types_of(values)).extend(values)
    return path


def types_of(columns: dict[str, Any]) -> dict[str, Any]:
    """What uproot of any age takes for the branches of these columns."""
    return {
        name: values.type.content
        if isinstance(values, ak.Array)
        else np.dtype((values.dtype, values.shape[1:]))
        for name, values in columns.items()
    }


def records_of(path: Path, how: ReaderSettings = MM_NS, every: int = 10**6) -> list[SourceRecords]:
    parts = [read(file_ref(path), r, how) for r in event_ranges(path, every, how)]
    for part in parts:
        HITS_WITHOUT_MATERIAL.validate(part.hits, "hits")
        PROBLEMS.validate(part.problems, "problems")
        assert len(part.reactions) == len(part.products) == 0
        assert part.n_damaged_records == part.problems["count"].sum()
    REACTIONS.validate(parts[0].reactions, "reactions")
    PRODUCTS.validate(parts[0].products, "products")
    return parts


@pytest.fixture
def parsed(tmp_path: Path):
    def build(entries: list[list[dict]], how: ReaderSettings = MM_NS, slots: int = 3) -> Any:
        return records_of(write(tmp_path / "run0041.root", branches(entries, slots)), how)[0]

    return build


def problems(records: SourceRecords) -> list[tuple]:
    return list(records.problems.itertuples(index=False, name=None))


def refusal(call: Any, *arguments: Any) -> str:
    with pytest.raises(InputError) as failure:
        call(*arguments)
    assert failure.value.exit_code == EXIT_INPUT
    return failure.value.message


def test_hits_in_cm_and_ns(parsed) -> None:
    records = parsed([[{}, {"t": 2.5, "particle": 2}], [{"det": 0}, {"psd": np.nan}, {"det": 7}]])
    hits = records.hits
    assert hits["event_id"].tolist() == [0, 0, 1, 1, 1]
    assert hits["hit_in_event"].tolist() == [0, 1, 0, 1, 2]
    assert hits["det_id"].tolist() == [5, 5, 0, 5, 7]
    assert hits["species"].tolist() == ["n", "g", "n", "n", "n"]
    first = hits.iloc[0]
    assert (first["x_cm"], first["y_cm"], first["z_cm"]) == pytest.approx((1.0, -2.0, 3.0))
    assert hits["t_ns"].tolist() == [1.5, 2.5, 1.5, 1.5, 1.5]
    assert hits["light_MeVee"].tolist() == [2.0] * 5
    np.testing.assert_array_equal(hits["psd"], [0.25, 0.25, 0.25, np.nan, 0.25])
    assert hits["energy_deposited_MeV"].isna().all()
    assert records.raw_event_ids.tolist() == [0, 1]
    assert problems(records) == []


def test_other_units(parsed) -> None:
    how = MM_NS.model_copy(update={"cm_per_position_unit": 1.0, "time_units": "ps"})
    hit = parsed([[{"t": 2500.0}, {}]], how).hits.iloc[0]
    assert (hit["x_cm"], hit["t_ns"]) == (10.0, 2.5)


def test_times_of_a_long_run_keep_their_difference(parsed) -> None:
    times = parsed([[{"t": 6e11}, {"t": 6e11 + 0.25}]]).hits["t_ns"]
    assert times[1] - times[0] == 0.25


def test_empty_slots_are_no_hits_wherever_they_are(parsed) -> None:
    records = parsed([[EMPTY, {}, {"det": 6}], [{}, EMPTY, {"det": 7}]])
    assert records.hits["det_id"].tolist() == [5, 6, 5, 7]
    assert records.hits["hit_in_event"].tolist() == [0, 1, 0, 1]
    assert problems(records) == []


def test_other_particles_are_dropped_and_counted(parsed) -> None:
    # 1 neutron, 2 gamma, 3 laser, else other.
    codes = [1, 2, 3, 0, -1, 4]
    records = parsed([[{"particle": c}, {"particle": 1}] for c in codes])
    assert records.hits["species"].tolist() == ["n", "n", "g", "n", "n", "n", "n", "n"]
    assert records.n_hits_particle == (0, 0, 4)
    assert records.n_hits_clipped == (0, 0, 0)
    assert records.raw_event_ids.tolist() == list(range(6))
    assert problems(records) == []


def test_clipped_hits_are_dropped_and_counted_by_species(parsed) -> None:
    records = parsed(
        [
            [{"clipped": 1}, {"clipped": 1, "particle": 2}, {}],
            [{"clipped": 2, "particle": 2}, {"clipped": 1, "particle": 2}, {"particle": 2}],
            # A clipped laser pulse is dropped for what it is.
            [{"clipped": 1, "particle": 3}, {}, {}],
        ]
    )
    assert records.n_hits_clipped == (1, 3, 0)
    assert records.n_hits_particle == (0, 0, 1)
    assert records.hits["event_id"].tolist() == [0, 1, 2, 2]
    assert records.hits["hit_in_event"].tolist() == [0, 0, 0, 1]


def test_what_is_dropped_of_a_damaged_event_is_not_counted(parsed) -> None:
    bad = {"x": np.nan}
    dropped = ({"clipped": 1}, {"clipped": 1, "particle": 2}, {"particle": 3})
    records = parsed([[bad, hit, {}] for hit in dropped])
    assert records.n_damaged_records == 3
    assert records.n_hits_clipped == records.n_hits_particle == (0, 0, 0)


def test_a_clipped_or_foreign_hit_may_be_damaged(parsed) -> None:
    records = parsed([[{"clipped": 1, "x": np.nan}, {"particle": 3, "dE": -1}, {}]])
    assert problems(records) == []
    assert len(records.hits) == 1


def test_an_event_without_any_hit_left_is_whole(parsed) -> None:
    records = parsed([[{"particle": 3}, {"clipped": 1}]])
    assert records.raw_event_ids.tolist() == [0]
    assert len(records.hits) == 0


@pytest.mark.parametrize("field", ["x", "y", "z", "t", "dE"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_damage(parsed, field: str, value: float) -> None:
    records = parsed([[{}, {}], [{}, {field: value}], [{}, {}]])
    assert problems(records) == [("not_finite", 1, 1)]
    assert records.hits["event_id"].tolist() == [0, 0, 2, 2]
    assert records.raw_event_ids.tolist() == [0, 2]


def test_each_kind_of_damage_with_its_entry(parsed) -> None:
    records = parsed(
        [
            [{}, {}], [], [{"dE": -0.1}, {}], [{"dE": -0.1}, {"z": np.nan}], [{}, {}],
            [{"clipped": 1}, {"particle": 3}, {"t": np.nan}],
        ]
    )  # fmt: skip
    assert problems(records) == [
        ("no_hits", 1, 1), ("not_finite", 3, 1), ("not_finite", 5, 1), ("negative_light", 2, 1),
    ]  # fmt: skip
    assert records.n_damaged_records == 4
    assert records.raw_event_ids.tolist() == [0, 4]
    assert records.hits["event_id"].tolist() == [0, 0, 4, 4]
    # What a damaged event dropped is not counted beside it.
    assert records.n_hits_clipped == records.n_hits_particle == (0, 0, 0)


def test_light_of_zero_is_light(parsed) -> None:
    assert problems(parsed([[{"dE": 0.0}, {}]])) == []


def test_many_faults_are_counted_all_and_shown_to_a_hundred(parsed) -> None:
    records = parsed([[]] * 130 + [[{}, {}]])
    assert records.problems["line_or_entry"].tolist() == list(range(100))
    assert records.problems["count"].tolist() == [1] * 99 + [31]
    assert records.raw_event_ids.tolist() == [130]


@pytest.mark.parametrize("slots", [2, 4, 5])
def test_any_number_of_slots(parsed, slots: int) -> None:
    records = parsed([[{"det": i} for i in range(slots)], [{}, {}]], slots=slots)
    assert records.hits["det_id"].tolist() == [*range(slots), 5, 5]
    assert records.hits["hit_in_event"].tolist() == [*range(slots), 0, 1]


def test_branches_of_other_types(tmp_path: Path) -> None:
    columns = branches([[{}, {}]], 2)
    columns |= {"det1": np.array([7], "i8"), "clipped1": np.array([True]), "x1": np.array([1.0]),
                "particle1": np.array([2], "u1"), "multi": np.array([2])}  # fmt: skip
    records = records_of(write(tmp_path / "a.root", columns))[0]
    hit = records.hits.iloc[0]
    assert (hit["det_id"], hit["species"]) == (5, "n")
    assert records.n_hits_clipped == (0, 1, 0)


def test_an_rntuple_is_read_like_a_tree(tmp_path: Path) -> None:
    entries = [[{}, {"t": 2.5}], [], [{"particle": 2}] * 3, [{"clipped": 1}, {"dE": -1}]]
    tree = records_of(write(tmp_path / "tree.root", branches(entries)), every=3)
    ntuple = records_of(
        write(tmp_path / "ntuple.root", branches(entries), kind="mkrntuple"), every=3
    )
    assert len(tree) == len(ntuple) == 2
    for a, b in zip(tree, ntuple, strict=True):
        pd.testing.assert_frame_equal(a.hits, b.hits)
        pd.testing.assert_frame_equal(a.problems, b.problems)
        assert a.raw_event_ids.tolist() == b.raw_event_ids.tolist()
        assert a.n_hits_clipped == b.n_hits_clipped


def test_ranges_by_entries(tmp_path: Path) -> None:
    path = write(tmp_path / "a.root", branches([[{}, {}]] * 5))
    assert event_ranges(path, 2, MM_NS) == [EventRange(0, 2), EventRange(2, 2), EventRange(4, 1)]
    assert event_ranges(path, 5, MM_NS) == [EventRange(0, 5)]
    records = read(file_ref(path), EventRange(5, 0), MM_NS)
    HITS_WITHOUT_MATERIAL.validate(records.hits, "hits")
    assert records.n_raw_events == len(records.hits) == 0


def test_a_tree_without_entries_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.root", branches([]))
    assert "'image_tree' has every branch but no entry" in refusal(event_ranges, path, 2, MM_NS)


@settings(max_examples=12)
@given(
    st.lists(
        st.lists(
            st.sampled_from(
                [{}, {"particle": 2}, {"particle": 3}, {"clipped": 1}, {"dE": -1}, EMPTY]
            ),
            max_size=3,
        ),
        min_size=1,
        max_size=10,
    ),
    st.integers(1, 4),
)
def test_any_size_of_range_gives_the_same_records(tmp_path_factory, entries, every) -> None:
    path = write(tmp_path_factory.getbasetemp() / "ranges.root", branches(entries))
    whole = records_of(path)[0]
    parts = [read(file_ref(path), r, MM_NS) for r in event_ranges(path, every, MM_NS)]
    hits = pd.concat([p.hits for p in parts], ignore_index=True)
    pd.testing.assert_frame_equal(hits, whole.hits)
    ids = np.concatenate([p.raw_event_ids for p in parts])
    assert ids.tolist() == whole.raw_event_ids.tolist()
    for name in ("n_hits_clipped", "n_hits_particle"):
        assert tuple(map(sum, zip(*(getattr(p, name) for p in parts), strict=True))) == getattr(
            whole, name
        )
    found = sorted(row[1::-1] for p in parts for row in problems(p))
    assert found == sorted(row[1::-1] for row in problems(whole))
    # Every slot that is filled leaves kept or with one reason.
    ok = set(whole.raw_event_ids.tolist())
    filled = sum(h is not EMPTY for k, e in enumerate(entries) if k in ok for h in e)
    assert filled == len(whole.hits) + sum(whole.n_hits_clipped) + sum(whole.n_hits_particle)
    assert whole.n_raw_events + whole.n_damaged_records == len(entries)


def test_a_missing_tree_lists_what_there_is(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.root", branches([[{}, {}]]), tree="imag_tree", other={"a": np.array([1])}
    )
    for call in (
        lambda: event_ranges(path, 1, MM_NS),
        lambda: read(file_ref(path), EventRange(0, 1), MM_NS),
    ):
        message = refusal(call)
        assert "no tree 'image_tree'; the file holds imag_tree, other." in message
        assert "Did you mean 'imag_tree'?" in message
        assert "Set [io.adapter] tree_key." in message
    found = MM_NS.model_copy(update={"tree_key": "imag_tree"})
    assert len(records_of(path, found)[0].hits) == 2


def test_a_file_without_anything(tmp_path: Path) -> None:
    path = tmp_path / "empty.root"
    uproot.recreate(path).close()
    assert "the file holds nothing." in refusal(event_ranges, path, 1, MM_NS)


def test_an_object_that_is_no_tree(tmp_path: Path) -> None:
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        file["image_tree"] = "a text"
        file["h"] = np.histogram([1.0])
    assert "'image_tree' is a" in refusal(event_ranges, path, 1, MM_NS)
    how = MM_NS.model_copy(update={"tree_key": "h"})
    assert "not a tree. Set [io.adapter] tree_key." in refusal(event_ranges, path, 1, how)


def test_a_missing_branch_names_it_and_the_nearest(tmp_path: Path) -> None:
    columns = branches([[{}, {}]])
    columns["Psd2"] = columns.pop("psd2")
    del columns["t2"]
    message = refusal(event_ranges, write(tmp_path / "a.root", columns), 1, MM_NS)
    assert "'image_tree' has no branch t2, psd2;" in message
    assert "Nearest: Psd2." in message
    assert "each hit needs x y z t dE psd det particle clipped, numbered from 1." in message


def test_one_slot_is_not_enough(tmp_path: Path) -> None:
    path = write(tmp_path / "a.root", branches([[{}]], 1))
    assert "has no branch x2, y2, z2" in refusal(event_ranges, path, 1, MM_NS)


def test_half_a_slot_is_an_error(tmp_path: Path) -> None:
    columns = branches([[{}, {}]]) | {"x4": np.zeros(1)}
    assert "has no branch y4, z4" in refusal(
        event_ranges, write(tmp_path / "a.root", columns), 1, MM_NS
    )


@pytest.mark.parametrize("content", [b"", b"ne 0 1 2 3 4 ; 7 1 1 1 1 1\n", b"root", b"root" * 300])
def test_files_of_another_kind(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.root"
    path.write_bytes(content)
    assert f"{path}: " in refusal(event_ranges, path, 1, MM_NS)


def test_a_file_cut_off_is_an_input_error(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    entries = [[{"x": x}, {}] for x in rng.normal(size=300).tolist()]
    path = write(tmp_path / "a.root", branches(entries))
    reference, data = file_ref(path), path.read_bytes()
    for share in (0.9, 0.5, 0.1):
        path.write_bytes(data[: int(share * len(data))])
        assert f"{path}: " in refusal(read, reference, EventRange(0, 300), MM_NS)


def test_metadata_of_one_entry(tmp_path: Path) -> None:
    meta = {
        "run": np.array([41], "i4"),
        "rate": np.array([1.5e9]),
        "gain": np.array([[1.0, 2.0, 4.0]]),
        "window": np.arange(6, dtype="i2").reshape(1, 3, 2),
        "place": ak.Array(["PTB é"]),
    }
    path = write(tmp_path / "a.root", branches([[{}, {}]]), meta=meta)
    found = metadata(file_ref(path), MM_NS)
    assert found.unreadable == {}
    assert set(found.values) == set(meta)
    assert found.values["run"] == 41
    assert found.values["run"].dtype == np.dtype("i4")
    assert found.values["rate"] == 1.5e9
    # The detector is the first axis.
    assert found.values["gain"].tolist() == [1.0, 2.0, 4.0]
    assert found.values["window"].tolist() == [[0, 1], [2, 3], [4, 5]]
    assert found.values["window"].dtype == np.dtype("i2")
    assert found.values["place"] == "PTB é"
    assert type(found.values["place"]) is str
    for value in found.values.values():
        assert isinstance(value, str) or value.dtype.isnative


def test_metadata_of_an_rntuple(tmp_path: Path) -> None:
    meta = {"run": np.array([41]), "names": ak.Array([["a", "bc"]]), "place": ak.Array(["PTB"]),
            "ragged": ak.Array([[[1, 2], [3]]])}  # fmt: skip
    path = write(tmp_path / "a.root", branches([[{}, {}]]), kind="mkrntuple", meta=meta)
    found = metadata(file_ref(path), MM_NS)
    assert found.values["run"] == 41
    assert found.values["names"] == ["a", "bc"]
    assert found.values["place"] == "PTB"
    assert type(found.values["names"][0]) is str
    assert type(found.values["place"]) is str
    # Rows of different lengths are no array of numbers: named, not fatal.
    assert list(found.unreadable) == ["ragged"]
    assert found.unreadable["ragged"].startswith("ValueError: ")


def test_metadata_of_a_file_without(tmp_path: Path) -> None:
    path = write(tmp_path / "a.root", branches([[{}, {}]]))
    found = metadata(file_ref(path), MM_NS)
    assert found.values == {}
    assert found.unreadable == {"meta": "no such tree"}


def test_metadata_under_another_name(tmp_path: Path) -> None:
    path = write(tmp_path / "a.root", branches([[{}, {}]]), info={"run": np.array([7])})
    how = MM_NS.model_copy(update={"meta_tree_key": "info"})
    assert metadata(file_ref(path), how).values["run"] == 7


def test_metadata_that_is_no_tree_or_has_no_entry(tmp_path: Path) -> None:
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        file["meta"] = "a text"
    found = metadata(file_ref(path), MM_NS)
    assert found.values == {}
    assert list(found.unreadable) == ["meta"]
    assert "not a tree" in found.unreadable["meta"]
    with uproot.recreate(path) as file:
        file.mktree("meta", {"run": "i4"})
    found = metadata(file_ref(path), MM_NS)
    assert found.values == {}
    assert list(found.unreadable) == ["run"]


def test_texts_of_bytes_are_utf8() -> None:
    assert _plain("PTB é".encode()) == "PTB é"
    assert _plain(b"\xff") == "\ufffd"
    assert _plain(np.array([b"a", b"bc"])) == ["a", "bc"]
    assert type(_plain(np.array(["a"]))[0]) is str


def test_vectors_of_root_are_arrays(tmp_path: Path) -> None:
    meta = {"v": ak.from_regular(np.array([[1, 2, 3]], "i4"))}
    path = write(tmp_path / "a.root", branches([[{}, {}]]), meta=meta)
    value = metadata(file_ref(path), MM_NS).values["v"]
    assert value.tolist() == [1, 2, 3]
    assert value.dtype == np.dtype("i4")
    vector = uproot.containers.STLVector
    assert _plain(vector([1.5, 2.5])).tolist() == [1.5, 2.5]
    assert _plain(vector([vector([1, 2]), vector([3, 4])])).tolist() == [[1, 2], [3, 4]]
    assert _plain(vector(["a", "bc"])) == ["a", "bc"]


def test_a_reason_without_words_is_named(tmp_path: Path, monkeypatch) -> None:
    path = write(tmp_path / "a.root", branches([[{}, {}]]), meta={"run": np.array([7])})

    def nothing(*_: Any, **__: Any) -> None:
        raise NotImplementedError

    monkeypatch.setattr(uproot.TBranch, "array", nothing)
    assert metadata(file_ref(path), MM_NS).unreadable == {"run": "NotImplementedError: "}


def test_a_branch_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.root"
    with uproot.recreate(path, compression=uproot.ZLIB(9)) as file:
        values = {"good": np.array([1]), "bad": np.zeros((1, 500))}
        file.mktree("meta", types_of(values)).extend(values)
    with uproot.open(path) as file:
        branch = file["meta"]["bad"]
        seek, size = branch.member("fBasketSeek")[0], branch.member("fBasketBytes")[0]
    data = bytearray(path.read_bytes())
    data[seek + size - 20 : seek + size] = b"\xff" * 20
    path.write_bytes(bytes(data))
    found = metadata(file_ref(path), MM_NS)
    assert found.values == {"good": 1}
    assert list(found.unreadable) == ["bad"]
    assert ":" in found.unreadable["bad"]


def test_the_format_in_the_table_of_readers() -> None:
    reader = READERS["root_novo_ddaq"]
    assert (reader.positions_in_mm, reader.record) == (True, "entry")
    assert (reader.neutron_policy, reader.gamma_policy) == ("time_asc", "energy_desc")


def with_types(entries: list[list[dict]], **types: str) -> dict[str, np.ndarray]:
    """The branches with other types of some."""
    columns = branches(entries)
    return {k: v.astype(types.get(k, v.dtype)) for k, v in columns.items()}


@pytest.mark.parametrize("name", ["det1", "particle1", "clipped1"])
@pytest.mark.parametrize(
    ("value", "dtype", "kind"),
    [
        (np.nan, "f8", "not_finite"),
        (-np.inf, "f4", "not_finite"),
        (1.7, "f4", "not_whole"),
        (0.5, "f8", "not_whole"),
        (1e10, "f8", "out_of_range"),
        (2**32 + 5, "i8", "out_of_range"),
        (-(2**40), "i8", "out_of_range"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_what_is_no_whole_number_is_damage(
    tmp_path: Path, name: str, value: float, dtype: str, kind: str
) -> None:
    columns = with_types([[{}, {}] for _ in range(6)], **{name: dtype})
    columns[name][[2, 4]] = value
    records = records_of(write(tmp_path / "a.root", columns))[0]
    assert problems(records) == [(kind, 2, 1), (kind, 4, 1)]
    assert records.raw_event_ids.tolist() == [0, 1, 3, 5]
    assert (records.n_hits_clipped, records.n_hits_particle) == ((0, 0, 0), (0, 0, 0))


@pytest.mark.parametrize("dtype", ["f4", "f8", "i8", "i2"])
def test_whole_numbers_of_any_type_are_read(tmp_path: Path, dtype: str) -> None:
    entries = [[{"clipped": 1}, {"det": 0}, {}], [{"particle": 3}, EMPTY, {"det": 7}]]
    types = {f"{f}{i}": dtype for f in ("det", "particle", "clipped") for i in (1, 2, 3)}
    found = records_of(write(tmp_path / "a.root", with_types(entries, **types)))[0]
    plain = records_of(write(tmp_path / "b.root", branches(entries)))[0]
    pd.testing.assert_frame_equal(found.hits, plain.hits)
    assert found.n_hits_clipped == plain.n_hits_clipped == (1, 0, 0)
    assert found.n_hits_particle == plain.n_hits_particle == (0, 0, 1)


def test_an_empty_slot_may_hold_anything_else(tmp_path: Path) -> None:
    columns = with_types([[{}, {}, EMPTY]], particle3="f8", clipped3="f8")
    columns["particle3"][0], columns["clipped3"][0] = np.nan, 0.5
    assert problems(records_of(write(tmp_path / "a.root", columns))[0]) == []


@pytest.mark.parametrize(("dtype", "code"), [("u2", 65535), ("u4", 2**32 - 1), ("u1", 255)])
def test_an_unsigned_det_cannot_mark_an_empty_slot(tmp_path: Path, dtype: str, code: int) -> None:
    columns = with_types([[{}, {}, EMPTY]], det2=dtype)
    columns["det2"][0] = code
    said = refusal(records_of, write(tmp_path / "a.root", columns))
    assert f"branch det2 of 'image_tree' is of the type {columns['det2'].dtype}" in said
    assert f"holds {code}: what -1" in said
    assert "signed integer" in said


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "u8"])
def test_an_unsigned_det_without_empty_slots_is_read(tmp_path: Path, dtype: str) -> None:
    columns = with_types([[{"det": 200}, {"det": 0}]], det1=dtype, det2=dtype)
    assert records_of(write(tmp_path / "a.root", columns))[0].hits["det_id"].tolist() == [200, 0]


@pytest.mark.parametrize("name", ["x1", "det2"])
def test_a_branch_of_several_numbers_an_entry_is_named(tmp_path: Path, name: str) -> None:
    columns = branches([[{}, {}], [{}, {}]])
    columns[name] = np.stack([columns[name]] * 3, axis=1)
    said = refusal(records_of, write(tmp_path / "a.root", columns))
    assert f"branch {name} of 'image_tree' holds 3 numbers an entry" in said
    columns[name] = ak.Array([[1.0], [2.0, 3.0]])
    said = refusal(records_of, write(tmp_path / "b.root", columns))
    assert f"branch {name} of 'image_tree' holds a list" in said


@pytest.mark.filterwarnings("error")
def test_values_that_no_detector_measures_are_damage(tmp_path: Path) -> None:
    columns = with_types([[{}, {}]] * 3, x1="f8", dE2="f8")
    columns["x1"][1], columns["dE2"][2] = -1e300, 1e31
    records = records_of(write(tmp_path / "a.root", columns))[0]
    assert problems(records) == [("out_of_range", 1, 1), ("out_of_range", 2, 1)]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"det1": 1.7}, "det1 = 1.7"),
        ({"particle2": 1.9, "x2": np.inf}, "particle2 = 1.9"),
        ({"clipped1": 0.5, "det2": np.nan}, "clipped1 = 0.5, det2 = nan"),
        ({"x1": np.nan, "t2": -1e31}, "x1 = nan, t2 = -1e+31"),
        ({"dE1": -0.5, "x2": -5.0}, "dE1 = -0.5"),
        ({"x1": np.nan, "clipped1": 1}, ""),
        ({"x1": np.nan, "particle1": 3}, ""),
        ({"det3": -1, "particle3": 0.5}, ""),
    ],
)
def test_the_branches_of_a_damaged_entry_are_named(
    tmp_path: Path, changed: dict[str, float], said: str
) -> None:
    columns = {k: v.astype("f8") for k, v in branches([[{}, {}, EMPTY]] * 3).items()}
    for name, value in changed.items():
        columns[name][1] = value
    path = write(tmp_path / "a.root", columns)
    found = READERS["root_novo_ddaq"].explanation(path, 1, MM_NS)
    assert found == (f"Entry 1 has {said}. Write what was measured." if said else "")
    assert bool(found) == bool(records_of(path)[0].n_damaged_records)
    assert READERS["root_novo_ddaq"].explanation(path, 0, MM_NS) == ""
