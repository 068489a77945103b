"""Readers: an RNTuple of a few events by hand, absent leaves, branches that disagree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from radiograph.drivers.cosmics.definition import COSMICS
from radiograph.drivers.graph import build_driver, graph_nodes
from radiograph.nodes.cosmics import load
from radiograph.nodes.cosmics.absent import check_leaves
from radiograph.nodes.cosmics.readers import n_events_of, read_columns, reader_of
from radiograph.nodes.cosmics.readers.leaves import columns_of
from radiograph.nodes.cosmics.readers.root_files import branch_of
from radiograph.schemas.cosmics.columns import AbsentLeaves, EventColumns
from radiograph.schemas.errors import InputError
from radiograph.schemas.sources import EventRange, FileRef

TREE = "EventNtuple/ntuple"


def xyz(x: Any, y: Any, z: Any) -> Any:
    return {"fCoordinates": {"fX": np.float32(x), "fY": np.float32(y), "fZ": np.float32(z)}}


def event(number: int, tracks: list[list[int]]) -> dict[str, Any]:
    """An event with a track for each list of surfaces."""
    segments = [
        [{"mom": xyz(3, 4, 12), "time": 700.0 + sid, "momerr": np.float32(0.1),
          "sid": np.int32(sid)} for sid in sids] for sids in tracks
    ]  # fmt: skip
    helices = [
        [{"rad": np.float32(-300), "cx": np.float32(30), "cy": np.float32(40),
          "t0err": np.float32(0.5)} for _ in sids] for sids in tracks
    ]  # fmt: skip
    return {
        "evtinfo": {"run": np.int32(1), "subrun": np.int32(2), "event": np.int32(number)},
        "trk": [{"pdg": np.int32(11), "nactive": np.int32(30)} for _ in tracks],
        "trkqual": [{"result": np.float32(0.9)} for _ in tracks],
        "trksegs": segments,
        "trksegpars_lh": helices,
    }


def typed(events: list[dict[str, Any]]) -> dict[str, Any]:
    """The events by branch, of the types of the files also where a list is empty."""
    sample = event(0, [[0]])
    arrays = ak.Array([sample, *events])
    return {
        name: ak.enforce_type(arrays[name], _type_of(arrays[name]))[1:] for name in arrays.fields
    }


def _type_of(array: Any) -> Any:
    return array.type.content


def written(path: Path, events: list[dict[str, Any]]) -> Path:
    with uproot.recreate(path) as file:
        file.mkdir("EventNtuple").mkrntuple("ntuple", typed(events))
    return path


def read(path: Path, first: int = 0, n: int | None = None) -> EventColumns:
    n = n_events_of(path, TREE) - first if n is None else n
    return read_columns(FileRef(str(path), 0, ""), EventRange(first, n), TREE, "auto")


@pytest.fixture
def three(tmp_path: Path) -> Path:
    return written(tmp_path / "three.root", [event(5, [[0, 1], []]), event(6, []), event(7, [[2]])])


def test_frames_name_their_parents(three: Path) -> None:
    found = read(three)
    assert found.event_numbers["event"].tolist() == [5, 6, 7]
    assert found.tracks["event_row"].tolist() == [0, 0, 2]
    assert found.segments["track_row"].tolist() == [0, 0, 2]
    assert found.segments["sid"].tolist() == [0, 1, 2]
    assert found.segments["time_ns"].tolist() == [700.0, 701.0, 702.0]
    assert len(found.coincidences) == len(found.true_particles) == 0


def test_maxr_and_d0_are_made_of_the_circle(three: Path) -> None:
    # Centre at 50 mm, radius 300 mm.
    segments = read(three).segments
    assert segments["maxr_mm"].tolist() == [350.0] * 3
    assert segments["d0_mm"].tolist() == [250.0] * 3
    assert "trksegpars_lh.maxr" not in read(three).absent


def test_a_range_has_its_own_rows(three: Path) -> None:
    found = read(three, first=2, n=1)
    assert found.event_numbers["entry"].tolist() == [2]
    assert found.tracks["event_row"].tolist() == [0]
    assert found.segments["sid"].tolist() == [2]


def test_no_events_are_no_rows(tmp_path: Path) -> None:
    found = read(written(tmp_path / "none.root", []))
    assert len(found.event_numbers) == len(found.tracks) == len(found.segments) == 0


def test_an_absent_leaf_is_told_when_it_is_needed(three: Path) -> None:
    absent = AbsentLeaves(read(three).absent, str(three))
    assert "crvcoincs.timeStart" in absent.names
    check_leaves(absent, ("trk.pdg", "trksegs.mom"), "the cut x")
    with pytest.raises(InputError, match=r"three\.root: has no leaf crvcoincs\.timeStart.*cut x"):
        check_leaves(absent, ("crvcoincs.timeStart",), "the cut x")
    with pytest.raises(InputError, match="trkmcsim"):
        check_leaves(absent, ("trkmcsim.mom",), "the histogram y")


def test_what_is_kept_of_absent_leaves_says_nothing_of_where_the_file_stood(three: Path) -> None:
    kept = load.absent_names(read(three))
    assert (kept.path, "crvcoincs.timeStart" in kept.names) == ("", True)
    moved = load.absent_leaves(kept, FileRef("elsewhere.root", 0, ""))
    with pytest.raises(InputError, match=r"^elsewhere\.root: has no leaf"):
        check_leaves(moved, ("crvcoincs.timeStart",), "the cut x")
    nodes = graph_nodes(build_driver(COSMICS, COSMICS.listed_choices))
    assert nodes["absent_leaves"].tags["stored"] == "false"


@pytest.mark.parametrize(
    ("branch", "value", "said"),
    [
        ("trkqual.result", [[0.9, 0.8], []], "entry 11: branch trkqual has 0 rows and trk has 1"),
        ("trksegpars_lh.d0", [[[1.0]], [[1.0]]], "entry 10: branch trksegs has 1 rows"),
    ],
)
def test_branches_that_disagree_are_damage(branch: str, value: Any, said: str) -> None:
    good = {
        "evtinfo.run": [1, 1], "evtinfo.subrun": [1, 1], "evtinfo.event": [1, 2],
        "trk.pdg": [[11, 11], [11]],
        "trksegs.sid": [[[0], [1]], [[0]]],
    }  # fmt: skip
    leaves = {name: ak.Array(v) for name, v in {**good, branch: value}.items()}
    if branch.startswith("trksegpars"):
        said = "entry 10: branch trksegs has 2 rows and trk has 2|trksegpars_lh"
    with pytest.raises(InputError, match=said):
        columns_of(leaves, Path("f.root"), EventRange(10, 2), ())


@pytest.mark.parametrize(
    ("leaf", "values", "said"),
    [
        ("evtinfo.run", [1.0, np.nan], "evtinfo.run holds 1 value .* int32, .* row 1: nan"),
        ("evtinfo.event", [2**32 + 5, 1], "evtinfo.event holds 1 value .* row 0: 4294967301"),
        ("trk.pdg", [[11.0], [11.7, -13.2]], "trk.pdg holds 2 values .* row 1: 11.7"),
        ("trksegs.sid", [[[0]], [[2.5], []]], "trksegs.sid holds 1 value .* row 1: 2.5"),
    ],
)
def test_whole_numbers_are_not_bent(leaf: str, values: Any, said: str) -> None:
    """Also floats, and other lengths, where each number is a whole one that fits."""
    good = {
        "evtinfo.run": [1.0, 2.0], "evtinfo.subrun": [1, 1], "evtinfo.event": [1, 2],
        "trk.pdg": [[11.0], [11.0, -13.0]],
        "trksegs.sid": [[[0]], [[2], []]],
    }  # fmt: skip
    leaves = {name: ak.Array(v) for name, v in good.items()}
    found = columns_of(leaves, Path("f.root"), EventRange(0, 2), ())
    assert found.event_numbers["run"].tolist() == [1, 2]
    assert found.tracks["pdg"].tolist() == [11, 11, -13]
    with pytest.raises(InputError, match=rf"f\.root: {said}: the file is damaged"):
        columns_of({**leaves, leaf: ak.Array(values)}, Path("f.root"), EventRange(0, 2), ())


def test_leaves_are_found_with_and_without_prefix() -> None:
    for name in ("run", "evtinfo.run", "evtinfo/run"):
        assert branch_of([name], "evtinfo.run") == name
    assert branch_of(["trk/trk.pdg"], "trk.pdg") == "trk/trk.pdg"
    assert branch_of(["pdg"], "trk.pdg") is None


def test_other_kinds_of_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.root"
    path.write_text("no ROOT file")
    with pytest.raises(InputError, match="neither a ROOT nor a Parquet"):
        reader_of(path)
    path.write_bytes(b"PAR1....")
    with pytest.raises(InputError, match='Set it to "parquet"'):
        reader_of(path, "root")
