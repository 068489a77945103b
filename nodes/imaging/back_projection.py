"""Imaging methods: cone arrays and a plane in, a back projection out.

Plain functions, chosen by the table METHODS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Protocol

import numpy as np
import pandas as pd

from ...schemas.arrays import F8
from ...schemas.imaging.images import BackProjection, PixelGrid, PlaneFrame
from ...schemas.imaging.imaging_method import ImagingMethod, Threads
from .cone_geometry import columns3
from .cone_shares import Kernel, in_shares
from .kernels.back_projection import scan_cones, scan_scratch
from .kernels.conic_samples import sample_cones


@dataclass(frozen=True)
class ConeArrays:
    """What an imaging method is given of cones: apex (n, 3) cm, axis (n, 3), cos theta (n,)."""

    apex_cm: F8
    axis: F8
    cos_theta: F8


class Method(Protocol):
    """Throws cones on a plane."""

    def __call__(
        self,
        cones: ConeArrays,
        frame: PlaneFrame,
        grid: PixelGrid,
        settings: ImagingMethod,
        threads: Threads,
    ) -> BackProjection: ...


def back_projection(
    cones: pd.DataFrame,
    frame: PlaneFrame,
    grid: PixelGrid,
    settings: ImagingMethod,
    threads: Threads,
) -> BackProjection:
    """Images by the method that the settings name."""
    arrays = ConeArrays(
        columns3(cones, "apex_{}_cm"),
        columns3(cones, "axis_{}"),
        np.cos(cones["theta_rad"].to_numpy()),
    )
    return METHODS[settings.method, settings.engine](arrays, frame, grid, settings, threads)


def scan_back_projection(
    cones: ConeArrays,
    frame: PlaneFrame,
    grid: PixelGrid,
    settings: ImagingMethod,
    threads: Threads,
) -> BackProjection:
    """Simple back projection by the crossings of each cone with pixel-centre lines."""
    given = (*_geometry(cones, frame, grid), settings.nappe == "forward", settings.list_mode)
    places = 2 * (grid.nu + grid.nv)

    def scan() -> Kernel:
        scratch = scan_scratch(grid.du_cm, grid.nu, grid.dv_cm, grid.nv)
        return lambda *span_and_results: scan_cones(*given, *span_and_results, *scratch)

    return in_shares(scan, places, len(cones.cos_theta), grid, settings, threads)


def poly_back_projection(
    cones: ConeArrays,
    frame: PlaneFrame,
    grid: PixelGrid,
    settings: ImagingMethod,
    threads: Threads,
) -> BackProjection:
    """Simple back projection by samples along each conic: quick, dotted where they are sparse."""
    samples = settings.poly_samples
    given = (*_geometry(cones, frame, grid), samples, settings.poly_range_cm, settings.list_mode)

    def sample() -> Kernel:
        last_cone = np.zeros(grid.nu * grid.nv, np.uint32)
        return lambda *span_and_results: sample_cones(*given, *span_and_results, last_cone)

    return in_shares(sample, samples, len(cones.cos_theta), grid, settings, threads)


def _geometry(cones: ConeArrays, frame: PlaneFrame, grid: PixelGrid) -> tuple[Any, ...]:
    """Cones, plane and pixels in the order in which the kernels take them."""
    return (
        cones.apex_cm,
        cones.axis,
        cones.cos_theta,
        *(np.asarray(v) for v in (frame.origin_cm, grid.u_axis, grid.v_axis, frame.normal)),
        *(grid.u_min_cm, grid.du_cm, grid.nu, grid.v_min_cm, grid.dv_cm, grid.nv),
    )


METHODS: Final[Mapping[tuple[str, str], Method]] = MappingProxyType(
    {("sbp", "scan"): scan_back_projection, ("sbp", "poly"): poly_back_projection}
)
