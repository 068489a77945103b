"""The cut flow as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from ...nodes.cosmics.verdict import CUT_SETS


def warning_lines(verdict: Sequence[Mapping[str, Any]]) -> list[str]:
    """What stands before a table: that the input is not complete, what of the cuts is ignored."""
    failed = [str(check["message"]) for check in verdict if check["status"] == "fail"]
    ignored = [str(check["message"]) for check in verdict if check["check"] == CUT_SETS]
    return [*([f"NOT COMPLETE: {'; '.join(failed)}"] if failed else ()), *ignored]


def flow_of_report(values: Mapping[str, Any], verdict: Sequence[Mapping[str, Any]]) -> list[str]:
    """What a run says of its cut flow; nothing if it was not asked for."""
    if "cut_flow" not in values or "run_summary" not in values:
        return []
    return [*warning_lines(verdict), *flow_lines(values["cut_flow"], values["run_summary"])]


def flow_lines(flow: pd.DataFrame, summary: Any) -> Iterator[str]:
    """A header of the cut set, then a line a cut."""
    spill = "on-spill" if summary.on_spill else "off-spill"
    yield f"cut set {summary.cutset} ({summary.cutset_hash[:8]}), {spill}"
    yield f"{'cut':24} {'events':>10} {'tracks':>10} {'% of all':>9} {'% before':>9} {'N-1':>8}"
    rows: Iterator[Any] = flow.itertuples(index=False)
    for row in rows:
        but_one = "" if row.n_minus_one != row.n_minus_one else f"{row.n_minus_one:.0f}"
        yield (
            f"{row.cut:24} {row.events:>10} {row.tracks:>10} {row.absolute_pct:>9.3f} "
            f"{row.relative_pct:>9.3f} {but_one:>8}"
        )
    yield f"unvetoed events: {summary.unvetoed_events}; files: {summary.verdict}"


def scan_lines(scans: pd.DataFrame) -> Iterator[str]:
    """A line a point of a scan."""
    second = str(scans["second_threshold"].iloc[0]) if len(scans) else ""
    first = str(scans["threshold"].iloc[0]) if len(scans) else ""
    head = f"{first:>20} {second:>20} " if second else f"{first:>20} "
    names = ("events", "selected", "unvetoed", "veto eff.")
    yield f"{head}{' '.join(f'{name:>10}' for name in names)} {'interval':>20}"
    rows: Iterator[Any] = scans.itertuples(index=False)
    for row in rows:
        point = f"{row.value:>20g} " + (f"{row.second_value:>20g} " if second else "")
        ends = f"{row.veto_efficiency_lo:.5f} to {row.veto_efficiency_hi:.5f}"
        efficiency = f"{row.veto_efficiency:.5f}" if row.selected else "-"
        yield (f"{point}{row.events:>10} {row.selected:>10} {row.unvetoed:>10} "
               f"{efficiency:>10} {ends:>20}")  # fmt: skip
