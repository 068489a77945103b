"""A sheet of shapes as an SVG in a page: each mark shows its text under the pointer."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from markupsafe import Markup

from ...nodes.sheets.symbols import outline
from ...schemas.sheets import Fills, Marks, Sheet, Strokes, Words
from .parts import drawing

# Units of the picture in an inch and in a point: whole numbers are exact enough, and short.
_INCH: Final = 720
_POINT: Final = 10
_ANCHORS: Final = {"left": "start", "center": "middle", "right": "end"}
# Verdana has the widths of DejaVu Sans, after which the sheets are laid out.
_FONT: Final = "DejaVu Sans, Verdana, sans-serif"
_FIXED: Final = "DejaVu Sans Mono, Consolas, monospace"


def sheet_svg(sheet: Sheet) -> str:
    """The sheet as the text of an SVG element; names in it begin with the sheet's own."""
    width, height = (round(_INCH * inches) for inches in sheet.size)
    picture = _Picture(re.sub(r"[^a-zA-Z0-9_-]", "-", sheet.name), height)
    body = "".join(picture.drawn(shape) for shape in sheet.shapes)
    pixels = tuple(round(96 * inches) for inches in sheet.size)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{pixels[0]}" height="{pixels[1]}" role="img" '
        f'aria-label="{html.escape(sheet.title, quote=True)}" font-family="{_FONT}">'
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>'
        f"<defs>{''.join(picture.symbols.values())}</defs>{body}</svg>"
    )


def sheet_drawing(sheet: Sheet, caption: str = "") -> Markup:
    """The sheet as a figure of a page."""
    return drawing(sheet_svg(sheet), caption)


class _Picture:
    """Shapes as SVG text; symbols are described once and then used."""

    def __init__(self, name: str, height: int) -> None:
        self._name, self._height = name, height
        self.symbols: dict[tuple[Any, ...], str] = {}

    def drawn(self, shape: Strokes | Fills | Marks | Words) -> str:
        if isinstance(shape, Words):
            return self._words(shape)
        if not len(shape.xy):
            return ""
        if isinstance(shape, Marks):
            return self._marks(shape)
        see_through = _see_through(shape.alpha)
        path = _path(self._units(shape.xy), close=isinstance(shape, Fills))
        if isinstance(shape, Fills):
            return f'<path d="{path}" fill="{shape.color}"{see_through}/>'
        dash = ' stroke-dasharray="40 30"' if shape.dashed else ""
        return (
            f'<path d="{path}" fill="none" stroke="{shape.color}" '
            f'stroke-width="{_POINT * shape.width:g}"{dash}{see_through}/>'
        )

    def _units(self, xy: np.ndarray) -> np.ndarray:
        return np.column_stack([_INCH * xy[:, 0], self._height - _INCH * xy[:, 1]])

    def _marks(self, marks: Marks) -> str:
        name = self._symbol(marks)
        places = np.rint(self._units(marks.xy)).astype(np.int64).tolist()
        texts: Sequence[str] = marks.texts or [""] * len(places)
        return "".join(
            f'<use href="#{name}" x="{x}" y="{y}">{_title(text)}</use>'
            for (x, y), text in zip(places, texts, strict=True)
        )

    def _symbol(self, marks: Marks) -> str:
        """The name of a symbol, which is described when it is first used."""
        key = (marks.symbol, marks.color, marks.size, marks.alpha)
        known = list(self.symbols)
        number = known.index(key) if key in self.symbols else len(known)
        name = f"{self._name}-{number}"
        if key not in self.symbols:
            drawn = outline(marks.symbol)
            scale = _POINT * marks.size
            path = "".join(
                _path(line * (scale, -scale), close=drawn.filled) for line in drawn.lines
            )
            paint = (
                f'fill="{marks.color}"'
                if drawn.filled
                else f'fill="none" stroke="{marks.color}" stroke-width="{_POINT * drawn.width:g}"'
            )
            see_through = _see_through(marks.alpha)
            # The pointer finds the inside of an open symbol, too.
            self.symbols[key] = (
                f'<path id="{name}" d="{path}" {paint}{see_through} pointer-events="all"/>'
            )
        return name

    def _words(self, words: Words) -> str:
        x, y = round(_INCH * words.x), self._height - round(_INCH * words.y)
        turned = f' transform="rotate(-90 {x} {y})"' if words.upright else ""
        weight = ' font-weight="bold"' if words.bold else ""
        family = f' font-family="{_FIXED}" xml:space="preserve"' if words.fixed_pitch else ""
        # A third of the size lies below the middle of the letters.
        return (
            f'<text x="{x}" y="{y}" dy="0.35em" font-size="{_POINT * words.size:g}" '
            f'text-anchor="{_ANCHORS[words.align]}" fill="{words.color}"{weight}{family}{turned}>'
            f"{html.escape(words.text)}</text>"
        )


def _title(text: str) -> str:
    return f"<title>{html.escape(text)}</title>" if text else ""


def _see_through(alpha: float) -> str:
    return "" if alpha >= 1.0 else f' opacity="{alpha:g}"'


def _path(xy: np.ndarray, *, close: bool) -> str:
    """Lines between rows of NaN as steps from point to point."""
    parts = []
    end = "z" if close else ""
    for piece in np.split(xy, np.flatnonzero(np.isnan(xy[:, 0]))):
        known = piece[~np.isnan(piece).any(axis=1)]
        if len(known) > 1:
            points = np.rint(known).astype(np.int64)
            (x, y), steps = points[0], np.diff(points, axis=0).ravel()
            parts.append(f"M{x} {y}l{' '.join(map(str, steps.tolist()))}{end}")
    return "".join(parts)
