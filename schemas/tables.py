"""One description of a frame: its columns with type, unit and meaning.

The pandera model validates the frame between two nodes, the writers take units and
descriptions for HDF5 from it, and the documentation prints it: written once, read thrice.
A frame that plainly satisfies its description, seen in one pass over each column, is not put to
the model: a verdict of pandera costs a millisecond a column, whatever the number of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from .errors import OutputCheckError

SHOWN_FAILURES = 3
SHOWN_FAULTS = 10


@dataclass(frozen=True)
class Column:
    """One column.

    ``dtype`` is a numpy name or ``category``; ``unit`` is empty for a dimensionless column;
    a column with ``nullable`` may hold NaN.
    """

    name: str
    dtype: str
    unit: str
    description: str
    nullable: bool = False
    at_least: float | None = None
    at_most: float | None = None
    categories: tuple[str, ...] | None = None


@dataclass(frozen=True)
class TableSchema:
    """The columns of a frame, in order, and what one row is."""

    name: str
    row: str
    columns: tuple[Column, ...]

    def __getitem__(self, name: str) -> Column:
        return self._by_name()[name]

    def __contains__(self, name: str) -> bool:
        return name in self._by_name()

    def _by_name(self) -> dict[str, Column]:
        return {c.name: c for c in self.columns}

    @property
    def names(self) -> list[str]:
        return [c.name for c in self.columns]

    def empty(self) -> pd.DataFrame:
        """A frame without rows that satisfies the schema."""
        return self.frame({c.name: [] for c in self.columns})

    def frame(self, data: dict[str, Any]) -> pd.DataFrame:
        """A frame from columns, in the order and with the types of the schema."""
        columns = {c.name: _as_column(c, data[c.name]) for c in self.columns}
        return pd.DataFrame(columns, copy=False)

    def validate(self, frame: pd.DataFrame, node: str) -> None:
        """Raise OutputCheckError, naming column, check, count and first rows, if frame differs."""
        if not isinstance(frame, pd.DataFrame):
            msg = f"{node}: expected a DataFrame of {self.name}, got {type(frame).__name__}."
            raise OutputCheckError(msg, key=node)
        if plainly_satisfies(frame, self):
            return
        from pandera.errors import SchemaErrors

        try:
            # Nothing is coerced, so nothing is written: a copy of the frame would cost more than
            # the checks.
            pandera_schema(self).validate(frame, lazy=True, inplace=True)
        except SchemaErrors as failure:
            raise OutputCheckError(_summary(failure, self, node), key=node) from None


def _as_column(column: Column, values: Any) -> Any:
    if column.dtype == "category":
        if isinstance(values, pd.Series):
            values = values.array
        if isinstance(values, pd.Categorical):
            return values
        return pd.Categorical(values, categories=column.categories)
    return np.asarray(values, dtype=column.dtype)


def categories_of(codes: Any, names: Sequence[str]) -> Any:
    """A categorical column from integer codes into ``names``."""
    return pd.Categorical.from_codes(np.asarray(codes), categories=pd.Index(names, dtype=str))


def rows_of(frame: pd.DataFrame, mask: Any) -> pd.DataFrame:
    """The rows that ``mask`` marks, numbered anew; the frame itself if it marks them all."""
    if mask.all():
        return frame
    rows = np.flatnonzero(mask)
    return pd.DataFrame({name: frame[name].array.take(rows) for name in frame.columns}, copy=False)


def plainly_satisfies(frame: pd.DataFrame, table: TableSchema) -> bool:
    """Whether every column has its name, place, type, values and bounds.

    What is not plain (NaN beside bounds) is False here and left to the pandera model.
    """
    if list(frame.columns) != table.names:
        return False
    return all(_is_plain(c, s) for c, (_, s) in zip(table.columns, frame.items(), strict=True))


def _is_plain(column: Column, series: pd.Series) -> bool:
    if column.dtype == "category":
        if not isinstance(series.dtype, pd.CategoricalDtype):
            return False
        known = column.categories
        if known is not None and tuple(series.cat.categories) != known:
            return False
        bounded = column.at_least is not None or column.at_most is not None
        return not bounded and (column.nullable or _least(series.array.codes, 0) >= 0)
    if series.dtype != np.dtype(column.dtype):
        return False
    values = series.to_numpy()
    low = -np.inf if column.at_least is None else column.at_least
    high = np.inf if column.at_most is None else column.at_most
    if (low, high) == (-np.inf, np.inf) and (column.nullable or values.dtype.kind not in "fc"):
        return True
    # A NaN is the least and the greatest, and no comparison with it holds.
    return bool(_least(values, low) >= low) and (
        high == np.inf or len(values) == 0 or bool(values.max() <= high)
    )


def _least(values: np.ndarray, of_none: float) -> Any:
    return values.min() if len(values) else of_none


@cache
def pandera_schema(table: TableSchema) -> Any:
    """The pandera schema of a table: strict and ordered, as one row check per column."""
    import pandera.pandas as pa

    columns = {}
    for c in table.columns:
        checks = []
        if c.at_least is not None:
            checks.append(pa.Check.greater_than_or_equal_to(c.at_least))
        if c.at_most is not None:
            checks.append(pa.Check.less_than_or_equal_to(c.at_most))
        if c.categories is not None:
            checks.append(pa.Check(_has_categories(c.categories), name=f"categories{c.categories}"))
        dtype = None if c.dtype == "category" else c.dtype
        if c.dtype == "category":
            checks.insert(0, pa.Check(_is_categorical, name="category"))
        columns[c.name] = pa.Column(
            dtype,
            checks=checks,
            nullable=c.nullable,
            description=c.description,
            metadata={"unit": c.unit},
        )
    return pa.DataFrameSchema(columns, strict=True, ordered=True, name=table.name)


def _is_categorical(series: pd.Series) -> bool:
    return isinstance(series.dtype, pd.CategoricalDtype)


def _has_categories(categories: tuple[str, ...]) -> Any:
    def check(series: pd.Series) -> bool:
        return tuple(series.cat.categories) == categories

    return check


def _summary(failure: Any, table: TableSchema, node: str) -> str:
    cases = failure.failure_cases
    lines = [f"{node}: the frame does not satisfy {table.name} (one row is {table.row})."]
    for (column, check), group in cases.groupby(["column", "check"], dropna=False, sort=False):
        group = group.sort_values("index")
        rows = [f"row {i}: {v}" for i, v in zip(group["index"], group["failure_case"], strict=True)]
        shown = "; ".join(str(r) for r in rows[:SHOWN_FAILURES])
        lines.append(f"  column {column}: {check} fails {len(group)} times ({shown})")
    more = len(lines) - 1 - SHOWN_FAULTS
    if more > 0:
        lines[SHOWN_FAULTS + 1 :] = [f"  and {more} faults more"]
    return "\n".join(lines)
