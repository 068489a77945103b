"""Frames as they are described: columns, types, bounds, and what a failed check says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandera.errors import SchemaErrors
from radiograph.schemas.arrays import frozen
from radiograph.schemas.errors import EXIT_BUG, OutputCheckError
from radiograph.schemas.imaging.codes import CandidateStatus, EnergyStatus
from radiograph.schemas.imaging.frames import FILTERED, HITS, TABLES, TYPED
from radiograph.schemas.light_response import STOPPING_POWERS
from radiograph.schemas.tables import (
    Column,
    TableSchema,
    categories_of,
    pandera_schema,
    plainly_satisfies,
)

TOY = TableSchema(
    "Toy",
    "a toy",
    (
        Column("toy_id", "int64", "", "number"),
        Column("colour", "category", "", "paint", categories=("red", "blue")),
        Column("mass_g", "float64", "g", "on the scales", at_least=0.0, at_most=5.0),
        Column("age_s", "float64", "s", "NaN where unknown", nullable=True),
    ),
)
GOOD = {"toy_id": [1, 2], "colour": ["red", "blue"], "mass_g": [0.0, 5.0], "age_s": [np.nan, 1]}


def fault(frame) -> str:
    with pytest.raises(OutputCheckError) as failure:
        TOY.validate(frame, "toys")
    assert failure.value.exit_code == EXIT_BUG
    assert failure.value.key == "toys"
    return failure.value.message


def test_a_frame_has_the_columns_in_order_with_their_types() -> None:
    frame = TOY.frame({**dict(reversed(GOOD.items())), "unused": [9, 9]})
    assert list(frame.columns) == ["toy_id", "colour", "mass_g", "age_s"]
    assert [str(t) for t in frame.dtypes] == ["int64", "category", "float64", "float64"]
    assert list(frame["colour"].cat.categories) == ["red", "blue"]
    assert frame["colour"].cat.codes.tolist() == [0, 1]
    TOY.validate(frame, "toys")


def test_a_frame_takes_series_and_keeps_their_categories() -> None:
    paint = pd.Series(pd.Categorical(["blue"], categories=["red", "blue"]), index=[7])
    frame = TOY.frame({"toy_id": [1], "colour": paint, "mass_g": [1], "age_s": [1]})
    assert frame["colour"].tolist() == ["blue"]
    assert frame.index.tolist() == [0]


def test_one_row_and_no_row_satisfy() -> None:
    TOY.validate(TOY.frame({k: v[:1] for k, v in GOOD.items()}), "toys")
    empty = TOY.empty()
    assert len(empty) == 0
    assert [str(t) for t in empty.dtypes] == ["int64", "category", "float64", "float64"]
    TOY.validate(empty, "toys")


@pytest.mark.parametrize("table", [*TABLES.values(), STOPPING_POWERS], ids=lambda t: t.name)
def test_every_table_has_an_empty_frame_that_satisfies_it(table: TableSchema) -> None:
    table.validate(table.empty(), "node")
    assert len(set(table.names)) == len(table.names)
    assert all(c.description for c in table.columns)


def test_columns_are_found_by_name() -> None:
    assert TOY["mass_g"].unit == "g"
    assert "mass_g" in TOY
    assert "mass_kg" not in TOY
    with pytest.raises(KeyError):
        TOY["mass_kg"]


def test_a_missing_column_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="age_s"):
        TOY.frame({k: v for k, v in GOOD.items() if k != "age_s"})


def test_another_type_than_a_frame_is_named() -> None:
    assert fault([1]) == "toys: expected a DataFrame of Toy, got list."


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mass_g": [-1.0, 1.0]}, ["mass_g", "row 0: -1.0", "fails 1 times"]),
        ({"mass_g": [1.0, 5.5]}, ["mass_g", "row 1: 5.5"]),
        ({"mass_g": [1.0, np.nan]}, ["mass_g", "not_nullable", "row 1: nan"]),
        ({"toy_id": [1.0, 2.0]}, ["toy_id", "dtype('int64')"]),
        ({"toy_id": np.array([1, 2], np.int32)}, ["toy_id", "dtype('int64')"]),
        ({"colour": pd.Categorical(["red", "blue"])}, ["colour", "categories('red', 'blue')"]),
        ({"colour": ["red", "blue"]}, ["colour", "category"]),
        ({"more": [1, 2]}, ["column_in_schema", "more"]),
    ],
)
def test_what_is_wrong_is_named(change: dict, words: list[str]) -> None:
    message = fault(TOY.frame(GOOD).assign(**change))
    assert message.startswith("toys: the frame does not satisfy Toy (one row is a toy).")
    for word in words:
        assert word in message


def test_a_lacking_column_and_another_order_are_faults() -> None:
    frame = TOY.frame(GOOD)
    assert "mass_g" in fault(frame.drop(columns="mass_g"))
    assert "ordered" in fault(frame[["colour", "toy_id", "mass_g", "age_s"]])


def test_the_message_counts_all_and_shows_three() -> None:
    n = 50
    frame = TOY.frame(
        {"toy_id": range(n), "colour": ["red"] * n, "mass_g": [-1.0] * n, "age_s": [0.0] * n}
    )
    message = fault(frame)
    assert "fails 50 times (row 0: -1.0; row 1: -1.0; row 2: -1.0)" in message
    assert len(message.splitlines()) <= 12


def test_validation_leaves_the_frame_as_it_was() -> None:
    frame = TOY.frame(GOOD)
    before = frame.copy(deep=True)
    TOY.validate(frame, "toys")
    pd.testing.assert_frame_equal(frame, before)


@settings(deadline=None)
@given(st.lists(st.integers(0, 2), max_size=20))
def test_categories_of_codes_gives_the_names_back(codes: list[int]) -> None:
    names = ["n", "g", "unknown"]
    column = categories_of(codes, names)
    assert list(column.categories) == names
    assert column.tolist() == [names[c] for c in codes]


def test_frozen_is_the_same_array_read_only_and_contiguous() -> None:
    a = np.arange(6.0).reshape(2, 3)
    assert frozen(a) is a
    assert not a.flags.writeable
    b = frozen(np.arange(6.0).reshape(2, 3).T)
    assert b.flags.c_contiguous
    assert not b.flags.writeable


def test_hit_columns_are_numbered_before_their_unit() -> None:
    third = [n for n in TYPED.names if "3" in n]
    assert third == [
        "det_id3", "material3", "x3_cm", "y3_cm", "z3_cm", "t3_ns", "light3_MeVee", "psd3",
        "energy_deposited3_MeV",
    ]  # fmt: skip
    assert FILTERED.names == ["event_index", *TYPED.names]
    assert HITS["t_ns"].dtype == "float64"


def test_a_candidate_keeps_the_status_of_its_energies() -> None:
    shared = {s.name: s.value for s in EnergyStatus}
    assert {s.name: s.value for s in CandidateStatus if s.value < len(shared)} == shared


VALUES = {
    "toy_id": [np.array([1, 2]), np.array([1, 2], np.int32), np.array([1.0, 2.0])],
    "colour": [
        pd.Categorical(["red", "blue"], categories=["red", "blue"]),
        pd.Categorical(["red", None], categories=["red", "blue"]),
        pd.Categorical(["red", "blue"], categories=["blue", "red"]),
        np.array(["red", "blue"]),
    ],
    "mass_g": [
        np.array([0.0, 5.0]), np.array([-1e-9, 1.0]), np.array([1.0, 5.1]),
        np.array([np.nan, 1.0]), np.array([np.inf, 1.0]), np.array([1, 2]),
        np.array([1.0, 2.0], np.float32),
    ],
    "age_s": [np.array([np.nan, 1.0]), np.array([-np.inf, 1.0]), np.array([True, False])],
}  # fmt: skip


@settings(deadline=None)
@given(
    st.fixed_dictionaries({name: st.sampled_from(values) for name, values in VALUES.items()}),
    st.permutations(list(VALUES)) | st.just(list(VALUES)),
    st.sampled_from([0, 1, 2]),
)
def test_what_is_plainly_good_is_what_pandera_accepts(columns: dict, order: list, n: int) -> None:
    frame = pd.DataFrame({name: columns[name] for name in order})[:n]
    try:
        pandera_schema(TOY).validate(frame, lazy=True)
        accepted = True
    except SchemaErrors:
        accepted = False
    assert plainly_satisfies(frame, TOY) == accepted
