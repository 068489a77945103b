"""From cones to the pixels they light, and from pixels back to cones. Plain functions."""

from __future__ import annotations

import numpy as np

from ...schemas.arrays import I8, U4, Mask
from ...schemas.errors import UsageError
from ...schemas.imaging.images import Footprints, PixelGrid, RegionOfInterest


def footprints_of(footprints: Footprints, cone_ids: I8) -> Footprints:
    """The footprints of some cones, in the order in which they are named.

    Raises
    ------
    UsageError
        If there is no such cone.
    """
    cone_ids = np.asarray(cone_ids, np.int64)
    unknown = cone_ids[(cone_ids < 0) | (cone_ids >= footprints.n_cones)]
    if len(unknown):
        msg = f"there is no cone {unknown[0]}: {cones_text(footprints.n_cones)}"
        raise UsageError(msg, key="cone_ids")
    offsets = footprints.offsets.astype(np.int64)
    lit = offsets[cone_ids + 1] - offsets[cone_ids]
    ends = np.cumsum(lit)
    # Place by place: where the cone begins, plus how far its pixel is from the cone's first.
    at = np.arange(ends[-1] if len(ends) else 0) + np.repeat(offsets[cone_ids] - ends + lit, lit)
    return Footprints.of_counts(lit.astype(np.uint32), footprints.pixels[at])


def cones_through(footprints: Footprints, inside: Mask) -> tuple[I8, U4]:
    """(cones that light a marked pixel, ascending; how many of these each lights).

    ``inside`` marks pixels by flat index, shape (nv * nu,) or (nv, nu).
    """
    lit = np.flatnonzero(inside.ravel()[footprints.pixels])
    cone = np.searchsorted(footprints.offsets.astype(np.int64), lit, side="right") - 1
    # Ascending, so that a cone begins where the number changes.
    first = np.flatnonzero(np.diff(cone, prepend=-1))
    return cone[first], np.diff(first, append=len(cone)).astype(np.uint32)


def image_of(footprints: Footprints, grid: PixelGrid, chosen: Mask) -> U4:
    """How many of the chosen cones light each pixel, shape (nv, nu)."""
    offsets = footprints.offsets.astype(np.int64)
    lit: I8 = offsets[1:] - offsets[:-1]
    pixels = footprints.pixels[np.repeat(chosen, lit)]
    return np.bincount(pixels, minlength=grid.nu * grid.nv).astype(np.uint32).reshape(grid.shape)


def pixels_in(region: RegionOfInterest, grid: PixelGrid) -> Mask:
    """Pixels whose centres lie in a region, edges included; shape (nv, nu)."""
    inside_u, inside_v = centers_in(region, grid)
    return np.asarray(inside_v[:, None] & inside_u[None, :])


def centers_in(region: RegionOfInterest, grid: PixelGrid) -> tuple[Mask, Mask]:
    """Columns (nu,) and rows (nv,) of pixels whose centres lie in a region, edges included."""
    u, v = grid.u_centers_cm, grid.v_centers_cm
    return (
        (u >= region.u_min_cm) & (u <= region.u_max_cm),
        (v >= region.v_min_cm) & (v <= region.v_max_cm),
    )


def cones_text(n_cones: int) -> str:
    """Which cones there are, in words."""
    return f"there are the cones 0 to {n_cones - 1}" if n_cones else "there is none"
