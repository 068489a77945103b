"""The matrix of densities, events by pixels, in one of three storages chosen by its size.

Bytes with a scale a row; of these only runs of pixels that are not 0, where most are; nothing at
all, rows being worked out anew each time, where bytes need more memory than is allowed. Rows are
cut into blocks whose number depends on nothing but their size, each block adds into sums of its
own, and these are added in order: the result is the same, bit for bit, for any number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final, Literal, Protocol

import numpy as np

from ...schemas.arrays import F4, I8, U1
from ...schemas.imaging.images import PixelGrid, PlaneFrame
from ...schemas.imaging.sources import ConeMixture
from .kernels.cone_rows import SeenCones, count_runs, fill_runs, quantised_rows
from .kernels.expectation import Model, Sums, computed_pass, dense_pass, sparse_pass
from .passing_cones import cone_shapes, pixel_factors

Storage = Literal["dense", "sparse", "computed"]
BLOCKS: Final = 64
# Sums of a block are as large as the image: fewer blocks where that is large.
_LARGE_IMAGE: Final = 1 << 18
_BLOCKS_OF_LARGE: Final = 16
# Runs of pixels take longer a pixel than whole rows; below this share of pixels they win.
MOST_FILLED: Final = 0.15
_SAMPLED_ROWS: Final = 256
_BYTES_A_RUN: Final = 24
_SPARSE_BATCH: Final = 256
_GIB: Final = 1 << 30


def seen_cones(cones: ConeMixture, frame: PlaneFrame, grid: PixelGrid) -> SeenCones:
    """The cones of a mixture and the pixels of a plane, as kernels take them."""
    told = cone_shapes(cones)
    cosine, sine = np.cos(told.theta_rad), np.sin(told.theta_rad)
    shape = [cosine, sine, told.sigma_rad**-2.0, told.peak, told.falls]
    factor, curve = pixel_factors(cones, frame, grid)
    return SeenCones(
        apex=np.ascontiguousarray(cones.apex_cm),
        axis=np.ascontiguousarray(cones.axis),
        shape=np.ascontiguousarray(np.stack(shape, axis=1)),
        start=np.ascontiguousarray(cones.start),
        origin=np.array(frame.origin_cm, np.float64),
        u_axis=np.array(grid.u_axis, np.float64),
        v_axis=np.array(grid.v_axis, np.float64),
        u=grid.u_centers_cm.astype(np.float32),
        v=grid.v_centers_cm.astype(np.float32),
        factor=np.ascontiguousarray(factor, np.float32),
        curve=curve,
    )


def of_events(seen: SeenCones, events: I8) -> SeenCones:
    """Some events, with all their hypotheses."""
    counts = np.diff(seen.start)[events]
    start = np.concatenate([[0], np.cumsum(counts)])
    rows = np.repeat(seen.start[events] - start[:-1], counts) + np.arange(start[-1])
    return seen._replace(
        apex=np.ascontiguousarray(seen.apex[rows]),
        axis=np.ascontiguousarray(seen.axis[rows]),
        shape=np.ascontiguousarray(seen.shape[rows]),
        start=start.astype(np.int64),
        curve=np.ascontiguousarray(seen.curve[events]),
    )


class ConeMatrix(Protocol):
    """Rows of densities; ``add`` is one of the passes of kernels/expectation.py."""

    @property
    def storage(self) -> Storage: ...

    @property
    def n_pixels(self) -> int: ...

    def add(self, rows: I8, model: Model, to: Sums) -> None: ...


@dataclass(frozen=True)
class DenseMatrix:
    """``values`` (events, pixels) times ``scale`` (events,)."""

    values: U1
    scale: F4
    storage: Storage = "dense"

    @property
    def n_pixels(self) -> int:
        return self.values.shape[1]

    def add(self, rows: I8, model: Model, to: Sums) -> None:
        dense_pass(self.values, self.scale, rows, model, to)


@dataclass(frozen=True)
class SparseMatrix:
    """Runs [offsets[i], offsets[i + 1]) of event i: first pixel, first and last of ``values``."""

    values: U1
    runs: I8
    offsets: I8
    scale: F4
    n_pixels: int
    storage: Storage = "sparse"

    def add(self, rows: I8, model: Model, to: Sums) -> None:
        sparse_pass(self.values, self.runs, self.offsets, self.scale, rows, model, to)


@dataclass(frozen=True)
class ComputedMatrix:
    """Rows that are worked out when they are needed."""

    seen: SeenCones
    storage: Storage = "computed"

    @property
    def n_pixels(self) -> int:
        return self.seen.n_pixels

    def add(self, rows: I8, model: Model, to: Sums) -> None:
        computed_pass(self.seen, rows, model, to)


def cone_matrix(
    seen: SeenCones, memory_GiB: float, threads: int, storage: Storage | None = None
) -> ConeMatrix:
    """The matrix in the storage that its size asks for, or in the one that is named."""
    storage = storage or storage_for(seen, memory_GiB)
    if storage == "dense":
        return _dense(seen, threads)
    return _sparse(seen, threads) if storage == "sparse" else ComputedMatrix(seen)


def storage_for(seen: SeenCones, memory_GiB: float) -> Storage:
    """The storage that the size asks for: the same cones and pixels get the same one."""
    n, room = seen.n_events, memory_GiB * _GIB
    if n == 0:
        return "dense"
    some = np.unique(np.linspace(0, n - 1, min(n, _SAMPLED_ROWS)).astype(np.int64))
    sample = _dense(of_events(seen, some), 1)
    runs, filled = _runs_and_values(sample.values)
    share = filled.sum() / sample.values.size
    sparse_size = 1.1 * n * (filled.mean() + _BYTES_A_RUN * runs.mean())
    dense_fits = n * seen.n_pixels <= room
    if share < MOST_FILLED and sparse_size <= room:
        return "sparse"
    if dense_fits:
        return "dense"
    return "sparse" if sparse_size <= room else "computed"


def blocks_of(rows: I8, n_pixels: int) -> list[I8]:
    """Rows cut into blocks, the same whatever the number of threads."""
    n = BLOCKS if n_pixels <= _LARGE_IMAGE else _BLOCKS_OF_LARGE
    return [np.ascontiguousarray(block) for block in np.array_split(rows, n) if len(block)]


def in_threads(work: Callable[[int], None], n: int, threads: int) -> None:
    """``work`` of each of 0 to n - 1, on so many threads."""
    if threads <= 1 or n <= 1:
        for k in range(n):
            work(k)
        return
    waiting, lock = iter(range(n)), Lock()

    def take() -> None:
        while True:
            with lock:
                k = next(waiting, None)
            if k is None:
                return
            work(k)

    # A pass takes some ms: a task a block, and a thread that only waits, would cost a tenth of it.
    others = min(threads, n) - 1
    with ThreadPoolExecutor(others) as pool:
        tasks = [pool.submit(take) for _ in range(others)]
        take()
        for task in tasks:
            task.result()


def _dense(seen: SeenCones, threads: int) -> DenseMatrix:
    values = np.empty((seen.n_events, seen.n_pixels), np.uint8)
    scale = np.empty(seen.n_events, np.float32)
    blocks = blocks_of(np.arange(seen.n_events), seen.n_pixels)

    def fill(k: int) -> None:
        begin, end = int(blocks[k][0]), int(blocks[k][-1]) + 1
        quantised_rows(begin, end, seen, values, scale)

    in_threads(fill, len(blocks), threads)
    return DenseMatrix(values, scale)


def _sparse(seen: SeenCones, threads: int) -> SparseMatrix:
    n = seen.n_events
    spans = [(b, min(b + _SPARSE_BATCH, n)) for b in range(0, n, _SPARSE_BATCH)]
    parts: list[Any] = [None] * len(spans)

    def fill(k: int) -> None:
        dense = _dense(of_events(seen, np.arange(*spans[k])), 1)
        n_runs, n_values = _runs_and_values(dense.values)
        runs = np.empty((n_runs.sum(), 3), np.int64)
        values = np.empty(n_values.sum(), np.uint8)
        fill_runs(dense.values, 0, 0, runs, values)
        parts[k] = (n_runs, runs, values, dense.scale)

    in_threads(fill, len(spans), threads)
    counts, runs, values, scales = (list(column) for column in zip(*parts, strict=True))
    # Each part counts its values from 0.
    filled = 0
    for part, of_part in zip(runs, values, strict=True):
        part[:, 1:] += filled
        filled += len(of_part)
    offsets = np.concatenate([[0], np.cumsum(np.concatenate(counts))]).astype(np.int64)
    return SparseMatrix(
        np.concatenate(values),
        np.concatenate(runs),
        offsets,
        np.concatenate(scales),
        seen.n_pixels,
    )


def _runs_and_values(rows: U1) -> tuple[I8, I8]:
    runs, values = np.empty(len(rows), np.int64), np.empty(len(rows), np.int64)
    count_runs(rows, runs, values)
    return runs, values
