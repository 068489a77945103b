"""The report as a PDF: the same numbers and figures on pages of A4."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ...nodes.figure_style import figure_style
from ...nodes.imaging.drawing import AXES_STYLE, image_figure
from ...nodes.imaging.figure_picture import View
from ..dag_record import time_text
from .counter_flow import FlowStage
from .report import Report
from .report_figures import STYLE, draw_detectors, draw_spectrum

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_A4: Final = (8.27, 11.69)
_LINES: Final = 78
_WIDTH: Final = 104
# Characters of a full bar.
_BAR: Final = 14
_SPECTRA_A_PAGE: Final = 3


def write_report_pdf(report: Report, path: Path) -> None:
    """Write the pages. The file names no day: equal input gives equal bytes."""
    from matplotlib.backends.backend_pdf import PdfPages

    metadata: Any = {"Title": report.title, "CreationDate": None, "Creator": None, "Producer": None}
    with figure_style(STYLE), PdfPages(path, metadata=metadata) as pages:
        for figure in _pages(report):
            pages.savefig(figure)


def _pages(report: Report) -> Iterator[Figure]:
    yield from _text_pages(report.title, _summary_lines(report))
    for drawing in report.drawings.values():
        if drawing.has_counts:
            with figure_style(AXES_STYLE):
                yield image_figure(drawing.picture, drawing.vis, View())
    if report.flow:
        lines = [line for stage in report.flow for line in _stage_lines(stage)]
        yield from _text_pages("What was lost, and why", lines)
    for begin in range(0, len(report.spectra), _SPECTRA_A_PAGE):
        yield _spectra_page(report, begin)
    if report.detectors is not None:
        yield _detector_page(report)
    if report.graph:
        yield from _text_pages("Nodes, the slowest first", _node_lines(report))
    if report.record.config_text:
        yield from _text_pages("Settings", report.record.config_text.splitlines())
    yield from _text_pages("Provenance", _provenance_lines(report))


def _page(title: str) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=_A4, facecolor="white")
    FigureCanvasAgg(figure)
    figure.text(0.08, 0.955, textwrap.shorten(title, 60), fontsize=15, weight="bold", va="top")
    return figure


def _text_pages(title: str, lines: list[str]) -> Iterator[Figure]:
    """The lines, long ones folded, on as many pages as they need."""
    folded = [
        part
        for line in lines
        for part in (textwrap.wrap(line, _WIDTH, subsequent_indent="    ", drop_whitespace=False,
                                   break_long_words=True) or [""])
    ]  # fmt: skip
    for begin in range(0, max(len(folded), 1), _LINES):
        figure = _page(title if begin == 0 else f"{title}, continued")
        text = "\n".join(folded[begin : begin + _LINES])
        figure.text(0.08, 0.92, text, fontsize=7.6, va="top", family="monospace", linespacing=1.25)
        yield figure


def _summary_lines(report: Report) -> list[str]:
    width = max((len(name) for name, _ in report.summary), default=0)
    lines = [report.subtitle, ""]
    lines += [f"{name:<{width}}  {value}" for name, value in report.summary]
    lines += ["", *report.failures, *(f"warning: {text}" for text in report.warnings)]
    problems = report.record.problems
    lines += ["", f"{len(problems)} problems of the input"] if problems else []
    return lines + [f"  {p.get('message', '')}" for p in problems[:30]]


def _stage_lines(stage: FlowStage) -> list[str]:
    whole = stage.entered.numbers[0]
    lines = [stage.title, f"  {'':<36}{'all':>14}{'neutrons':>12}{'gamma rays':>12}{'share':>9}"]
    for step in (stage.entered, *stage.losses, stage.kept):
        total = step.numbers[0]
        if step.is_loss and not total:
            continue
        numbers = [f"{n:,}" if n is not None else "-" for n in step.numbers]
        share = f"{100.0 * total / whole:.1f} %" if whole else "-"
        words = f"- {step.words}" if step.is_loss else step.words
        filled = "█" * round(_BAR * total / whole) if whole else ""
        columns = f"{numbers[0]:>14}{numbers[1]:>12}{numbers[2]:>12}{share:>9}"
        lines.append(f"  {words:<36}{columns}  {filled}")
    return [*lines, ""]


def _spectra_page(report: Report, begin: int) -> Figure:
    shown = report.spectra[begin : begin + _SPECTRA_A_PAGE]
    figure = _page("Spectra" if begin == 0 else "Spectra, continued")
    grid = figure.add_gridspec(
        _SPECTRA_A_PAGE, 1, left=0.12, right=0.94, top=0.9, bottom=0.06, hspace=0.36
    )
    for k, filled in enumerate(shown):
        axes = figure.add_subplot(grid[k, 0])
        draw_spectrum(axes, filled)
        axes.set_title(filled.spectrum.title, fontsize=10.5, loc="left", weight="bold")
    return figure


def _detector_page(report: Report) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    assert report.detectors is not None
    figure = Figure(figsize=(_A4[1], _A4[0]), facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle("Detectors: mean positions of their hits", weight="bold")
    draw_detectors(figure, report.detectors, report.bars, report.plane, report.target_cm)
    return figure


def _node_lines(report: Report) -> list[str]:
    nodes = sorted(report.record.nodes, key=lambda n: -n.seconds)
    return [f"{n.name:<34}{n.status:>10}{time_text(n.seconds):>10}   {n.reason}" for n in nodes]


def _provenance_lines(report: Report) -> list[str]:
    record = report.record
    lines = [f"software  {record.software}", f"written   {record.created_utc}"]
    lines += [f"command   {record.run_command}", "", "input files"]
    lines += [
        f"  {i.path}  left out: {i.failure}"
        if i.failure
        else f"  {i.path}  {i.size:,} bytes  xxh3_128 {i.content_hash}"
        for i in record.inputs
    ]
    lines += ["", "versions", *(f"  {name:<20}{v}" for name, v in record.versions.items())]
    return lines
