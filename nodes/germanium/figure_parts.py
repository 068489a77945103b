"""Panels of the pages of a channel: axes, steps, points with errors, tables. No nodes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from ...schemas.arrays import F8
from ...schemas.sheets import Align, Fills, Marks, Shape, Sheet, Strokes, Words
from ..sheets.frames import GREY, INK, LIGHT, Frame, bars, decades, lines, number, ticks_of

WIDTH: Final = 12.0
_ROW: Final = 0.24


@dataclass
class Page:
    """A page in the making."""

    name: str
    title: str
    height: float
    width: float = WIDTH
    shapes: list[Shape] = field(default_factory=list)

    def sheet(self) -> Sheet:
        """The finished page, its title at the top."""
        head = Words(0.4, self.height - 0.3, self.title, 13.0, bold=True)
        return Sheet(self.name, self.title, (self.width, self.height), (head, *self.shapes))


def no_page(name: str, title: str, why: str) -> Sheet:
    """A page that says why there is nothing on it."""
    page = Page(name, title, 1.4)
    page.shapes.append(Words(0.4, 0.55, why, 10.0, GREY))
    return page.sheet()


def axes(
    frame: Frame,
    x_label: str,
    y_label: str,
    title: str = "",
    *,
    x_labels: bool = True,
    at_most: tuple[int, int] = (8, 6),
) -> list[Shape]:
    """Border, ticks and names of a panel."""
    x_ticks = ticks_of(frame.x_limits, at_most[0])
    y_ticks = decades(frame.y_limits) if frame.log_y else ticks_of(frame.y_limits, at_most[1])
    shapes = frame.shapes(x_ticks, y_ticks, x_labels=x_labels)
    middle = frame.x + 0.5 * frame.w
    if x_labels:
        shapes.append(Words(middle, frame.y - 0.38, x_label, 9.0, align="center"))
    side = Words(
        frame.x - 0.62, frame.y + 0.5 * frame.h, y_label, 9.0, align="center", upright=True
    )
    shapes.append(side)
    if title:
        shapes.append(Words(frame.x, frame.y + frame.h + 0.14, title, 10.0, bold=True))
    return shapes


def step_line(
    frame: Frame, edges: ArrayLike, counts: ArrayLike, color: str, width: float = 1.0
) -> Strokes:
    """A histogram as its outline; on a logarithmic axis empty bins lie at the bottom."""
    e, c = np.asarray(edges, dtype=float), np.asarray(counts, dtype=float)
    x, y = np.repeat(e, 2), np.concatenate([[0.0], np.repeat(c, 2), [0.0]])
    if frame.log_y:
        y = np.maximum(y, frame.y_limits[0])
    return Strokes(frame.at(x, y), color, width)


def curve(
    frame: Frame,
    x: ArrayLike,
    y: ArrayLike,
    color: str,
    width: float = 1.4,
    *,
    dashed: bool = False,
) -> Strokes:
    """A line through points; it is broken where y is NaN or outside of the frame."""
    values = np.array(y, dtype=float)
    low, high = min(frame.y_limits), max(frame.y_limits)
    outside = ~((values >= low) & (values <= high))
    xy = frame.at(x, values)
    xy[outside] = np.nan
    return Strokes(xy, color, width, dashed=dashed)


def band(frame: Frame, x: F8, low: F8, high: F8, color: str) -> Fills:
    """The area between two curves."""
    good = np.isfinite(low) & np.isfinite(high)
    below, above = frame.at(x[good], low[good]), frame.at(x[good], high[good])
    return Fills(np.concatenate([below, above[::-1]]), color, 0.25)


def points(
    frame: Frame, x: ArrayLike, y: ArrayLike, error: ArrayLike | None, color: str, size: float = 4.5
) -> list[Shape]:
    """Dots within the frame, with bars of one error where it is given."""
    xs, ys = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    low, high = min(frame.y_limits), max(frame.y_limits)
    good = (ys >= low) & (ys <= high) & (xs >= frame.x_limits[0]) & (xs <= frame.x_limits[1])
    shapes: list[Shape] = []
    if error is not None:
        e = np.asarray(error, dtype=float)
        both = good & np.isfinite(e)
        shapes.append(
            Strokes(bars(frame, xs[both], ys[both] - e[both], ys[both] + e[both]), color, 0.9)
        )
    shapes.append(Marks(frame.at(xs[good], ys[good]), "dot", color, size))
    return shapes


def level(frame: Frame, y: float, color: str = GREY, *, dashed: bool = True) -> Strokes:
    """A level line across the frame."""
    return Strokes(frame.row(y), color, 0.9, dashed=dashed)


def upright(frame: Frame, x: float, color: str = GREY) -> Strokes:
    """A dashed upright line through the frame."""
    inside = frame.x_limits[0] <= x <= frame.x_limits[1]
    xy = frame.at([x, x], frame.y_limits) if inside else np.empty((0, 2))
    return Strokes(xy, color, 0.9, dashed=True)


def key(x: float, y: float, entries: Sequence[tuple[str, str]]) -> list[Shape]:
    """What the colours mean, one below the other from (x, y) down."""
    shapes: list[Shape] = []
    for k, (text, color) in enumerate(entries):
        at = y - 0.2 * k
        shapes.append(Strokes(np.array([[x, at], [x + 0.25, at]]), color, 2.0))
        shapes.append(Words(x + 0.33, at, text, 8.5))
    return shapes


def table(
    x: float, y: float, widths: Sequence[float], rows: Sequence[Sequence[str]]
) -> list[Shape]:
    """Rows of text from (x, y) down, the first in bold above a line; numbers to the right."""
    shapes: list[Shape] = []
    for r, row in enumerate(rows):
        at = y - _ROW * r
        left = x
        for c, (text, width) in enumerate(zip(row, widths, strict=True)):
            align: Align = "left" if c == 0 else "right"
            place = left if c == 0 else left + width
            shapes.append(Words(place, at, text, 8.8, INK, align=align, bold=r == 0))
            left += width
    rule = np.array([[x, y - 0.5 * _ROW], [x + sum(widths), y - 0.5 * _ROW]])
    shapes.append(Strokes(rule, LIGHT, 0.8))
    return shapes


def with_error(value: float, error: float) -> str:
    """A value and its error with two digits of the error."""
    if not math.isfinite(value):
        return "–"
    if not math.isfinite(error) or error <= 0.0:
        return number(value)
    decimals = max(0, 1 - math.floor(math.log10(error)))
    return f"{value:.{decimals}f} ± {error:.{decimals}f}".replace("-", "−")


def percent(value: float, error: float) -> str:
    """A share and its error in percent."""
    return "–" if not math.isfinite(value) else f"{100.0 * value:.1f} ± {100.0 * error:.1f}"


def limits_of(values: ArrayLike, margin: float = 0.08) -> tuple[float, float]:
    """Limits of an axis that hold the finite values, with a margin."""
    v = np.asarray(values, dtype=float)
    v = v[np.isfinite(v)]
    if not len(v):
        return (0.0, 1.0)
    room = max(margin * float(np.ptp(v)), 1e-12, 1e-6 * abs(float(v.max())))
    return (float(v.min()) - room, float(v.max()) + room)


def top_of_counts(counts: ArrayLike, *, log: bool = False) -> tuple[float, float]:
    """Limits of an axis of counts."""
    highest = max(float(np.max(np.asarray(counts), initial=0.0)), 1.0)
    return (0.5, 2.5 * highest) if log else (0.0, 1.12 * highest)


def cells(frame: Frame, x: F8, y: F8, size: tuple[float, float], counts: F8) -> list[Shape]:
    """Cells of a plane by their counts: six shades, each for a factor."""
    low, high = frame.y_limits
    keep = (y > low) & (y < high) & (x > frame.x_limits[0]) & (x < frame.x_limits[1])
    x, y, counts = x[keep], y[keep], counts[keep]
    if not len(x):
        return []
    highest = max(float(counts.max()), 2.0)
    shade = np.minimum((len(_SHADES) * np.log(counts) / math.log(highest)).astype(int), 5)
    half = (0.5 * size[0], 0.5 * size[1])
    corners = ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))
    at = np.stack([frame.at(x + i * half[0], y + j * half[1]) for i, j in corners], axis=1)
    return [
        Fills(lines(list(at[shade == k])), color)
        for k, color in enumerate(_SHADES)
        if (shade == k).any()
    ]


_SHADES: Final = ("#d6e6f2", "#aecde5", "#7fb0d6", "#4a8cc0", "#1f65a0", "#0b3c68")
