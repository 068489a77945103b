"""Cones shared out to threads, and what the threads found put together.

Each thread fills a private image; the integer sum of these does not depend on how the work was
spread, and neither does the order of the footprints.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Final

import numpy as np

from ...schemas.arrays import U4
from ...schemas.imaging.images import BackProjection, Footprints, PixelGrid
from ...schemas.imaging.imaging_method import ImagingMethod, Threads
from ..reused_pages import uninitialised

# Room for the footprints of one task is taken before it is known how much is needed.
_SCRATCH_PIXELS: Final = 1_000_000
_MOST_CONES_A_TASK: Final = 16384
# Room that is not used costs no memory: the system hands out pages when they are written to.
_ROOM_OVER_EXPECTED: Final = 1.25

Kernel = Callable[[int, int, U4, U4, U4], int]
"""Cones [start, stop), image, counts of lit pixels and scratch in; places filled out."""


def in_shares(
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
    shares = _shares(n_cones, threads.count)
    rooms = [np.empty(0, np.uint32) for _ in shares]
    if settings.list_mode:
        some = min(task, n_cones)
        spare = np.empty(places * some + 2, np.uint32)
        n_lit = new_kernel()(0, some, _empty_image(grid), lit_pixels, spare)
        expected = int(_ROOM_OVER_EXPECTED * n_lit * n_cones / max(some, 1))
        rooms = _rooms(expected, len(spare), len(shares))

    def worker(cones_of_thread: range, pixels: U4) -> tuple[U4, U4]:
        kernel = new_kernel()
        image = _empty_image(grid)
        filled = 0
        for start in cones_of_thread[::task]:
            stop = min(start + task, cones_of_thread.stop)
            kept = stop - start if settings.list_mode else 1
            least = filled + places * kept + 2
            if len(pixels) < least:
                done = (start - cones_of_thread.start) / len(cones_of_thread)
                pixels = _with_room(pixels[:filled], least, done)
            found = kernel(start, stop, image, lit_pixels, pixels[filled:])
            filled += found if settings.list_mode else 0
        return image, pixels[:filled]

    parts = _in_threads(worker, shares, rooms)
    image: U4 = np.asarray(sum(p[0] for p in parts), np.uint32).reshape(grid.shape)
    footprints = None
    if settings.list_mode:
        footprints = Footprints.of_counts(lit_pixels, _joined([p[1] for p in parts], rooms))
    return BackProjection(image, lit_pixels, footprints)


def _empty_image(grid: PixelGrid) -> U4:
    return np.zeros(grid.nu * grid.nv, np.uint32)


def _rooms(expected: int, of_task: int, count: int) -> list[U4]:
    """Equal parts of one array, one after the other, with room for a task more in each."""
    size = expected // count + of_task
    try:
        whole = uninitialised(size * count)
    except MemoryError:
        # The first cones may light far more than the others: begin small and grow as needed.
        size = of_task
        whole = uninitialised(size * count)
    return [whole[size * k : size * (k + 1)] for k in range(count)]


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


def _joined(parts: list[U4], rooms: list[U4]) -> U4:
    """``parts`` one after the other, where the first one stands if each stands in its room.

    There the others only move up: pages that the system has to hand out and empty cost as much
    time as the pixels that go in. A part that outgrew its room would overwrite the next one.
    """
    total = sum(map(len, parts))
    whole = rooms[0].base
    if whole is not None and all(part.base is whole for part in parts):
        joined: U4 = whole[:total]
    else:
        joined = np.empty(total, np.uint32)
    place = 0
    for part in parts:
        joined[place : place + len(part)] = part
        place += len(part)
    return joined


def _shares(n_cones: int, count: int) -> list[range]:
    """The cones of each thread: ranges one after the other, as equal as can be."""
    count = max(min(count, n_cones), 1)
    edges = [n_cones * k // count for k in range(count + 1)]
    return [range(a, b) for a, b in pairwise(edges)]


def _in_threads(
    worker: Callable[[range, U4], tuple[U4, U4]], shares: list[range], rooms: list[U4]
) -> list[tuple[U4, U4]]:
    if len(shares) == 1:
        return [worker(shares[0], rooms[0])]
    with ThreadPoolExecutor(len(shares)) as pool:
        return list(pool.map(worker, shares, rooms))
