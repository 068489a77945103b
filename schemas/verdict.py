"""Checks of a run as a frame: what was looked at, and whether it is good."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import pandas as pd

from .tables import Column, TableSchema

STATUSES: Final = ("pass", "fail", "no_data")
CHECKS: Final = TableSchema(
    "Checks",
    "a check",
    (
        Column("check", "category", "", "what is looked at"),
        Column("status", "category", "", "no_data = nothing is known", categories=STATUSES),
        Column("value", "float64", "", "what was found", nullable=True),
        Column("limit", "float64", "", "what is allowed", nullable=True),
        Column("message", "category", "", "the same as a sentence"),
    ),
)


class Check(NamedTuple):
    """One check; a value or a limit that is not known is NaN."""

    check: str
    status: str
    value: float
    limit: float
    message: str


def checks_frame(checks: Iterable[Check]) -> pd.DataFrame:
    """The schema Checks."""
    rows = list(checks)
    columns: dict[str, Any] = {}
    for k, name in enumerate(CHECKS.names):
        values: Any = [row[k] for row in rows]
        if name in ("check", "message"):
            values = pd.Categorical(values, categories=pd.Index(dict.fromkeys(values), dtype=str))
        columns[name] = values
    return CHECKS.frame(columns)


def status_of(checks: pd.DataFrame) -> str:
    """Of all checks: fail if one fails, no_data if nothing is known, else pass."""
    found = set(checks["status"])
    return next((status for status in ("fail", "pass") if status in found), "no_data")
