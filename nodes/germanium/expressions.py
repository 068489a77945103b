"""Expressions of parameter files on columns, by a grammar of their own: nothing is evaluated.

Numbers, names, + - * / // % **, comparisons, & | ~ (also ``and``, ``or``, ``not``), parentheses,
and the functions of FUNCTIONS with one array (``where`` with three). Everything else is refused.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ...schemas.errors import InputError
from ...schemas.germanium.operations import Operation

FUNCTIONS: Final[Mapping[str, tuple[Callable[..., Any], int]]] = {
    "abs": (np.abs, 1),
    "sqrt": (np.sqrt, 1),
    "log": (np.log, 1),
    "log10": (np.log10, 1),
    "exp": (np.exp, 1),
    "isnan": (np.isnan, 1),
    "where": (np.where, 3),
}
_BINARY: Final[Mapping[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.true_divide,
    ast.FloorDiv: np.floor_divide,
    ast.Mod: np.mod,
    ast.Pow: np.power,
    ast.BitAnd: np.bitwise_and,
    ast.BitOr: np.bitwise_or,
}
_COMPARE: Final[Mapping[type[ast.cmpop], Callable[[Any, Any], Any]]] = {
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}
_LONGEST: Final = 4000
_DEEPEST: Final = 60


class ExpressionError(ValueError):
    """An expression that the grammar does not have."""


@dataclass(frozen=True)
class Expression:
    """A parsed expression. ``names`` are the columns and parameters that it uses."""

    text: str
    names: frozenset[str]
    tree: ast.expr

    def value(self, columns: Mapping[str, Any]) -> Any:
        """Its value; KeyError for a name that is not among ``columns``."""
        with np.errstate(all="ignore"):
            return _value(self.tree, columns)


def parsed(text: str) -> Expression:
    """An expression; ExpressionError with what it holds that is not known."""
    if len(text) > _LONGEST:
        msg = f"is of {len(text)} characters, at most {_LONGEST} are read"
        raise ExpressionError(msg)
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as reason:
        msg = f"cannot be read ({str(reason).partition(chr(10))[0]})"
        raise ExpressionError(msg) from None
    names: set[str] = set()
    _check(tree, names, 0)
    return Expression(text, frozenset(names), tree)


def _check(node: ast.expr, names: set[str], depth: int) -> None:
    if depth > _DEEPEST:
        msg = f"is nested deeper than {_DEEPEST}"
        raise ExpressionError(msg)
    parts: Sequence[ast.expr]
    match node:
        case ast.Constant(value=bool() | int() | float()):
            parts = ()
        case ast.Name(id=name):
            names.add(name)
            parts = ()
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            parts = (left, right)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() | ast.Invert() | ast.Not(), operand=inner):
            parts = (inner,)
        case ast.BoolOp(values=values):
            parts = values
        case ast.Compare(left=left, ops=ops, comparators=right) if all(
            type(op) in _COMPARE for op in ops
        ):
            parts = (left, *right)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            if name not in FUNCTIONS:
                known = ", ".join(FUNCTIONS)
                msg = f"has the unknown function {name}; there is: {known}"
                raise ExpressionError(msg)
            if len(arguments) != FUNCTIONS[name][1]:
                msg = f"gives {name} {len(arguments)} values; it takes {FUNCTIONS[name][1]}"
                raise ExpressionError(msg)
            parts = arguments
        case _:
            msg = f"holds {ast.unparse(node)!r}, which is no arithmetic, comparison or function"
            raise ExpressionError(msg)
    for part in parts:
        _check(part, names, depth + 1)


def _value(node: ast.expr, columns: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return columns[name]
        case ast.BinOp(left=left, op=op, right=right):
            return _BINARY[type(op)](_value(left, columns), _value(right, columns))
        case ast.UnaryOp(op=op, operand=inner):
            value = _value(inner, columns)
            match op:
                case ast.USub():
                    return np.negative(value)
                case ast.UAdd():
                    return value
            return np.logical_not(value)
        case ast.BoolOp(op=op, values=values):
            join = np.logical_and if isinstance(op, ast.And) else np.logical_or
            return join.reduce([_value(v, columns) for v in values])
        case ast.Compare(left=left, ops=ops, comparators=right):
            sides = [_value(side, columns) for side in (left, *right)]
            pairs = zip(ops, sides[:-1], sides[1:], strict=True)
            return np.logical_and.reduce([_COMPARE[type(op)](a, b) for op, a, b in pairs])
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return FUNCTIONS[name][0](*(_value(a, columns) for a in arguments))
    raise AssertionError(ast.dump(node))


def in_order(operations: Iterable[Operation], columns: Iterable[str]) -> list[Operation]:
    """Operations so that each follows those whose results it uses.

    Raises
    ------
    InputError
        If an expression cannot be read, uses a name that is neither a column, a parameter nor an
        operation, or operations use each other in a circle. It names the operation.
    """
    known = set(columns)
    waiting = {operation.name: operation for operation in operations}
    names = {}
    for name, operation in waiting.items():
        try:
            names[name] = parsed(operation.expression).names - operation.parameters.keys()
        except ExpressionError as reason:
            msg = f"operation {name}: {operation.expression!r} {reason}."
            raise InputError(msg, code="unknown_operation") from None
    for name, used in names.items():
        # An operation may replace a column of its own name.
        missing = sorted(n for n in used if n not in known and (n not in waiting or n == name))
        if missing:
            msg = (
                f"operation {name}: {missing[0]} in {waiting[name].expression!r} is no column, "
                "parameter or other operation."
            )
            raise InputError(msg, code="unknown_column")
    ordered: list[Operation] = []
    done: set[str] = set()
    while waiting:
        ready = [n for n in waiting if all(u == n or u not in names or u in done for u in names[n])]
        if not ready:
            circle = ", ".join(sorted(waiting))
            msg = f"operations {circle} use each other in a circle."
            raise InputError(msg, code="circle")
        for name in ready:
            ordered.append(waiting.pop(name))
        done.update(ready)
    return ordered


def evaluated(
    operations: Iterable[Operation], columns: Mapping[str, Any], n_rows: int
) -> dict[str, Any]:
    """The results of operations by name, in an order in which each can be computed.

    Truth values are bool, numbers float64, shape (n_rows,). InputError as ``in_order``.
    """
    known: dict[str, Any] = dict(columns)
    found: dict[str, Any] = {}
    for operation in in_order(operations, columns):
        value = parsed(operation.expression).value({**known, **operation.parameters})
        value = np.broadcast_to(value, (n_rows,))
        value = value.copy() if value.dtype == bool else value.astype(np.float64)
        known[operation.name] = found[operation.name] = value
    return found
