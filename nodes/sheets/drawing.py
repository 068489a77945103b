"""Sheets in, the bytes of a PNG or a PDF out: equal sheets give equal bytes.

Plain functions, no nodes. No axes are made: they cost more time than all they would show.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from ...schemas.arrays import F8
from ...schemas.sheets import Fills, Marks, Shape, Sheet, Strokes, Symbol, Words
from ..figure_style import METADATA, figure_style
from .symbols import outline

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.path import Path


def sheet_png(sheet: Sheet, dpi: float = 100.0) -> bytes:
    """The sheet as a PNG of ``dpi`` pixels an inch."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    with figure_style():
        figure = _figure(sheet, dpi)
        FigureCanvasAgg(figure)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=dpi, metadata=METADATA["png"])
    return buffer.getvalue()


def sheets_pdf(sheets: Sequence[Sheet]) -> bytes:
    """The sheets as the pages of one PDF, in their order; ValueError without any."""
    if not sheets:
        msg = "a PDF needs at least one page"
        raise ValueError(msg)
    from matplotlib.backends.backend_pdf import PdfPages

    buffer = io.BytesIO()
    # Fonts as Type 3 are ready in half the time; the text can be searched all the same.
    with figure_style({"pdf.fonttype": 3}), PdfPages(buffer, metadata=METADATA["pdf"]) as pages:
        for sheet in sheets:
            pages.savefig(_figure(sheet, 72.0))
    return buffer.getvalue()


def _figure(sheet: Sheet, dpi: float) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=sheet.size, dpi=dpi, facecolor="white")
    # Texts that follow each other are one artist: it draws what it has as it was given.
    for level, (lettering, shapes) in enumerate(groupby(sheet.shapes, _is_words)):
        made = _lettered if lettering else _drawn
        for artist in made(shapes, figure.dpi_scale_trans):
            artist.set_zorder(level)
            figure.add_artist(artist)
    return figure


def _is_words(shape: Shape) -> bool:
    return isinstance(shape, Words)


def _lettered(texts: Iterable[Any], inches: Any) -> list[Any]:
    from .lettering import Lettering

    return [Lettering(tuple(texts), inches)]


def _drawn(shapes: Iterable[Any], inches: Any) -> list[Any]:
    return [_artist(shape, inches) for shape in shapes if len(shape.xy)]


def _artist(shape: Strokes | Fills | Marks, inches: Any) -> Any:
    from matplotlib.lines import Line2D
    from matplotlib.patches import PathPatch

    if isinstance(shape, Strokes):
        return Line2D(
            shape.xy[:, 0], shape.xy[:, 1], color=shape.color, lw=shape.width, alpha=shape.alpha,
            ls=(0, (4, 3)) if shape.dashed else "-", transform=inches,
        )  # fmt: skip
    if isinstance(shape, Fills):
        return PathPatch(
            _path(_pieces(shape.xy)), fc=shape.color, ec="none", alpha=shape.alpha, transform=inches
        )
    drawn = outline(shape.symbol)
    return Line2D(
        shape.xy[:, 0], shape.xy[:, 1], ls="none", marker=_symbol_path(shape.symbol),
        # Matplotlib scales a path to its largest coordinate.
        ms=2.0 * shape.size * max(np.abs(line).max() for line in drawn.lines),
        mfc=shape.color if drawn.filled else "none", mec="none" if drawn.filled else shape.color,
        mew=drawn.width, alpha=shape.alpha, transform=inches,
    )  # fmt: skip


def _pieces(xy: F8) -> list[F8]:
    """The areas between rows of NaN."""
    gaps = np.flatnonzero(np.isnan(xy[:, 0]))
    pieces = np.split(xy, gaps)
    kept = (p[1:] if len(p) and np.isnan(p[0, 0]) else p for p in pieces)
    return [p for p in kept if len(p) > 1]


@cache
def _symbol_path(symbol: Symbol) -> Path:
    return _path(outline(symbol).lines)


def _path(lines: Sequence[F8]) -> Path:
    from matplotlib.path import Path

    if not lines:
        return Path(np.empty((0, 2)))
    codes = np.concatenate([[Path.MOVETO, *[Path.LINETO] * (len(p) - 1)] for p in lines])
    return Path(np.concatenate(lines), codes)
