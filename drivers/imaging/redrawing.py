"""Figures drawn again from an output file alone, with other limits, units, colours and regions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any, Final

import numpy as np
from pydantic import ValidationError

from ...nodes.imaging.drawing import Format, draw_image_figure
from ...nodes.imaging.figure_picture import Picture, View, pictures_of
from ...nodes.imaging.labels import figure_labels
from ...nodes.imaging.metrics import projection_metrics, projections, region_of_interest
from ...schemas.arrays import F8
from ...schemas.errors import InputError, UsageError
from ...schemas.imaging.images import Counts, SummedImages
from ...schemas.imaging.labels import FigureLabels
from ...schemas.imaging.vis import Vis
from .inputs import run_labels
from .saved import SavedRun

_NEEDED: Final = ("cones_imaged_n", "cones_imaged_g", "cones_imaged_total")


@dataclass(frozen=True)
class Redraw:
    """What differs from the figures of the run; empty = nothing.

    ``species`` names the images, ``vis`` the settings of [vis] that are replaced, by name.
    """

    species: tuple[str, ...] = ()
    vis: Mapping[str, Any] = field(default_factory=dict)
    view: View = field(default_factory=View)


def redrawn(saved: SavedRun, wish: Redraw, file_format: Format) -> dict[str, bytes]:
    """Figures by image name."""
    check_view(saved, wish.view)
    vis = redrawn_vis(saved, wish)
    pictures = saved_pictures_of(saved, vis)
    return {
        name: draw_image_figure(pictures[name], vis, wish.view, file_format)
        for name in images_named(saved, wish.species)
    }


def check_view(saved: SavedRun, view: View) -> None:
    """UsageError for a view that shows nothing of the plane."""
    grid = saved.grid
    for axis, limits in (("u", view.u_limits_cm), ("v", view.v_limits_cm)):
        low, high = getattr(grid, f"{axis}_min_cm"), getattr(grid, f"{axis}_max_cm")
        if limits is not None and not (min(limits) < high and max(limits) > low):
            msg = (
                f"{saved.path}: {axis} {limits[0]:g} to {limits[1]:g} cm lies outside of the "
                f"plane, which goes from {axis} = {low:g} to {high:g} cm"
            )
            raise UsageError(msg, file=saved.path, key="view")


def images_named(saved: SavedRun, species: tuple[str, ...]) -> list[str]:
    """The images that are asked for, or all; UsageError for one that is not there."""
    missing = [name for name in species if name not in saved.images]
    if missing:
        msg = f"{saved.path}: has no image {missing[0]!r}; it has {', '.join(saved.images)}"
        raise UsageError(msg, file=saved.path, key="species")
    return list(dict.fromkeys(species or saved.images))


def redrawn_vis(saved: SavedRun, wish: Redraw) -> Vis:
    """[vis] of the run with what is replaced; UsageError for a value that is not allowed."""
    base = vis_of(saved).model_dump()
    chosen = dict(wish.vis)
    projected = base["projections"] | chosen.pop("projections", {})
    if isinstance(projected["metrics"], bool):
        projected["metrics"] = {
            **base["projections"]["metrics"],
            "enabled": projected["metrics"],
        }
    try:
        return Vis.model_validate({**base, **chosen, "projections": projected})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        msg = f"{where}: {first['msg'].removeprefix('Value error, ')}"
        raise UsageError(msg, key=where) from None


def vis_of(saved: SavedRun) -> Vis:
    """[vis] of the run, or its defaults where the file has no settings of ours."""
    try:
        return saved.config.vis
    except InputError:
        return Vis()


def saved_pictures_of(saved: SavedRun, vis: Vis) -> dict[str, Picture]:
    """Every image with projections and numbers made anew: pure functions of the counts."""
    images = saved.images
    n, g = images.get("n"), images.get("g")
    whole = images["all"] if "all" in images else next(iter(images.values()))
    summed = SummedImages(saved.grid, n, g, whole)
    settings = vis.projections
    curves = projections(summed, region_of_interest(settings, saved.grid), settings)
    return pictures_of(summed, curves, projection_metrics(curves, settings), labels_of(saved))


def labels_of(saved: SavedRun) -> FigureLabels:
    """What the figures of the run said, and the day of the run."""
    record = saved.record
    source = PurePath(record.inputs[0].path).name if record.inputs else saved.path.name
    day = record.created_utc[:10]
    try:
        config = saved.config
    except InputError:
        return FigureLabels(source=source, software=record.software, date=day)
    labels = replace(run_labels(config, source), software=record.software, date=day)
    counters = record.all_counters
    if not all(name in counters for name in _NEEDED):
        return labels
    return figure_labels(
        labels,
        Counts(counters),
        config.prior,
        target_cm(saved),
        saved.frame,
        saved.grid,
    )


def target_cm(saved: SavedRun) -> F8:
    """The point that ranked the hypotheses of the run, shape (3,); NaN where there was none."""
    target = saved.config.prior.target_cm
    if target is None and saved.config.plane is not None:
        target = saved.config.plane.origin
    return np.full(3, np.nan) if target is None else np.array(target, np.float64)
