"""Where everything stands in a figure, in inches. Plain functions, no nodes.

Sizes are for a column of 86 mm: at that width the smallest print is 5 points, the axes' 7.
The image keeps its proportions; planes longer than 12 : 1 are drawn 12 : 1.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["headline", "species", "small"]

# Text size in points and height of a line in inches.
_FONTS: Final[dict[Kind, tuple[float, float]]] = {
    "headline": (13.0, 0.25),
    "species": (12.0, 0.24),
    "small": (9.5, 0.185),
}
_MAX_LINES: Final = 2
_ELLIPSIS: Final = " …"

_LEFT: Final = 0.92
_MARGIN: Final = 0.14
_TOP: Final = 0.12
_GAP: Final = 0.09
_CURVE_HEIGHT: Final = 1.15
_CURVE_WIDTH: Final = 1.25
_TICKS_AND_LABEL: Final = 0.56
_BAR: Final = 0.15
_BAR_LABEL: Final = 0.54
_VERTICAL_BAR_LABEL: Final = 0.72
_LEGEND_ROW: Final = 0.3
_FOOTER: Final = 0.38
_PANEL_ROW: Final = 0.2
PANEL_NAMES: Final = 1.75
_PANEL_COLUMN: Final = 1.05
_LEAST_WIDTH: Final = 5.0
_LEAST_HORIZONTAL_BAR: Final = 3.2
_GREATEST_RATIO: Final = 12.0


@dataclass(frozen=True)
class Box:
    """A rectangle: left, bottom, width, height in inches."""

    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True)
class Line:
    """A line of text: what, size in points, height of its middle above the bottom in inches."""

    text: str
    kind: Kind
    font_size: float
    y: float


@dataclass(frozen=True)
class Layout:
    """Boxes of a figure of ``size`` (width, height) in inches.

    ``u_curve`` and ``v_curve`` are None without projections; ``legend`` is the corner between
    them, or a row above the image. ``panel`` is None without a table of numbers.
    """

    size: tuple[float, float]
    lines: tuple[Line, ...]
    text_x: float
    image: Box
    u_curve: Box | None
    v_curve: Box | None
    color_bar: Box
    horizontal_color_bar: bool
    legend: Box
    panel: Box | None
    label_gap: float = 0.7

    def fraction(self, box: Box) -> tuple[float, float, float, float]:
        """The box as matplotlib wants it, in fractions of the figure."""
        width, height = self.size
        return (box.x / width, box.y / height, box.w / width, box.h / height)


def image_size(u_range: float, v_range: float) -> tuple[float, float]:
    """Width and height of the image in inches: long planes get a longer side."""
    ratio = min(max(u_range / v_range, v_range / u_range), _GREATEST_RATIO)
    long = 4.2 + 1.8 * min(max((ratio - 1.5) / 4.5, 0.0), 1.0)
    return (long, long / ratio) if u_range >= v_range else (long / ratio, long)


def layout_of(
    ranges: tuple[float, float],
    with_curves: bool,
    texts: Sequence[tuple[str, Kind]],
    panel: Sequence[Sequence[str]],
) -> Layout:
    """The layout of an image over ``ranges`` (u, v) with header ``texts`` and a table."""
    w, h = image_size(*ranges)
    horizontal = w >= _LEAST_HORIZONTAL_BAR
    curve_w = _GAP + _CURVE_WIDTH if with_curves else 0.0
    bar_w = 0.0 if horizontal else _GAP + _BAR + _VERTICAL_BAR_LABEL
    # The last tick label of the image reaches over its edge.
    content = _LEFT + w + curve_w + bar_w + (_MARGIN if bar_w else 0.24)
    table = 2 * _MARGIN + PANEL_NAMES + _PANEL_COLUMN * (len(panel[0]) - 1) if panel else 0.0
    width = max(content, _LEAST_WIDTH, table)
    # Narrow images stand in the middle, beginning with their own labels.
    x = _LEFT + 0.5 * (width - content)
    lines = _wrapped(texts, width - _MARGIN - (x if width == content else _MARGIN))

    bar_h = _BAR + _BAR_LABEL if horizontal else 0.0
    panel_h = len(panel) * _PANEL_ROW + 0.2 if panel else 0.0
    bottom = _FOOTER + panel_h + bar_h + _TICKS_AND_LABEL
    above = _GAP + _CURVE_HEIGHT if with_curves else _LEGEND_ROW
    header = sum(_FONTS[kind][1] for _, kind in lines)
    height = bottom + h + above + _GAP + header + _TOP
    image = Box(x, bottom, w, h)
    over, right = bottom + h + _GAP, x + w + _GAP
    u_curve = Box(x, over, w, _CURVE_HEIGHT) if with_curves else None
    v_curve = Box(right, bottom, _CURVE_WIDTH, h) if with_curves else None
    corner = Box(right, over, width - right, _CURVE_HEIGHT)
    text_x = x if width == content else _MARGIN
    row = Box(text_x, bottom + h, width - text_x - _MARGIN, _LEGEND_ROW)
    bar = (
        Box(x, _FOOTER + panel_h + _BAR_LABEL, w, _BAR)
        if horizontal
        else Box(x + w + curve_w + 1.5 * _GAP, bottom, _BAR, h)
    )
    return Layout(
        size=(round(width, 2), round(height, 2)),
        lines=_placed(lines, height - _TOP),
        text_x=text_x,
        image=image,
        u_curve=u_curve,
        v_curve=v_curve,
        color_bar=bar,
        horizontal_color_bar=horizontal,
        legend=corner if with_curves else row,
        panel=_panel_box(panel, width),
    )


def _panel_box(panel: Sequence[Sequence[str]], width: float) -> Box | None:
    if not panel:
        return None
    widest = PANEL_NAMES + 1.3 * _PANEL_COLUMN * (len(panel[0]) - 1)
    return Box(_MARGIN, _FOOTER + 0.06, min(width - 2 * _MARGIN, widest), len(panel) * _PANEL_ROW)


def _placed(lines: list[tuple[str, Kind]], top: float) -> tuple[Line, ...]:
    placed = []
    for text, kind in lines:
        font_size, height = _FONTS[kind]
        placed.append(Line(text, kind, font_size, top - 0.5 * height))
        top -= height
    return tuple(placed)


def _wrapped(texts: Sequence[tuple[str, Kind]], width: float) -> list[tuple[str, Kind]]:
    """The texts in lines that fit into ``width`` inches, each text in two lines at most."""
    lines: list[tuple[str, Kind]] = []
    for text, kind in texts:
        parts = textwrap.wrap(
            text,
            characters_in(width, _FONTS[kind][0], bold=kind == "headline"),
            max_lines=_MAX_LINES,
            placeholder=_ELLIPSIS,
            break_long_words=True,
        )
        lines += [(part, kind) for part in parts]
    return lines


def characters_in(width: float, font_size: float, *, bold: bool = False) -> int:
    """How many characters of DejaVu Sans surely fit into so many inches."""
    # Mean width of its letters and digits, in units of the size, with some room.
    mean_width = 0.66 if bold else 0.53
    return max(int(72.0 * width / (mean_width * font_size)), 8)
