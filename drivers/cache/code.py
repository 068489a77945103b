"""Code versions: what a node does, as named parts with a digest each.

A node's parts are its own instructions and those of everything in the project that they can
reach: helpers, kernels, constants, classes of annotations, tables bound by decorators. Comments,
docstrings, formatting and line numbers are in no instruction and change nothing. A name that
cannot be followed is an error: a hole in the key would be a wrong number later.
"""

from __future__ import annotations

import ast
import builtins
import dataclasses
import dis
import enum
import functools
import importlib
import importlib.util
import inspect
import sys
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import xxhash
from hamilton.node import Node
from pydantic import BaseModel

from .content import UnknownTypeError, fingerprint

Parts = Mapping[str, str]
_SKIPPED: Final = frozenset({"NOP", "RESUME", "CACHE", "EXTENDED_ARG", "PRECALL", "MAKE_CELL"})
_GLOBALS: Final = frozenset({"LOAD_GLOBAL", "LOAD_NAME"})
_ATTRIBUTES: Final = frozenset({"LOAD_ATTR", "LOAD_METHOD", "IMPORT_FROM"})
_METHOD_WRAPPERS: Final = (staticmethod, classmethod)


class UnresolvedCodeError(TypeError):
    """Something a node reaches that has no version."""


class CodeVersions:
    """Versions of functions of one project, each object looked at once.

    Parameters
    ----------
    packages
        Roots of module names that belong to the project; everything else is known by its
        qualified name alone, its version being part of the salt.
    allowed
        Qualified names (``module:name``) of project objects that need no version.
    """

    def __init__(self, packages: tuple[str, ...], allowed: frozenset[str] = frozenset()) -> None:
        self._packages = packages
        self._allowed = allowed
        self._own: dict[Any, tuple[str, str]] = {}
        self._uses: dict[Any, list[Any]] = {}
        self._alive: list[Any] = []

    def parts(self, function: Callable[..., Any]) -> Parts:
        """Digest of every project object that ``function`` reaches, itself included, by name."""
        found: dict[str, str] = {}
        seen: set[Any] = set()
        waiting: list[Any] = [function]
        while waiting:
            item = waiting.pop()
            if _key(item) in seen:
                continue
            seen.add(_key(item))
            name, digest = self._version(item)
            if name:
                # Two objects of one name (lambdas of a table) are told apart by their digests.
                known = found.get(name)
                found[name] = (
                    digest if known in (None, digest) else _digest(sorted([known, digest]))
                )
            waiting += self._uses[_key(item)]
        return found

    def _version(self, item: Any) -> tuple[str, str]:
        key = _key(item)
        if key not in self._own:
            self._alive.append(item)
            reached = _Reached(self._is_project, self._allowed)
            name, own = reached.describe(item)
            self._own[key] = (name, _digest(own))
            self._uses[key] = reached.uses
        return self._own[key]

    def _is_project(self, module: str | None) -> bool:
        return bool(module) and str(module).split(".")[0] in self._packages


def version_of(parts: Parts) -> str:
    """One digest of named parts."""
    return _digest(sorted(parts.items()))


def _digest(value: Any) -> str:
    return xxhash.xxh3_128(repr(value).encode()).hexdigest()


@dataclasses.dataclass
class _Constant:
    """A module constant with the name under which it was found."""

    name: str
    value: Any


def _key(item: Any) -> Any:
    """Identity of an object; of a constant, its name and its value's identity."""
    return (item.name, id(item.value)) if isinstance(item, _Constant) else id(item)


class _Reached:
    """What one object is by itself (plain, comparable) and which objects it uses."""

    def __init__(self, is_project: Callable[[str | None], bool], allowed: frozenset[str]) -> None:
        self._is_project = is_project
        self._allowed = allowed
        self.uses: list[Any] = []

    def describe(self, item: Any) -> tuple[str, Any]:
        """(name, own description) of a function, class, constant or wrapper."""
        if isinstance(item, _Constant):
            return item.name, self._value(item.value, item.name)
        if isinstance(item, types.FunctionType):
            return self._function(item)
        if isinstance(item, type):
            return self._class(item)
        name = f"{getattr(item, '__module__', '?')}:{type(item).__name__}"
        return name, self._value(item, name)

    def _function(self, function: types.FunctionType) -> tuple[str, Any]:
        name = f"{function.__module__}:{function.__qualname__}"
        own: list[Any] = [self._code(function.__code__, function)]
        own.append(self._value(function.__defaults__, f"{name} defaults"))
        own.append(self._value(function.__kwdefaults__, f"{name} defaults"))
        for free, cell in zip(
            function.__code__.co_freevars, function.__closure__ or (), strict=True
        ):
            try:
                content = cell.cell_contents
            except ValueError:
                continue
            # Hamilton binds a node to new names by wrapping the node itself.
            content = content.callable if isinstance(content, Node) else content
            if self._is_project(function.__module__) or self._followed(content):
                own.append((free, self._value(content, f"{name} closure {free}")))
        wrapped = getattr(function, "__wrapped__", None)
        if wrapped is not None:
            self._use(wrapped)
        self._annotations(function)
        return name, own

    def _followed(self, value: Any) -> bool:
        """Whether a value bound by a foreign decorator matters: ours, or plain data."""
        if isinstance(value, types.FunctionType):
            return self._is_project(value.__module__) or bool(value.__closure__)
        if isinstance(value, type):
            return self._is_project(value.__module__)
        try:
            fingerprint(value)
        except UnknownTypeError:
            return False
        return True

    def _annotations(self, function: types.FunctionType) -> None:
        if not self._is_project(function.__module__) or not function.__annotations__:
            return
        try:
            hints = typing.get_type_hints(function, localns=_checking_names(function.__module__))
        except Exception as reason:
            name = f"{function.__module__}:{function.__qualname__}"
            if name in self._allowed:
                return
            msg = f"{name}: its annotations cannot be resolved ({reason})"
            raise UnresolvedCodeError(msg) from None
        for hint in hints.values():
            for kind in _classes_in(hint):
                if self._is_project(kind.__module__):
                    self._use(kind)

    def _code(self, code: types.CodeType, function: types.FunctionType) -> Any:
        """Instructions with their operands by value; nested code in its place."""
        kept = [i for i in dis.get_instructions(code) if i.opname not in _SKIPPED]
        label = {i.offset: k for k, i in enumerate(kept)}
        steps: list[Any] = []
        for place, step in enumerate(kept):
            operand: Any = step.argval
            if step.opcode in dis.hasjrel or step.opcode in dis.hasjabs:
                operand = label.get(step.argval, _next_label(kept, step.argval))
            elif isinstance(operand, types.CodeType):
                operand = self._code(operand, function)
            elif step.opcode in dis.hasconst:
                operand = _constant(operand)
            if step.opname in _GLOBALS:
                self._global(step.argval, kept[place + 1 :], function)
            elif step.opname == "IMPORT_NAME":
                self._import(step.argval, kept, place, function)
            steps.append((step.opname, operand))
        arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        return (arguments, code.co_flags & 0x2F, steps, code.co_exceptiontable)

    def _global(
        self, name: str, following: list[dis.Instruction], function: types.FunctionType
    ) -> None:
        if name in function.__globals__:
            value = function.__globals__[name]
        elif hasattr(builtins, name):
            return
        else:
            where = f"{function.__module__}:{function.__qualname__}"
            msg = f"{where}: the name {name!r} is not defined"
            if f"{function.__module__}:{name}" in self._allowed:
                return
            raise UnresolvedCodeError(msg)
        self._chain(value, f"{function.__module__}:{name}", following)

    def _import(
        self, name: str, kept: list[dis.Instruction], place: int, function: types.FunctionType
    ) -> None:
        """An import inside a function: the module, and the names taken from it."""
        level = kept[place - 2].argval if place >= 2 else 0
        package = function.__globals__.get("__package__") or ""
        try:
            full = importlib_resolve(name, package, level if isinstance(level, int) else 0)
        except (ImportError, ValueError):
            return
        module = sys.modules.get(full)
        if module is None:
            if not self._is_project(full):
                return
            module = importlib.import_module(full)
        taken = []
        for step in kept[place + 1 :]:
            if step.opname == "IMPORT_FROM":
                taken.append(step.argval)
            elif step.opname not in ("STORE_FAST", "STORE_DEREF", "STORE_NAME", "STORE_GLOBAL"):
                break
        if not self._is_project(full):
            return
        if not taken:
            # ``import a.b`` and then ``a.b.f``: which attribute is read is not followed.
            for value in _public(module):
                self._use(value)
        for attribute in taken:
            self._chain(getattr(module, attribute, None), f"{full}:{attribute}", [])

    def _chain(self, value: Any, name: str, following: list[dis.Instruction]) -> None:
        """Follow ``module.attribute.attribute`` as far as modules of the project go."""
        for step in following:
            if not isinstance(value, types.ModuleType):
                break
            if not self._is_project(value.__name__) or step.opname not in _ATTRIBUTES:
                break
            attribute = step.argval
            name = f"{value.__name__}:{attribute}"
            value = getattr(value, attribute, None)
        if isinstance(value, types.ModuleType):
            if self._is_project(value.__name__):
                for item in _public(value):
                    self._use(item)
            return
        self._reach(value, name)

    def _reach(self, value: Any, name: str) -> None:
        if isinstance(value, (types.FunctionType, type)):
            self._value(value, name)
        else:
            self._use(_Constant(name, value))

    def _use(self, value: Any) -> None:
        self.uses.append(value)

    def _value(self, value: Any, where: str) -> Any:
        """A comparable form of a value; project code in it is noted as used."""
        kernel = _python_form(value)
        if kernel is not None:
            function, options = kernel
            self._use(function)
            return ("kernel", function.__qualname__, repr(options))
        if isinstance(value, functools.partial):
            parts = (value.func, value.args, value.keywords)
            return ("partial", [self._value(p, where) for p in parts])
        registry = getattr(value, "registry", None)
        if registry is not None and callable(getattr(value, "dispatch", None)):
            return ("dispatch", [self._value(f, where) for f in registry.values()])
        if isinstance(value, types.FunctionType):
            if self._is_project(value.__module__) or value.__closure__:
                self._use(value)
            return ("function", value.__module__, value.__qualname__)
        if isinstance(value, types.MethodType):
            return (
                "method",
                self._value(value.__func__, where),
                self._value(value.__self__, where),
            )
        if isinstance(value, type):
            if self._is_project(value.__module__):
                self._use(value)
            return ("class", value.__module__, value.__qualname__)
        if isinstance(value, (dict, types.MappingProxyType)):
            return [(self._value(k, where), self._value(v, where)) for k, v in value.items()]
        if isinstance(value, (list, tuple)):
            return (type(value).__name__, [self._value(v, where) for v in value])
        if dataclasses.is_dataclass(value) or isinstance(value, BaseModel):
            return self._instance(value, where)
        return self._plain(value, where)

    def _instance(self, value: Any, where: str) -> Any:
        kind = type(value)
        self._value(kind, where)
        names = (
            list(kind.model_fields)
            if isinstance(value, BaseModel)
            else [f.name for f in dataclasses.fields(value)]
        )
        return (kind.__qualname__, [(n, self._value(getattr(value, n), where)) for n in names])

    def _plain(self, value: Any, where: str) -> Any:
        if isinstance(value, enum.Enum):
            self._value(type(value), where)
        try:
            return fingerprint(value)
        except UnknownTypeError as reason:
            kind = type(value)
            if where in self._allowed or not self._is_project(kind.__module__):
                # A foreign object (a logger, a typing form): its library's version counts.
                return (kind.__module__, kind.__qualname__)
            msg = f"{where}: {reason}; freeze it into plain data or allow it by name"
            raise UnresolvedCodeError(msg) from None

    def _class(self, kind: type) -> tuple[str, Any]:
        name = f"{kind.__module__}:{kind.__qualname__}"
        own: list[Any] = [self._value(b, name) for b in kind.__bases__]
        if issubclass(kind, enum.Enum):
            return name, [*own, [(m.name, repr(m.value)) for m in kind]]
        if issubclass(kind, BaseModel):
            for field, info in kind.model_fields.items():
                own.append((field, repr(info.annotation), self._default(info.default, name)))
                for inner in _classes_in(info.annotation):
                    if self._is_project(inner.__module__):
                        self._use(inner)
        if dataclasses.is_dataclass(kind):
            own.append([f.name for f in dataclasses.fields(kind)])
        for attribute, value in sorted(vars(kind).items()):
            function = _function_of(value)
            if function is not None:
                if self._is_project(function.__module__) and not _generated(function):
                    own.append(attribute)
                    self._use(function)
            elif not attribute.startswith("_") and not issubclass(kind, BaseModel):
                own.append((attribute, self._default(value, name)))
        return name, own

    def _default(self, value: Any, where: str) -> Any:
        try:
            return self._value(value, where)
        except UnresolvedCodeError:
            return type(value).__qualname__


def importlib_resolve(name: str, package: str, level: int) -> str:
    """The absolute name of an import statement's module."""
    if level == 0:
        return name
    return importlib.util.resolve_name("." * level + name, package)


def _next_label(kept: list[dis.Instruction], offset: int) -> int:
    """The first kept instruction at or after a jump target that was skipped."""
    return next((k for k, i in enumerate(kept) if i.offset >= offset), len(kept))


def _constant(value: Any) -> Any:
    """A constant with its type: 1, 1.0 and True are three constants, also inside tuples."""
    if isinstance(value, tuple):
        return ("tuple", [_constant(v) for v in value])
    if isinstance(value, frozenset):
        return ("frozenset", sorted(repr(_constant(v)) for v in value))
    return (type(value).__name__, repr(value))


def _python_form(value: Any) -> tuple[types.FunctionType, Any] | None:
    """The Python function and options of a compiled kernel (njit, vectorize, guvectorize)."""
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
    if isinstance(wrapped, types.FunctionType) and not isinstance(value, types.FunctionType):
        return wrapped, None
    return None


def _function_of(value: Any) -> types.FunctionType | None:
    if isinstance(value, _METHOD_WRAPPERS):
        value = value.__func__
    if isinstance(value, property):
        value = value.fget
    if isinstance(value, functools.cached_property):
        value = value.func
    value = getattr(value, "wrapped", value)
    if isinstance(value, _METHOD_WRAPPERS):
        value = value.__func__
    return value if isinstance(value, types.FunctionType) else None


def _generated(function: types.FunctionType) -> bool:
    """Methods that dataclass or a named tuple writes: they follow from the fields."""
    wrapped = inspect.unwrap(function)
    return wrapped.__code__.co_filename.startswith("<")


@functools.cache
def _checking_names(module_name: str) -> Mapping[str, Any]:
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
                full = importlib_resolve(line.module or "", module.__package__ or "", line.level)
                home = importlib.import_module(full)
                names |= {a.asname or a.name: getattr(home, a.name) for a in line.names}
            elif isinstance(line, ast.Import):
                for alias in line.names:
                    importlib.import_module(alias.name)
                    bound = alias.asname or alias.name.split(".")[0]
                    names[bound] = sys.modules[alias.name if alias.asname else bound]
    return names


def _classes_in(hint: Any) -> Iterator[type]:
    if isinstance(hint, type):
        yield hint
    for inner in typing.get_args(hint):
        if isinstance(inner, (list, tuple)):
            for deeper in inner:
                yield from _classes_in(deeper)
        else:
            yield from _classes_in(inner)


def _public(module: types.ModuleType) -> list[Any]:
    """What a module defines itself."""
    found: list[Any] = []
    for name, value in vars(module).items():
        if name.startswith("__") or inspect.ismodule(value):
            continue
        home = getattr(value, "__module__", module.__name__)
        if home == module.__name__:
            is_code = isinstance(value, (types.FunctionType, type))
            found.append(value if is_code else _Constant(f"{module.__name__}:{name}", value))
    return found
