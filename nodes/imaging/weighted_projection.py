"""Back projection of cones as wide as they are known. Plain functions without nodes."""

from __future__ import annotations

import numpy as np

from ...schemas.arrays import F8
from ...schemas.imaging.images import PixelGrid, PlaneFrame
from ...schemas.imaging.sources import ConeMixture
from .cone_matrix import blocks_of, in_threads, seen_cones
from .kernels.cone_rows import add_normalised, add_thickened


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
