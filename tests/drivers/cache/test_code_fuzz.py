"""Code versions under edits of the syntax tree: what a function does never changes unseen.

Functions of the project are edited one place at a time, compiled and described. Whether an edit
changes what the code does is told by the code objects themselves, field by field, so by nothing
that the versions are made of.
"""

from __future__ import annotations

import ast
import importlib
import random
import sys
import types
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from radiograph.drivers.cache.code import CodeVersions, version_of
from radiograph.drivers.cache.opening import PACKAGES, WITHOUT_VERSION
from radiograph.drivers.cache.reached import Reached, UnresolvedCodeError

MODULES = (
    "radiograph.nodes.imaging.cones",
    "radiograph.nodes.imaging.energies",
    "radiograph.nodes.imaging.selection",
    "radiograph.nodes.imaging.restart",
    "radiograph.nodes.imaging.figure_parts",
    "radiograph.nodes.imaging.kernels.back_projection",
    "radiograph.nodes.imaging.readers.novo_ddaq_root",
    "radiograph.nodes.lightdqm.masks",
    "radiograph.nodes.lightdqm.load",
    "radiograph.nodes.simulation.neutrons",
)
PER_KIND = 12

# Forms that the modules above use seldom or not at all, so that every kind of edit has a place.
FORMS = """
def guarded(x, y):
    try:
        x = int(y)
        y = x + 1
    except (ValueError, KeyError) as reason:
        raise TypeError(reason) from None
    finally:
        x = y
    return x, y

def given(x, y, *rest, scale, offset):
    total = max(*x) + min(**y) + sum(x, start=y) + pow(scale, offset) * scale
    return dict(a=total, b=rest), sorted(x, key=len, reverse=y)

def taken(*x):
    return x

def branches(x, y):
    for i in x:
        if i > 1 and y:
            y -= 1
            x = y
        elif not i:
            continue
        else:
            break
    while x is not None:
        x = y[1:i]
        y = x if y in x else i
    return [x, y], {"a": x, "b": y}, {i for i in x if i != y}

def nested(x, y):
    def inner(v, w=2, *, u=3):
        nonlocal y
        y = f"{v!r:>8} {w}"
        return lambda t: t.real + u
    class Local(dict, first=x, second=y):
        size = 1
        def twice(self): return self.size * 2
    with x as f, y as g:
        f.name = g.mode
    return inner(x, w=y, u=1), Local

def walked(x, y):
    match x:
        case {"kind": kind, **others}:
            yield kind, others
        case [first, *tail] if first < y:
            yield from tail
        case slice(start=0, stop=1):
            yield x[::2]
    assert x, y
    del x, y

async def waited(x, y):
    async with x as f:
        async for line in f:
            await y(line)
"""

# What a module computes when it is loaded; the version is that of its function ``node``.
DEFINITIONS = """
from dataclasses import dataclass, field
from functools import partial

def scaled(value, factor, offset):
    return value * factor - offset

BOUND = partial(scaled, factor=2, offset=3)
LIMITS = {"low": 1, "high": (2, 3.0)}

@dataclass(frozen=True, order=False)
class Cut:
    low: float = field(default=1.0, init=True, kw_only=False, compare=True)
    high: float = field(default=2.0, repr=True, compare=False, hash=True)

    def width(self):
        return self.high - self.low

def node(x: Cut, y=LIMITS["low"], *, z=(1, 2)):
    return BOUND(x.width()), Cut(high=y), LIMITS, z
"""

# --- what an edit does ----------------------------------------------------------------------

_OTHER: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.FloorDiv,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.USub: ast.UAdd,
    ast.UAdd: ast.USub,
    ast.Invert: ast.USub,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_BLOCKS = (ast.If, ast.For, ast.While, ast.With)
Edit = Callable[[], None]


def exchanged(items: list[Any], k: int) -> Edit:
    def edit() -> None:
        items[k], items[k + 1] = items[k + 1], items[k]

    return edit


def put(owner: ast.AST, **fields: Any) -> Edit:
    return lambda: vars(owner).update(fields)


def of_calls(node: ast.AST) -> Iterator[tuple[str, Edit]]:
    if not isinstance(node, (ast.Call, ast.ClassDef)):
        return
    for one, two in zip(node.keywords, node.keywords[1:], strict=False):
        if one.arg and two.arg:
            names = two.arg, one.arg
            yield (
                "keywords",
                lambda one=one, two=two, n=names: (
                    put(one, arg=n[0])(),
                    put(two, arg=n[1])(),
                ),
            )
    for keyword in node.keywords:
        if keyword.arg:
            yield "name of a keyword", put(keyword, arg=f"{keyword.arg}_")
    if not isinstance(node, ast.Call):
        return
    for k in range(len(node.args) - 1):
        yield "arguments", exchanged(node.args, k)
    if len(node.args) == 1 and isinstance(node.args[0], ast.Starred) and not node.keywords:
        double = ast.keyword(arg=None, value=node.args[0].value)
        yield "* for **", put(node, args=[], keywords=[double])
    if len(node.keywords) == 1 and node.keywords[0].arg is None and not node.args:
        single = ast.Starred(value=node.keywords[0].value, ctx=ast.Load())
        yield "* for **", put(node, args=[single], keywords=[])


def of_values(node: ast.AST) -> Iterator[tuple[str, Edit]]:
    if isinstance(node, (ast.Tuple, ast.List)):
        for k in range(len(node.elts) - 1):
            yield "items", exchanged(node.elts, k)
    if isinstance(node, ast.Dict):
        for k in range(len(node.keys) - 1):
            yield "keys", exchanged(node.keys, k)
    if isinstance(node, ast.Slice):
        yield "slices", put(node, lower=node.upper, upper=node.lower)
        yield "slices", put(node, lower=node.step, step=node.lower)
    if isinstance(node, ast.IfExp):
        yield "choices", put(node, body=node.orelse, orelse=node.body)
    if isinstance(node, ast.Attribute):
        yield "attributes", put(node, attr=f"{node.attr}_")
    if isinstance(node, ast.FormattedValue):
        yield "conversions", put(node, conversion=-1 if node.conversion == 114 else 114)
    if isinstance(node, ast.Constant):
        yield "constants", put(node, value=other_constant(node.value))
        if type(node.value) is int:
            yield "types of constants", put(node, value=float(node.value))


def other_constant(value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return value is not True
    if isinstance(value, str):
        return f"{value} "
    if isinstance(value, bytes):
        return value + b" "
    return None if value is Ellipsis else value + 1


def of_operators(node: ast.AST) -> Iterator[tuple[str, Edit]]:
    if isinstance(node, (ast.BinOp, ast.AugAssign, ast.BoolOp)):
        yield "operators", put(node, op=_OTHER[type(node.op)]())
    if isinstance(node, ast.BinOp):
        yield "sides", put(node, left=node.right, right=node.left)
    if isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.Not):
        yield "operators", put(node, op=_OTHER[type(node.op)]())
    if isinstance(node, ast.Compare):
        yield "comparisons", put(node, ops=[_OTHER[type(node.ops[0])](), *node.ops[1:]])
    if isinstance(node, (ast.If, ast.While, ast.IfExp)):
        yield "conditions", put(node, test=ast.UnaryOp(op=ast.Not(), operand=node.test))


def of_blocks(node: ast.AST) -> Iterator[tuple[str, Edit]]:
    for name in ("body", "orelse", "finalbody"):
        lines = vars(node).get(name)
        if not isinstance(lines, list):
            continue
        for k, line in enumerate(lines):
            if k + 1 < len(lines) and not has_docstring(node, k):
                yield "lines", exchanged(lines, k)
            if isinstance(line, ast.Continue):
                yield "jumps", lambda at=lines, k=k: at.__setitem__(k, ast.Break())
            if isinstance(line, ast.Break):
                yield "jumps", lambda at=lines, k=k: at.__setitem__(k, ast.Continue())
            if isinstance(line, _BLOCKS):
                for inner in (line.body, vars(line).get("orelse", [])):
                    if len(inner) > 1:
                        yield "dedent", moved_out(inner, lines, k)
    if isinstance(node, ast.Try) and node.handlers and len(node.body) > 1:
        yield "else of a try", lambda: node.orelse.insert(0, node.body.pop())
    if isinstance(node, ast.Try) and node.orelse:
        yield "else of a try", lambda: node.body.append(node.orelse.pop(0))


def moved_out(inner: list[Any], lines: list[Any], k: int) -> Edit:
    return lambda: lines.insert(k + 1, inner.pop())


def has_docstring(node: ast.AST, k: int) -> bool:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return k == 0 and isinstance(node, kinds) and ast.get_docstring(node) is not None


def of_parameters(node: ast.AST) -> Iterator[tuple[str, Edit]]:
    if not isinstance(node, ast.arguments):
        return
    for k in range(len(node.args) - 1):
        yield "parameters", exchanged(node.args, k)
    if node.vararg is not None or node.kwarg is not None:
        yield "* for ** taken", put(node, vararg=node.kwarg, kwarg=node.vararg)
    if node.args and not node.posonlyargs:
        yield "position only", put(node, posonlyargs=node.args[:1], args=node.args[1:])
    if node.args and not node.defaults and node.vararg is None:
        yield (
            "keyword only",
            put(
                node,
                args=node.args[:-1],
                kwonlyargs=[node.args[-1], *node.kwonlyargs],
                kw_defaults=[None, *node.kw_defaults],
            ),
        )


def edits_of(tree: ast.AST) -> list[tuple[str, Edit]]:
    """(kind, edit) of every place of a function, always in the same order."""
    notes = {id(n) for n in not_run(tree)}
    found: list[tuple[str, Edit]] = []
    for node in ast.walk(tree):
        if id(node) not in notes:
            for kinds in (of_calls, of_values, of_operators, of_blocks, of_parameters):
                found += kinds(node)
    return found


def not_run(tree: ast.AST) -> Iterator[ast.AST]:
    """Docstrings, and what is computed where a function is defined and not where it runs."""
    alone = tree.body[0] if len(tree.body) == 1 else None
    for node in ast.walk(tree):
        docstring = node.body[0] if has_docstring(node, 0) else None
        outside: list[Any] = [docstring, vars(node).get("annotation"), vars(node).get("returns")]
        if node is alone:
            outside += [*node.decorator_list, *node.args.defaults, *node.args.kw_defaults]
        for part in outside:
            if part is not None:
                yield from ast.walk(part)


# --- what code does, told by the code objects -------------------------------------------------


def anatomy(code: types.CodeType) -> tuple[Any, ...]:
    """A code object without names, docstrings and line numbers, constants with their types."""
    return (
        code.co_code,
        code.co_exceptiontable,
        [typed(c) for c in code.co_consts],
        code.co_names,
        code.co_varnames,
        code.co_cellvars,
        code.co_freevars,
        (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags),
    )


def typed(value: Any) -> Any:
    if isinstance(value, types.CodeType):
        return anatomy(value)
    if isinstance(value, tuple):
        return tuple(typed(v) for v in value)
    if isinstance(value, frozenset):
        return frozenset((type(v), v) for v in value)
    return type(value), repr(value)


def compiled(tree: ast.Module, future: int = 0) -> types.CodeType | None:
    """The code of a module; None where an edit is no Python."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            located = ast.fix_missing_locations(tree)
            return compile(located, "edit.py", "exec", future, dont_inherit=True)
        except (SyntaxError, ValueError, TypeError):
            return None


def only_function(module: types.CodeType) -> types.CodeType:
    (code,) = (c for c in module.co_consts if isinstance(c, types.CodeType))
    return code


def version(code: types.CodeType, module: types.ModuleType) -> str:
    """The description of a function with this code in a module; "refused" is one, too."""
    function = types.FunctionType(code, vars(module))
    function.__module__ = module.__name__
    try:
        return repr(Reached(is_project, WITHOUT_VERSION).describe(function))
    except UnresolvedCodeError as reason:
        return f"refused: {reason}"


def loaded_version(code: types.CodeType, monkeypatch: pytest.MonkeyPatch) -> str | None:
    """Version of the function ``node`` of a module; None if the module cannot be loaded."""
    module = types.ModuleType("definitions")
    monkeypatch.setitem(sys.modules, "definitions", module)
    try:
        types.FunctionType(code, vars(module))()
    except (TypeError, ValueError, KeyError, AttributeError):
        return None
    return version_of(CodeVersions(("definitions",)).parts(module.node))


def is_project(name: str | None) -> bool:
    return name is not None and name.split(".")[0] in PACKAGES


# --- the functions ----------------------------------------------------------------------------


def functions_in(text: str) -> list[str]:
    """Text of every function of a module's text, methods and decorators set aside."""
    lines = text.splitlines()
    return [
        "\n".join(lines[f.lineno - 1 : f.end_lineno])
        for f in ast.parse(text).body
        if isinstance(f, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]


def places(functions: Iterable[str], seed: str) -> list[tuple[str, int, str]]:
    """(text of a function, number of an edit, its kind): some of each kind, drawn by a seed."""
    by_kind: dict[str, list[tuple[str, int, str]]] = {}
    for text in functions:
        for number, (kind, _) in enumerate(edits_of(ast.parse(text))):
            by_kind.setdefault(kind, []).append((text, number, kind))
    draw = random.Random(seed)
    return [p for _, a in sorted(by_kind.items()) for p in draw.sample(a, min(PER_KIND, len(a)))]


def unseen_edits(
    chosen: Iterable[tuple[str, int, str]], module: types.ModuleType, future: int
) -> tuple[dict[str, int], list[str]]:
    """How many edits of each kind changed the code, and which of them no version tells."""
    counts: dict[str, int] = {}
    wrong: list[str] = []
    known: dict[str, tuple[Any, str]] = {}
    for text, number, kind in chosen:
        if text not in known:
            code = compiled(ast.parse(text), future)
            assert code is not None
            known[text] = anatomy(code), version(only_function(code), module)
            assert "refused" not in known[text][1]
        tree = ast.parse(text)
        edits_of(tree)[number][1]()
        code = compiled(tree, future)
        if code is None:
            continue
        told = version(only_function(code), module)
        same = (anatomy(code) == known[text][0], told == known[text][1])
        counts[kind] = counts.get(kind, 0) + (not same[0])
        if same[0] != same[1]:
            wrong.append(f"{kind} ({'spurious' if same[0] else 'unseen'}):\n{ast.unparse(tree)}")
    return counts, wrong


@pytest.mark.parametrize("name", MODULES)
def test_edits_of_nodes_are_seen(name: str) -> None:
    module = importlib.import_module(name)
    text = Path(str(module.__file__)).read_text(encoding="utf-8")
    future = importlib.import_module("__future__").annotations.compiler_flag
    counts, wrong = unseen_edits(places(functions_in(text), name), module, future)
    assert not wrong, "\n\n".join(wrong)
    assert sum(counts.values()) > 40


@pytest.mark.parametrize("text", functions_in(FORMS), ids=lambda t: t.split("(")[0])
def test_edits_of_seldom_forms_are_seen(text: str) -> None:
    module = types.ModuleType("radiograph.forms")
    every = [(text, n, kind) for n, (kind, _) in enumerate(edits_of(ast.parse(text)))]
    counts, wrong = unseen_edits(every, module, 0)
    assert not wrong, "\n\n".join(wrong)
    assert sum(counts.values()) > 0


def test_edits_of_definitions_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bound arguments, fields, defaults and tables: what is no instruction of the function."""
    code = compiled(ast.parse(DEFINITIONS))
    assert code is not None
    known = loaded_version(code, monkeypatch)
    assert known is not None
    seen: set[str] = set()
    for number, (kind, _) in enumerate(edits_of(ast.parse(DEFINITIONS))):
        tree = ast.parse(DEFINITIONS)
        edits_of(tree)[number][1]()
        edited = compiled(tree)
        # The order of definitions is no part of what they are.
        if kind == "lines" or edited is None or anatomy(edited) == anatomy(code):
            continue
        told = loaded_version(edited, monkeypatch)
        assert told != known, f"{kind}:\n{ast.unparse(tree)}"
        seen |= {kind} if told else set()
    assert seen >= {"keywords", "name of a keyword", "constants", "keys", "items", "keyword only"}


def test_every_kind_of_edit_has_a_place() -> None:
    counts, _ = unseen_edits(
        places(functions_in(FORMS), "kinds"), types.ModuleType("radiograph.forms"), 0
    )
    assert set(counts) >= {
        "keywords",
        "arguments",
        "items",
        "slices",
        "constants",
        "operators",
        "comparisons",
        "attributes",
        "dedent",
        "else of a try",
        "* for **",
        "* for ** taken",
        "keyword only",
        "position only",
    }
    assert min(counts.values()) > 0, counts
