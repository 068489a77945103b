"""Words and markers of the figures: counters and settings in, FigureLabels out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hamilton.function_modifiers import tag

from ...schemas.arrays import F8
from ...schemas.imaging.images import Counts, PixelGrid, PlaneFrame, Vector3
from ...schemas.imaging.labels import FigureLabels
from ...schemas.imaging.physics import Prior
from .plane import world_to_plane

# A component this close to 1 counts as along the axis: 0.1 degree.
_ALONG = 1.0 - 1.5e-6


@tag(stage="figures", scope="run", helper="true")
def figure_labels(
    run_labels: FigureLabels,
    image_counters: Counts,
    prior: Prior,
    prior_target_cm: F8,
    plane_frame: PlaneFrame,
    pixel_grid: PixelGrid,
) -> FigureLabels:
    """Headline, numbers of cones, the prior thrown on the plane, directions of the axes."""
    u, v, _ = world_to_plane(prior_target_cm[None, :], plane_frame, pixel_grid)
    ends = None
    if prior.type == "line" and prior.line is not None:
        eu, ev, _ = world_to_plane(np.array(prior.line.ends), plane_frame, pixel_grid)
        ends = ((float(eu[0]), float(ev[0])), (float(eu[1]), float(ev[1])))
    return replace(
        run_labels,
        n_cones={
            "n": image_counters["cones_imaged_n"],
            "g": image_counters["cones_imaged_g"],
            "all": image_counters["cones_imaged_total"],
        },
        empty={
            "n": _why_empty(image_counters, "n"),
            "g": _why_empty(image_counters, "g"),
            "all": _why_empty(image_counters, "ng"),
        },
        plane=_plane_words(plane_frame),
        prior_kind=prior.type,
        prior_uv_cm=None if prior.type == "none" else (float(u[0]), float(v[0])),
        prior_line_uv_cm=ends,
        u_direction=_direction(pixel_grid.u_axis),
        v_direction=_direction(pixel_grid.v_axis),
    )


def _why_empty(image_counters: Counts, species: str) -> str:
    missed = sum(image_counters.values.get(f"cones_missed_plane_{s}", 0) for s in species)
    if missed == 0:
        return "no cone was kept"
    return "its cone misses the plane" if missed == 1 else f"all {missed} cones miss the plane"


def _plane_words(frame: PlaneFrame) -> str:
    """Where a plane lies, in words."""
    through = ", ".join(_number(c) for c in frame.origin_cm)
    normal = _direction(frame.normal)
    if not normal:
        normal = f"({', '.join(_number(round(c, 4)) for c in frame.normal)})"
    return f"plane through ({through}) cm, normal {normal}"


def _number(value: float) -> str:
    return f"{value + 0.0:g}".replace("-", "−")


def _direction(axis: Vector3) -> str:
    """+x, -z ... where an axis lies along one of the world's; empty otherwise."""
    for component, name in zip(axis, "xyz", strict=True):
        if abs(component) > _ALONG:
            return f"{'+' if component > 0 else '-'}{name}"
    return ""
