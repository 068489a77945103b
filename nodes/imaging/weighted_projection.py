"""Back projection of cones as wide as they are known. Plain functions without nodes."""

from __future__ import annotations

from typing import Final

import numpy as np

from ...schemas.arrays import F4, F8, I8
from ...schemas.imaging.images import PixelGrid, PlaneFrame
from ...schemas.imaging.sources import ConeMixture
from .cone_matrix import blocks_of, in_threads, seen_cones
from .kernels.cone_rows import add_normalised, add_thickened
from .kernels.replica_rows import add_rows, normalised_rows, thickened_rows

# Rows of pixels that are kept while every replica takes them.
ROWS_AT_ONCE: Final = 128
REPLICA_PARTS: Final = 16


def weighted_projection(
    cones: ConeMixture,
    frame: PlaneFrame,
    grid: PixelGrid,
    threads: int,
    *,
    thick: bool = False,
) -> F8:
    """Sum of K_ij / max_j K_ij over the events, (nv, nu); ``thick``: 1 within one sigma, else 0."""
    seen = seen_cones(cones, frame, grid)
    blocks = blocks_of(np.arange(seen.n_events), seen.n_pixels)
    images = np.zeros((len(blocks), seen.n_pixels))
    add = add_thickened if thick else add_normalised

    def work(k: int) -> None:
        add(int(blocks[k][0]), int(blocks[k][-1]) + 1, seen, images[k])

    in_threads(work, len(blocks), threads)
    return np.asarray(images.sum(axis=0).reshape(grid.shape))


def projections_of_replicas(
    cones: ConeMixture,
    counts: F8,
    frame: PlaneFrame,
    grid: PixelGrid,
    threads: int,
    *,
    thick: bool = False,
) -> F8:
    """weighted_projection with events counting ``counts`` (replicas, m) times, (replicas, nv, nu).

    Rows of some events are made once, and added to every replica: the work is cut by replicas, so
    that the order of the sums is the same for any number of threads.
    """
    seen = seen_cones(cones, frame, grid)
    images = np.zeros((len(counts), seen.n_pixels))
    rows = np.empty((min(ROWS_AT_ONCE, seen.n_events), seen.n_pixels), np.float32)
    fill = thickened_rows if thick else normalised_rows
    parts = np.array_split(np.arange(len(counts)), min(len(counts), REPLICA_PARTS))
    for begin in range(0, seen.n_events, ROWS_AT_ONCE):
        end = min(begin + ROWS_AT_ONCE, seen.n_events)
        cuts = np.linspace(begin, end, min(REPLICA_PARTS, end - begin) + 1).astype(int)

        def made(k: int, at: I8 = cuts, first: int = begin) -> None:
            fill(int(at[k]), int(at[k + 1]), seen, rows[at[k] - first :])

        in_threads(made, len(cuts) - 1, threads)
        often = np.ascontiguousarray(counts[:, begin:end], np.float32)

        def added(k: int, n: int = end - begin, often: F4 = often) -> None:
            mine = slice(int(parts[k][0]), int(parts[k][-1]) + 1)
            add_rows(rows[:n], often[mine], images[mine])

        in_threads(added, len(parts), threads)
    return images.reshape(len(counts), *grid.shape)


def of_species(cones: ConeMixture, species: int) -> ConeMixture:
    """The events of one species: 0 neutrons, 1 gammas; they stand together."""
    events = np.flatnonzero(cones.species == species)
    begin = int(events[0]) if len(events) else 0
    end = int(events[-1]) + 1 if len(events) else 0
    rows = slice(cones.start[begin], cones.start[end])
    share, bias = cones.axis_share, cones.bias_rad
    return ConeMixture(
        apex_cm=cones.apex_cm[rows],
        axis=cones.axis[rows],
        theta_rad=cones.theta_rad[rows],
        sigma_rad=cones.sigma_rad[rows],
        weight=cones.weight[rows],
        axis_share=None if share is None else share[rows],
        bias_rad=None if bias is None else bias[rows],
        # What passes is known of neutrons, and they come first.
        acceptance=cones.acceptance if species == 0 else None,
        start=cones.start[begin : end + 1] - cones.start[begin],
        event_id=cones.event_id[begin:end],
        species=cones.species[begin:end],
        group=cones.group[begin:end],
    )
