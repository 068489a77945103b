"""Trees that uproot cannot write, read back by uproot; their bytes walked by hand."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from radiograph.drivers.rootfile.branches import NestedVector, Number, SplitObject, SplitVector
from radiograph.drivers.rootfile.structs import Struct, streamer_info
from radiograph.drivers.rootfile.tree import TreeWriter

INNER = Struct("Made::Inner", (("a", "f4"), ("b", "i1")))
OUTER = Struct("Made::Outer", (("flag", "bool"), ("in", INNER), ("t", "f8"), ("n", "i4")))
HEAD = Struct("Made::Head", (("run", "i4"), ("weight", "f4")))
HIT = Struct("Made::Hit", (("q", "f4"), ("ok", "bool")))
CONTENT = (
    SplitObject("head", HEAD),
    Number("n.hits"),
    SplitVector("hit", HIT),
    NestedVector("points", OUTER),
)


def columns(hits: list[int], points: list[list[int]]) -> dict[str, np.ndarray]:
    """Columns of len(hits) entries; ``points`` says how many structs each inner vector has."""
    n, n_hits = len(hits), sum(hits)
    inner = [k for entry in points for k in entry]
    m = sum(inner)
    return {
        "head.run": np.arange(n) + 7,
        "head.weight": np.linspace(0, 1, n),
        "n.hits": np.asarray(hits, dtype=np.int64),
        "hit": np.asarray(hits, dtype=np.int64),
        "hit.q": np.arange(n_hits) / 3,
        "hit.ok": np.arange(n_hits) % 2 == 0,
        "points": np.asarray([len(entry) for entry in points], dtype=np.int64),
        "points[]": np.asarray(inner, dtype=np.int64),
        "points.flag": np.arange(m) % 3 == 0,
        "points.in.a": np.arange(m) / 7,
        "points.in.b": np.arange(m) % 100,
        "points.t": np.arange(m) / 11,
        "points.n": -np.arange(m),
    }


def written(path: Path, *baskets: Mapping[str, np.ndarray]) -> Any:
    with uproot.recreate(path) as file:
        writer = TreeWriter(file.mkdir("Folder"), "tree", "A tree", CONTENT)
        for basket in baskets:
            writer.extend(basket, len(basket["hit"]))
        writer.finish()
    return uproot.open(path)["Folder/tree"]


def check(tree: Any, *baskets: Mapping[str, np.ndarray]) -> None:
    """Every leaf read back is what was handed over."""
    whole = {name: np.concatenate([b[name] for b in baskets]) for name in baskets[0]}
    assert tree.num_entries == len(whole["hit"])
    got = tree.arrays()
    assert got["run"].tolist() == whole["head.run"].tolist()
    assert got["weight"].tolist() == whole["head.weight"].astype("f4").tolist()
    assert got["n.hits"].tolist() == whole["n.hits"].tolist()
    assert ak.num(got["hit.q"]).tolist() == whole["hit"].tolist()
    for leaf, dtype in (("q", "f4"), ("ok", "?")):
        assert (
            ak.flatten(got[f"hit.{leaf}"]).tolist() == whole[f"hit.{leaf}"].astype(dtype).tolist()
        )
    points = got["points"]
    assert ak.num(points).tolist() == whole["points"].tolist()
    assert ak.num(ak.flatten(points)).tolist() == whole["points[]"].tolist()
    flat = ak.flatten(ak.flatten(points))
    assert flat["flag"].tolist() == whole["points.flag"].tolist()
    assert flat["in"]["a"].tolist() == whole["points.in.a"].astype("f4").tolist()
    assert flat["in"]["b"].tolist() == whole["points.in.b"].tolist()
    assert flat["t"].tolist() == whole["points.t"].tolist()
    assert flat["n"].tolist() == whole["points.n"].tolist()


SEVERAL = columns([2, 0, 3], [[1, 0, 2], [], [0]]), columns([0], [[]]), columns([1], [[4, 1]])


def test_all_leaves_come_back_over_several_baskets(tmp_path: Path) -> None:
    tree = written(tmp_path / "a.root", *SEVERAL)
    check(tree, *SEVERAL)
    assert tree["hit.q"].num_baskets == 3
    assert tree.title == "A tree"
    assert tree.typenames() == {
        "head": "Made::Head",
        "head/run": "int32_t",
        "head/weight": "float",
        "n.hits": "int32_t",
        "hit": "vector<Made::Hit>",
        "hit/hit.q": "float[]",
        "hit/hit.ok": "bool[]",
        "points": "std::vector<std::vector<Made::Outer>>",
    }


def test_ranges_cross_the_edges_of_baskets(tmp_path: Path) -> None:
    tree = written(tmp_path / "a.root", *SEVERAL)
    whole = tree.arrays()
    for first in range(5):
        for last in range(first + 1, 6):
            part = tree.arrays(entry_start=first, entry_stop=last)
            assert part.tolist() == whole[first:last].tolist()


@pytest.mark.parametrize(
    "basket", [columns([1], [[1]]), columns([0], [[]]), columns([0] * 9, [[]] * 9)]
)
def test_one_entry_and_empty_ones(tmp_path: Path, basket: dict[str, np.ndarray]) -> None:
    check(written(tmp_path / "a.root", basket), basket)


def test_no_entry(tmp_path: Path) -> None:
    tree = written(tmp_path / "a.root", columns([], []))
    assert tree.num_entries == 0
    assert len(tree.arrays()) == 0


def test_many_structs_in_one_entry(tmp_path: Path) -> None:
    basket = columns([1, 0, 2], [[3], [70_000], [1]])
    check(written(tmp_path / "a.root", basket), basket)


def test_a_name_of_more_than_254_letters(tmp_path: Path) -> None:
    long = Struct("Made::" + "L" * 300, (("x", "f4"),))
    with uproot.recreate(tmp_path / "a.root") as file:
        writer = TreeWriter(file, "tree", "", (NestedVector("v", long),))
        writer.extend({"v": np.asarray([1]), "v[]": np.asarray([2]), "v.x": np.asarray([1, 2])}, 1)
        writer.finish()
    read = uproot.open(tmp_path / "a.root")["tree"]["v"].array()
    assert read["x"].tolist() == [[[1.0, 2.0]]]


def test_byte_counts_lead_to_the_end_of_each_entry() -> None:
    basket = columns([0, 0, 0], [[1, 0, 2], [], [5]])
    ((_, payload),) = CONTENT[3].payloads(basket)
    assert payload.starts is not None
    ends = [*payload.starts[1:].tolist(), len(payload.data)]
    for start, end, n_vectors in zip(payload.starts.tolist(), ends, (3, 0, 1), strict=True):
        count, version, vectors = struct.unpack_from(">IHI", payload.data, start)
        assert (start + 4 + (count & ~0x40000000), version, vectors) == (end, 10, n_vectors)
        at = start + 10
        for _ in range(vectors):
            (structs,) = struct.unpack_from(">I", payload.data, at)
            at += 4
            for _ in range(structs):
                # By hand: 10 of the outer header, bool, 10 and 5 of the inner, 8 and 4.
                whole, version, checksum = struct.unpack_from(">IHI", payload.data, at)
                assert (whole & ~0x40000000, version, checksum) == (34, 0, OUTER.checksum)
                inner, _, checksum = struct.unpack_from(">IHI", payload.data, at + 11)
                assert (inner & ~0x40000000, checksum) == (11, INNER.checksum)
                at += 38
        assert at == end


def test_the_streamer_info_names_members_and_parts() -> None:
    info = streamer_info(OUTER)
    for text in (b"TStreamerInfo", b"Made::Outer", b"TStreamerObjectAny", b"Made::Inner", b"bool"):
        assert text in info
    assert [part.name for part in OUTER.with_parts()] == ["Made::Inner", "Made::Outer"]
    assert list(OUTER.leaves()) == [
        ("flag", "bool"),
        ("in.a", "f4"),
        ("in.b", "i1"),
        ("t", "f8"),
        ("n", "i4"),
    ]


def test_columns_are_left_as_they_are(tmp_path: Path) -> None:
    basket = columns([2, 1], [[1], [2]])
    before = {name: values.copy() for name, values in basket.items()}
    written(tmp_path / "a.root", basket)
    assert all(np.array_equal(before[name], basket[name]) for name in before)
