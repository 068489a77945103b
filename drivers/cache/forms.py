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
from typing import Any

METHOD_WRAPPERS = (staticmethod, classmethod)


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


def literal(value: Any) -> Any:
    """A constant with its type: 1, 1.0 and True are three constants, also inside tuples."""
    if isinstance(value, tuple):
        return ("tuple", [literal(v) for v in value])
    if isinstance(value, frozenset):
        return ("frozenset", sorted(repr(literal(v)) for v in value))
    return (type(value).__name__, repr(value))


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
