"""Files of a folder by what their names and tables say; nothing but the index is read."""

from __future__ import annotations

import calendar
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from ...nodes.germanium.lh5 import layout_of, lh5_file, name_of, read_column
from ...schemas.errors import InputError
from ...schemas.germanium.lh5 import TableLayout
from ..files import file_ref, natural_order

COLUMNS: Final = (
    "path", "experiment", "period", "run", "datatype", "timestamp", "tier", "tables", "rows",
    "first_s", "last_s", "codec", "bytes", "content_hash", "status", "problem",
)  # fmt: skip
_OK, _LEFT_OUT, _UNREADABLE, _IGNORED = "ok", "left_out", "unreadable", "ignored"
_EMPTY: Final = "empty"
_DAY_S: Final = 86_400.0


def files_table(folder: Path, ignored: Iterable[str] = ()) -> pd.DataFrame:
    """Every LH5 file below a folder, in natural order of the paths: one row a file.

    A file whose first timestamp is more than a day from that of its name is left out, one that
    cannot be read or holds no table is told of, and one whose path holds one of ``ignored`` is not
    opened; ``status`` and ``problem`` say so. Times are Unix seconds.
    """
    words = tuple(ignored)
    paths = sorted(folder.rglob("*.lh5"), key=lambda p: natural_order(str(p)))
    rows = [_row(path, folder, words) for path in paths if path.is_file()]
    return pd.DataFrame(
        [[row.get(name) for name in COLUMNS] for row in rows], columns=list(COLUMNS)
    )


def _row(path: Path, folder: Path, ignored: Sequence[str]) -> dict[str, Any]:
    name = name_of(path)
    row: dict[str, Any] = {
        "path": str(path.relative_to(folder)),
        "bytes": path.stat().st_size,
        "experiment": name.experiment,
        "period": name.period,
        "run": name.run,
        "datatype": name.datatype,
        "timestamp": name.timestamp,
        "status": _OK,
        "problem": "",
    }
    word = next((word for word in ignored if word in str(path)), "")
    if word:
        return {**row, "status": _IGNORED, "problem": f"its path holds {word}"}
    try:
        layout = layout_of(path, may_be_empty=True)
        first, last = _times(path, layout.tables)
        content = file_ref(path).content_hash
    except InputError as error:
        return {**row, "status": _UNREADABLE, "problem": error.message}
    codecs = dict.fromkeys(w.codec for table in layout.tables for w in table.waveforms if w.codec)
    row |= {
        "tier": "+".join(layout.tiers),
        "tables": len(layout.tables),
        "rows": sum(table.n_rows for table in layout.tables),
        "first_s": first,
        "last_s": last,
        "codec": "+".join(codecs),
        "content_hash": content,
    }
    if not layout.tables:
        problem = "it has no tables: each channel of the run that wrote it failed"
        return row | {"tier": name.tier, "status": _EMPTY, "problem": problem}
    told = _unix_time(name.timestamp)
    if told is not None and first is not None and abs(first - told) > _DAY_S:
        days = (first - told) / _DAY_S
        problem = f"its first trigger is {days:+.1f} days from the time of its name"
        row |= {"status": _LEFT_OUT, "problem": problem}
    return row


def _times(path: Path, tables: Iterable[TableLayout]) -> tuple[float | None, float | None]:
    """The first and last time of the first table that has rows and times."""
    table = next((t for t in tables if t.n_rows and "timestamp" in t.columns), None)
    if table is None:
        return None, None
    with lh5_file(path) as file:
        group = file[table.path]
        ends = [read_column(group, "timestamp", k, 1, str(path)) for k in (0, table.n_rows - 1)]
    return float(ends[0][0]), float(ends[1][0])


def _unix_time(timestamp: str) -> float | None:
    if not timestamp:
        return None
    try:
        return float(calendar.timegm(time.strptime(timestamp, "%Y%m%dT%H%M%SZ")))
    except ValueError:
        return None


def missing_tiers(table: pd.DataFrame, tiers: Sequence[str] = ("raw", "dsp", "hit")) -> list[str]:
    """Which run of which datatype lacks which tier, one line each."""
    known = table[table["status"].isin([_OK, _EMPTY]) & (table["run"] != "")]
    lines = []
    for (period, run, datatype), group in known.groupby(["period", "run", "datatype"]):
        good = group.loc[group["status"] == _OK, "tier"]
        there = {tier for text in good for tier in text.split("+")}
        absent = [tier for tier in tiers if tier not in there]
        if absent:
            lines.append(f"{period} {run} {datatype}: no {', '.join(absent)}")
    return lines
