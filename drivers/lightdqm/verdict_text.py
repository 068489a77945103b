"""Verdicts and alarms as rows of text, and as plain values for JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from ...nodes.lightdqm.findings import overall_status as overall_status
from ...nodes.lightdqm.folding import in_order

_MOST_CHANNELS: Final = 6
_WORDS: Final = {"no_data": "no data", "unreadable": "UNREADABLE"}


def status_word(status: str) -> str:
    """A status as a reader sees it; a failure stands out."""
    return "FAIL" if status == "fail" else _WORDS.get(status, status)


def unreadable_text(message: str, path: Path) -> str:
    """Why a file has no verdict, for a line that names the file itself."""
    reason = message.removeprefix(f"{path}: ")
    return f"{status_word('unreadable')}: {reason}"


def failure_words(verdict: pd.DataFrame) -> str:
    """The status and every check that fails, what leads first, with channels or its reason."""
    failing = in_order(verdict[verdict["status"] == "fail"])
    words = [
        f"{check} {shortened(channels.split()) or reason}"
        for check, channels, reason in zip(
            failing["check"], failing["channels"], failing["reason"], strict=True
        )
    ]
    return "; ".join([status_word(overall_status(verdict)), *words])


def checks_as_json(verdict: pd.DataFrame) -> list[dict[str, Any]]:
    """Each check as plain values; what is no number is null."""
    return [
        {
            "check": str(row["check"]),
            "status": str(row["status"]),
            "value": finite(row["value"]),
            "limit": finite(row["limit"]),
            "unit": str(row["unit"]),
            "n_channels": int(row["n_channels"]),
            "channels": str(row["channels"]).split(),
            "reason": str(row["reason"]),
            "action": str(row["action"]),
        }
        for row in verdict.to_dict(orient="records")
    ]


def finite(value: float) -> float | None:
    """The number, or None for NaN and infinity, which JSON has not."""
    return float(value) if math.isfinite(value) else None


def verdict_lines(verdict: pd.DataFrame) -> list[str]:
    """The table of checks: status, worst value, limit, channels, reason; what to do below it.

    What fails comes first, and of that what leads.
    """
    rows = [("check", "status", "value", "limit", "channels", "found")]
    checks = checks_as_json(in_order(verdict))
    for check in checks:
        unit = f" {check['unit']}" if check["unit"] else ""
        rows.append(
            (
                check["check"],
                status_word(check["status"]),
                _number(check["value"]) + unit if check["value"] is not None else "",
                _number(check["limit"]),
                shortened(check["channels"]),
                check["reason"],
            )
        )
    lines = [f"  {line}" for line in columns(rows)]
    lines += [
        f"  {check['check']}: {check['action']}"
        for check in checks
        if check["action"] and check["status"] == "fail"
    ]
    return lines


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


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
