"""How Python objects show the code in them: compiled kernels, class members, imports, bytecode."""

from __future__ import annotations

import ast
import dis
import functools
import importlib
import importlib.util
import inspect
import sys
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel

METHOD_WRAPPERS = (staticmethod, classmethod)
LITERALS: Final = frozenset({type(None), bool, int, float, str, bytes, complex})
# What calling does. Other flags may change while a program runs, as under a profiler.
_KIND_FLAGS: Final = (
    inspect.CO_VARARGS
    | inspect.CO_VARKEYWORDS
    | inspect.CO_GENERATOR
    | inspect.CO_COROUTINE
    | inspect.CO_ASYNC_GENERATOR
)


class UnresolvedCodeError(TypeError):
    """Something a node reaches that has no version."""


def absolute_name(name: str, package: str, level: int) -> str:
    """The absolute name of an import statement's module."""
    if level == 0:
        return name
    return importlib.util.resolve_name("." * level + name, package)


def attribute_of(module: types.ModuleType, name: str) -> Any:
    """``from module import name``: an attribute or else a submodule; AttributeError if neither."""
    if not hasattr(module, name) and hasattr(module, "__path__"):
        try:
            return importlib.import_module(f"{module.__name__}.{name}")
        except ModuleNotFoundError:
            pass
    return getattr(module, name)


def label_after(kept: list[dis.Instruction], offset: int) -> int:
    """The first kept instruction at or after a jump target that was skipped."""
    return next((k for k, i in enumerate(kept) if i.offset >= offset), len(kept))


def parameters(code: types.CodeType) -> Any:
    """Names and kinds of a function's parameters, and whether it is a generator or coroutine."""
    counts = (code.co_posonlyargcount, code.co_argcount, code.co_kwonlyargcount)
    return (code.co_varnames[: sum(counts[1:])], counts, code.co_flags & _KIND_FLAGS)


def operand(step: dis.Instruction, code: types.CodeType, where: str) -> Any:
    """What an instruction works on, by value; UnresolvedCodeError if that cannot be told."""
    found: Any = None
    if step.opname == "KW_NAMES" and step.arg is not None:
        # Python 3.11 prints no names here.
        found = literal(code.co_consts[step.arg])
    elif step.opcode in dis.hasconst:
        found = literal(step.argval)
    elif step.arg is not None:
        found = _printed(step.argval)
    if found is None and step.arg is not None:
        msg = (
            f"{where}: the operand {step.argval!r} of {step.opname} has no known meaning in "
            f"Python {sys.version.split()[0]}; run with --no-cache"
        )
        raise UnresolvedCodeError(msg)
    return found


def _printed(value: Any) -> Any:
    """An operand as dis gives it: plain, or how a text is formatted; None for any other."""
    if type(value) in LITERALS:
        return repr(value)
    if isinstance(value, tuple):
        parts = [_printed(v) for v in value]
        return None if None in parts else parts
    if isinstance(value, (type, types.BuiltinFunctionType)) and value.__module__ == "builtins":
        return value.__name__
    return None


def literal(value: Any) -> Any:
    """A constant with its type: 1, 1.0 and True are three constants, also inside tuples.

    None for a value that no constant can be.
    """
    if isinstance(value, (tuple, frozenset)):
        parts = [literal(v) for v in value]
        if None in parts:
            return None
        is_set = isinstance(value, frozenset)
        return ("frozenset", sorted(map(repr, parts))) if is_set else ("tuple", parts)
    if isinstance(value, slice):
        return ("slice", literal((value.start, value.stop, value.step)))
    if type(value) in LITERALS or value is Ellipsis:
        return (type(value).__name__, repr(value))
    return None


def python_form(value: Any) -> tuple[types.FunctionType, Any] | None:
    """The Python function and options of a compiled kernel (njit, vectorize, guvectorize)."""
    if isinstance(value, (types.FunctionType, type, *METHOD_WRAPPERS)):
        return None
    function = getattr(value, "py_func", None)
    if isinstance(function, types.FunctionType):
        return function, getattr(value, "targetoptions", None)
    dispatcher = getattr(value, "_dispatcher", None)
    function = getattr(dispatcher, "py_func", None)
    if isinstance(function, types.FunctionType):
        return function, (getattr(dispatcher, "targetoptions", None), getattr(value, "types", None))
    builder = getattr(value, "gufunc_builder", None)
    function = getattr(builder, "py_func", None)
    if isinstance(function, types.FunctionType):
        return function, getattr(builder, "signature", None)
    wrapped = getattr(value, "__wrapped__", None)
    return (wrapped, type(value).__name__) if isinstance(wrapped, types.FunctionType) else None


def functions_of(member: Any) -> list[Any] | None:
    """What a method-like class member wraps; None for any other member."""
    if isinstance(member, METHOD_WRAPPERS):
        return [member.__func__]
    if isinstance(member, property):
        return [member.fget, member.fset, member.fdel]
    if isinstance(member, functools.cached_property):
        return [member.func]
    # pydantic's validators and serializers
    wrapped = getattr(member, "wrapped", None)
    return [wrapped] if isinstance(wrapped, (types.FunctionType, *METHOD_WRAPPERS)) else None


def is_generated(function: Any) -> bool:
    """Methods that dataclass or a named tuple writes: they follow from the fields."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return code is not None and code.co_filename.startswith("<")


def validators_of(kind: type[BaseModel]) -> list[Any]:
    """(group, name, what it applies to and when) of a model's validators and serializers."""
    noted = kind.__pydantic_decorators__
    groups: dict[str, Mapping[str, Any]] = {
        "field validator": noted.field_validators,
        "model validator": noted.model_validators,
        "field serializer": noted.field_serializers,
        "model serializer": noted.model_serializers,
    }
    return [(g, name, v.info) for g, found in groups.items() for name, v in found.items()]


def is_at_its_name(function: types.FunctionType) -> bool:
    """Whether module and qualified name lead to this function and to no other."""
    found: Any = sys.modules.get(function.__module__)
    for part in function.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is function


def classes_in(hint: Any) -> Iterator[type]:
    """Every class that stands in an annotation."""
    if isinstance(hint, type):
        yield hint
    for inner in typing.get_args(hint):
        if isinstance(inner, (list, tuple)):
            for deeper in inner:
                yield from classes_in(deeper)
        else:
            yield from classes_in(inner)


@functools.cache
def checking_names(module_name: str) -> Mapping[str, Any]:
    """What a module imports for type checkers only: ``if TYPE_CHECKING:`` blocks."""
    module = sys.modules.get(module_name)
    if module is None or not hasattr(module, "TYPE_CHECKING"):
        return {}
    names: dict[str, Any] = {}
    for block in ast.walk(ast.parse(inspect.getsource(module))):
        if not (isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)):
            continue
        for line in block.body:
            if isinstance(line, ast.ImportFrom):
                full = absolute_name(line.module or "", module.__package__ or "", line.level)
                home = importlib.import_module(full)
                names |= {a.asname or a.name: attribute_of(home, a.name) for a in line.names}
            elif isinstance(line, ast.Import):
                for alias in line.names:
                    importlib.import_module(alias.name)
                    bound = alias.asname or alias.name.split(".")[0]
                    names[bound] = sys.modules[alias.name if alias.asname else bound]
    return names
