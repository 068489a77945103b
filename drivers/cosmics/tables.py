"""The tables of a run in every format, all of the same values as the run file.

The columns that the earlier framework writes stand first.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

from ...schemas.cosmics.frames import CUT_FLOW
from ..engine.plain_values import plain_value
from .latex import latex_of
from .stored import Stored

_PEER: Final = {
    "cut": "Cut",
    "group": "Group",
    "events": "Events Passing",
    "absolute_pct": "Absolute [%]",
    "relative_pct": "Relative [%]",
    "description": "Description",
}
_RATES: Final = (
    "selected", "unvetoed",
    "veto_efficiency", "veto_efficiency_lo", "veto_efficiency_hi",
    "selection_efficiency", "selection_efficiency_lo", "selection_efficiency_hi",
)  # fmt: skip
_WHOLE: Final = 1e15
# What a note shows of the cut flow, within the width of a page, and how its columns are headed.
_FLOW_OF_NOTE: Final = {
    "Cut": "Cut", "Events Passing": "Events", "tracks": "Tracks", "Absolute [%]": "Of all [%]",
    "absolute_lo_pct": "from", "absolute_hi_pct": "to", "Relative [%]": "Of previous [%]",
    "n_minus_one": "N-1",
}  # fmt: skip


def tables_of(found: Stored) -> dict[str, pd.DataFrame]:
    """The tables by name, each with the columns and names that are shown."""
    flow = found.frames["cut_flow"]
    order = [*_PEER, *(n for n in CUT_FLOW.names if n not in _PEER)]
    tables = {
        "cut_flow": flow[order].rename(columns=_PEER),
        "group_flow": found.frames["group_flow"],
        "analysis": analysis(found.window_rates),
        "off_cuts": found.frames["off_cuts"],
        "effective_cuts": found.frames["effective_cuts"],
        "verdict": found.frames["verdict"],
    }
    for name in ("dead_time_curve", "threshold_scans"):
        if len(found.frames.get(name, ())):
            tables[name] = found.frames[name]
    return tables


def analysis(rates: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """The rates of each momentum window; what is not known is absent."""
    others = {name for row in rates.values() for name in row if name not in _RATES}
    names = [*_RATES, *sorted(others, key=_with_ends)]
    rows = {window: [row.get(name) for name in names] for window, row in rates.items()}
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=names)
    frame.insert(0, "window", list(rows))
    return frame.reset_index(drop=True)


def _with_ends(name: str) -> tuple[str, int]:
    """Sorts a number before the ends of its interval, the lower one first."""
    ends = ("_lo", "_hi")
    place = next((k for k, end in enumerate(ends, 1) if name.endswith(end)), 0)
    return (name[: -len(ends[0])] if place else name), place


def warning_of(found: Stored) -> str:
    """What stands in red at every table of an input that is not complete; empty if it is."""
    return f"NOT COMPLETE: {'; '.join(found.faults)}" if found.faults else ""


def csv_text(table: pd.DataFrame, warning: str) -> str:
    """Numbers with all their digits; what is not known is empty."""
    text = table.to_csv(index=False, lineterminator="\n")
    return f"# {warning}\n{text}" if warning else text


def json_text(found: Stored) -> str:
    """Every table with normalisation, summary and input files as one JSON object."""
    answer = {
        "summary": found.summary,
        "warning": warning_of(found) or None,
        "normalisation": found.normalisation,
        "tables": {name: plain_value(table) for name, table in tables_of(found).items()},
        "input_files": plain_value(found.input_files),
    }
    return json.dumps(plain_value(answer), ensure_ascii=False, indent=1) + "\n"


def turned(table: pd.DataFrame) -> pd.DataFrame:
    """Rates with a row a number and a column a window."""
    rows = table.set_index("window").astype(object).T
    rows.insert(0, "number", rows.index)
    return rows.reset_index(drop=True)


def of_note(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """A table as LaTeX shows it, no wider than a page."""
    if name == "cut_flow":
        return table[list(_FLOW_OF_NOTE)].rename(columns=_FLOW_OF_NOTE)
    return turned(table) if name == "analysis" else table


def tex_text(table: pd.DataFrame, warning: str) -> str:
    r"""A tabular for \usepackage{booktabs}; a warning needs xcolor."""
    kinds = "".join("r" if is_numeric(table[c]) else "l" for c in table.columns)
    head = " & ".join(latex_of(str(c)) for c in table.columns)
    lines = [rf"\begin{{tabular}}{{{kinds}}}", r"\toprule", rf"{head} \\", r"\midrule"]
    for row in table.itertuples(index=False):
        lines.append(" & ".join(latex_of(shown(value)) for value in row) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}"]
    if warning:
        lines.insert(0, rf"\textcolor{{red}}{{{latex_of(warning)}}}\par")
    return "\n".join(lines) + "\n"


def is_numeric(column: pd.Series) -> bool:
    """Whether a column is of numbers, where they are known."""
    found = column.infer_objects()
    return bool(pd.api.types.is_numeric_dtype(found)) and found.dtype != bool


def shown(value: Any) -> str:
    """A value in a table to be read: counts whole, else six digits; a dash for the unknown."""
    if isinstance(value, bool) or str(type(value)).endswith("bool'>"):
        return "yes" if value else "no"
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    if isinstance(value, float) and not (value.is_integer() and abs(value) < _WHOLE):
        return f"{value:.6g}"
    return f"{value:.0f}" if isinstance(value, float) else str(value)


def write_csv_of(name: str) -> Callable[[Stored, Path], None]:
    """Writes one table as CSV."""

    def write(found: Stored, path: Path) -> None:
        path.write_text(csv_text(tables_of(found)[name], warning_of(found)), "utf-8")

    return write


def write_tex_of(name: str) -> Callable[[Stored, Path], None]:
    """Writes one table as LaTeX."""

    def write(found: Stored, path: Path) -> None:
        table = of_note(name, tables_of(found)[name])
        path.write_text(tex_text(table, warning_of(found)), "utf-8")

    return write


def write_json(found: Stored, path: Path) -> None:
    """Writes all tables as JSON."""
    path.write_text(json_text(found), "utf-8")
