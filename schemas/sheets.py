"""A page as a list of plain shapes, in inches from its lower left corner.

What a page shows is decided once, with numbers only; nodes/sheets draws it as PDF or PNG and
drivers/html as SVG with a text at every mark, so the two can not differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .arrays import F8

Align = Literal["left", "center", "right"]
Symbol = Literal["ring", "dot", "frown", "cross", "up", "down", "star", "dash", "square"]


@dataclass(frozen=True)
class Strokes:
    """Lines of one colour.

    ``xy`` has shape (n, 2), a row of NaN between two lines; ``width`` is in points.
    """

    xy: F8
    color: str
    width: float = 1.0
    alpha: float = 1.0
    dashed: bool = False


@dataclass(frozen=True)
class Fills:
    """Filled areas of one colour: corners of shape (n, 2), a row of NaN between two areas."""

    xy: F8
    color: str
    alpha: float = 1.0


@dataclass(frozen=True)
class Marks:
    """Symbols of one kind and colour at ``xy`` (n, 2), ``size`` points wide.

    ``texts`` (none, or one a mark) are shown by a page in a browser where the pointer rests.
    """

    xy: F8
    symbol: Symbol
    color: str
    size: float = 5.0
    alpha: float = 1.0
    texts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Words:
    """One line of text; ``x``, ``y`` is the middle of its height, ``size`` in points."""

    x: float
    y: float
    text: str
    size: float = 9.0
    color: str = "#1a1a1a"
    align: Align = "left"
    bold: bool = False
    upright: bool = False
    fixed_pitch: bool = False


Shape = Strokes | Fills | Marks | Words


@dataclass(frozen=True)
class Sheet:
    """A page: its name among the pages, what it shows, width and height in inches, shapes.

    Later shapes lie above earlier ones. ``problem`` says why a page could not be drawn.
    """

    name: str
    title: str
    size: tuple[float, float]
    shapes: tuple[Shape, ...]
    problem: str = ""
