"""Verdicts and alarms as rows of text, and as plain values for JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import pandas as pd

from ...nodes.lightdqm.findings import overall_status as overall_status

_MOST_CHANNELS: Final = 6
_WORDS: Final = {"no_data": "no data"}


def status_word(status: str) -> str:
    """A status as a reader sees it; a failure stands out."""
    return "FAIL" if status == "fail" else _WORDS.get(status, status)


def checks_as_json(verdict: pd.DataFrame) -> list[dict[str, Any]]:
    """Each check as plain values; what is no number is null."""
    return [
        {
            "check": str(row.check),
            "status": str(row.status),
            "value": finite(row.value),
            "limit": finite(row.limit),
            "unit": str(row.unit),
            "n_channels": int(row.n_channels),
            "channels": str(row.channels).split(),
            "reason": str(row.reason),
            "action": str(row.action),
        }
        for row in verdict.itertuples(index=False)
    ]


def finite(value: float) -> float | None:
    """The number, or None for NaN and infinity, which JSON has not."""
    return float(value) if math.isfinite(value) else None


def verdict_lines(verdict: pd.DataFrame) -> list[str]:
    """The table of checks: status, worst value, limit, channels, reason; what to do below it."""
    rows = [("check", "status", "value", "limit", "channels", "found")]
    for row in verdict.itertuples(index=False):
        unit = f" {row.unit}" if row.unit else ""
        rows.append(
            (
                str(row.check),
                status_word(str(row.status)),
                f"{_number(row.value)}{unit}" if math.isfinite(row.value) else "",
                _number(row.limit),
                shortened(str(row.channels).split()),
                str(row.reason),
            )
        )
    lines = [f"  {line}" for line in columns(rows)]
    lines += [
        f"  {row.check}: {row.action}"
        for row in verdict.itertuples(index=False)
        if row.action and str(row.status) == "fail"
    ]
    return lines


def _number(value: float) -> str:
    return f"{value:.4g}" if math.isfinite(value) else ""


def shortened(channels: Sequence[str], most: int = _MOST_CHANNELS) -> str:
    """The first channels, and how many more there are."""
    more = f" +{len(channels) - most}" if len(channels) > most else ""
    return " ".join(channels[:most]) + more


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of text in columns of equal width."""
    if not rows:
        return []
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
