"""Figures of the report: spectra, detectors. Each is drawn on axes that are handed in,
so that the page and the PDF show the same.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from ...nodes.figure_style import METADATA, figure_style
from ...nodes.imaging.plane import corners_cm, plane_to_world
from ...schemas.imaging.images import PixelGrid, PlaneFrame
from .saved_spectra import FilledSpectrum

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito: apart for the colour-blind too.
COLORS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
_STYLES: Final = ("-", "-", "-", "--", "--", "--", ":")
STYLE: Final[dict[str, Any]] = {"font.size": 9.0, "axes.linewidth": 0.8, "svg.fonttype": "path"}
# Curves that differ by more than this in height are drawn over a logarithm.
_LOG_ABOVE: Final = 30.0
_MOST_NAMED_DETECTORS: Final = 40
# Centimetres that a name needs are these parts of what is drawn along x and along y.
_NAME_WIDTH: Final = 0.055
_NAME_HEIGHT: Final = 0.04
# A plane that reaches this many times farther than the detectors is cut off beside them.
_FAR: Final = 1.5


def svg_of(draw: Callable[[Figure], None], size: tuple[float, float]) -> str:
    """A figure of a size in inches as SVG text; the same input gives the same text."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with figure_style(STYLE):
        figure = Figure(figsize=size, facecolor="white", layout="constrained")
        FigureCanvasAgg(figure)
        draw(figure)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata=METADATA["svg"])
    return buffer.getvalue()


def draw_spectrum(axes: Axes, filled: FilledSpectrum) -> None:
    """Counts of each curve over the axis of the spectrum."""
    spectrum, curves = filled.spectrum, filled.curves
    tops = [int(h.counts.max()) for h in curves.values() if h.counts.any()]
    for k, (name, h) in enumerate(curves.items()):
        axes.stairs(
            h.counts, h.edges, label=name, color=COLORS[k % 7], ls=_STYLES[k % 7], lw=1.2,
            baseline=None,
        )  # fmt: skip
    # The legend has the upper part of the axes for itself, two entries a row.
    kept = 0.93 - 0.07 * ((len(curves) + 1) // 2)
    top = max(tops, default=1)
    if tops and top > _LOG_ABOVE * min(tops):
        axes.set_yscale("log")
        axes.set_ylim(0.5, 0.5 * (2.0 * top) ** (1.0 / kept))
        _plain_decades(axes)
    else:
        axes.set_ylim(0.0, top / kept)
    if spectrum.symmetric:
        axes.axvline(0.0, color="#888888", lw=0.8, zorder=0)
    first = next(iter(curves.values())).edges
    axes.set_xlim(first[0], first[-1])
    step = first[1] - first[0]
    axes.set_xlabel(f"{spectrum.axis} ({spectrum.unit})")
    axes.set_ylabel(f"counts / {step:.3g} {spectrum.unit}")
    axes.legend(frameon=False, fontsize=8.0, loc="upper center", ncols=2)


def _plain_decades(axes: Axes) -> None:
    # Mathtext is switched off for all figures: what users write is no formula.
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def draw_detectors(
    figure: Figure,
    table: pd.DataFrame,
    bars: Iterable[Any],
    plane: tuple[PlaneFrame, PixelGrid] | None,
    target_cm: np.ndarray | None,
) -> None:
    """Mean positions of the hits of each detector from two sides, coloured by their number."""
    front, side = figure.subplots(1, 2)
    points: Any = None
    ends_of_bars = [_ends(bar) for bar in bars]
    corners = None if plane is None else plane_to_world(*corners_cm(plane[1]), *plane)
    solid = np.concatenate([table[["x_cm", "y_cm", "z_cm"]].to_numpy(), *ends_of_bars])
    for axes, (a, b) in ((front, "xy"), (side, "zy")):
        i, j = "xyz".index(a), "xyz".index(b)
        for ends in ends_of_bars:
            axes.plot(ends[:, i], ends[:, j], color="#999999", lw=3.0, alpha=0.6, zorder=1)
        shown = solid[:, [i, j]]
        if corners is not None:
            outline = corners[:, [i, j]]
            cut = _FAR * np.ptp(shown, axis=0).max() < np.ptp(outline, axis=0).max()
            words = "plane (cut off)" if cut else "plane"
            axes.plot(*outline.T, color=COLORS[1], lw=1.2, label=words)
            # Where the plane is far too large its middle still says where it lies.
            shown = np.concatenate([shown, outline[:4].mean(axis=0)[None] if cut else outline])
        if target_cm is not None and np.isfinite(target_cm).all():
            axes.plot(target_cm[i], target_cm[j], "o", mfc="none", mec=COLORS[2], ms=9, ls="none",
                      label="prior's target")  # fmt: skip
        points = axes.scatter(
            table[f"{a}_cm"], table[f"{b}_cm"], c=table["hits"], cmap="viridis", s=22, zorder=3,
            vmin=0,
        )  # fmt: skip
        half = 0.55 * max(float(np.ptp(shown, axis=0).max()), 1.0)
        middle = 0.5 * (shown.min(axis=0) + shown.max(axis=0))
        axes.set_xlim(middle[0] - half, middle[0] + half)
        axes.set_ylim(middle[1] - half, middle[1] + half)
        _name_detectors(axes, table, (a, b), 2.0 * half)
        axes.set_xlabel(f"{a} (cm)")
        axes.set_ylabel(f"{b} (cm)")
        axes.set_aspect("equal", adjustable="box")
    if plane is not None or target_cm is not None:
        side.legend(
            frameon=False, fontsize=8.0, ncols=2, loc="lower left", bbox_to_anchor=(0.0, 1.0)
        )
    figure.colorbar(points, ax=[front, side], label="hits", shrink=0.85)


def _ends(bar: Any) -> np.ndarray:
    """Both ends of a bar in the world, shape (2, 3)."""
    half = 0.5 * bar.length * np.asarray(bar.axis)
    return np.array([np.asarray(bar.center) - half, np.asarray(bar.center) + half])


def _name_detectors(axes: Axes, table: pd.DataFrame, ab: tuple[str, str], extent: float) -> None:
    """The numbers of the detectors; one that would lie on another is left out."""
    if len(table) > _MOST_NAMED_DETECTORS:
        return
    named: list[np.ndarray] = []
    room = extent * np.array([_NAME_WIDTH, _NAME_HEIGHT])
    for det_id, *at in table[["det_id", *(f"{axis}_cm" for axis in ab)]].itertuples(index=False):
        if any((np.abs(np.array(at) - other) < room).all() for other in named):
            continue
        named.append(np.array(at))
        axes.annotate(
            str(int(det_id)), (at[0], at[1]), xytext=(3, 3), textcoords="offset points",
            fontsize=6.5,
        )  # fmt: skip
