"""The one picture of a mask: a symbol at each channel of each ADC. Plain functions, no nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...schemas.arrays import U1
from ...schemas.sheets import Marks, Shape, Sheet, Strokes, Symbol, Words
from ..sheets.frames import GREEN, GREY, ORANGE, Frame, lines
from .figure_parts import Heading, Key, heading_shapes

RED: Final = "#c4001a"
VIOLET: Final = "#6a3d9a"
_SIZE: Final = (16.0, 4.0)
_LEFT, _RIGHT, _ABOVE, _BELOW = 0.75, 0.2, 1.0, 0.52


@dataclass(frozen=True)
class Kind:
    """One kind of channel in a mask: symbol, colour, width in points, words of the legend."""

    symbol: Symbol
    color: str
    size: float
    words: str


KINDS: Final[dict[str, Kind]] = {
    "good": Kind("ring", GREEN, 11.0, "good"),
    "bad": Kind("frown", RED, 13.0, "contact LRS expert"),
    "railed_high": Kind("up", VIOLET, 11.0, "stuck at the top: expert"),
    "railed_low": Kind("down", VIOLET, 11.0, "stuck at the bottom: expert"),
    "flat": Kind("square", VIOLET, 11.0, "no noise: expert"),
    "sparking": Kind("star", ORANGE, 13.0, "sparks: expert"),
    "known": Kind("dot", "#000000", 5.5, "known problem: ignore"),
    "no_data": Kind("dash", GREY, 9.0, "no data"),
}
"""What can stand in a mask, in the order of the legend; "inactive" stands for a blank."""
KIND_NAMES: Final = ("inactive", *KINDS)


@dataclass(frozen=True)
class MaskGrid:
    """A mask as it is drawn.

    ``kinds`` (n_adcs, n_channels) are positions in KIND_NAMES; ``letters`` (same shape, texts)
    stand beside a symbol; ``words`` are the legend's own for some kinds.
    """

    name: str
    title: str
    kinds: U1
    letters: NDArray[np.str_]
    words: dict[str, str]
    note: str = ""


def mask_sheet(grid: MaskGrid, heading: Heading, *, faces: bool) -> Sheet:
    """The picture, 16 by 4 inches; without ``faces`` a cross marks a bad channel."""
    n_adcs, n_channels = grid.kinds.shape
    frame, _ = mask_frame(n_adcs, n_channels)
    shapes = heading_shapes(grid.title, heading, _SIZE, _keys(grid, faces))
    shapes += _grid_lines(frame, n_adcs, n_channels)
    for code, name in enumerate(KIND_NAMES):
        adc, channel = np.nonzero(grid.kinds == code)
        if name in KINDS:
            kind = _shown(name, faces)
            texts = tuple(
                f"ADC {a} channel {c}: {_words(grid, name)}{_letters(grid, a, c)}"
                for a, c in zip(adc.tolist(), channel.tolist(), strict=True)
            )
            xy = frame.at(channel, adc)
            shapes.append(Marks(xy, kind.symbol, kind.color, kind.size, 1.0, texts))
    for a, c in np.argwhere(grid.letters != "").tolist():
        (x, y), text = frame.at(c, a)[0], str(grid.letters[a, c])
        shapes.append(Words(x, y - 0.135, text, 7.0, RED, align="center", bold=True))
    shapes += frame.shapes(np.arange(0.0, n_channels, 4.0), np.arange(float(n_adcs)))
    shapes += [
        Words(_LEFT + 0.5 * frame.w, 0.16, "channel", 10.0, align="center"),
        Words(0.3, _BELOW + 0.5 * frame.h, "ADC", 10.0, align="center", upright=True),
        Words(_SIZE[0] - 0.3, 0.16, grid.note, 9.0, GREY, align="right"),
    ]
    return Sheet(grid.name, grid.title, _SIZE, tuple(shapes))


def mask_frame(n_adcs: int, n_channels: int) -> tuple[Frame, tuple[float, float]]:
    """Where channels (along) and ADCs (up) stand in the picture, and the size of the picture."""
    frame = Frame(
        _LEFT, _BELOW, _SIZE[0] - _LEFT - _RIGHT, _SIZE[1] - _ABOVE - _BELOW,
        (-0.8, n_channels - 0.2), (-0.5, n_adcs - 0.5),
    )  # fmt: skip
    return frame, _SIZE


def _grid_lines(frame: Frame, n_adcs: int, n_channels: int) -> list[Shape]:
    """Between the two halves of an ADC, and between the modules (two ADCs each)."""
    middle = 0.5 * n_channels - 0.5
    upright = frame.at([middle, middle], frame.y_limits)
    between = [frame.row(edge) for edge in np.arange(1.5, n_adcs - 1.0, 2.0)]
    return [Strokes(lines([upright, *between]), "#9a9a9a", 0.9)]


def _keys(grid: MaskGrid, faces: bool) -> tuple[Key, ...]:
    """The usual kinds always, the others where they occur."""
    always = {"good", "bad", "known"}
    present = {KIND_NAMES[code] for code in np.unique(grid.kinds)}
    return tuple(
        Key(f"{_words(grid, name)} ({int((grid.kinds == KIND_NAMES.index(name)).sum())})",
            _shown(name, faces).color, _shown(name, faces).symbol)
        for name in KINDS
        if name in always | present
    )  # fmt: skip


def _shown(name: str, faces: bool) -> Kind:
    kind = KINDS[name]
    if faces or kind.symbol != "frown":
        return kind
    return Kind("cross", kind.color, kind.size, kind.words)


def _words(grid: MaskGrid, name: str) -> str:
    return grid.words.get(name, KINDS[name].words)


def _letters(grid: MaskGrid, adc: int, channel: int) -> str:
    text = str(grid.letters[adc, channel])
    return f" ({text})" if text else ""
