"""Trends as text, plain values, and files: PNG, HTML or CSV, by the ending of the name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd
from markupsafe import Markup

from ...nodes.lightdqm.figure_times import local_time
from ...nodes.lightdqm.figure_trend import TrendPanel, trend_sheet
from ...nodes.sheets.drawing import sheet_png
from ...schemas.errors import UsageError
from ..files import check_new_files, new_output
from ..html.page import Section, page_text
from ..html.parts import Kind, badge, code, heading, note, paragraph, table
from ..html.sheets import sheet_drawing
from .overview import FileRow, Overview, failing_text, raised_groups, start_text
from .verdict_text import columns, finite, shortened, status_word

_TITLE: Final = "Light DQM: trends"
_KEY: Final = "output_path"
_KINDS: Final[Mapping[str, Kind]] = {"pass": "good", "fail": "bad", "warn": "warn"}


@dataclass(frozen=True)
class Written:
    """What a file shows: trends, files with alarms, how many of them (0 = all), time zone."""

    panels: Sequence[TrendPanel]
    found: Overview
    last: int
    time_zone: str


def panel_as_json(panel: TrendPanel) -> dict[str, Any]:
    """One trend as plain values; what is no number is null."""
    request, band = panel.request, panel.band
    is_fraction = not request.unit
    return {
        "quantity": request.quantity,
        "group": str(request.group),
        "trigger": request.trigger if is_fraction else None,
        "granularity": request.granularity if is_fraction else None,
        "roi_MHz": request.roi_MHz if request.quantity == "power" else None,
        "unit": request.unit,
        "reference": None
        if band is None
        else {k: finite(v) if isinstance(v, float) else v for k, v in vars(band).items()},
        "points": [
            {
                key: finite(value) if isinstance(value, float) else value
                for key, value in row.items()
            }
            for row in panel.frame.to_dict(orient="records")
        ],
    }


def panel_lines(panel: TrendPanel, time_zone: str) -> list[str]:
    """One trend as a table of text."""
    unit = f" ({panel.request.unit})" if panel.request.unit else ""
    rows: list[tuple[str, ...]] = [
        ("start", "run", "sub-run", f"value{unit}", "lower", "upper", "n", "fails")
    ]
    for row in panel.frame.to_dict(orient="records"):
        start = row["start_ms"]
        rows.append(
            (
                local_time(start, time_zone) if start >= 0 else "unknown",
                *(str(row[key]) if row[key] >= 0 else "" for key in ("run", "subrun")),
                *(_number(row[key]) for key in ("value", "lower", "upper")),
                str(row["n"] or ""),
                row["failing"],
            )
        )
    band = panel.band
    lines = [str(panel.request), *(f"  {line}" for line in columns(rows))]
    if band is not None:
        ends = ", ".join(_number(v) for v in (band.lower, band.upper))
        lines.append(f"  {band.label} ({band.n_files} files): {_number(band.value)} ({ends})")
    return lines


def _number(value: float) -> str:
    return "-" if finite(value) is None else f"{value:.6g}"


def check_places(
    paths: Sequence[Path], read: Sequence[Path], *, overwrite: bool, has_trends: bool
) -> None:
    """UsageError if a file cannot be written there, or would replace another without consent."""
    for path in paths:
        if path.suffix.lower() in (".png", ".csv") and not has_trends:
            msg = f"{path}: shows quantities over files; give --quantity, or write .html"
            raise UsageError(msg, file=path, key="quantity")
        if path.suffix.lower() not in _WRITERS:
            msg = (
                f"{path}: its ending says no format; give .png (figure), .html (page) or .csv "
                "(table)."
            )
            raise UsageError(msg, file=path, key=_KEY)
    check_new_files(paths, read, overwrite=overwrite, key=_KEY)


def trends_as_json(
    panels: Sequence[TrendPanel], found: Overview, last: int, time_zone: str
) -> dict[str, Any]:
    """The last files (0 = all), the alarms and the trends as plain values."""
    trends = [panel_as_json(panel) for panel in panels]
    return {**found.as_json(time_zone, last), "trends": trends}


def write_trends(
    paths: Sequence[Path],
    panels: Sequence[TrendPanel],
    found: Overview,
    last: int,
    time_zone: str,
) -> None:
    """Write each file in the format of its ending; a page lists the last files (0 = all)."""
    written = Written(panels, found, last, time_zone)
    for path in paths:
        content = _WRITERS[path.suffix.lower()](written)
        with new_output(path, key=_KEY) as temporary:
            temporary.write_bytes(content)


def _png(written: Written) -> bytes:
    return sheet_png(trend_sheet(written.panels, _TITLE, written.time_zone))


def _csv(written: Written) -> bytes:
    parts = [
        panel.frame.assign(trend=str(panel.request), unit=panel.request.unit)
        for panel in written.panels
    ]
    whole = pd.concat(parts, ignore_index=True)
    first = ["trend", "unit"]
    columns = first + [c for c in whole.columns if c not in first]
    return whole[columns].to_csv(index=False).encode()


def _html(written: Written) -> bytes:
    panels, found = written.panels, written.found
    sections = [Section("Alarms", [_alarms_part(found)])]
    if panels:
        drawn = sheet_drawing(trend_sheet(panels, _TITLE, written.time_zone))
        sections.append(Section("Trends", [drawn]))
    files = found.files[-written.last :]
    sections.append(Section("Files", [_files_part(files, written.time_zone)]))
    if panels:
        parts = [part for p in panels for part in (heading(str(p.request)), _points_part(p))]
        sections.append(Section("Numbers", parts))
    newest = found.files[-1]
    subtitle = f"{len(found.files)} files, the newest {newest.run.identity.name}"
    return page_text(_TITLE, sections, subtitle=subtitle, wide=True).encode()


def _alarms_part(found: Overview) -> Markup:
    if not found.raised:
        return note("No alarm is raised.", "good")
    rows = [
        [g.check, shortened(g.channels, 48), g.since, g.last_failed, g.failed]
        for g in raised_groups(found)
    ]
    return table(("check", "channels", "raised by", "last failed", "files that failed"), rows)


def _files_part(files: Sequence[FileRow], time_zone: str) -> Markup:
    rows = []
    for row in files:
        identity = row.run.identity
        numbers = (None if n < 0 else n for n in (identity.run, identity.subrun))
        verdict = badge(status_word(row.status), _KINDS.get(row.status, "plain"))
        rows.append(
            [
                start_text(row.run, time_zone),
                *numbers,
                verdict,
                row.n_beam,
                row.n_self,
                code(identity.name),
                failing_text(row.failing),
            ]
        )
    head = ("start", "run", "sub-run", "verdict", "beam", "self", "file", "fails")
    return table(head, rows)


def _points_part(panel: TrendPanel) -> Markup:
    if panel.frame.empty:
        return paragraph("No files.")
    names = ("name", "value", "lower", "upper", "k", "n", "failing")
    return table(names, panel.frame[list(names)].itertuples(index=False, name=None))


_WRITERS: Final[Mapping[str, Callable[[Written], bytes]]] = {
    ".png": _png,
    ".html": _html,
    ".csv": _csv,
}
