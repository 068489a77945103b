"""The files beside a run file that [output] asks for: tables, figures, events, the report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

from ...nodes.cosmics.drawings import drawn_figure
from ...schemas.cosmics.config import Output, Workspace
from ..definition import Companion
from .event_files import write_dT, write_events, write_info, write_root
from .page import page_of
from .report_note import drawn_of, note_of
from .stored import Stored, stored
from .tables import write_csv_of, write_json, write_tex_of
from .workspace_settings import workspace_request
from .workspaces import document_of

_TABLES: Final = ("cut_flow", "analysis")
_FIGURES: Final = (
    "cut_flow", "mom_windows", "summary", "mom_summary", "crv_z", "dT", "cosmic_parents",
    "projection",
)  # fmt: skip
Write = Callable[[Stored, Path], None]


class _OneRun:
    """A run file, read once, and its figures, drawn once, for all that is made of it."""

    def __init__(self) -> None:
        self._source: Path | None = None
        self._found: Stored | None = None
        self._figures: dict[str, bytes] = {}

    def stored(self, source: Path) -> Stored:
        """What the file holds."""
        if self._found is None or self._source != source:
            self._source, self._found, self._figures = source, stored(source), {}
        return self._found

    def figure(self, source: Path, name: str) -> bytes:
        """A figure of it as PNG."""
        drawn = drawn_of(self.stored(source))
        if name not in self._figures:
            self._figures[name] = drawn_figure(drawn, name)
        return self._figures[name]


def asked_companions(output: Output, *, has_signal: bool = False) -> Iterator[Companion]:
    """The files of some settings; the ROC is drawn where there is a signal sample."""
    run = _OneRun()

    def of(name: str, write: Write) -> Companion:
        def written(source: Path, path: Path, named: Path) -> None:
            del named
            write(run.stored(source), path)

        return Companion(name, written)

    def figure_of(name: str) -> Companion:
        def written(source: Path, path: Path, named: Path) -> None:
            del named
            path.write_bytes(run.figure(source, name))

        return Companion(f"{name}.png", written)

    def report(source: Path, path: Path, named: Path) -> None:
        text = page_of(run.stored(source), source, named, partial(run.figure, source))
        path.write_text(text, "utf-8")

    def note(source: Path, path: Path, named: Path) -> None:
        path.write_text(note_of(run.stored(source), named), "utf-8")

    for name in _TABLES:
        if "csv" in output.formats:
            yield of(f"{name}.csv", write_csv_of(name))
        if "tex" in output.formats:
            yield of(f"{name}.tex", write_tex_of(name))
    if "json" in output.formats:
        yield of("tables.json", write_json)
    if "root" in output.formats:
        yield of("hists.root", write_root)
    if output.events or "parquet" in output.formats:
        yield of("events.parquet", write_events)
    if output.dt_table:
        yield of("dT.parquet", write_dT)
    if output.event_info:
        yield of("info.txt", write_info)
    if output.figures:
        yield from (figure_of(name) for name in (*_FIGURES, *(("roc",) if has_signal else ())))
    if output.report or "html" in output.formats:
        yield Companion("report.html", report)
        yield Companion("report.tex", note)


def workspace_companion(settings: Workspace, folder: Path) -> Companion:
    """The model of counts of this run and others."""

    def written(source: Path, path: Path, named: Path) -> None:
        del named
        document, _ = document_of(workspace_request(settings, folder, source))
        path.write_text(document, "utf-8")

    return Companion("workspace.json", written)
