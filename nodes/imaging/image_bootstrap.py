"""Replicas of the reconstructed images: how far their places and widths scatter.

Events count as often as in the replicas of the point fit (bootstrap.py); each replica begins at
the image of all events, and goes on for ten passes.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.arrays import F8
from ...schemas.imaging.images import PixelGrid, PlaneFrame
from ...schemas.imaging.imaging_method import Threads
from ...schemas.imaging.reconstructed import IMAGE_NAMES, ImageFit
from ...schemas.imaging.sources import BOOTSTRAP_IMAGES, ConeMixture
from ...schemas.imaging.uncertainty import Errors, ExpectationSettings
from .expectation_maximisation import Components, reweighted
from .half_maximum import edges_at_half_maximum, half_maximum_centroid
from .image_maximisation import ImageProblem, image_events
from .poisson_weights import poisson_weights
from .weighted_projection import of_species

PASSES_OF_REPLICA: Final = 10
_COLUMNS: Final = (
    "u_cm", "v_cm", "u_peak_cm", "v_peak_cm", "u_low_cm", "u_high_cm", "v_low_cm", "v_high_cm",
    "source_counts",
)  # fmt: skip


@tag(stage="reconstruction", schema="BootstrapImages", scope="run")
def bootstrap_images(
    image_fits: dict[str, ImageFit],
    centred_cones: ConeMixture,
    plane_frame: PlaneFrame,
    pixel_grid: PixelGrid,
    expectation: ExpectationSettings,
    threads: Threads,
    errors: Errors,
) -> pd.DataFrame:
    """Centroid, peak, edges and widths of each reconstructed image in each replica."""
    told = (plane_frame, pixel_grid, expectation, threads.count)
    found = {}
    for name in IMAGE_NAMES:
        if name in image_fits and image_fits[name].iterations:
            cones = centred_cones if name == "all" else of_species(centred_cones, int(name == "g"))
            found[name] = _replicas(ImageProblem(cones, *told), image_fits[name], errors)
    if not found:
        return BOOTSTRAP_IMAGES.empty()
    columns = dict(zip(_COLUMNS, np.concatenate(list(found.values())).T, strict=True))
    widths = {f"fwhm_{a}_cm": columns[f"{a}_high_cm"] - columns[f"{a}_low_cm"] for a in "uv"}
    return BOOTSTRAP_IMAGES.frame(
        {
            "image": np.repeat(list(found), errors.replicas).tolist(),
            "replica": np.tile(np.arange(errors.replicas), len(found)),
            **columns,
            **widths,
        }
    )


def _replicas(problem: ImageProblem, fit: ImageFit, errors: Errors) -> F8:
    """(replicas, columns) of one image."""
    events = image_events(problem, fit.directions)
    share = np.stack([fit.source_share, fit.elsewhere_share])
    begin = Components(fit.pixels.ravel(), fit.sky, share)
    rows = []
    for replica in range(errors.replicas):
        weights = poisson_weights(problem.cones, errors.seed, replica)
        pixels = reweighted(events, begin, weights, PASSES_OF_REPLICA).pixels
        rows.append(_numbers(pixels.reshape(problem.grid.shape), problem.grid))
    return np.array(rows)


def _numbers(image: F8, grid: PixelGrid) -> tuple[float, ...]:
    row, column = np.unravel_index(int(np.argmax(image)), image.shape)
    seen = bool(image.any())
    peak = (grid.u_centers_cm[column], grid.v_centers_cm[row]) if seen else (np.nan, np.nan)
    return (
        *half_maximum_centroid(image, grid),
        *peak,
        *edges_at_half_maximum(image, grid),
        float(image.sum()),
    )
