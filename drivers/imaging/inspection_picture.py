"""The cones of a trace drawn over the image they belong to."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from ...nodes.imaging.drawing import Picture, draw_image_figure
from ...nodes.imaging.figure_picture import Outlines, View
from ...nodes.imaging.figure_text import Coordinates
from ...schemas.errors import UsageError
from ...schemas.imaging.images import PixelGrid, RegionOfInterest
from ...schemas.imaging.labels import FigureLabels
from ...schemas.imaging.vis import Vis
from .redrawing import vis_of
from .saved import SavedRun

_MOST_LINES: Final = 12
# A region is shown with so many of its lengths to each side of its middle, at least this part of
# the plane.
_AROUND: Final = 2.0
_LEAST_VIEW: Final = 0.08


def picture_of_trace(
    saved: SavedRun, trace: dict[str, Any], area: RegionOfInterest | None, words: str, limit: int
) -> bytes:
    """A PNG: the image of the species, or of both for a region, with the cones as lines."""
    if area is None and trace["cone"] is None:
        msg = f"event {trace['event_index']} has no cone to draw: {trace['no_cone_because']}"
        raise UsageError(msg, key="plot")
    traced = [trace["cone"]["cone_id"]] if area is None else trace["cones"]["cone_id"]
    name, picked = "all", saved.images.get("all")
    if area is None:
        name = trace["species"][0]
        picked = saved.images.get(name, picked)
    if picked is None:
        name, picked = next(iter(saved.images.items()))
    # More lines hide one another and the image.
    shown = traced[: min(limit, _MOST_LINES)]
    vis = _vis(saved)
    at = Coordinates.of(saved.grid, vis)
    title, legend = _words(trace, area, words, at, (len(shown), len(traced)))
    picture = Picture(
        name=name,
        counts=picked,
        grid=saved.grid,
        labels=FigureLabels(title=title, source=saved.path.name),
        outlines=Outlines(
            cones=saved.cones_at(np.asarray(shown, np.int64)),
            frame=saved.frame,
            both_halves=saved.imaging_method.nappe == "both",
            words=legend,
            region=area,
            region_words=words,
        ),
    )
    return draw_image_figure(picture, vis, _view(saved.grid, area))


def _vis(saved: SavedRun) -> Vis:
    """Unit, origin, direction and colours of the run's own pictures."""
    keys = ("axis_units", "center_on_plane_center", "flip_vertical", "colormap")
    of_run = vis_of(saved)
    return Vis().model_copy(update={key: getattr(of_run, key) for key in keys})


def _view(grid: PixelGrid, area: RegionOfInterest | None) -> View:
    """The surroundings of a region, as far as the plane goes; all of it for one cone."""
    if area is None:
        return View()
    middle = (0.5 * (area.u_min_cm + area.u_max_cm), 0.5 * (area.v_min_cm + area.v_max_cm))
    ranges = (grid.u_max_cm - grid.u_min_cm, grid.v_max_cm - grid.v_min_cm)
    half = _AROUND * max(area.u_max_cm - area.u_min_cm, area.v_max_cm - area.v_min_cm)
    half = max(half, _LEAST_VIEW * max(ranges))
    return View(
        u_limits_cm=(max(middle[0] - half, grid.u_min_cm), min(middle[0] + half, grid.u_max_cm)),
        v_limits_cm=(max(middle[1] - half, grid.v_min_cm), min(middle[1] + half, grid.v_max_cm)),
    )


def _words(
    trace: dict[str, Any],
    area: RegionOfInterest | None,
    words: str,
    at: Coordinates,
    counts: tuple[int, int],
) -> tuple[str, str]:
    """Headline, in the drawn coordinates, and legend; ``counts`` are drawn and all cones."""
    if area is None:
        cone = trace["cone"]
        return f"Cone {cone['cone_id']} of event {cone['event_index']}", f"Cone {cone['cone_id']}"
    u, v = (
        " to ".join(f"{at.at(k, getattr(area, f'{a}_{end}_cm')):g}" for end in ("min", "max"))
        for k, a in enumerate("uv")
    )
    shown, total = counts
    legend = f"{shown} of {total} cones" if shown < total else f"{total} cones"
    return f"{words} u {u}, v {v} {at.unit}".replace("-", "−"), legend
