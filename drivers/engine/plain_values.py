"""Values of nodes as JSON has them: small ones whole, of large ones how big and where they are."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence, Set
from enum import Enum
from typing import Any, Final

import numpy as np
import pandas as pd
from pydantic import BaseModel

from ...schemas.failures import Failure
from .merging import Appended, shifted

MOST: Final = 10_000
"""Rows of a frame, or items of anything else, up to which a value is told whole."""


@dataclasses.dataclass(frozen=True)
class Elsewhere:
    """What is too large to be told: its shape, the type of its items, its place in the output."""

    shape: tuple[int, ...] | None
    dtype: Any
    path: str | None = None

    def at(self, path: str) -> Elsewhere:
        """The same at a place; "" = nowhere."""
        return dataclasses.replace(self, path=self.path or path or None)


def plain_value(value: Any, path: str = "") -> Any:
    """A value as JSON has it; NaN and infinity are null.

    Frames are lists of records, dataclasses and mappings objects. What has more than MOST rows or
    items, and what JSON has no form for, is told as {shape, dtype, path}; ``path`` is its place in
    the output file.
    """
    if isinstance(value, np.generic):
        value = value.item()
    match value:
        case None | bool() | int() | str():
            return value.value if isinstance(value, Enum) else value
        case float():
            return value if math.isfinite(value) else None
        case Elsewhere():
            return vars(value.at(path))
        case Failure():
            return value.as_json()
        case Enum():
            return plain_value(value.value, path)
        case pd.DataFrame():
            return _records(value, path)
        case pd.Series():
            return plain_value(value.to_numpy(), path)
        case np.ndarray():
            if value.size > MOST or value.dtype.names is not None:
                return plain_value(Elsewhere(value.shape, str(value.dtype)), path)
            return plain_value(value.tolist())
        case BaseModel():
            return value.model_dump(mode="json")
        case Mapping():
            return _object(value, path)
        case list() | tuple() | Set():
            if len(value) > MOST:
                return plain_value(Elsewhere((len(value),), "list"), path)
            return [plain_value(item, path) for item in value]
    if dataclasses.is_dataclass(value):
        return _object({f.name: getattr(value, f.name) for f in dataclasses.fields(value)}, path)
    n = (len(value),) if isinstance(value, (bytes, bytearray)) else None
    return plain_value(Elsewhere(n, type(value).__name__), path)


def _records(frame: pd.DataFrame, path: str) -> Any:
    if len(frame) > MOST:
        dtypes = {str(name): str(dtype) for name, dtype in frame.dtypes.items()}
        return plain_value(Elsewhere(frame.shape, dtypes), path)
    columns = {
        str(name): [None if item is pd.NA else plain_value(item) for item in frame[name].tolist()]
        for name in frame.columns
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _object(table: Mapping[Any, Any], path: str) -> Any:
    if len(table) > MOST:
        return plain_value(Elsewhere((len(table),), "object"), path)
    found = {}
    for key, value in table.items():
        name = "/".join(str(k) for k in key) if isinstance(key, tuple) else str(key)
        found[name] = plain_value(value, f"{path}/{name}" if path else "")
    return found


class FewRows:
    """The rows of some streamed nodes, kept as long as they are few.

    What a file gave is taken back as a sink does it.
    """

    def __init__(self, nodes: Iterable[str]) -> None:
        self._parts: dict[str, list[Any]] = {name: [] for name in nodes}
        self._n = dict.fromkeys(self._parts, 0)
        self._before = self._state()

    def _state(self) -> tuple[dict[str, list[Any]], dict[str, int]]:
        return {name: list(parts) for name, parts in self._parts.items()}, dict(self._n)

    def take(self, values: Mapping[str, Any], shifts: Mapping[str, Mapping[str, int]]) -> None:
        """The rows of one part, and what their row numbers grow by."""
        for name in self._parts.keys() & values.keys():
            value = values[name]
            is_rows = isinstance(value, (pd.DataFrame, np.ndarray))
            self._n[name] += len(value) if is_rows else MOST + 1
            part = shifted(value, shifts[name]) if is_rows else type(value).__name__
            parts = self._parts[name]
            if self._n[name] <= MOST or not parts:
                parts.append(part)
            else:
                # Of more than can be told the first part says what they are.
                del parts[1:]

    def begin_file(self) -> None:
        """The parts of a further file follow."""
        self._before = self._state()

    def drop_file(self) -> None:
        """Forget what was given since begin_file()."""
        self._parts, self._n = self._before
        self._before = self._state()

    def begin_again(self) -> None:
        """Forget everything that was given."""
        self._parts = {name: [] for name in self._parts}
        self._n = dict.fromkeys(self._parts, 0)

    def n_rows(self, name: str) -> int:
        """How many rows of a node there are; more than MOST for what has no rows."""
        return self._n[name]

    def value(self, name: str) -> Any:
        """All rows of a node; Elsewhere if they are many, None if there was no part."""
        if not self._parts[name]:
            return None
        if self._n[name] > MOST:
            return self.size_of([name])
        return rows_together(self._parts[name])

    def size_of(self, names: Sequence[str]) -> Elsewhere:
        """The rows of some nodes, one after the other, by their number and type."""
        first = self._parts[names[0]][0]
        if isinstance(first, str):
            return Elsewhere(None, first)
        n_rows = sum(self._n[name] for name in names)
        if isinstance(first, pd.DataFrame):
            dtypes = {str(c): str(dtype) for c, dtype in first.dtypes.items()}
            return Elsewhere((n_rows, first.shape[1]), dtypes)
        return Elsewhere((n_rows, *first.shape[1:]), str(first.dtype))


def rows_together(parts: Sequence[Any]) -> Any:
    """Frames or arrays, one after the other."""
    gathered = Appended()
    for part in parts:
        gathered.take(part)
    return gathered.whole()
