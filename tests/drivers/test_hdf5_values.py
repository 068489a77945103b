"""Values of nodes that are read back from a file as they were written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from radiograph.drivers.hdf5_values import read_value, write_value
from radiograph.nodes.hdf5_content import opened_content
from radiograph.schemas.errors import InputError
from radiograph.schemas.tables import Column, TableSchema

TABLE = TableSchema(
    "Table",
    "a row",
    (
        Column("n", "int16", "", "a number"),
        Column("x_cm", "float64", "cm", "a length", nullable=True),
        Column("kind", "category", "", "a kind", categories=("a", "b")),
        Column("word", "category", "", "any word"),
    ),
)


@dataclass(frozen=True)
class Inner:
    counts: NDArray[np.int64]
    note: str | None


@dataclass(frozen=True)
class Value:
    size: int
    width_cm: float
    name: str
    names: tuple[str, ...]
    inner: Inner
    facts: Mapping[str, Any] = field(default_factory=dict)
    usual: float = 2.5


def through_a_file(path: Path, value: Any, kind: Any, table: TableSchema | None = None) -> Any:
    with h5py.File(path, "w") as file:
        write_value(file, "stage/node", value, "what", table)
    with opened_content(path) as content:
        return read_value(content, "stage/node", kind, table)


@pytest.mark.parametrize("n_rows", [0, 1, 3])
def test_a_frame(tmp_path: Path, n_rows: int) -> None:
    data = {"n": [3, -1, 2], "x_cm": [np.nan, 0.1, -np.inf], "kind": ["b", None, "a"]}
    data["word"] = ["x", "", "y z"]
    frame = TABLE.frame({name: values[:n_rows] for name, values in data.items()})
    found = through_a_file(tmp_path / "a.h5", frame, pd.DataFrame, TABLE)
    pd.testing.assert_frame_equal(found, frame)


def test_a_dataclass(tmp_path: Path) -> None:
    """None is left out in the file, and so is an empty mapping."""
    value = Value(3, 0.25, "text", ("a", "b"), Inner(np.arange(4), None))
    found = through_a_file(tmp_path / "a.h5", value, Value)
    assert (found.size, found.width_cm, found.name) == (3, 0.25, "text")
    assert type(found.size) is int
    assert (found.names, found.facts, found.usual) == (("a", "b"), {}, 2.5)
    assert found.inner.counts.tolist() == [0, 1, 2, 3]
    assert found.inner.note is None
    facts = {"n": 2, "deeper": {"t": "x", "v": np.array([1.5, 2.5])}}
    more = through_a_file(tmp_path / "b.h5", Value(1, 1.0, "", (), value.inner, facts), Value)
    assert more.facts["n"] == 2
    assert more.facts["deeper"]["t"] == "x"
    assert more.facts["deeper"]["v"].tolist() == [1.5, 2.5]


def test_what_is_not_there(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        write_value(file, "other", 1.0, "what")
    with opened_content(tmp_path / "a.h5") as content, pytest.raises((InputError, KeyError)):
        read_value(content, "node", float)
