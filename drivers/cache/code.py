"""Code versions: what a node does, as named parts with a digest each.

A node's parts are its own instructions and those of everything in the project that they can
reach: helpers, kernels, constants, classes of annotations, tables bound by decorators. Comments,
docstrings, formatting and line numbers are in no instruction and change nothing. A name that
cannot be followed is an error: a hole in the key would be a wrong number later.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from typing import Any

import xxhash

from .forms import is_at_its_name
from .reached import Constant, Reached
from .reached import UnresolvedCodeError as UnresolvedCodeError

Parts = Mapping[str, str]


class CodeVersions:
    """Versions of functions of one project, each object looked at once.

    Parameters
    ----------
    packages
        Roots of module names that belong to the project; everything else is known by its
        qualified name alone, its version being part of the salt.
    allowed
        Qualified names (``module:name``) of project objects that need no version.

    Attributes
    ----------
    packages
        As given.
    known
        Parts of functions of an unchanged program by name (program.py); empty = look at each.
    found
        Parts of functions that were looked at, by name. A function that its name does not lead
        to stands in neither.
    """

    def __init__(self, packages: tuple[str, ...], allowed: frozenset[str] = frozenset()) -> None:
        self.known: dict[str, Parts] = {}
        self.found: dict[str, Parts] = {}
        self.packages = packages
        self._allowed = allowed
        self._own: dict[Any, tuple[str, str]] = {}
        self._uses: dict[Any, list[Any]] = {}
        self._alive: list[Any] = []
        self._parts: dict[Any, Parts] = {}

    def parts(self, function: Callable[..., Any]) -> Parts:
        """Digest of every project object that ``function`` reaches, itself included, by name."""
        if _key(function) in self._parts:
            return self._parts[_key(function)]
        name = _name_of(function)
        found = self.known.get(name) if name else None
        if found is None:
            found = self._found(function)
            if name:
                self.found[name] = found
        self._alive.append(function)
        self._parts[_key(function)] = found
        return found

    def _found(self, function: Callable[..., Any]) -> Parts:
        digests: dict[str, set[str]] = {}
        seen: set[Any] = set()
        waiting: list[Any] = [function]
        while waiting:
            item = waiting.pop()
            if _key(item) in seen:
                continue
            seen.add(_key(item))
            name, digest = self._version(item)
            digests.setdefault(name, set()).add(digest)
            waiting += self._uses[_key(item)]
        # Objects of one name (lambdas) stand under it together; who uses which is in their users.
        return {n: min(d) if len(d) == 1 else _digest(sorted(d)) for n, d in digests.items()}

    def _version(self, item: Any) -> tuple[str, str]:
        key = _key(item)
        if key not in self._own:
            self._alive.append(item)
            reached = Reached(self._is_project, self._allowed)
            name, own = reached.describe(item)
            self._own[key] = (name, _digest(own))
            self._uses[key] = reached.uses
        return self._own[key]

    def _is_project(self, module: str | None) -> bool:
        return bool(module) and str(module).split(".")[0] in self.packages


class NamesOfCode(CodeVersions):
    """Functions by their names alone: for a cache that does not outlive a run of the program.

    Its code cannot change, and to look at all of it takes longer than a small run.
    """

    def parts(self, function: Callable[..., Any]) -> Parts:
        """The name of ``function``."""
        name = getattr(function, "__qualname__", type(function).__qualname__)
        return {f"{function.__module__}:{name}": ""}


def version_of(parts: Parts) -> str:
    """One digest of named parts."""
    return _digest(sorted(parts.items()))


def _digest(value: Any) -> str:
    return xxhash.xxh3_128(repr(value).encode()).hexdigest()


def _name_of(function: Any) -> str:
    """Where a function stands in its module; empty for one that was made or wrapped."""
    if not isinstance(function, types.FunctionType) or function.__closure__:
        return ""
    if hasattr(function, "__wrapped__") or not is_at_its_name(function):
        return ""
    return f"{function.__module__}:{function.__qualname__}"


def _key(item: Any) -> Any:
    """Identity of an object; of a constant, its name and its value's identity."""
    return (item.name, id(item.value)) if isinstance(item, Constant) else id(item)
