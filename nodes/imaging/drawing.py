"""One image with its projections as the bytes of a figure. Plain functions, no nodes.

Counts, grid, projections and numbers come in; all of them stand in the HDF5 file, so a figure
can be drawn again from it with other limits, units and colours. Nothing depends on the user's
matplotlib settings, on the clock or on a screen: equal input gives equal bytes.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from ...schemas.imaging.vis import Vis
from ..figure_style import METADATA, figure_style
from .figure_colors import beyond_words, color_norm, draw_color_bar
from .figure_layout import characters_in
from .figure_outlines import draw_outlines
from .figure_parts import (
    CURVE_COLOR,
    GREY,
    draw_curves,
    draw_legend,
    draw_marks,
    draw_panel,
    set_ticks,
)
from .figure_picture import Drawing, Picture, View

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Format", "Picture", "View", "draw_image_figure"]

Format = Literal["png", "pdf", "svg"]

AXES_STYLE: Final[dict[str, Any]] = {
    "axes.labelsize": 11.0,
    "axes.linewidth": 0.8,
    "xtick.labelsize": 10.0,
    "ytick.labelsize": 10.0,
}
_FOOTER_SIZE: Final = 7.5
_FOOTER_JOINT: Final = "  ·  "
# Inches of an axis below which its label is the bare name and unit.
_LEAST_FOR_DIRECTION: Final = 1.7


def draw_image_figure(
    picture: Picture, vis: Vis, view: View | None = None, file_format: Format = "png"
) -> bytes:
    """The bytes of a figure: image, colour bar, projections, marks and numbers as ``vis`` says."""
    view = view or View()
    with figure_style(AXES_STYLE):
        figure = image_figure(picture, vis, view)
        buffer = io.BytesIO()
        metadata = METADATA[file_format]
        figure.savefig(buffer, format=file_format, dpi=view.dpi, metadata=metadata)
    return buffer.getvalue()


def image_figure(picture: Picture, vis: Vis, view: View) -> Figure:
    """The figure itself; to be made and written within ``figure_style(AXES_STYLE)``."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawing = Drawing.of(picture, vis, view)
    figure = Figure(figsize=drawing.layout.size, dpi=view.dpi, facecolor="white")
    FigureCanvasAgg(figure)
    _draw(figure, drawing)
    return figure


def _draw(figure: Figure, d: Drawing) -> None:
    image = figure.add_axes(d.layout.fraction(d.layout.image))
    draw_color_bar(figure, _draw_image(image, d), d)
    marks = [*draw_marks(image, d), *draw_outlines(image, d)]
    if d.layout.u_curve is not None and d.layout.v_curve is not None:
        above = figure.add_axes(d.layout.fraction(d.layout.u_curve), sharex=image)
        draw_curves(above, d, "u")
        beside = figure.add_axes(d.layout.fraction(d.layout.v_curve), sharey=image)
        draw_curves(beside, d, "v")
    image.set_xlim(*d.u_limits)
    image.set_ylim(*d.v_limits)
    _keep_within(image)
    draw_legend(figure, d, marks)
    _draw_texts(figure, d)
    draw_panel(figure, d)


def _draw_image(axes: Axes, d: Drawing) -> Any:
    import matplotlib as mpl

    grid = d.picture.grid
    mesh = axes.imshow(
        # A logarithm has no colour for zero: it takes the first.
        np.maximum(d.picture.counts, d.count_limits[0] if d.scale == "log" else -np.inf),
        extent=(d.u(grid.u_min_cm), d.u(grid.u_max_cm), d.v(grid.v_min_cm), d.v(grid.v_max_cm)),
        origin="lower",
        aspect="auto",
        cmap=mpl.colormaps[d.vis.colormap],
        norm=color_norm(d),
        interpolation="antialiased",
    )
    box = d.layout.image
    if not d.has_counts:
        axes.text(
            0.5, 0.5, _empty_words(d), transform=axes.transAxes, ha="center", va="center",
            color=CURVE_COLOR, fontsize=12, weight="bold", zorder=7,
            rotation=90 if box.w < 1.2 else 0,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 4},
        )  # fmt: skip
    (u_label, v_label), _ = _axis_labels(d)
    axes.set_xlabel(u_label, labelpad=4)
    axes.set_ylabel(v_label)
    axes.yaxis.set_label_coords(-d.layout.label_gap / box.w, 0.5)
    set_ticks(axes.xaxis, box.w)
    set_ticks(axes.yaxis, box.h)
    return mesh


def _keep_within(axes: Axes) -> None:
    """Labels of u at the ends of the axis reach inwards: outwards are those of v and of counts."""
    low, high = sorted(axes.get_xlim())
    near = 0.02 * (high - low)
    for position, label in zip(axes.get_xticks(), axes.get_xticklabels(), strict=True):
        if abs(position - low) < near:
            label.set_horizontalalignment("left")
        elif abs(position - high) < near:
            label.set_horizontalalignment("right")


def _axis_labels(d: Drawing) -> tuple[list[str], list[str]]:
    """Labels of both axes, and the directions that found no room there."""
    box, labels = d.layout.image, d.picture.labels
    on_axes, elsewhere = [], []
    for name, to, inches in (("u", labels.u_direction, box.w), ("v", labels.v_direction, box.h)):
        roomy = bool(to) and inches >= _LEAST_FOR_DIRECTION
        on_axes.append(f"{name} along {to} ({d.at.unit})" if roomy else f"{name} ({d.at.unit})")
        elsewhere += [f"{name} along {to}"] if to and not roomy else []
    return on_axes, elsewhere


def _draw_texts(figure: Figure, d: Drawing) -> None:
    """Header lines and the footer."""
    width, height = d.layout.size
    for line in d.layout.lines:
        figure.text(
            d.layout.text_x / width, line.y / height, line.text, fontsize=line.font_size,
            va="center", weight="bold" if line.kind == "headline" else "normal",
            color=CURVE_COLOR,
        )  # fmt: skip
    for text, y in ((_footer(d), 0.25), (_second_footer(d), 0.11)):
        at = (0.14 / width, y / height)
        figure.text(*at, text, fontsize=_FOOTER_SIZE, va="center", color=GREY)


def _proportion(d: Drawing) -> float:
    return abs((d.u_limits[1] - d.u_limits[0]) / (d.v_limits[1] - d.v_limits[0]))


def _footer(d: Drawing) -> str:
    """Pixels, the point that counts as (0, 0), and the input file as far as there is room."""
    grid, (u, v) = d.picture.grid, d.at.origin_uv_cm
    parts = [f"{grid.nu} × {grid.nv} pixels", *_axis_labels(d)[1]]
    if (u, v) != (0.0, 0.0):
        origin = f"({u * d.at.scale:g}, {v * d.at.scale:g}) {d.at.unit}"
        parts.append(f"u, v counted from the plane's centre {origin}")
    drawn, true = (d.layout.image.w / d.layout.image.h, _proportion(d))
    parts += ["axes not to one scale"] if abs(drawn / true - 1.0) > 1e-6 else []
    beyond = beyond_words(d)
    return _with_first([*parts, *([beyond] if beyond else [])], d.picture.labels.source, d)


def _second_footer(d: Drawing) -> str:
    """Where the plane lies, and what made the picture."""
    labels = d.picture.labels
    made = [labels.software, labels.date and f"run of {labels.date}"]
    return _with_first([p for p in made if p], labels.plane, d)


def _with_first(parts: list[str], first: str, d: Drawing) -> str:
    """The parts in a line, with another one in front as far as there is room for it."""
    room = characters_in(0.92 * (d.layout.size[0] - 0.28), _FOOTER_SIZE)
    room -= len(_FOOTER_JOINT.join([*parts, ""]))
    if first and room >= 12:
        parts = [first if len(first) <= room else f"{first[: room - 1]}…", *parts]
    return _FOOTER_JOINT.join(parts)


def _empty_words(d: Drawing) -> str:
    why = d.picture.labels.empty.get(d.picture.name, "")
    return f"no counts:\n{why}" if why else "no counts"
