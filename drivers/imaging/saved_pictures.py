"""Plane, images, projections and their numbers as they stand in a file."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from ...schemas.errors import InputError
from ...schemas.imaging.images import (
    AxisMetrics,
    ImageMetrics,
    PixelGrid,
    PlaneFrame,
    Projections,
    ProjectionSet,
    RegionOfInterest,
    Vector3,
)
from ..runfile.datasets import Datasets

IMAGES = ("n", "g", "all")
_SUMMED = "/images/summed"
_PROJECTIONS = f"{_SUMMED}/projections"


def plane_frame(data: Datasets) -> PlaneFrame:
    """Origin and normal of the plane."""
    meta = _plane_attributes(data)
    return PlaneFrame(_vector(meta["plane.P0"]), _vector(meta["plane.n"]))


def pixel_grid(data: Datasets) -> PixelGrid:
    """Axes and pixels of the images in the file.

    Their number is that of the images: ngimager has one pixel more a side than fit between the
    ends, so the upper ends are moved there. Without an image it follows from the ends.
    """
    meta = _plane_attributes(data)
    low = {a: float(meta[f"grid.{a}_min"]) for a in "uv"}
    high = {a: float(meta[f"grid.{a}_max"]) for a in "uv"}
    step = {a: float(meta[f"grid.d{a}"]) for a in "uv"}
    count = {a: round((high[a] - low[a]) / step[a]) for a in "uv"}
    names = [f"{_SUMMED}/{n}" for n in IMAGES if f"{_SUMMED}/{n}" in data]
    shape = data.shape(names[0]) if names else ()
    if len(shape) == 2:
        for axis, n in (("u", shape[1]), ("v", shape[0])):
            if n != count[axis]:
                count[axis], high[axis] = n, low[axis] + n * step[axis]
    return PixelGrid(
        u_min_cm=low["u"],
        u_max_cm=high["u"],
        du_cm=step["u"],
        nu=count["u"],
        v_min_cm=low["v"],
        v_max_cm=high["v"],
        dv_cm=step["v"],
        nv=count["v"],
        u_axis=_vector(meta["plane.eu"]),
        v_axis=_vector(meta["plane.ev"]),
    )


def images(data: Datasets) -> dict[str, np.ndarray]:
    """The summed images that exist, by name; counts are whole numbers."""
    found = {n: data.rows(f"{_SUMMED}/{n}") for n in IMAGES if f"{_SUMMED}/{n}" in data}
    # ngimager stores its counts as float32.
    return {
        name: image if image.dtype == np.uint32 else np.rint(image).astype(np.uint32)
        for name, image in found.items()
    }


def projections(data: Datasets, grid: PixelGrid) -> ProjectionSet:
    """The projections of each image; none where the file has none."""
    by_image, roi = {}, None
    for name in data.children(_PROJECTIONS):
        group = f"{_PROJECTIONS}/{name}"
        curves: dict[str, Any] = {
            axis: np.rint(data.rows(f"{group}/{axis}")).astype(np.uint64)
            for axis in ("u", "v", "u_roi", "v_roi")
            if f"{group}/{axis}" in data
        }
        if {"u", "v"} <= set(curves):
            by_image[name] = Projections(**curves)
        edges = data.attributes(group)
        keys = [f"roi_{axis}_{end}_cm" for axis in "uv" for end in ("min", "max")]
        if all(key in edges for key in keys):
            roi = RegionOfInterest(*(float(edges[key]) for key in keys))
    order = [n for n in IMAGES if n in by_image]
    return ProjectionSet(grid, roi, {name: by_image[name] for name in order})


def metrics(data: Datasets) -> dict[str, ImageMetrics]:
    """The numbers of the projections of each image, where they were computed."""
    found = {}
    for name in IMAGES:
        group = f"{_PROJECTIONS}/{name}/metrics"
        if group in data:
            found[name] = _image_metrics(data, group)
    return found


def _image_metrics(data: Datasets, group: str) -> ImageMetrics:
    present = set(data.children(group))
    axes: dict[str, AxisMetrics] = {
        axis: _axis_metrics(data, f"{group}/{axis}")
        for axis in ("u", "v", "u_roi", "v_roi")
        if axis in present
    }
    values: dict[str, float] = {}
    for suffix, total in (("", "total_counts"), ("_roi", "roi_total_counts")):
        centroid = f"{group}/centroid{suffix}"
        for axis in "uv":
            path = f"{centroid}/{axis}_centroid"
            if path in data:
                values[f"{axis}{suffix}_centroid_cm"] = float(data.rows(path))
        if f"{centroid}/total_counts" in data:
            values[total] = float(data.rows(f"{centroid}/total_counts"))
    return ImageMetrics(axes, **values)


def _axis_metrics(data: Datasets, group: str) -> AxisMetrics:
    stored = set(data.children(group))
    values: dict[str, Any] = {}
    for field in dataclasses.fields(AxisMetrics):
        if field.name in stored:
            if field.name == "fit_reason":
                values[field.name] = data.text(f"{group}/{field.name}")
                continue
            value = data.rows(f"{group}/{field.name}")[()]
            values[field.name] = bool(value) if field.name.endswith("_ok") else float(value)
    return AxisMetrics(**{"total_counts": 0.0, **values})


def _plane_attributes(data: Datasets) -> dict[str, Any]:
    meta = data.attributes("/meta")
    if "plane.P0" not in meta or "grid.du" not in meta:
        msg = f"{data.path}: holds no imaging plane. Run its input with a section [plane]."
        raise InputError(msg, file=data.path, code="not_in_file")
    return meta


def _vector(values: Any) -> Vector3:
    x, y, z = (float(v) for v in values)
    return (x, y, z)
