"""What a pipeline may bring to an evaluation: how values become one, what is carried on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal, Protocol

from .parts import Part

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


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
        return _NOTHING

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
class GraphInputs:
    """What settings tell the graph: which variants of nodes, and the values of its inputs."""

    choices: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
