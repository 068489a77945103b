"""Imaging methods: cone arrays and a plane in, a back projection out.

Each task fills a private image of its thread; the integer sum of these does not depend on how
the work was spread. Plain functions, chosen by the table METHODS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final, Protocol

import numpy as np
import pandas as pd

from ...schemas.arrays import F8, U4
from ...schemas.imaging.images import BackProjection, Footprints, PixelGrid, PlaneFrame
from ...schemas.imaging.imaging_method import ImagingMethod, Threads
from .cone_geometry import columns3
from .kernels.back_projection import sample_cones, scan_cones

# Room for the footprints of one task is taken before it is known how much is needed.
_SCRATCH_PIXELS: Final = 1_000_000
_MOST_CONES_A_TASK: Final = 16384


@dataclass(frozen=True)
class ConeArrays:
    """What an imaging method is given of cones: apex (n, 3) cm, axis (n, 3), cos theta (n,)."""

    apex_cm: F8
    axis: F8
    cos_theta: F8


Kernel = Callable[[int, int, U4, U4, U4], int]
"""Cones [start, stop), image, counts of lit pixels and scratch in; places filled out."""


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
        return lambda *span_and_results: scan_cones(*given, *span_and_results)

    return _in_shares(scan, places, len(cones.cos_theta), grid, settings, threads)


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

    return _in_shares(sample, samples, len(cones.cos_theta), grid, settings, threads)


def _geometry(cones: ConeArrays, frame: PlaneFrame, grid: PixelGrid) -> tuple[Any, ...]:
    """Cones, plane and pixels in the order in which the kernels take them."""
    return (
        cones.apex_cm,
        cones.axis,
        cones.cos_theta,
        *(np.asarray(v) for v in (frame.origin_cm, grid.u_axis, grid.v_axis, frame.normal)),
        *(grid.u_min_cm, grid.du_cm, grid.nu, grid.v_min_cm, grid.dv_cm, grid.nv),
    )


def _in_shares(
    new_kernel: Callable[[], Kernel],
    places: int,
    n_cones: int,
    grid: PixelGrid,
    settings: ImagingMethod,
    threads: Threads,
) -> BackProjection:
    """What the kernels of all threads find; each cone lights at most ``places`` pixels."""
    lit_pixels = np.zeros(n_cones, np.uint32)
    task = _cones_a_task(n_cones, places, threads)

    def worker(cones_of_thread: range) -> tuple[U4, U4]:
        kernel = new_kernel()
        image = np.zeros(grid.nu * grid.nv, np.uint32)
        pixels = np.empty(0, np.uint32)
        filled = 0
        for start in cones_of_thread[::task]:
            stop = min(start + task, cones_of_thread.stop)
            kept = stop - start if settings.list_mode else 1
            room = filled + places * kept + 2
            if len(pixels) < room:
                done = (start - cones_of_thread.start) / len(cones_of_thread)
                pixels = _with_room(pixels[:filled], room, done)
            found = kernel(start, stop, image, lit_pixels, pixels[filled:])
            filled += found if settings.list_mode else 0
        return image, pixels[:filled]

    parts = _in_threads(worker, _shares(n_cones, threads.count))
    image: U4 = np.asarray(sum(p[0] for p in parts), np.uint32).reshape(grid.shape)
    footprints = None
    if settings.list_mode:
        pixels = parts[0][1] if len(parts) == 1 else np.concatenate([p[1] for p in parts])
        footprints = Footprints.of_counts(lit_pixels, pixels)
    return BackProjection(image, lit_pixels, footprints)


METHODS: Final[Mapping[tuple[str, str], Method]] = MappingProxyType(
    {("sbp", "scan"): scan_back_projection, ("sbp", "poly"): poly_back_projection}
)


def _cones_a_task(n_cones: int, places: int, threads: Threads) -> int:
    scratch = max(_SCRATCH_PIXELS // places, 64)
    if threads.cones_a_task > 0:
        return min(threads.cones_a_task, scratch)
    fair = max(-(-n_cones // (4 * threads.count)), 64)
    return min(fair, scratch, _MOST_CONES_A_TASK)


def _with_room(pixels: U4, least: int, done: float) -> U4:
    """``pixels`` at the head of a larger array.

    It has ``least`` places, or what the share of the work that is ``done`` lets expect.
    """
    expected = int(1.1 * len(pixels) / done) if done > 0 else 0
    larger = np.empty(least + expected, np.uint32)
    larger[: len(pixels)] = pixels
    return larger


def _shares(n_cones: int, count: int) -> list[range]:
    """The cones of each thread: ranges one after the other, as equal as can be."""
    count = max(min(count, n_cones), 1)
    edges = [n_cones * k // count for k in range(count + 1)]
    return [range(a, b) for a, b in pairwise(edges)]


def _in_threads(
    worker: Callable[[range], tuple[U4, U4]], shares: list[range]
) -> list[tuple[U4, U4]]:
    if len(shares) == 1:
        return [worker(shares[0])]
    with ThreadPoolExecutor(len(shares)) as pool:
        return list(pool.map(worker, shares))
