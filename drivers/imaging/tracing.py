"""From a place of the picture to cones and events, and back, in the file of a run.

A file without list mode is traced too: the pixels of its cones are computed again, a bounded
number of them at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd

from ...nodes.imaging import tracing
from ...nodes.imaging.back_projection import back_projection
from ...schemas.arrays import I8, Mask
from ...schemas.errors import UsageError
from ...schemas.imaging.images import Footprints, RegionOfInterest
from ...schemas.imaging.imaging_method import Threads
from .saved import SavedRun

_CONES_A_BLOCK: Final = 16384
_PIXELS_A_BLOCK: Final = 1 << 22


def footprints(saved: SavedRun, cone_ids: I8) -> Footprints:
    """The lit pixels of some cones, in the order in which they are named."""
    check_cones(saved, cone_ids)
    if saved.has_list_mode:
        return saved.footprints_at(cone_ids)
    rows, place = np.unique(np.asarray(cone_ids, np.int64), return_inverse=True)
    return tracing.footprints_of(_drawn_again(saved, saved.cones_at(rows)), place)


def footprint_blocks(saved: SavedRun, *, again: bool = False) -> Iterator[tuple[int, Footprints]]:
    """(first cone, footprints) of successive cones, a bounded number of pixels at a time.

    With ``again`` they are computed from the cones even where the file holds them.
    """
    if saved.has_list_mode and not again:
        yield from saved.footprint_blocks(_PIXELS_A_BLOCK)
        return
    for first in range(0, saved.n_cones, _CONES_A_BLOCK):
        rows = np.arange(first, min(first + _CONES_A_BLOCK, saved.n_cones))
        yield first, _drawn_again(saved, saved.cones_at(rows))


def cones_through(saved: SavedRun, region: RegionOfInterest | Mask) -> pd.DataFrame:
    """The cones that light a pixel of a region, ascending: all columns, and ``lit_in_region``.

    ``region`` is a rectangle (pixels whose centres lie inside) or a mask of pixels (nv, nu).
    """
    if isinstance(region, RegionOfInterest):
        region = tracing.pixels_in(region, saved.grid)
    found: list[Any] = []
    for first, part in footprint_blocks(saved):
        cone_id, lit = tracing.cones_through(part, region)
        found.append((cone_id + first, lit))
    cone_ids = np.concatenate([ids for ids, _ in found]) if found else np.zeros(0, np.int64)
    lit_pixels = np.concatenate([lit for _, lit in found]) if found else np.zeros(0, np.uint32)
    return saved.cones_at(cone_ids).assign(lit_in_region=lit_pixels)


def pixel_at(saved: SavedRun, u_cm: float, v_cm: float) -> tuple[int, int]:
    """(column, row) of the pixel at a place of the picture; UsageError outside of it."""
    grid = saved.grid
    at = []
    for axis, x in (("u", u_cm), ("v", v_cm)):
        low, high = getattr(grid, f"{axis}_min_cm"), getattr(grid, f"{axis}_max_cm")
        if not low <= x <= high:
            msg = f"{axis} = {x:g} cm is outside of the picture ({low:g} to {high:g} cm)"
            raise UsageError(msg, key=axis)
        n = getattr(grid, f"n{axis}")
        # The last edge is closed, as it is for the cones.
        at.append(min(int((x - low) / getattr(grid, f"d{axis}_cm")), n - 1))
    return at[0], at[1]


def region_of(saved: SavedRun, edges_cm: tuple[float, float, float, float]) -> RegionOfInterest:
    """A rectangle u0, u1, v0, v1 of the picture; UsageError if it holds no pixel."""
    u0, u1, v0, v1 = edges_cm
    region = RegionOfInterest(min(u0, u1), max(u0, u1), min(v0, v1), max(v0, v1))
    if not tracing.pixels_in(region, saved.grid).any():
        grid = saved.grid
        msg = (
            f"the region {u0:g},{u1:g},{v0:g},{v1:g} holds no centre of a pixel: the picture goes "
            f"from u = {grid.u_min_cm:g} to {grid.u_max_cm:g} and v = {grid.v_min_cm:g} to "
            f"{grid.v_max_cm:g} cm in pixels of {grid.du_cm:g} x {grid.dv_cm:g} cm"
        )
        raise UsageError(msg, key="region")
    return region


def check_cones(saved: SavedRun, cone_ids: I8) -> None:
    """UsageError if the file has no such cone."""
    for cone in np.asarray(cone_ids, np.int64):
        if not 0 <= cone < saved.n_cones:
            msg = f"{saved.path}: there is no cone {cone}: {tracing.cones_text(saved.n_cones)}"
            raise UsageError(msg, file=saved.path, key="cone")


def _drawn_again(saved: SavedRun, cones: pd.DataFrame) -> Footprints:
    method = replace(saved.imaging_method, list_mode=True)
    drawn = back_projection(cones, saved.frame, saved.grid, method, Threads(1))
    assert drawn.footprints is not None
    return drawn.footprints
