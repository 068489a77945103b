"""Cones drawn over an image as the lines where they meet the plane, and the region they cross."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from .cone_geometry import surface_excess_cm
from .figure_parts import draw_rectangle, mark_style
from .figure_picture import Drawing
from .plane import plane_to_world

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_POINTS_A_SIDE: Final = 401


def draw_outlines(axes: Axes, d: Drawing) -> list[tuple[str, str]]:
    """The outlines of a picture; gives (kind, words) of what was drawn for the legend."""
    outlines, grid = d.picture.outlines, d.picture.grid
    if outlines is None:
        return []
    u, v = (np.linspace(*ends, _POINTS_A_SIDE) for ends in d.limits_cm)
    points = plane_to_world(*np.meshgrid(u, v), outlines.frame, grid)
    style = mark_style("outline")
    crossed = False
    for _, cone in outlines.cones.iterrows():
        height = surface_excess_cm(cone, points, both_halves=outlines.both_halves)
        # A level that no value crosses would be a warning.
        if height.min() < 0.0 < height.max():
            crossed = True
            lines = axes.contour(
                d.u(u), d.v(v), height, levels=[0.0], colors=[style["color"]],
                linewidths=style["lw"],
            )  # fmt: skip
            lines.set_path_effects(style["path_effects"])
    drawn = [("outline", outlines.words)] if crossed else []
    if outlines.region is not None:
        draw_rectangle(axes, d, outlines.region, "region")
        drawn.append(("region", outlines.region_words))
    return drawn
