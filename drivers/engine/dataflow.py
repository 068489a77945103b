"""How the data of a pipeline meet its graph: parts, scopes, what becomes one and how."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal, Protocol

from ..graph import Pipeline
from .parts import Part
from .phases import BY_RANGE, RANGE, Scopes

Nothing: Final[Mapping[str, Any]] = MappingProxyType({})


class Gatherer(Protocol):
    """Makes one value of those of the parts, given in their order."""

    def take(self, value: Any) -> None:
        """One more part."""

    def whole(self) -> Any:
        """The value of all that were taken."""


Merge = Literal["append", "add", "same"] | Callable[[], Gatherer]


class Carry(Protocol):
    """What the parts before decide for the next one, such as what is left of a cap.

    It never changes: each part gives a new one, so that what a file did can be forgotten.
    """

    def needs(self, asked: frozenset[str]) -> frozenset[str]:
        """The nodes that it must see of each part, when these are evaluated."""

    def inputs(self) -> Mapping[str, Any]:
        """What the graph is told of the parts before."""

    def in_order(self, asked: frozenset[str]) -> bool:
        """Whether a part has to wait for those before it."""

    def after(self, part: Part, values: Mapping[str, Any]) -> Carry:
        """With one more part; InputError if its file cannot be used."""

    def after_file(self) -> Carry:
        """At the end of a file; InputError if it cannot be used."""


class NoCarry:
    """Parts that know nothing of each other."""

    def needs(self, asked: frozenset[str]) -> frozenset[str]:
        """Nothing."""
        del asked
        return frozenset()

    def inputs(self) -> Mapping[str, Any]:
        """Nothing."""
        return Nothing

    def in_order(self, asked: frozenset[str]) -> bool:
        """Never."""
        del asked
        return False

    def after(self, part: Part, values: Mapping[str, Any]) -> NoCarry:
        """The same."""
        del part, values
        return self

    def after_file(self) -> NoCarry:
        """The same."""
        return self


@dataclass(frozen=True)
class Dataflow:
    """The graph of a pipeline and how it is evaluated.

    Attributes
    ----------
    graph
        Its modules and frames.
    home
        Where this object stands, ``module:NAME``: a worker imports it.
    scopes
        The axes over which nodes of a scope (tag ``scope``; "range" without) still vary.
    carried
        The scope whose parts know of those before them (Carry).
    keyed
        Axes whose values stay apart: a coarser node asks for ``each_NODE``, a mapping by key.
    merges
        How values of parts become one where the type does not say it, by node.
    row_numbers
        ``column`` or ``node.column`` (``node.`` for an array), with wildcards, to what it
        numbers: the rows of a node, or the records of an axis (``file``: of the files before).
    """

    graph: Pipeline
    home: str
    scopes: Scopes = field(default_factory=lambda: BY_RANGE)
    carried: str = RANGE
    keyed: frozenset[str] = frozenset()
    merges: Mapping[str, Merge] = field(default_factory=dict)
    row_numbers: Mapping[str, str] = field(default_factory=dict)

    @property
    def packages(self) -> tuple[str, ...]:
        """The packages whose code the cache follows."""
        names = (self.home.partition(":")[0], *self.graph.module_names)
        return tuple(dict.fromkeys(name.partition(".")[0] for name in names))


def dataflow_at(home: str) -> Dataflow:
    """The object that stands at ``module:NAME``."""
    module, _, name = home.partition(":")
    found: Dataflow = vars(importlib.import_module(module))[name]
    return found
