"""Parts: the points on named axes at which a graph is evaluated, and the inputs that each adds.

A range of a file is one kind of part, a channel another. Parts are known before a run begins,
in the order in which they are evaluated and merged; those of a stream become known one by one as it
is read for the first time (``Part.then``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ...schemas.failures import Failure
from ...schemas.sources import FileRef, FileRefs

FILE_AXIS: Final = "file"
"""The axis of input files; those of another role have an axis of their own, named like it."""
FileKey = tuple[str, int | str]
"""An input file: its axis, and its number on it."""
Place = tuple[int | str, ...]
"""Where a value belongs: the values of the axes of its scope, in their order."""


@dataclass(frozen=True)
class Part:
    """The unit of execution.

    Attributes
    ----------
    at
        Its value on each axis: ``{"file": 0, "range": 3}``. One with fewer axes than those that
        are evaluated holds what they have in common: the file of its ranges.
    inputs
        What the graph is told of it.
    n_records
        How many raw records it holds (events, recordings).
    then
        Where the parts of a file are only known while it is read: called after this part, it
        gives those that follow it in the same file, the next or all. A Failure among them says
        that the file ends before its end; what came before stays.
    affinity
        Parts with the same word are evaluated by one worker, in their order: what keeps a place
        in a stream.
    """

    at: Mapping[str, int | str]
    inputs: Mapping[str, Any] = field(default_factory=dict)
    n_records: int = 0
    then: Callable[[], Iterable[Part | Failure]] | None = field(default=None, compare=False)
    affinity: str = ""

    @property
    def name(self) -> str:
        """Its name among the parts of a run: the same for the same data."""
        return ":".join(str(value) for value in self.at.values()) or "run"

    def place(self, axes: Sequence[str]) -> Place:
        """Its values on some of its axes."""
        return tuple(self.at[axis] for axis in axes)

    def file_key(self, axes: Iterable[str]) -> FileKey | None:
        """The input file that it belongs to, where one of its axes is one of ``axes`` of files."""
        return next(((axis, self.at[axis]) for axis in axes if axis in self.at), None)

    def files(self) -> list[FileRef]:
        """The input files among its inputs, also those that are one stream together."""
        found: list[FileRef] = []
        for value in self.inputs.values():
            if isinstance(value, FileRef):
                found.append(value)
            elif isinstance(value, FileRefs):
                found += value.files
        return found


Common = Mapping[tuple[str, ...], Mapping[Place, Part]]
"""Parts by their axes and places."""


@dataclass(frozen=True)
class Parts:
    """Every part of a run, of all scopes, in order."""

    every: tuple[Part, ...]

    @classmethod
    def of(cls, parts: Iterable[Part]) -> Parts:
        """The parts as a pipeline names them."""
        return cls(tuple(parts))

    def of_scope(self, axes: Sequence[str]) -> list[Part]:
        """The parts at which nodes of a scope are evaluated, with all that they are told.

        Where none has exactly these axes, those with more axes say which there are.
        """
        own = [p for p in self.every if set(p.at) == set(axes)]
        if not own:
            finer = (p for p in self.every if set(p.at) > set(axes))
            places = dict.fromkeys(p.place(axes) for p in finer)
            own = [Part(dict(zip(axes, place, strict=True))) for place in places]
        by_axes = self.coarser_than(axes)
        return [with_common(part, by_axes) for part in own] if by_axes else own

    def coarser_than(self, axes: Sequence[str]) -> Common:
        """The parts with fewer axes, by these and their places: what finer ones have in common."""
        by_axes: dict[tuple[str, ...], dict[Place, Part]] = {}
        for part in self.every:
            if set(part.at) < set(axes):
                of_axes = tuple(part.at)
                by_axes.setdefault(of_axes, {})[part.place(of_axes)] = part
        return by_axes

    def with_more(self, parts: Iterable[Part]) -> Parts:
        """With parts that became known while others were evaluated: none is asked for more."""
        every = tuple(replace(p, then=None) if p.then else p for p in (*self.every, *parts))
        return Parts(every)

    def inputs_of(self, axes: Sequence[str]) -> frozenset[str]:
        """The names of what the graph is told at each part of a scope."""
        parts = self.of_scope(axes)
        return (
            frozenset.intersection(*(frozenset(p.inputs) for p in parts)) if parts else frozenset()
        )

    def without(self, dropped: Iterable[FileKey]) -> Parts:
        """Those that are left when some values of an axis (a file, a channel) are gone."""
        gone = set(dropped)
        return Parts(tuple(p for p in self.every if not gone & set(p.at.items())))

    def files(self) -> list[FileRef]:
        """Every input file once, in order."""
        return list(dict.fromkeys(ref for part in self.every for ref in part.files()))


def with_common(part: Part, by_axes: Common) -> Part:
    """A part that is told what it has in common with others, too."""
    inputs = dict(part.inputs)
    for axes, common in by_axes.items():
        shared = common.get(part.place(axes))
        if shared is not None:
            inputs = {**shared.inputs, **inputs}
    return replace(part, inputs=inputs)
