"""Lines of text on a sheet, drawn together. Plain functions, no nodes.

A text artist of matplotlib works out its layout anew each time that it is drawn; the pages of a
report have a thousand short texts, of which most are the same few tick labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

from matplotlib.artist import Artist
from matplotlib.colors import to_rgba
from matplotlib.font_manager import FontProperties

from ...schemas.sheets import Words

if TYPE_CHECKING:
    from matplotlib.backend_bases import RendererBase
    from matplotlib.transforms import Transform

# Half of the ascent of DejaVu Sans (its OS/2 table: 0.76), in sizes of the font.
_MIDDLE: Final = 0.38
_BEFORE: Final = {"left": 0.0, "center": 0.5, "right": 1.0}


class Lettering(Artist):
    """Some texts, whose places are in inches from the lower left corner of the figure."""

    def __init__(self, texts: Sequence[Words], inches: Transform) -> None:
        super().__init__()
        self._texts = tuple(texts)
        self.set_transform(inches)

    def draw(self, renderer: RendererBase) -> None:
        """Draw them with any renderer of matplotlib."""
        _, canvas_height = renderer.get_canvas_width_height()
        widths: dict[tuple[str, FontProperties], float] = {}
        graphics: Any = renderer.new_gc()
        for words in self._texts:
            if not words.text:
                continue
            font = _font(words.size, bold=words.bold, fixed_pitch=words.fixed_pitch)
            key = (words.text, font)
            if key not in widths:
                widths[key] = renderer.get_text_width_height_descent(words.text, font, False)[0]
            before = _BEFORE[words.align] * widths[key]
            below = _MIDDLE * cast("float", renderer.points_to_pixels(words.size))
            x, y = self.get_transform().transform((words.x, words.y))
            across, up = (x + below, y - before) if words.upright else (x - before, y - below)
            graphics.set_foreground(to_rgba(words.color), isRGBA=True)
            at = canvas_height - up if renderer.flipy() else up
            renderer.draw_text(
                graphics, across, at, words.text, font, 90.0 if words.upright else 0.0, False
            )
        graphics.restore()


@cache
def _font(size: float, *, bold: bool, fixed_pitch: bool) -> FontProperties:
    family, weight = "monospace" if fixed_pitch else "sans-serif", "bold" if bold else "normal"
    return FontProperties(family=family, weight=weight, size=size)
