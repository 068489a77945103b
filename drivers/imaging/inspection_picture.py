"""The cones of a trace drawn over the image they belong to."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...nodes.imaging.drawing import Picture, draw_image_figure
from ...nodes.imaging.figure_picture import Outlines
from ...schemas.errors import UsageError
from ...schemas.imaging.images import RegionOfInterest
from ...schemas.imaging.labels import FigureLabels
from ...schemas.imaging.vis import Vis
from .saved import SavedRun


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
    shown = traced[:limit]
    title, legend = _words(trace, area, words, len(shown), len(traced))
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
    return draw_image_figure(picture, Vis())


def _words(
    trace: dict[str, Any], area: RegionOfInterest | None, words: str, shown: int, total: int
) -> tuple[str, str]:
    """Headline and legend."""
    if area is None:
        cone = trace["cone"]
        return f"Cone {cone['cone_id']} of event {cone['event_index']}", f"Cone {cone['cone_id']}"
    u, v = (f"{getattr(area, f'{a}_min_cm'):g} to {getattr(area, f'{a}_max_cm'):g}" for a in "uv")
    legend = f"{shown} of {total} cones" if shown < total else f"{total} cones"
    return f"{words} u {u}, v {v} cm", legend
