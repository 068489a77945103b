"""Values of parts made one: frames appended, sums added, row numbers counted over the run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final, TypeVar, get_origin

import numpy as np
import pandas as pd

from ...schemas.tables import TableSchema
from ..cache.execution import NodeCache
from ..cache.lazy import Lazy, failure_in, peeked, resolved
from ..checks import freeze
from ..definition import Definition
from .protocol import Gatherer, Merge

T = TypeVar("T")
ARRAY: Final = ""


class Appended:
    """Frames or arrays, one after the other."""

    def __init__(self) -> None:
        self._parts: list[Any] = []

    def take(self, value: Any) -> None:
        """One more frame or array."""
        self._parts.append(value)

    def whole(self) -> Any:
        """All rows. Categories that differ are sorted, as those of one part are."""
        first = self._parts[0]
        if len(self._parts) == 1:
            return first
        if isinstance(first, pd.DataFrame):
            return _appended(self._parts)
        return np.concatenate(self._parts)


class Added:
    """Values that can be added, in order."""

    def __init__(self) -> None:
        self._sum: Any = None

    def take(self, value: Any) -> None:
        """One more summand."""
        self._sum = value if self._sum is None else self._sum + value

    def whole(self) -> Any:
        """Their sum."""
        return self._sum


class Same:
    """A value that every part must give alike."""

    def __init__(self) -> None:
        self._first: list[Any] = []

    def take(self, value: Any) -> None:
        """The value of one more part; ValueError if it differs."""
        if self._first and self._first[0] != value:
            msg = f"parts give {self._first[0]!r} and {value!r} for what must be the same of all"
            raise ValueError(msg)
        self._first[:] = [value]

    def whole(self) -> Any:
        """The one value."""
        return self._first[0]


_RULES: Final[Mapping[str, Callable[[], Gatherer]]] = {
    "append": Appended, "add": Added, "same": Same,
}  # fmt: skip


def merge_of(flow: Definition, node: str, annotation: Any) -> Callable[[], Gatherer] | None:
    """How values of a node become one: as the pipeline says, or by what they are; None = unsaid.

    Frames are appended, dataclasses with ``__add__`` added. What an array means is not seen in it.
    """
    told: Merge | None = matched(flow.merges, node)
    if told is not None:
        return _RULES[told] if isinstance(told, str) else told
    kind = get_origin(annotation) or annotation
    if kind is pd.DataFrame:
        return Appended
    if isinstance(kind, type) and dataclasses.is_dataclass(kind) and hasattr(kind, "__add__"):
        return Added
    return None


def matched(table: Mapping[str, T], name: str) -> T | None:
    """The first entry of a table whose key, a name with wildcards, fits."""
    return next((value for key, value in table.items() if fnmatchcase(name, key)), None)


class Gathering:
    """One value of a node, of the parts of all files.

    What is in memory is merged as it comes, so that it need not stay there; a hit of the cache
    that nobody has read waits. What a file gave can be taken back until end_file().
    """

    def __init__(self, merge: Callable[[], Gatherer], node: str, cache: NodeCache | None) -> None:
        self._merge = merge
        self._node = node
        self._cache = cache
        self._total: Gatherer | None = None
        self._of_file: Gatherer | None = None
        # Not merged yet: of the files before, and of the present one.
        self._late: list[tuple[Any, Mapping[str, int]]] = []
        self._waiting: list[tuple[Any, Mapping[str, int]]] = []
        self._identity: list[tuple[Any, ...]] = []
        self._n_before_file = 0
        self._first: Any = None
        self._failed: list[Any] = []

    def take(self, value: Any, shifts: Mapping[str, int]) -> None:
        """The value of one more part; ``shifts`` is what its row numbers grow by."""
        if not self._identity:
            self._first = value
        known = value.fingerprint if isinstance(value, Lazy) else ""
        self._identity.append((*shifts.values(), known))
        if failure_in(value) is not None:
            self._failed.append(value)
            return
        self._waiting.append((value, shifts))
        if not isinstance(value, Lazy) or value.is_here:
            self._of_file = self._merged(self._of_file, self._waiting)

    @property
    def n_parts(self) -> int:
        """Of how many parts there is a value."""
        return len(self._identity)

    def settle(self) -> None:
        """Read what waits to be read: it holds what it was made of."""
        if self.n_parts == 1:
            resolved(self._first)
        elif self._late:
            self._total = self._merged(self._total, self._late)

    def end_file(self) -> None:
        """What the present file gave stays."""
        self._n_before_file = len(self._identity)
        if self._of_file is not None:
            self._total = self._merged(self._total, self._late)
            self._total.take(self._of_file.whole())
            self._of_file = None
        self._late += self._waiting
        self._waiting = []

    def drop_file(self) -> None:
        """Forget what the present file gave."""
        del self._identity[self._n_before_file :]
        self._failed.clear()
        self._of_file = None
        self._waiting = []

    def whole(self) -> Any:
        """One value, read-only; with a cache a Lazy, known by the parts and how they are merged.

        The Failure of a part is that of the whole.
        """
        if self._failed:
            return self._failed[0]
        if len(self._identity) == 1:
            return self._first
        self._first = None

        def make() -> Any:
            self._total = self._merged(self._total, self._late)
            value = self._total.whole()
            freeze(value)
            return value

        if self._cache is None:
            return make()
        known = self._cache.derived(self._merge, self._node, self._identity)
        return Lazy(make=make, fingerprint=known)

    def _merged(
        self, gatherer: Gatherer | None, waiting: list[tuple[Any, Mapping[str, int]]]
    ) -> Gatherer:
        gatherer = gatherer or self._merge()
        for value, shifts in waiting:
            gatherer.take(shifted(peeked(value), shifts))
        waiting.clear()
        return gatherer


def numbered_columns(flow: Definition, node: str, table: TableSchema | None) -> dict[str, str]:
    """Which columns of a node are row numbers (ARRAY: the node itself), and of what."""
    columns = [*(table.names if table is not None else ()), ARRAY]
    found = {}
    for column in columns:
        numbered = matched(flow.row_numbers, f"{node}.{column}")
        if numbered is None and column:
            numbered = matched(flow.row_numbers, column)
        if numbered is not None:
            found[column] = numbered
    return found


def shifted(value: Any, shifts: Mapping[str, int]) -> Any:
    """A value with its row numbers counted over the whole run; -1 stays."""
    if not any(shifts.values()):
        return value
    if isinstance(value, pd.DataFrame):
        new = {c: _moved(value[c].to_numpy(), by) for c, by in shifts.items() if by and c in value}
        return value.assign(**new)
    return _moved(value, shifts[ARRAY]) if shifts.get(ARRAY) else value


def _moved(numbers: Any, by: int) -> Any:
    return np.where(numbers >= 0, numbers + by, numbers)


def _appended(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    columns: dict[str, Any] = {}
    for name in frames[0].columns:
        parts = [f[name] for f in frames]
        if isinstance(parts[0].dtype, pd.CategoricalDtype):
            columns[name] = _joined_categories([p.array for p in parts])
        else:
            columns[name] = np.concatenate([p.to_numpy() for p in parts])
    return pd.DataFrame(columns, copy=False)


def _joined_categories(parts: Sequence[Any]) -> pd.Categorical:
    """One after the other. Categories that differ are sorted, as a reader's of one part are."""
    seen = [list(p.categories) for p in parts]
    if any(names != seen[0] for names in seen):
        names = sorted({name for part in seen for name in part})
        parts = [p.set_categories(pd.Index(names, dtype=str)) for p in parts]
    codes = np.concatenate([p.codes for p in parts])
    return pd.Categorical.from_codes(codes, categories=parts[0].categories)
