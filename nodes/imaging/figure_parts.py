"""Marks, projections, legend, words and table of a figure. Plain functions, no nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from ...schemas.imaging.images import RegionOfInterest
from .figure_layout import PANEL_NAMES
from .figure_picture import Drawing, peak_words
from .figure_text import count_scale, metric_sources
from .peak_curve import fitted_counts
from .plane import corners_cm

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's vermilion: apart from every colour of cividis, also for the colour-blind.
ROI_COLOR: Final = "#d55e00"
# Okabe and Ito's blue.
FIT_COLOR: Final = "#0072b2"
CURVE_COLOR: Final = "#1a1a1a"
FILL_COLOR: Final = "#d9d9d9"
# Okabe and Ito's sky blue.
OUTLINE_COLOR: Final = "#56b4e9"
GREY: Final = "#595959"
ROUND_STEPS: Final = (1, 2, 5, 10)
_LEGEND_SIZE: Final = 9.0


def set_ticks(axis: Any, inches: float, spacing: float = 0.55) -> None:
    """As many major ticks as fit, and minor ones where there is room."""
    from matplotlib.ticker import AutoMinorLocator, MaxNLocator

    nbins = min(max(int(inches / spacing), 2), 7)
    axis.set_major_locator(MaxNLocator(nbins=nbins, steps=ROUND_STEPS))
    if inches > 1.5:
        axis.set_minor_locator(AutoMinorLocator())


def draw_marks(axes: Axes, d: Drawing) -> list[tuple[str, str]]:
    """ROI, prior, centroid and peak on the image; gives (kind, words) of each for the legend."""
    roi, labels = d.picture.roi, d.picture.labels
    drawn = []
    if roi is not None:
        draw_rectangle(axes, d, roi, "roi")
        drawn.append(("roi", "ROI"))
    if labels.prior_line_uv_cm is not None:
        ends = np.array(labels.prior_line_uv_cm)
        axes.plot(d.u(ends[:, 0]), d.v(ends[:, 1]), **mark_style("line"))
    if labels.prior_uv_cm is not None:
        kind = f" ({labels.prior_kind})" if labels.prior_kind in ("point", "line") else ""
        drawn.append(_mark(axes, d, labels.prior_uv_cm, "prior", f"Prior{kind}"))
    drawn += _draw_centroids(axes, d)
    u_peak, v_peak = d.peak("u"), d.peak("v")
    if u_peak is not None and v_peak is not None:
        at = (u_peak.position_cm, v_peak.position_cm)
        drawn.append(_mark(axes, d, at, "peak", peak_words(u_peak, v_peak)))
    return drawn


def draw_rectangle(axes: Axes, d: Drawing, region: RegionOfInterest, kind: str) -> None:
    """The edges of a region as a mark."""
    u, v = corners_cm(region)
    axes.plot(d.u(u), d.v(v), **mark_style(kind))


def _draw_centroids(axes: Axes, d: Drawing) -> list[tuple[str, str]]:
    metrics = d.picture.metrics
    if metrics is None or not d.vis.projections.plot.show_centroid_2d:
        return []
    drawn = []
    for source in metric_sources(metrics, d.vis):
        u_cm, v_cm = (getattr(metrics, f"{name}{source}_centroid_cm") for name in "uv")
        if np.isfinite([u_cm, v_cm]).all():
            words = "Centroid, ROI" if source else "Centroid"
            drawn.append(_mark(axes, d, (u_cm, v_cm), f"centroid{source}", words))
    return drawn


def _mark(
    axes: Axes, d: Drawing, uv_cm: tuple[float, float], kind: str, words: str
) -> tuple[str, str]:
    if not d.shows(uv_cm):
        return kind, f"{words}\n(off view)"
    axes.plot([d.u(uv_cm[0])], [d.v(uv_cm[1])], **mark_style(kind))
    return kind, words


def mark_style(kind: str) -> dict[str, Any]:
    """How a mark is drawn, on the image and in the legend: always light against dark."""
    from matplotlib.patheffects import Normal, withStroke

    def around(color: str, width: float) -> dict[str, Any]:
        return {"path_effects": [withStroke(linewidth=width, foreground=color), Normal()]}

    point = {"linestyle": "none", "zorder": 5}
    diamond = {**point, "marker": "D", "ms": 7, "mew": 1.2}
    styles: dict[str, dict[str, Any]] = {
        "curve": {"color": CURVE_COLOR, "lw": 1.2},
        "fit": {"color": FIT_COLOR, "lw": 1.4},
        "edges": {"color": GREY, "lw": 1.2, "ls": (0, (4, 2))},
        "outline": {"color": OUTLINE_COLOR, "lw": 0.9, **around("black", 1.7)},
        "region": {"color": "white", "lw": 1.4, **around("black", 3.0)},
        "roi": {"color": ROI_COLOR, "lw": 1.6, **around("white", 3.0)},
        "line": {"color": "white", "lw": 1.4, "solid_capstyle": "butt", **around("black", 3.2)},
        "prior": {
            **point, "marker": "o", "ms": 12, "mfc": "none", "mec": "white", "mew": 1.5,
            **around("black", 3.5),
        },
        "peak": {
            **point, "marker": "+", "ms": 13, "mec": ROI_COLOR, "mew": 1.8,
            **around("white", 4.0),
        },
        "centroid": {**diamond, "mfc": "white", "mec": "black"},
        "centroid_roi": {**diamond, "mfc": ROI_COLOR, "mec": "white"},
    }  # fmt: skip
    return styles[kind]


def draw_curves(axes: Axes, d: Drawing, name: str) -> None:
    """The projections on u above the image (name "u"), or on v beside it ("v")."""
    grid, upright = d.picture.grid, name == "u"
    at = d.u if upright else d.v
    n, low, step = (
        (grid.nu, grid.u_min_cm, grid.du_cm) if upright else (grid.nv, grid.v_min_cm, grid.dv_cm)
    )
    edges = at(low + step * np.arange(n + 1))
    curves = d.curves(name)
    top = 1.08 * max((float(c.max()) for c in curves.values()), default=0.0)
    for source, curve in curves.items():
        line = ROI_COLOR if source else CURVE_COLOR
        fill = {"color": ROI_COLOR, "alpha": 0.3} if source else {"color": FILL_COLOR}
        where: Literal["vertical", "horizontal"] = "vertical" if upright else "horizontal"
        axes.stairs(curve, edges, orientation=where, fill=True, lw=0, **fill)
        axes.stairs(curve, edges, orientation=where, color=line, lw=1.2, baseline=None)
    _draw_fit(axes, d, name)
    _draw_positions(axes, d, name)
    _label_counts(axes, d, name, top)


def _draw_fit(axes: Axes, d: Drawing, name: str) -> None:
    """The fitted curve over the bins that were fitted, in counts per bin as the projection."""
    m = d.fit(name)
    if m is None:
        return
    upright = name == "u"
    step = d.picture.grid.du_cm if upright else d.picture.grid.dv_cm
    positions = np.linspace(m.fit_low_cm, m.fit_high_cm, 201)
    counts = fitted_counts(m, positions, step)
    drawn = d.u(positions) if upright else d.v(positions)
    axes.plot(*((drawn, counts) if upright else (counts, drawn)), **mark_style("fit"))


def _draw_positions(axes: Axes, d: Drawing, name: str) -> None:
    """Peak and edges as lines across the curves."""
    upright = name == "u"
    line, at = (axes.axvline, d.u) if upright else (axes.axhline, d.v)
    peak = d.peak(name)
    if peak is not None:
        line(at(peak.position_cm), color=ROI_COLOR, lw=1.2, ls=(0, (1, 1.2)))
    for source, m in _shown_edges(d, name):
        for edge in (m.edge_low_cm, m.edge_high_cm):
            line(at(edge), **{**mark_style("edges"), "color": ROI_COLOR if source else GREY})


def _shown_edges(d: Drawing, name: str) -> list[tuple[str, Any]]:
    metrics = d.picture.metrics
    if metrics is None or not d.vis.projections.plot.show_edge_markers:
        return []
    of = [(source, metrics.axes[name + source]) for source in metric_sources(metrics, d.vis)]
    return [(source, m) for source, m in of if m.edges_ok]


def _label_counts(axes: Axes, d: Drawing, name: str, top: float) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    upright = name == "u"
    scale, words = count_scale(top, least=1e3)
    step = d.at.steps[0 if upright else 1]
    label = f"{words} /\n{step:g} {d.at.unit}"
    counts, shared = (axes.yaxis, axes.xaxis) if upright else (axes.xaxis, axes.yaxis)
    shared.set_tick_params(which="both", labelbottom=False, labelleft=False)
    (axes.set_ylim if upright else axes.set_xlim)(0.0, top or 1.0)
    # The zero would stand on the last label of the image.
    counts.set_major_locator(
        MaxNLocator(nbins=4, steps=(1, 2, 2.5, 5, 10), integer=top > 3.0, prune="lower")
    )
    counts.set_major_formatter(FuncFormatter(lambda count, _: f"{count / scale:g}"))
    if top == 0.0:
        counts.set_ticks([0.0])
    counts.set_label_text(label, fontsize=9.5)
    box = d.layout.u_curve if upright else d.layout.v_curve
    if upright and box is not None:
        axes.yaxis.set_label_coords(-(d.layout.label_gap - 0.14) / box.w, 0.5)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def draw_legend(figure: Figure, d: Drawing, marks: list[tuple[str, str]]) -> None:
    """What the marks are: in the corner between the projections, or in a row above the image."""
    from matplotlib.lines import Line2D

    in_corner = d.layout.u_curve is not None
    entries = list(marks)
    if in_corner:
        entries = [("curve", "Whole plane"), *entries] if len(d.curves("u")) > 1 else entries
        if d.fit("u") is not None or d.fit("v") is not None:
            entries.append(("fit", "Fit"))
        if _shown_edges(d, "u") or _shown_edges(d, "v"):
            entries.append(("edges", "Edges"))
    if not entries:
        return
    handles = []
    for kind, words in entries:
        style = mark_style(kind)
        # The marks at three quarters of their size keep apart in a legend.
        style |= {"ms": 0.7 * style["ms"]} if "ms" in style else {}
        handles.append(Line2D([], [], label=words, **style))
    box = d.layout.fraction(d.layout.legend)
    figure.legend(
        handles=handles,
        loc="upper left" if in_corner else "center left",
        bbox_to_anchor=box,
        ncols=1 if in_corner else len(entries),
        fontsize=_LEGEND_SIZE if in_corner or len(entries) < 4 else _LEGEND_SIZE - 1.5,
        frameon=False,
        borderaxespad=0.0,
        borderpad=0.1,
        handlelength=1.5,
        handletextpad=0.5,
        labelspacing=0.35,
        columnspacing=1.0,
    )


def draw_panel(figure: Figure, d: Drawing) -> None:
    """The table of numbers below the image."""
    from matplotlib.lines import Line2D

    box = d.layout.panel
    if box is None:
        return
    width, height = d.layout.size
    row_height = box.h / len(d.panel)
    column = (box.w - PANEL_NAMES) / (len(d.panel[0]) - 1)
    for i, row in enumerate(d.panel):
        y = (box.y + box.h - (i + 0.5) * row_height) / height
        for j, text in enumerate(row):
            x = box.x if j == 0 else box.x + PANEL_NAMES + j * column
            figure.text(
                x / width, y, text, fontsize=9.0, va="center_baseline",
                ha="left" if j == 0 else "right",
                weight="bold" if i == 0 else "normal",
            )  # fmt: skip
    for y in (box.y + box.h, box.y + box.h - row_height, box.y):
        ends = [box.x / width, (box.x + box.w) / width]
        figure.add_artist(Line2D(ends, [y / height] * 2, color=CURVE_COLOR, lw=0.8))
