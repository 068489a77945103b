"""Fingerprints tell values apart, and what is stored comes back bit by bit."""

from __future__ import annotations

import copy
import dataclasses
import datetime
import enum
import itertools
import os
import pickle
import re
import struct
import subprocess
import sys
from decimal import Decimal
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any

import hypothesis
import hypothesis.extra.numpy as arrays
import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from pydantic import BaseModel
from radiograph.drivers.cache.content import Description, UnknownTypeError, fingerprint
from radiograph.drivers.cache.rebuilding import DamagedContentError, rebuilt
from radiograph.drivers.cache.store import Encoded, decoded
from radiograph.schemas.sources import EventRange, FileRef

HERE = __name__.split(".")[0]


@dataclasses.dataclass(frozen=True)
class Pair:
    a: Any
    b: Any = 0


@dataclasses.dataclass(frozen=True)
class Twin:
    a: Any
    b: Any = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Slotted:
    a: Any


@dataclasses.dataclass(frozen=True)
class Derived:
    a: int
    double: int = dataclasses.field(init=False, default=0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "double", self.double + 2 * self.a)


class Colour(enum.Enum):
    RED = 1
    ALSO_RED = RED
    BLUE = (2, 3)


class Rights(enum.Flag):
    READ = 1
    WRITE = 2


class Node(BaseModel):
    child: Any = None


class OtherNode(BaseModel):
    child: Any = None


class Plain:
    def __init__(self) -> None:
        self.a = 1


def stored(value: Any) -> Any:
    """What comes back from the bytes of a row."""
    known = fingerprint(value)
    data = b"".join(bytes(p) for p in Encoded(value, known).parts)
    return decoded(data, known, (HERE, "radiograph"))


def nested(leaf: Any) -> Any:
    return Node(child=[{"a": Node(child={"b": [Node(child=leaf)]})}])


def frame(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame(columns)


F = np.arange(6, dtype=np.float64)
# Values that must not collide: all of one list differ pairwise (hamilton.md, section 10 and 2.2).
DISTINCT: dict[str, list[Any]] = {
    "same bytes, other dtype or shape": [
        F,
        F.view(np.int64),
        F.view(np.uint64),
        F.view("c16"),
        F.view("M8[ns]"),
        F.view("m8[ns]"),
        F.view("m8[us]"),
        F.astype(">f8"),
        F.view(">f8"),
        F.reshape(2, 3),
        F.reshape(3, 2),
        F.reshape(6, 1),
        F.reshape(1, 6),
        F.reshape(2, 3).T,
        np.asfortranarray(F.reshape(2, 3)),
        F.tobytes(),
        bytearray(F.tobytes()),
        F.tolist(),
        tuple(F.tolist()),
        F.astype(object),
        pd.Series(F),
        pd.Index(F),
        pd.DataFrame({0: F}),
    ],
    "structured": [
        np.zeros(2, [("x", "f8"), ("y", "f8")]),
        np.zeros(2, [("x", "f8"), ("z", "f8")]),
        np.zeros(2, [("y", "f8"), ("x", "f8")]),
        np.zeros((2, 2), "f8"),
        np.zeros(2, [("x", "f8", (2,))]),
        np.zeros(2, [("x", [("y", "f8"), ("z", "f8")])]),
        np.zeros(2, [(("title", "x"), "f8"), ("y", "f8")]),
        np.zeros(2, np.dtype([("x", "i1"), ("y", "f8")], align=True)),
        np.zeros(2, np.dtype([("x", "i1"), ("y", "f8")])),
    ],
    "empty": [
        np.empty(0, "f8"),
        np.empty(0, "f4"),
        np.empty(0, "i8"),
        np.empty((0, 3)),
        np.empty((3, 0)),
        np.empty(0, "U1"),
        np.empty(0, object),
        [],
        (),
        {},
        set(),
        frozenset(),
        "",
        b"",
        None,
        range(0),
        pd.DataFrame(),
        pd.DataFrame(index=[0]),
        pd.DataFrame(columns=["a"]),
        pd.DataFrame({"a": np.empty(0, "f8")}),
        pd.DataFrame({"a": np.empty(0, "i8")}),
        pd.Series([], dtype="f8"),
        pd.Index([], dtype="f8"),
        MappingProxyType({}),
    ],
    "one": [
        1,
        True,
        "1",
        1.0,
        1 + 0j,
        b"1",
        Decimal(1),
        Decimal("1.0"),
        np.int64(1),
        np.int32(1),
        np.float64(1),
        np.float32(1),
        np.bool_(True),
        np.str_("1"),
        np.array(1),
        np.array([1]),
        [1],
        (1,),
        {1},
        frozenset({1}),
        {1: 1},
        {"1": 1},
        {1.0: 1},
        {True: 1},
        [True],
        [1.0],
        ["1"],
        [np.int64(1)],
        [np.int32(1)],
        Path("1"),
        PurePosixPath("1"),
        Colour.RED,
        Rights.READ,
        range(1),
        slice(1),
        re.compile("1"),
        re.compile("1", re.I),
        re.compile(b"1"),
        np.dtype("i8"),
        int,
        float,
        datetime.date(1, 1, 1),
        datetime.datetime(1, 1, 1),
        datetime.datetime(1, 1, 1, tzinfo=datetime.UTC),
        datetime.datetime(1, 1, 1, fold=1),
        datetime.time(1),
        pd.Timestamp(2001, 1, 1).as_unit("s"),
        pd.Timestamp(2001, 1, 1).as_unit("ns"),
    ],
    "numbers": [
        0.0,
        -0.0,
        float("nan"),
        -float("nan"),
        struct.unpack(">d", bytes.fromhex("7ff8000000000007"))[0],
        float("inf"),
        -float("inf"),
        5e-324,
        complex(0.0, -0.0),
        complex(-0.0, 0.0),
        complex(0.0, 0.0),
        10**40,
        10**40 + 1,
        float(10**40),
    ],
    "dataclass": [
        Pair(1, 2),
        Twin(1, 2),
        Pair(1, 3),
        Pair(2, 1),
        {"a": 1, "b": 2},
        {"b": 2, "a": 1},
        (1, 2),
        Slotted(1),
        {"a": 1},
        [("a", 1)],
        [("a", 1), ("b", 2)],
        {"t": "dataclass", "v": {"a": 1, "b": 2}},
        {"slotted": Slotted(1)},
        {"slotted": Slotted(2)},
    ],
    "frames": [
        frame(a=[1, 2], b=[3, 4]),
        frame(a=[1, 2], c=[3, 4]),
        frame(b=[1, 2], a=[3, 4]),
        frame(a=[3, 4], b=[1, 2]),
        frame(a=[1, 2], b=[3, 4]).astype("int32"),
        frame(a=[1, 2], b=[3, 4]).astype({"a": "float64"}),
        pd.DataFrame({"a": [1, 2], "b": [3, 4]}, index=[0, 0]),
        pd.DataFrame({"a": [2, 2], "b": [4, 4]}, index=[0, 0]),
        pd.DataFrame({"a": [1, 2], "b": [3, 4]}, index=[0, 1]),
        pd.DataFrame({"a": [1, 2], "b": [3, 4]}, index=[0.0, 1.0]),
        pd.DataFrame({"a": [1, 2], "b": [3, 4]}, index=["0", "1"]),
        pd.DataFrame({"a": [1, 2], "b": [3, 4]}, index=pd.Index([0, 1], name="i")),
        pd.DataFrame([[1, 3], [2, 4]], columns=[0, 1]),
        pd.DataFrame([[1, 3], [2, 4]]),
        pd.DataFrame([[1, 3], [2, 4]], columns=["0", "1"]),
        pd.DataFrame([[1, 3], [2, 4]], columns=["a", "a"]),
        pd.DataFrame([[1, 3], [2, 4]], columns=pd.Index(["a", "b"], name="n")),
        pd.DataFrame([[1, 3], [2, 4]], columns=pd.Index([("a", 1), ("b", 2)], tupleize_cols=False)),
    ],
    "texts": [
        pd.Series(["a", None], dtype=object),
        pd.Series(["a", np.nan], dtype=object),
        pd.Series(["a", None], dtype=pd.StringDtype("python", na_value=np.nan)),
        pd.Series(["a", None], dtype=pd.StringDtype("python")),
        pd.Series(["a", "None"], dtype=pd.StringDtype("python")),
        pd.Series(["a", "nan"], dtype=object),
        pd.Series(["a", None], dtype="category"),
        pd.Series(pd.Categorical(["a", None], ["a", "b"])),
        pd.Series(pd.Categorical(["a", None], ["b", "a"])),
        pd.Series(pd.Categorical(["a", None], ["a", "b"], ordered=True)),
        pd.Series(["a", "b"], name="n"),
        pd.Series(["a", "b"]),
        pd.Index(["a", "b"]),
        pd.CategoricalIndex(["a", "b"]),
    ],
    "times": [
        pd.Series(pd.to_datetime(["2001-01-01", "2001-01-02"]).as_unit("ns")),
        pd.Series(pd.to_datetime(["2001-01-01", "2001-01-02"]).as_unit("s")),
        pd.Index(pd.to_datetime(["2001-01-01", "2001-01-02"]).as_unit("ns")),
        pd.date_range("2001-01-01", periods=2, unit="ns"),
    ],
    "paths in a container": [
        [Path("a"), Path("b")],
        [Path("a"), Path("c")],
        [Path("c"), Path("b")],
        ["a", "b"],
        {"p": Path("a")},
        {"p": Path("b")},
        Node(child=Path("a")),
        Node(child=Path("b")),
    ],
    "models nested four deep": [
        nested(1),
        nested(2),
        nested("1"),
        nested(None),
        nested([]),
        nested({}),
        nested(OtherNode()),
        nested(Node()),
        nested(np.array([1])),
        nested(np.array([2])),
    ],
}


@pytest.mark.parametrize("group", DISTINCT)
def test_values_do_not_collide(group: str) -> None:
    known = [(fingerprint(v), v) for v in DISTINCT[group]]
    for (one, a), (other, b) in itertools.combinations(known, 2):
        assert one != other, f"{a!r} and {b!r}"


def test_no_collision_across_groups() -> None:
    # The two empty texts and so on stand in one group only.
    known = [fingerprint(v) for values in DISTINCT.values() for v in values]
    assert len(set(known)) == len(known)


@pytest.mark.parametrize("group", DISTINCT)
def test_copies_have_the_same_fingerprint(group: str) -> None:
    for value in DISTINCT[group]:
        if not isinstance(value, MappingProxyType):
            assert fingerprint(copy.deepcopy(value)) == fingerprint(value), repr(value)


def test_layout_of_views_is_no_content() -> None:
    wide = np.arange(12.0).reshape(2, 6)
    assert fingerprint(wide[:, ::2]) == fingerprint(wide[:, ::2].copy())
    assert fingerprint(frame(a=F, b=F)) == fingerprint(pd.concat([frame(a=F), frame(b=F)], axis=1))


def test_file_is_known_by_its_content() -> None:
    one = FileRef("/a/b", 3, "00ff")
    assert fingerprint(one) == fingerprint(FileRef("/elsewhere", 3, "00ff"))
    assert fingerprint(one) != fingerprint(FileRef("/a/b", 3, "00fe"))
    assert fingerprint(one) != fingerprint(FileRef("/a/b", 4, "00ff"))
    assert fingerprint([one]) == fingerprint([FileRef("/c", 3, "00ff")])
    assert stored(one).path == "/a/b"


PROCESS = """
import numpy as np, pandas as pd
from decimal import Decimal
from pathlib import Path
from radiograph.drivers.cache.content import fingerprint
from radiograph.schemas.sources import FileRef
print(fingerprint([
    {"b", "a", "c"}, frozenset({b"x", b"y", b"z", "x"}), {("a", b"1"), ("b", b"2")},
    {frozenset({"p", "q"}), frozenset({"r"})}, {FileRef("p", 1, "a"), FileRef("q", 2, "b")},
    {np.str_("a"), np.str_("b")}, {Path("a"), Path("b"), Decimal("1.5")},
    {"a": {1, 2.5, "x"}}, pd.DataFrame({"a": ["x", "y"], "b": [1, 2]}), np.arange(5),
    pd.Categorical(["b", "a"]).categories, len, ][:-1]))
"""


def test_same_in_every_process() -> None:
    def known(seed: str) -> str:
        env = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", PROCESS], env=env, capture_output=True, text=True, check=True
        )
        return done.stdout

    assert len({known(seed) for seed in ("0", "1", "4242")}) == 1


def local_instance() -> Any:
    @dataclasses.dataclass(frozen=True)
    class Local:
        a: int = 1

    return Local()


def noted_frame() -> pd.DataFrame:
    noted = frame(a=[1])
    noted.attrs["unit"] = "cm"
    return noted


def with_more_than_fields() -> Any:
    @dataclasses.dataclass
    class _Loose:
        a: int

    _Loose.__qualname__ = "Loose"
    loose = _Loose(1)
    loose.b = 2  # type: ignore[attr-defined]
    return loose


def itself() -> list[Any]:
    found: list[Any] = []
    found.append(found)
    return found


UNKNOWN: dict[str, Any] = {
    "generator": (i for i in range(3)),
    "function": len,
    "lambda": lambda: 1,
    "object": object(),
    "with __dict__": Plain(),
    "masked array": np.ma.array([1, 2], mask=[0, 1]),
    "subclass of an array": np.zeros(2).view(type("Mine", (np.ndarray,), {})),
    "record array": np.rec.array([(1, 2.0)], dtype=[("a", "i8"), ("b", "f8")]),
    "variable texts": np.array(["a"], np.dtypes.StringDType()),
    "objects in a structure": np.array([(1, "a")], [("x", "i8"), ("y", object)]),
    "MultiIndex": pd.MultiIndex.from_tuples([(1, 2)]),
    "frame with MultiIndex": frame(a=[1]).set_index(pd.MultiIndex.from_tuples([(1, 2)])),
    "frame with MultiIndex columns": pd.DataFrame(
        [[1]], columns=pd.MultiIndex.from_tuples([(1, 2)])
    ),
    "sparse": pd.Series(pd.arrays.SparseArray([0, 0, 1])),
    "nullable": pd.Series([1, None], dtype="Int64"),
    "interval": pd.Series(pd.interval_range(0, 2)),
    "period": pd.Series(pd.period_range("2001", periods=2, freq="D")),
    "zoned": pd.Series(pd.to_datetime(["2001-01-01"]).tz_localize("Europe/Oslo")),
    "frame with attrs": noted_frame(),
    "not available": pd.NA,
    "no time": pd.NaT,
    "subclass of dict": type("Mine", (dict,), {})(),
    "subclass of list": type("Mine", (list,), {})(),
    "subclass of str": type("Mine", (str,), {})("a"),
    "subclass of float": type("Mine", (float,), {})(1),
    "subclass of a frame": type("Mine", (pd.DataFrame,), {})({"a": [1]}),
    "path of one's own": type("Mine", (PurePosixPath,), {})("a"),
    "memoryview": memoryview(b"a"),
    "module": os,
    "iterator": iter([1]),
    "open file": sys.stdout,
    "random generator": np.random.default_rng(1),
    "class of a function": local_instance(),
    "more than its fields": with_more_than_fields(),
    "itself": itself(),
    "span": datetime.timedelta(1),
    "zone": datetime.datetime(2001, 1, 1, tzinfo=pd.Timestamp("2001", tz="Europe/Oslo").tzinfo),
}
WAYS = {
    "alone": lambda v: v,
    "list": lambda v: [1, v],
    "tuple": lambda v: (1, (v,)),
    "dict": lambda v: {"a": {"b": v}},
    "dataclass": lambda v: Pair(1, v),
    "objects": lambda v: _objects(v),
    "model": lambda v: Node(child=[v]),
}


def _objects(value: Any) -> Any:
    array = np.empty(1, object)
    array[0] = value
    return array


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", UNKNOWN)
def test_unknown_types_raise_and_say_where(kind: str, way: str) -> None:
    place = {
        "alone": "value",
        "list": r"value\[1\]",
        "tuple": r"value\[1\]\[0\]",
        "dict": r"value\['a'\]\['b'\]",
        "dataclass": r"value\.b",
        "objects": r"value\[0\]",
        "model": r"value\.child\[0\]",
    }[way]
    with pytest.raises(UnknownTypeError, match=f"^{place}"):
        fingerprint(WAYS[way](UNKNOWN[kind]))


def test_arrow_tables_raise() -> None:
    arrow = pytest.importorskip("pyarrow")
    with pytest.raises(UnknownTypeError, match="pyarrow"):
        fingerprint({"a": arrow.table({"x": [1]})})
    with pytest.raises(UnknownTypeError, match="value: a column of"):
        fingerprint(pd.Series([1], dtype=pd.ArrowDtype(arrow.int64())))


def test_unknown_column_is_named() -> None:
    with pytest.raises(UnknownTypeError, match=r"value\['b'\]: a column of Int64"):
        fingerprint(frame(a=[1]).assign(b=pd.array([1], dtype="Int64")))


def test_models_are_inputs_and_no_results() -> None:
    fingerprint(nested(1))
    with pytest.raises(UnknownTypeError, match=r"value\[0\]: a model .* return a frozen dataclass"):
        Encoded([Node()], "")
    with pytest.raises(UnknownTypeError, match=r"value\[0\]: a model .* return a frozen dataclass"):
        Encoded([Node()], "", Description([Node()], whole=False))


@pytest.mark.parametrize("around", [lambda v: v, lambda v: [{"a": v}], lambda v: {v}])
def test_a_description_made_before_serves_where_it_leaves_nothing_out(around: Any) -> None:
    for value, leaves_out in ((Pair(1), False), (FileRef("/a", 1, "0" * 32), True)):
        inside = around(value)
        before = Description(inside, whole=False)
        assert before.is_whole is not leaves_out
        anew, known = (Encoded(inside, "n", d).parts for d in (None, before))
        assert [bytes(p) for p in known] == [bytes(p) for p in anew]


# --- there and back -------------------------------------------------------------------------


def same(one: Any, other: Any) -> None:
    """Equal in type and bits, and described alike."""
    assert type(one) is type(other)
    a, b = Description(one, whole=True), Description(other, whole=True)
    assert a.header() == b.header()
    assert a.digest() == b.digest()
    assert fingerprint(one) == fingerprint(other)


@pytest.mark.parametrize("group", [g for g in DISTINCT if g != "models nested four deep"])
def test_there_and_back(group: str) -> None:
    for value in DISTINCT[group]:
        if isinstance(value, (BaseModel, type)):
            continue
        back = stored(value)
        same(back, value)
        if isinstance(value, pd.DataFrame):
            pd.testing.assert_frame_equal(back, value)
        elif isinstance(value, pd.Series):
            pd.testing.assert_series_equal(back, value)
        elif isinstance(value, pd.Index):
            pd.testing.assert_index_equal(back, value, exact="equiv")
        elif isinstance(value, np.ndarray):
            assert back.dtype == value.dtype
            assert back.shape == value.shape
            assert not back.flags.writeable


FRAMES = {
    "dtypes": frame(
        f8=[1.0, np.nan],
        f4=np.array([1, 2], "f4"),
        i1=np.array([1, 2], "i1"),
        u8=np.array([1, 2**63], "u8"),
        c=np.array([1j, 2], "c16"),
        b=[True, False],
        t=pd.to_datetime(["2001-01-01", None]),
        d=pd.to_timedelta([1, 2], unit="s"),
    ),
    "categories": frame(
        a=pd.Categorical(["n", None, "g"], ["n", "g", "unused"]),
        b=pd.Categorical(["n", None, "g"], ["unused", "g", "n"], ordered=True),
        c=pd.Categorical([1, 2, 1], [2, 1]),
    ),
    "texts": frame(
        a=pd.Series(["x", None], dtype="str"),
        b=pd.Series(["x", None], dtype=object),
        c=pd.Series(["x", "y"], dtype=object),
        d=pd.Series(["", None], dtype=pd.StringDtype("python")),
    ),
    "objects": frame(a=pd.Series([1, "x", None, (1, 2), {"k": [1.5]}], dtype=object)),
    "duplicated labels": pd.DataFrame({"a": [1, 2, 3]}, index=["x", "x", "y"]),
    "columns of any name": pd.DataFrame([[1, 2, 3, 4]], columns=[1, "a", None, ("t", 2)]),
    "duplicated columns": pd.DataFrame([[1, 2.5]], columns=["a", "a"]),
    "tuples as columns": pd.DataFrame(
        [[1, 2]], columns=pd.Index([("a", 1), ("b", 2)], tupleize_cols=False)
    ),
    "float columns": pd.DataFrame([[1, 2]], columns=[0.5, np.nan]),
    "categorical columns": pd.DataFrame([[1, 2]], columns=pd.CategoricalIndex(["b", "a"])),
    "named axes": pd.DataFrame(
        [[1]], columns=pd.Index(["a"], name="c"), index=pd.Index([3], name="r")
    ),
    "time index": pd.DataFrame({"a": [1, 2]}, index=pd.date_range("2001", periods=2, freq="D")),
    "range with a step": pd.DataFrame({"a": [1, 2]}, index=pd.RangeIndex(10, 4, -3)),
    "empty": pd.DataFrame(),
    "no rows": frame(a=np.empty(0, "f4"), b=pd.Categorical([], ["x"])),
    "no columns": pd.DataFrame(index=[3, 4]),
    "strided": pd.DataFrame(np.arange(12.0).reshape(3, 4), columns=list("abcd"))[["d", "b"]],
}


@pytest.mark.parametrize("name", FRAMES)
def test_frames_there_and_back(name: str) -> None:
    before = FRAMES[name]
    after = stored(before)
    pd.testing.assert_frame_equal(after, before, check_freq=True, check_column_type="equiv")
    assert list(after.dtypes) == list(before.dtypes)
    assert type(after.columns) is type(before.columns)
    assert after.columns.dtype == before.columns.dtype
    for k, column in enumerate(before.columns):
        one, other = before.iloc[:, k], after.iloc[:, k]
        if isinstance(one.dtype, pd.CategoricalDtype):
            assert list(one.cat.categories) == list(other.cat.categories), column
            assert one.cat.ordered == other.cat.ordered
    same(after, before)


def test_stored_frames_cannot_be_written() -> None:
    after = stored(frame(a=[1.0, 2.0]))
    with pytest.raises(ValueError, match="read-only"):
        after["a"].to_numpy()[0] = 5.0


def test_containers_keep_their_kind() -> None:
    value = {
        1: (1, [2, (3,)]),
        "1": {2: "two", 2.5: None, (1, 2): b"\0\xff"},
        2: {frozenset({1, 2}), "x", b"y"},
        None: bytearray(b"ab"),
        Colour.BLUE: [Colour.ALSO_RED, Rights.READ | Rights.WRITE],
    }
    back = stored(value)
    assert back == value
    same(back, value)
    assert stored(Colour.ALSO_RED) is Colour.RED
    assert stored(Colour) is Colour


def test_dataclasses_there_and_back() -> None:
    value = Pair(np.arange(3, dtype="i2"), (Slotted({"a": 1}), Twin(frame(a=[1]), Colour.RED)))
    back = stored(value)
    same(back, value)
    assert not back.a.flags.writeable
    # As it was, not made anew: __post_init__ does not run a second time.
    assert stored(Derived(2)) == Derived(2)
    assert stored(EventRange(1, 2, 3, 4, 5)) == EventRange(1, 2, 3, 4, 5)


def test_texts_of_any_kind() -> None:
    for text in ("", "\0", "ü→😀", "\ud800", '"\\', "\u2028"):
        assert stored(text) == text
        assert stored({text: [text]}) == {text: [text]}


leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=True),
    st.text(),
    st.binary(max_size=20),
    st.complex_numbers(),
    st.decimals(allow_nan=False),
    st.datetimes(),
    st.sampled_from([Colour.RED, Colour.BLUE, Rights.READ]),
    arrays.arrays(
        arrays.scalar_dtypes() | arrays.array_dtypes(max_size=2),
        arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
    ),
)
hashable = st.one_of(st.none(), st.integers(), st.text(max_size=5), st.binary(max_size=5))
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.dictionaries(hashable | st.tuples(hashable), inner, max_size=3),
        st.builds(Pair, inner, inner),
        st.frozensets(hashable | st.frozensets(hashable, max_size=2), max_size=3),
    ),
    max_leaves=6,
)


@hypothesis.settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
@hypothesis.given(values)
def test_anything_comes_back(value: Any) -> None:
    same(stored(value), value)


columns = st.one_of(
    *(
        st.lists(e, min_size=3, max_size=3).map(lambda v, d=d: pd.Series(v, dtype=d))
        for d, e in {
            "f8": st.floats(),
            "i4": st.integers(-(2**31), 2**31 - 1),
            "bool": st.booleans(),
            "str": st.text(st.characters(exclude_categories=("Cs",))) | st.none(),
            "category": st.sampled_from("abc"),
            "object": st.none() | st.integers() | st.text(max_size=3) | st.tuples(st.integers()),
        }.items()
    )
)
labels = st.none() | st.integers(-5, 5) | st.text(max_size=3) | st.tuples(st.integers(0, 3))


@hypothesis.settings(max_examples=60, deadline=None, derandomize=True, database=None)
@hypothesis.given(
    st.lists(st.tuples(labels, columns), max_size=4),
    st.lists(labels, min_size=3, max_size=3) | st.none(),
)
def test_any_frame_comes_back(parts: Any, index: Any) -> None:
    value = pd.DataFrame({k: c for k, (_, c) in enumerate(parts)}, index=range(3))
    value.columns = pd.Index([n for n, _ in parts], dtype=object, tupleize_cols=False)
    if index is not None:
        value.index = pd.Index(index, dtype=object, tupleize_cols=False)
    back = stored(value)
    same(back, value)
    pd.testing.assert_frame_equal(back, value)


# --- what is not ours is not made -----------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "subprocess:Popen",
        "os:system",
        "builtins:eval",
        "pathlib:Path",
        "radiograph.drivers.files:os.stat_result",
        "radiograph.drivers.files:FileRef",  # only imported there
        "radiograph.drivers.files:file_ref",
        "radiograph.schemas.sources:FileRef.__init__",
        "radiograph.schemas.settings:Section",
        "radiographs:Thing",
        "",
    ],
)
@pytest.mark.parametrize("kind", ["dataclass", "enum"])
def test_foreign_classes_are_refused(name: str, kind: str) -> None:
    tree = {"t": kind, "c": name, "v": {} if kind == "dataclass" else {"t": "int", "v": "1"}}
    with pytest.raises((DamagedContentError, AttributeError, ImportError)):
        rebuilt(tree, [], ("radiograph",))


def test_a_class_of_another_package_is_refused() -> None:
    with pytest.raises(DamagedContentError, match="belongs to none of radiograph"):
        known = fingerprint(Pair(1))
        data = b"".join(bytes(p) for p in Encoded(Pair(1), known).parts)
        decoded(data, known, ("radiograph",))


@pytest.mark.parametrize(
    "kind", ["buffers", "class", "_init__", "_reduce_ex__", "pickle", "", "of"]
)
def test_unknown_kinds_are_refused(kind: str) -> None:
    with pytest.raises(DamagedContentError, match="cannot be made again"):
        rebuilt({"t": kind, "c": "os:system", "v": "true"}, [], ("radiograph",))


def test_nothing_is_unpickled(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: Any, **__: Any) -> Any:
        raise AssertionError

    for name in ("loads", "load", "Unpickler"):
        monkeypatch.setattr(pickle, name, forbidden)
    objects = np.array([None, "a", (1,)], dtype=object)
    same(stored([objects, frame(a=["x", None])]), [objects, frame(a=["x", None])])
