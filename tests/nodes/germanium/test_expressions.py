"""Expressions of parameter files: values by hand, what is refused, the order of operations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from radiograph.nodes.germanium.expressions import (
    ExpressionError,
    evaluated,
    in_order,
    parsed,
)
from radiograph.schemas.errors import InputError
from radiograph.schemas.germanium.operations import Operation

COLUMNS = {
    "E": np.array([1.0, 4.0, np.nan]),
    "t": np.array([10.0, 0.0, 5.0]),
    "good": np.array([True, False, True]),
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("E*(1+t*a)", [2.0, 4.0, np.nan]),
        ("a + 2 * E**2", [2.1, 32.1, np.nan]),
        ("-E//3 % 2", [1.0, 0.0, np.nan]),
        ("(E>2)&(t<5)", [False, True, False]),
        ("(~good)|(E==1)", [True, True, False]),
        ("not good", [False, True, False]),
        ("0 < E < 3 and good", [True, False, False]),
        ("where(E<2, sqrt(E), abs(-t))", [1.0, 0.0, 5.0]),
        ("log(exp(E))", [1.0, 4.0, np.nan]),
    ],
)
def test_values(text: str, value: list[float]) -> None:
    found = parsed(text).value({**COLUMNS, "a": 0.1})
    np.testing.assert_allclose(np.asarray(found, dtype=float), np.asarray(value, dtype=float))


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "E.__class__",
        "E[0]",
        "lambda: E",
        "[E for E in t]",
        "'text'",
        "eval('1')",
        "f(E)",
        "sqrt(E, t)",
        "sqrt(x=E)",
        "E if good else t",
        "E := 1",
        "1j",
        "E @ t",
        "E >> 2",
        "E in t",
        "",
        "E +",
        "(" * 70 + "E" + ")" * 70 + "+" + "-" * 200 + "E",
        "E+" * 3000 + "E",
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        parsed(text)


@given(st.text(max_size=30))
def test_any_text(text: str) -> None:
    """Whatever stands in a file is an expression or refused."""
    try:
        parsed(text)
    except ExpressionError:
        return


def test_operations_follow_what_they_use() -> None:
    operations = [
        Operation("keV", "a + b * ctc", {"a": 0.0, "b": 2.0}),
        Operation("ctc", "E*(1+t*a)", {"a": 0.1}),
        Operation("high", "keV>3"),
    ]
    assert [o.name for o in in_order(operations, COLUMNS)] == ["ctc", "keV", "high"]
    found = evaluated(operations, COLUMNS, 3)
    np.testing.assert_allclose(found["keV"], [4.0, 8.0, np.nan])
    assert found["high"].dtype == bool
    assert found["high"].tolist() == [True, True, False]
    assert list(COLUMNS["E"][:2]) == [1.0, 4.0]


def test_a_constant_is_a_column() -> None:
    assert evaluated([Operation("one", "1")], COLUMNS, 3)["one"].tolist() == [1.0, 1.0, 1.0]
    assert evaluated([Operation("one", "E+1")], {"E": np.empty(0)}, 0)["one"].shape == (0,)


@pytest.mark.parametrize(
    ("operations", "words", "code"),
    [
        ([Operation("x", "nothing+1")], "operation x: nothing", "unknown_column"),
        ([Operation("x", "x+1")], "operation x: x", "unknown_column"),
        ([Operation("x", "y"), Operation("y", "x")], "x, y use each other", "circle"),
        ([Operation("x", "tan(E)")], "operation x.*tan.*there is", "unknown_operation"),
    ],
)
def test_bad_operations(operations: list[Operation], words: str, code: str) -> None:
    with pytest.raises(InputError, match=words) as raised:
        in_order(operations, COLUMNS)
    assert raised.value.code == code
