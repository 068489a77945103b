"""Counts as colours: scale, colour bar, and what lies beyond it. Plain functions, no nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .figure_parts import ROUND_STEPS
from .figure_picture import Drawing
from .figure_text import count_scale, grouped, pixel_text

if TYPE_CHECKING:
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure


def color_norm(d: Drawing) -> Normalize:
    """From counts to the colour map, linear, as square root or as logarithm."""
    from matplotlib.colors import LogNorm, Normalize, PowerNorm

    low, high = d.count_limits
    if d.scale == "log":
        return LogNorm(low, high)
    return PowerNorm(0.5, low, high) if d.scale == "sqrt" else Normalize(low, high)


def draw_color_bar(figure: Figure, mesh: Any, d: Drawing) -> None:
    """The bar, its triangles where counts lie beyond it, and its ticks."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

    box, horizontal = d.layout.color_bar, d.layout.horizontal_color_bar
    axes = figure.add_axes(d.layout.fraction(box))
    low, high = d.count_limits
    scale, words = (1.0, "counts") if d.scale == "log" else count_scale(max(abs(low), abs(high)))
    figure.colorbar(
        mesh,
        cax=axes,
        orientation="horizontal" if horizontal else "vertical",
        label=f"{words} / ({pixel_text(d.at)} pixel)",
        extend=_beyond(d),
    )
    long_axis = axes.xaxis if horizontal else axes.yaxis
    nbins = min(max(int((box.w if horizontal else box.h) / 0.6), 2), 6)
    if d.scale == "log":
        subs = (1.0, 2.0, 5.0) if high < 100.0 * low else (1.0,)
        long_axis.set_major_locator(LogLocator(subs=subs, numticks=2 * nbins))
        long_axis.set_minor_locator(NullLocator())
    else:
        long_axis.set_major_locator(
            MaxNLocator(nbins=nbins, steps=ROUND_STEPS, integer=high - low > 2.0)
        )
    long_axis.set_major_formatter(FuncFormatter(lambda count, _: f"{count / scale:g}"))
    if not d.has_counts:
        long_axis.set_ticks([low if d.scale == "log" else 0.0])


def _beyond(d: Drawing) -> Literal["neither", "both", "min", "max"]:
    """On which sides counts lie beyond the colours."""
    below, above = (bool(n) for n in _numbers_beyond(d))
    if below and above:
        return "both"
    return "min" if below else "max" if above else "neither"


def beyond_words(d: Drawing) -> str:
    """How many pixels are above the colours, and how far; empty without any."""
    above = _numbers_beyond(d)[1]
    if not above:
        return ""
    pixels = "1 pixel" if above == 1 else f"{grouped(above)} pixels"
    return f"{pixels} above the colours, up to {grouped(float(d.picture.counts.max()))}"


def _numbers_beyond(d: Drawing) -> tuple[int, int]:
    """Pixels below and above the colours; on a logarithmic scale zero is no value below."""
    low, high = d.count_limits
    counts = d.picture.counts
    below = (counts < low) & (counts > 0) if d.scale == "log" else counts < low
    return int(np.count_nonzero(below)), int(np.count_nonzero(counts > high))
