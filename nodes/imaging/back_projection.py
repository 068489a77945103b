"""Imaging methods: cone arrays and a plane in, a back projection out.

Each task fills a private image of its thread; the integer sum of these does not depend on how
the work was spread. Plain functions, chosen by the table METHODS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Protocol

import numpy as np
import pandas as pd

from ...schemas.arrays import F8, U4
from ...schemas.imaging.images import BackProjection, Footprints, PixelGrid, PlaneFrame
from ...schemas.imaging.imaging_method import ImagingMethod, Threads
from .cone_geometry import columns3
from .kernels.back_projection import scan_cones

# Scratch for the footprints of one task stays within a second-level cache's order of size.
_SCRATCH_PIXELS: Final = 4_000_000
_MOST_CONES_A_TASK: Final = 16384


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
    n_cones = len(cones.cos_theta)
    lit_pixels = np.zeros(n_cones, np.uint32)
    task = _cones_a_task(n_cones, grid, threads)
    starts = range(0, n_cones, task)
    per_cone = 2 * (grid.nu + grid.nv)
    arguments = (
        cones.apex_cm,
        cones.axis,
        cones.cos_theta,
        *(np.asarray(v) for v in (frame.origin_cm, grid.u_axis, grid.v_axis, frame.normal)),
        *(grid.u_min_cm, grid.du_cm, grid.nu, grid.v_min_cm, grid.dv_cm, grid.nv),
        settings.nappe == "forward",
        settings.list_mode,
    )

    def worker(first: int) -> tuple[U4, dict[int, U4]]:
        image = np.zeros(grid.nu * grid.nv, np.uint32)
        room = per_cone * (task if settings.list_mode else 1) + 2
        pixels = np.empty(room, np.uint32)
        footprints = {}
        for start in starts[first :: threads.count]:
            stop = min(start + task, n_cones)
            filled = scan_cones(*arguments, start, stop, image, lit_pixels, pixels)
            if settings.list_mode:
                footprints[start] = pixels[:filled].copy()
        return image, footprints

    parts = _in_threads(worker, min(threads.count, max(len(starts), 1)))
    image: U4 = np.asarray(sum(p[0] for p in parts), np.uint32).reshape(grid.shape)
    footprints = None
    if settings.list_mode:
        by_start = {start: px for _, found in parts for start, px in found.items()}
        in_order = [by_start[s] for s in sorted(by_start)]
        pixels = np.concatenate(in_order) if in_order else np.zeros(0, np.uint32)
        footprints = Footprints.of_counts(lit_pixels, pixels)
    return BackProjection(image, lit_pixels, footprints)


METHODS: Final[Mapping[tuple[str, str], Method]] = MappingProxyType(
    {("sbp", "scan"): scan_back_projection}
)


def _cones_a_task(n_cones: int, grid: PixelGrid, threads: Threads) -> int:
    scratch = max(_SCRATCH_PIXELS // (2 * (grid.nu + grid.nv)), 64)
    if threads.cones_a_task > 0:
        return min(threads.cones_a_task, scratch)
    fair = max(-(-n_cones // (4 * threads.count)), 64)
    return min(fair, scratch, _MOST_CONES_A_TASK)


def _in_threads(
    worker: Callable[[int], tuple[U4, dict[int, U4]]], count: int
) -> list[tuple[U4, dict[int, U4]]]:
    if count == 1:
        return [worker(0)]
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(worker, range(count)))
