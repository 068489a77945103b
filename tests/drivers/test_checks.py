"""What a node returns is checked: what differs is named in a few lines, and nothing is writable."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hamilton import driver
from hamilton.ad_hoc_utils import create_temporary_module
from hamilton.function_modifiers import tag
from radiograph.drivers.checks import check_output, freeze
from radiograph.drivers.node_execution import NodeExecution
from radiograph.drivers.node_records import Manifest
from radiograph.schemas.arrays import F8, U1, Mask
from radiograph.schemas.errors import EXIT_BUG, OutputCheckError
from radiograph.schemas.imaging.frames import CANDIDATE_CONES, TABLES
from radiograph.schemas.imaging.images import Counts
from radiograph.schemas.tables import Column, TableSchema

PULSES = TableSchema(
    "Pulses",
    "a pulse",
    (
        Column("pulse", "int64", "", "number", at_least=0),
        Column("charge_pC", "float64", "pC", "charge", at_least=0.0, at_most=10.0),
        Column("psd", "float64", "", "shape", nullable=True),
        Column("kind", "category", "", "kind", categories=("n", "g")),
    ),
)
MANY = 10**5


def pulses(n: int = 3, **columns: Any) -> pd.DataFrame:
    data: dict[str, Any] = {
        "pulse": np.arange(n), "charge_pC": np.ones(n), "psd": np.full(n, np.nan),
        "kind": pd.Categorical(["n"] * n, categories=["n", "g"]),
    }  # fmt: skip
    return pd.DataFrame(data | columns)


def frame_error(frame: Any) -> str:
    with pytest.raises(OutputCheckError) as caught:
        check_output("pulses", {"schema": "Pulses"}, pd.DataFrame, {}, frame, {"Pulses": PULSES})
    assert caught.value.exit_code == EXIT_BUG
    assert caught.value.key == "pulses"
    message = str(caught.value)
    assert message.startswith("pulses: ")
    assert len(message.splitlines()) <= 12
    assert len(message) < 3000
    return message


def array_error(annotation: Any, result: Any, **tags: str) -> str:
    with pytest.raises(OutputCheckError) as caught:
        check_output("charge", tags, annotation, {"pulses": pulses(3)}, result, {})
    assert caught.value.key == "charge"
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def passes(annotation: Any, result: Any, **tags: str) -> None:
    check_output("node", tags, annotation, {"pulses": pulses(3)}, result, {"Pulses": PULSES})


def test_what_is_right_passes() -> None:
    passes(pd.DataFrame, pulses(), schema="Pulses")
    passes(pd.DataFrame, pulses(0), schema="Pulses")
    passes(pd.DataFrame, PULSES.empty(), schema="Pulses")
    passes(pd.DataFrame, pulses(1), schema="Pulses")
    passes(F8, np.zeros(3), rows="pulses")
    passes(F8, np.zeros(5))
    passes(U1, np.zeros((2, 2), np.uint8))
    passes(Mask, np.zeros(3, bool), rows="pulses")
    passes(Counts, Counts())
    passes(dict[str, bytes], {})
    passes(int, 3)


def test_wrong_dtype_of_a_column() -> None:
    message = frame_error(pulses(pulse=np.arange(3, dtype=np.int32)))
    assert "column pulse" in message
    assert "int64" in message
    assert "int32" in message


def test_missing_added_and_misplaced_columns() -> None:
    assert "psd" in frame_error(pulses().drop(columns="psd"))
    assert "extra" in frame_error(pulses().assign(extra=1.0))
    assert "psd" in frame_error(pulses()[["psd", "pulse", "charge_pC", "kind"]])


def test_values_out_of_range_are_named_with_their_rows() -> None:
    charge = np.ones(50)
    charge[[7, 9]] = [-1.0, 11.0]
    message = frame_error(pulses(50, charge_pC=charge))
    assert "column charge_pC: greater_than_or_equal_to(0.0) fails 1 times (row 7: -1.0)" in message
    assert "column charge_pC: less_than_or_equal_to(10.0) fails 1 times (row 9: 11.0)" in message


def test_nan_where_none_may_be() -> None:
    message = frame_error(pulses(3, charge_pC=[1.0, np.nan, 1.0]))
    assert "column charge_pC: not_nullable fails 1 times (row 1: nan)" in message


def test_a_column_that_is_no_category_or_has_others() -> None:
    assert "kind" in frame_error(pulses(kind=["n", "n", "g"]))
    other = pd.Categorical(["n"] * 3, categories=["n", "gamma"])
    assert "column kind: categories('n', 'g') fails" in frame_error(pulses(kind=other))


def test_another_kind_of_value_for_a_frame() -> None:
    assert "expected a DataFrame of Pulses, got ndarray" in frame_error(np.zeros(3))
    assert "got NoneType" in frame_error(None)


def test_a_hundred_thousand_bad_rows_make_a_few_lines() -> None:
    message = frame_error(
        pulses(MANY, charge_pC=np.full(MANY, -1.0), psd=np.zeros(MANY), pulse=np.full(MANY, -5))
    )
    assert f"column charge_pC: greater_than_or_equal_to(0.0) fails {MANY} times" in message
    assert f"column pulse: greater_than_or_equal_to(0) fails {MANY} times" in message
    assert "row 0: -1.0; row 1: -1.0; row 2: -1.0)" in message
    assert len(message.splitlines()) == 3


def test_a_hundred_thousand_rows_of_another_frame_make_a_few_lines() -> None:
    candidates = CANDIDATE_CONES.empty().reindex(range(MANY)).astype({"theta_rad": "float32"})
    with pytest.raises(OutputCheckError) as caught:
        check_output(
            "gamma_candidate_cones", {"schema": "CandidateCones"}, pd.DataFrame, {}, candidates,
            TABLES,
        )  # fmt: skip
    message = str(caught.value)
    assert "column event_index" in message
    # Every column is wrong in type or holds NaN: the last line says how many more there are.
    assert len(message.splitlines()) == 12
    assert re.fullmatch(r"  and \d+ faults more", message.splitlines()[-1])
    assert len(message) < 4000


def test_arrays_of_another_type_or_length() -> None:
    assert array_error(F8, np.zeros(3, np.float32)) == (
        "charge: expected an array of float64, got float32."
    )
    assert array_error(Mask, np.zeros(3)) == "charge: expected an array of bool, got float64."
    assert array_error(F8, [1.0]) == "charge: expected an array, got list."
    assert array_error(F8, pd.Series([1.0])) == "charge: expected an array, got Series."
    assert array_error(F8, np.zeros(4), rows="pulses") == "charge: 4 values for 3 rows of pulses."
    assert array_error(F8, np.zeros(MANY), rows="pulses").startswith("charge: 100000 values for 3")


def test_values_of_another_type() -> None:
    assert array_error(Counts, {"a": 1}) == "charge: expected Counts, got dict."
    assert array_error(dict[str, bytes], [1]) == "charge: expected dict, got list."


# --- read-only --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Nested:
    a: Any
    b: Any = None


def test_arrays_are_frozen_wherever_they_stand() -> None:
    arrays = [np.zeros(2) for _ in range(5)]
    freeze(Nested(arrays[0], {"x": arrays[1], "y": (arrays[2], [Nested(arrays[3])], "text", 3)}))
    freeze(arrays[4])
    for array in arrays:
        assert not array.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0


def test_freezing_leaves_other_values_alone() -> None:
    for value in ("text", 3, None, Counts({"a": 1}), Nested, pulses()):
        freeze(value)


# --- in a graph -------------------------------------------------------------------------------


@tag(schema="Pulses")
def good_pulses(n_pulses: int) -> pd.DataFrame:
    return pulses(n_pulses)


@tag(rows="good_pulses")
def charges(good_pulses: pd.DataFrame) -> F8:
    return good_pulses["charge_pC"].to_numpy().copy()


@tag(rows="charges")
def short_charges(charges: F8) -> F8:
    return charges[1:]


def doubled_in_place(charges: F8) -> F8:
    charges *= 2.0
    return charges


def column_written(good_pulses: pd.DataFrame) -> F8:
    values = good_pulses["charge_pC"].to_numpy()
    values[0] = 7.0
    return values


@tag(schema="Pulses")
def bad_pulses(n_pulses: int) -> pd.DataFrame:
    return pulses(n_pulses, charge_pC=np.full(n_pulses, -1.0))


def after_bad(bad_pulses: pd.DataFrame) -> int:
    raise AssertionError


GRAPH = create_temporary_module(
    good_pulses, charges, short_charges, doubled_in_place, column_written, bad_pulses, after_bad
)


def executed(node: str) -> tuple[Any, Manifest]:
    manifest = Manifest()
    execution = NodeExecution({"Pulses": PULSES}, manifest)
    dr = driver.Builder().with_modules(GRAPH).with_adapters(execution).build()
    return dr.execute([node], inputs={"n_pulses": 4})[node], manifest


def test_a_graph_hands_on_arrays_that_cannot_be_written_to() -> None:
    value, manifest = executed("charges")
    assert not value.flags.writeable
    assert {n: r.status for n, r in manifest.nodes.items()} == {
        "good_pulses": "executed",
        "charges": "executed",
    }
    for node in ("doubled_in_place", "column_written"):
        with pytest.raises(ValueError, match="read-only"):
            executed(node)


def test_a_graph_stops_at_the_node_that_is_wrong() -> None:
    with pytest.raises(OutputCheckError, match="short_charges: 3 values for 4 rows of charges"):
        executed("short_charges")
    with pytest.raises(OutputCheckError, match="bad_pulses: the frame does not satisfy Pulses"):
        executed("after_bad")
