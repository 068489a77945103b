"""What one function, class or constant is by itself, and which project objects it uses."""

from __future__ import annotations

import builtins
import dataclasses
import dis
import enum
import functools
import importlib
import inspect
import sys
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from hamilton.node import Node
from pydantic import BaseModel

from .content import UnknownTypeError, fingerprint
from .forms import LITERALS as _LITERALS
from .forms import UnresolvedCodeError as UnresolvedCodeError
from .forms import (
    absolute_name,
    attribute_of,
    checking_names,
    classes_in,
    functions_of,
    is_at_its_name,
    is_generated,
    label_after,
    literal,
    operand,
    parameters,
    python_form,
    validators_of,
)

_SKIPPED: Final = frozenset({"NOP", "RESUME", "CACHE", "EXTENDED_ARG", "PRECALL", "MAKE_CELL"})
_GLOBALS: Final = frozenset({"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"})
_ATTRIBUTES: Final = frozenset({"LOAD_ATTR", "LOAD_METHOD"})
_CLASS_BOOKKEEPING: Final = frozenset({"_abc_impl"})
_CLASS_PROTOCOLS: Final = frozenset(
    {"__slots__", "__match_args__", "__hash__", "__array_priority__", "__array_ufunc__"}
)
_MOST_DEEP: Final = 60


@dataclasses.dataclass
class Constant:
    """A module constant with the name under which it was found."""

    name: str
    value: Any


class Reached:
    """Describes one object: plain and comparable, the same in every process.

    ``uses`` are the project objects it names; each is described by itself.
    """

    def __init__(
        self,
        is_project: Callable[[str | None], bool],
        allowed: frozenset[str],
        within: frozenset[int] = frozenset(),
    ) -> None:
        self._is_project = is_project
        self._allowed = allowed
        self._within = within
        self._depth = 0
        self.uses: list[Any] = []

    def describe(self, item: Any) -> tuple[str, Any]:
        """(name, own description) of a function, class, constant or wrapper."""
        if isinstance(item, Constant):
            return item.name, self._value(item.value, item.name)
        if isinstance(item, types.FunctionType):
            return self._function(item)
        if isinstance(item, type):
            return self._class(item)
        name = f"{getattr(item, '__module__', '?')}:{type(item).__name__}"
        return name, self._value(item, name)

    def _function(self, function: types.FunctionType) -> tuple[str, Any]:
        name = f"{function.__module__}:{function.__qualname__}"
        is_ours = self._is_project(function.__module__)
        own: list[Any] = []
        if is_ours:
            own.append(self._code(function.__code__, function))
            own.append(self._value(function.__defaults__, f"{name} defaults"))
            own.append(self._value(function.__kwdefaults__, f"{name} defaults"))
            own.append(self._attributes(function, name))
            self._annotations(function, function.__module__, name)
        for free, cell in zip(
            function.__code__.co_freevars, function.__closure__ or (), strict=True
        ):
            try:
                content = cell.cell_contents
            except ValueError:
                continue
            # Hamilton binds a node to new names by wrapping the node itself.
            content = content.callable if isinstance(content, Node) else content
            if is_ours or self._followed(content):
                own.append((free, self._value(content, f"{name} closure {free}")))
        wrapped = getattr(function, "__wrapped__", None)
        if wrapped is not None:
            own.append(self._value(wrapped, name))
        return name, own

    def _attributes(self, function: types.FunctionType, name: str) -> Any:
        """Plain data set on a function; what decorators note there is theirs."""
        return [
            (key, self._value(value, f"{name}.{key}"))
            for key, value in vars(function).items()
            if not key.startswith("__") and key != "registry" and self._followed(value)
        ]

    def _followed(self, value: Any) -> bool:
        """Whether a value bound by a foreign decorator matters: ours, or plain data."""
        if isinstance(value, types.FunctionType):
            return self._is_project(value.__module__) or bool(value.__closure__)
        if isinstance(value, type):
            return self._is_project(value.__module__)
        if isinstance(value, (list, tuple, dict)):
            items = value.values() if isinstance(value, dict) else value
            return all(self._followed(v) for v in items)
        try:
            fingerprint(value)
        except UnknownTypeError:
            return False
        return True

    def _annotations(self, item: Any, module: str, name: str) -> None:
        if not getattr(item, "__annotations__", None):
            return
        try:
            hints = typing.get_type_hints(item, localns=dict(checking_names(module)))
        except Exception as reason:
            if name in self._allowed:
                return
            msg = f"{name}: its annotations cannot be resolved ({reason})"
            raise UnresolvedCodeError(msg) from None
        self._use_classes(hints.values())

    def _use_classes(self, hints: Iterable[Any]) -> None:
        for hint in hints:
            for kind in classes_in(hint):
                if self._is_project(kind.__module__):
                    self.uses.append(kind)

    def _code(self, code: types.CodeType, function: types.FunctionType) -> Any:
        """Instructions with their operands by value; nested code in its place."""
        where = f"{function.__module__}:{function.__qualname__}"
        kept = [i for i in dis.get_instructions(code) if i.opname not in _SKIPPED]
        label = {i.offset: k for k, i in enumerate(kept)}
        steps: list[Any] = []
        for place, step in enumerate(kept):
            found: Any
            if step.opcode in dis.hasjrel or step.opcode in dis.hasjabs:
                found = label.get(step.argval, label_after(kept, step.argval))
            elif isinstance(step.argval, types.CodeType):
                found = self._code(step.argval, function)
            else:
                found = operand(step, code, where)
            if step.opname in _GLOBALS:
                found = (found, self._global(step.argval, kept[place + 1 :], function))
            elif step.opname == "IMPORT_NAME":
                found = (found, self._import(step.argval, kept, place, function))
            steps.append((step.opname, found))
        return (parameters(code), steps, code.co_exceptiontable)

    def _global(
        self, name: str, following: list[dis.Instruction], function: types.FunctionType
    ) -> Any:
        """What a global name is bound to."""
        if name in function.__globals__:
            value = function.__globals__[name]
            return self._chain(value, f"{function.__module__}:{name}", following)
        if not hasattr(builtins, name) and f"{function.__module__}:{name}" not in self._allowed:
            where = f"{function.__module__}:{function.__qualname__}"
            msg = f"{where}: the name {name!r} is not defined"
            raise UnresolvedCodeError(msg)
        return "builtin"

    def _import(
        self, name: str, kept: list[dis.Instruction], place: int, function: types.FunctionType
    ) -> Any:
        """An import inside a function: the module, or the names taken from it."""
        level, taken = (step.argval for step in kept[place - 2 : place])
        where = f"{function.__module__}:{function.__qualname__}"
        try:
            full = absolute_name(name, function.__globals__.get("__package__") or "", level)
            if not self._is_project(full):
                return full
            module = sys.modules.get(full) or importlib.import_module(full)
        except ImportError as reason:
            if where in self._allowed:
                return name
            msg = f"{where}: {name} cannot be imported ({reason})"
            raise UnresolvedCodeError(msg) from None
        if not taken:
            # ``import a.b`` and then ``a.b.f``: which attribute is read is not followed.
            return self._chain(module, full, [])
        return [self._chain(self._taken(module, a), f"{full}:{a}", []) for a in taken]

    def _taken(self, module: types.ModuleType, attribute: str) -> Any:
        name = f"{module.__name__}:{attribute}"
        try:
            return attribute_of(module, attribute)
        except AttributeError:
            if name in self._allowed:
                return None
            msg = f"{name} is used but not defined"
            raise UnresolvedCodeError(msg) from None

    def _chain(self, value: Any, name: str, following: list[dis.Instruction]) -> Any:
        """Follow ``module.attribute.attribute`` as far as modules of the project go."""
        for step in following:
            if not isinstance(value, types.ModuleType) or step.opname not in _ATTRIBUTES:
                break
            if not self._is_project(value.__name__):
                break
            name = f"{value.__name__}:{step.argval}"
            value = self._taken(value, step.argval)
        if name in self._allowed:
            return name
        if isinstance(value, types.ModuleType):
            return self._value(value, name)
        if (
            isinstance(value, (types.FunctionType, type))
            and self._is_project(value.__module__)
            and (isinstance(value, type) or is_at_its_name(value))
            and not hasattr(value, "registry")
        ):
            self.uses.append(value)
            return (value.__module__, value.__qualname__)
        self.uses.append(Constant(name, value))
        return name

    @contextmanager
    def _deeper(self, where: str) -> Iterator[None]:
        self._depth += 1
        try:
            if self._depth > _MOST_DEEP:
                msg = f"{where}: nested deeper than {_MOST_DEEP}"
                raise UnresolvedCodeError(msg)
            yield
        finally:
            self._depth -= 1

    def _value(self, value: Any, where: str) -> Any:
        """A comparable form of a value; project code in it is noted as used."""
        with self._deeper(where):
            if isinstance(value, types.FunctionType):
                return self._function_value(value, where)
            if isinstance(value, type):
                if self._is_project(value.__module__):
                    self.uses.append(value)
                return ("class", value.__module__, value.__qualname__)
            kernel = python_form(value)
            if kernel is not None:
                function, options = kernel
                return ("kernel", self._function_value(function, where), repr(options))
            if isinstance(value, types.ModuleType):
                return self._module(value)
            if isinstance(value, functools.partial):
                parts = (value.func, value.args, value.keywords)
                return ("partial", [self._value(p, where) for p in parts])
            if isinstance(value, (dict, types.MappingProxyType, list, tuple, set, frozenset)):
                return self._container(value, where)
            if dataclasses.is_dataclass(value) or isinstance(value, BaseModel):
                return self._instance(value, where)
            return self._plain(value, where)

    def _function_value(self, function: types.FunctionType, where: str) -> Any:
        registry = getattr(function, "registry", None)
        if isinstance(registry, types.MappingProxyType):
            return ("dispatch", self._container(registry, where))
        named = ("function", function.__module__, function.__qualname__)
        if not self._is_project(function.__module__) and not function.__closure__:
            return named
        self.uses.append(function)
        if is_at_its_name(function) or id(function) in self._within:
            return named
        # Lambdas and inner functions share a name: here stands which of them it is.
        shape = Reached(self._is_project, self._allowed, self._within | {id(function)})
        return (*named, shape.describe(function))

    def _module(self, module: types.ModuleType) -> Any:
        """A module that is handed around: everything it holds may be used."""
        if self._is_project(module.__name__):
            for name, value in vars(module).items():
                if not (name.startswith("__") or isinstance(value, types.ModuleType)):
                    self._chain(value, f"{module.__name__}:{name}", [])
        return ("module", module.__name__)

    def _container(self, value: Any, where: str) -> Any:
        if isinstance(value, (set, frozenset)):
            items: Any = sorted(repr(self._value(v, where)) for v in value)
        elif isinstance(value, (dict, types.MappingProxyType)):
            items = [(self._value(k, where), self._value(v, where)) for k, v in value.items()]
        else:
            items = [self._value(v, where) for v in value]
        factory = self._value(getattr(value, "default_factory", None), where)
        return (self._value(type(value), where), items, factory)

    def _instance(self, value: Any, where: str) -> Any:
        kind = type(value)
        if isinstance(value, BaseModel):
            fields = {n: getattr(value, n) for n in kind.model_fields} | (value.model_extra or {})
        else:
            fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        items = [(n, self._value(v, f"{where}.{n}")) for n, v in fields.items()]
        return (self._value(kind, where), items)

    def _plain(self, value: Any, where: str) -> Any:
        if type(value) in _LITERALS:
            return literal(value)
        if isinstance(value, enum.Enum):
            self._value(type(value), where)
        try:
            return fingerprint(value)
        except UnknownTypeError as reason:
            if where in self._allowed:
                return "allowed"
            if self._is_project(type(value).__module__):
                msg = f"{where}: {reason}; freeze it into plain data or allow it by name"
                raise UnresolvedCodeError(msg) from None
        return self._foreign(value, where)

    def _foreign(self, value: Any, where: str) -> Any:
        """An object of a library: by its name if it has one, else by what copies it."""
        # Before its name: list[int] has that of list.
        if typing.get_origin(value) is not None:
            parts = (typing.get_origin(value), typing.get_args(value))
            return ("annotation", [self._value(p, where) for p in parts])
        owner = getattr(value, "__self__", None)
        name = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
        if isinstance(name, str) and all(p.isidentifier() for p in name.split(".")):
            bound = () if owner is None else (self._value(owner, where),)
            return ("named", getattr(value, "__module__", None), name, *bound)
        try:
            made = value.__reduce_ex__(2)
        except Exception as reason:
            msg = f"{where}: {reason}; freeze it into plain data or allow it by name"
            raise UnresolvedCodeError(msg) from None
        if isinstance(made, str):
            return ("named", type(value).__module__, type(value).__qualname__, made)
        make, arguments, *rest = (list(p) if isinstance(p, Iterator) else p for p in made)
        return ("made", [self._value(p, where) for p in (make, arguments, rest)])

    def _class(self, kind: type) -> tuple[str, Any]:
        name = f"{kind.__module__}:{kind.__qualname__}"
        own: list[Any] = [self._value(b, name) for b in (type(kind), *kind.__bases__)]
        members: Mapping[str, Any] = {}
        if issubclass(kind, enum.Enum):
            members = kind.__members__
            own += [(n, self._value(m.value, name)) for n, m in members.items()]
        elif issubclass(kind, BaseModel):
            own += [self._model_field(n, f, name) for n, f in kind.model_fields.items()]
            own += [(*v, self._value(info, name)) for *v, info in validators_of(kind)]
        else:
            self._annotations(kind, kind.__module__, name)
        if dataclasses.is_dataclass(kind):
            own += [self._field(f, f"{name}.{f.name}") for f in dataclasses.fields(kind)]
        own += [
            (attribute, self._member(value, f"{name}.{attribute}"))
            for attribute, value in sorted(vars(kind).items())
            if attribute not in members and _may_matter(kind, attribute, value)
        ]
        return name, own

    def _field(self, field: dataclasses.Field[Any], where: str) -> Any:
        uses = (field.init, field.repr, field.hash, field.compare, field.kw_only)
        given = (field.default, field.default_factory, field.metadata)
        return (field.name, uses, self._value(given, where))

    def _model_field(self, field: str, info: Any, name: str) -> Any:
        self._use_classes([info.annotation])
        given = (info.default, info.default_factory, info.annotation, info.metadata)
        names = (info.alias, info.validation_alias, info.serialization_alias, info.exclude)
        return (field, self._value((*given, *names), f"{name}.{field}"))

    def _member(self, value: Any, where: str) -> Any:
        functions = functions_of(value)
        if functions is not None:
            return (type(value).__name__, [self._member(f, where) for f in functions])
        if isinstance(value, types.FunctionType) and is_generated(value):
            return ("generated", parameters(inspect.unwrap(value).__code__))
        return self._value(value, where)


def _may_matter(kind: type, attribute: str, value: Any) -> bool:
    """Class attributes but those that Python, enum and abc keep for themselves."""
    if isinstance(value, types.FunctionType) or functions_of(value) is not None:
        return True
    if attribute in _CLASS_PROTOCOLS:
        return True
    of_enum = issubclass(kind, enum.Enum) and attribute.startswith("_") and attribute[-1] == "_"
    return not (attribute.startswith("__") or of_enum or attribute in _CLASS_BOOKKEEPING)
