"""Where the events of an image come from, one by one. Plain functions without nodes."""

from __future__ import annotations

import numpy as np

from ...schemas.arrays import F8, Mask
from ...schemas.imaging.reconstructed import ImageFit
from ...schemas.imaging.sources import ConeMixture
from .image_maximisation import sky_densities
from .kernels.cone_rows import SeenCones, region_sums


def posterior_shares(fit: ImageFit, seen: SeenCones, cones: ConeMixture, inside: Mask) -> F8:
    """Share of each hypothesis (n, 3) of the region, the rest of the plane, and elsewhere.

    Those of an event add up to 1; hypotheses share what is elsewhere by their weights.
    """
    n_rows = len(seen.shape)
    sums = np.zeros((n_rows, 2))
    region_sums(seen, fit.pixels.ravel().astype(np.float32), inside, sums)
    event = np.repeat(np.arange(cones.n_events), np.diff(cones.start))
    group = cones.group[event]
    of_else = sky_densities(seen, fit.directions) @ fit.sky
    parts = np.column_stack(
        [
            sums * fit.source_share[group][:, None],
            of_else[event] * fit.elsewhere_share[group] * cones.weight,
        ]
    )
    whole = np.bincount(event, parts.sum(axis=1), cones.n_events)[event]
    return np.divide(parts, whole[:, None], out=np.zeros_like(parts), where=whole[:, None] > 0)
