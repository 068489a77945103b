"""What the pages of a light DQM report share: heading, legend, names. Plain functions, no nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ...schemas.sheets import Fills, Marks, Shape, Strokes, Symbol, Words
from ..sheets.frames import GREY, INK

TITLE_SIZE: Final = 14.0
TEXT_SIZE: Final = 9.5
# Mean width of a letter in sizes, with some room.
_LETTER: Final = 0.54


@dataclass(frozen=True)
class Heading:
    """What stands on every page: file, start and end of its data, chosen events in words."""

    source: str
    period: str
    events: str


@dataclass(frozen=True)
class Key:
    """One entry of a legend: a symbol, a line or a band, its colour and its meaning."""

    words: str
    color: str
    symbol: Symbol | None = None
    line: bool = False
    dashed: bool = False
    band: bool = False
    alpha: float = 1.0


def heading_shapes(
    title: str, heading: Heading, size: tuple[float, float], keys: tuple[Key, ...] = ()
) -> list[Shape]:
    """Title, file and legend in the uppermost 1.05 inches of a page."""
    width, height = size
    beside = "  ·  ".join(part for part in (heading.period, heading.events) if part)
    room = int((width - 1.0) / text_inches("x", TEXT_SIZE)) - len(beside)
    source = heading.source
    source = source if len(source) <= room else f"…{source[len(source) - max(room, 8) + 1 :]}"
    return [
        Words(0.3, height - 0.28, title, TITLE_SIZE, bold=True),
        Words(0.3, height - 0.55, beside, TEXT_SIZE, GREY),
        Words(width - 0.3, height - 0.55, source, TEXT_SIZE, GREY, align="right"),
        *legend_shapes(keys, 0.36, height - 0.82),
    ]


def legend_shapes(keys: tuple[Key, ...], x: float, y: float) -> list[Shape]:
    """The entries of a legend in one row from x on."""
    shapes: list[Shape] = []
    for key in keys:
        ends = np.array([[x - 0.05, y], [x + 0.25, y]])
        if key.band:
            corners = ends[[0, 1, 1, 0]] + [[0, -0.06], [0, -0.06], [0, 0.06], [0, 0.06]]
            shapes.append(Fills(corners, key.color, 0.25))
        if key.line:
            shapes.append(Strokes(ends, key.color, 1.2, key.alpha, key.dashed))
        if key.symbol is not None:
            at = np.array([[x + 0.1, y]])
            shapes.append(Marks(at, key.symbol, key.color, 8.0, key.alpha))
        shapes.append(Words(x + 0.34, y, key.words, TEXT_SIZE, INK))
        x += 0.34 + text_inches(key.words, TEXT_SIZE) + 0.22
    return shapes


def text_inches(text: str, size: float) -> float:
    """About how long a text is."""
    return len(text) * _LETTER * size / 72.0


def adc_name(adc: int) -> str:
    """The name of an ADC in one line."""
    return "  ·  ".join(adc_names(adc))


def adc_names(adc: int) -> tuple[str, str]:
    """ADC 2m reads the ArcLight, ADC 2m + 1 the LCM detectors of module m (2x2 light read-out)."""
    return f"ADC {adc}", f"module {adc // 2}, {'LCM' if adc % 2 else 'ArcLight'}"
