"""The values of a node at all parts that a coarser scope does not tell apart, as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..cache.lazy import Lazy, failure_in, resolved
from .merging import Appended, Gathering, merge_of
from .parts import Part, Place
from .session_state import SessionState


class Wholes:
    """The whole values of a node for each part of a coarser scope.

    Of an axis that stays apart the whole is a mapping by its values (by tuples of them where
    several axes do), without those that failed.
    """

    def __init__(
        self, session: SessionState, node: str, axes: Sequence[str], to: Sequence[str]
    ) -> None:
        self._node = node
        self._cache = session.cache
        merge = merge_of(session.flow, node, session.annotation_of(node))
        # What stays apart by key needs no rule where nothing else is merged.
        self._merge = merge or Appended
        self._to = tuple(to)
        self._keys = tuple(a for a in axes if a in session.flow.keyed and a not in to)
        self._table = session.table_of(node)
        self._gatherings: dict[Place, Gathering] = {}
        # Values of one key are read again when they are needed; all at once would be too many.
        self._is_held = (not self._to and not self._keys) or self._cache is None

    def take(self, part: Part, value: Any, shifts: Mapping[str, int]) -> None:
        """The value at one more part; ``shifts`` is what its row numbers grow by."""
        place = part.place((*self._to, *self._keys))
        if place not in self._gatherings:
            self._gatherings[place] = Gathering(self._merge, self._node, self._cache)
        if isinstance(value, Lazy) and not self._is_held:
            value.release()
        self._gatherings[place].take(value, shifts)

    def end_file(self) -> None:
        """What the present file gave stays."""
        for gathering in self._gatherings.values():
            gathering.end_file()

    def drop_file(self) -> None:
        """Forget what the present file gave."""
        for gathering in self._gatherings.values():
            gathering.drop_file()
        self._gatherings = {p: g for p, g in self._gatherings.items() if g.n_parts}

    def settle(self) -> None:
        """Read what waits to be read."""
        if self._is_held:
            for gathering in self._gatherings.values():
                gathering.settle()

    def at(self, place: Place) -> Any:
        """The whole value for a part of the coarser scope; a frame without rows of no part."""
        if not self._keys:
            if place in self._gatherings:
                return self._gatherings[place].whole()
            assert self._table is not None, self._node
            return self._table.empty()
        n = len(self._to)
        wholes = {p[n:]: g.whole() for p, g in self._gatherings.items() if p[:n] == place}
        return self._by_key({key: w for key, w in wholes.items() if failure_in(w) is None})

    def _by_key(self, wholes: Mapping[Place, Any]) -> Any:
        def make() -> Mapping[Any, Any]:
            return by_key({key: resolved(value) for key, value in wholes.items()})

        if self._cache is None:
            return make()
        identity = [(*map(str, key), value.fingerprint) for key, value in wholes.items()]
        return Lazy(make=make, fingerprint=self._cache.derived(by_key, self._node, identity))


def by_key(values: Mapping[Place, Any]) -> Mapping[Any, Any]:
    """Values by their key; a key of one axis is its value, not a tuple."""
    return {key[0] if len(key) == 1 else key: value for key, value in values.items()}
