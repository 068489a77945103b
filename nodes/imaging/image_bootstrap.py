"""Replicas of the images: how far their places and widths scatter.

Events count as often as in the replicas of the point fit (bootstrap.py). A back projection is
linear in the events: its replicas are exact. Each replica of an image of greatest likelihood begins
at that of all events, and goes on for ten passes.
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
from ...schemas.imaging.uncertainty import Errors, ExpectationSettings, Uncertainty
from .expectation_maximisation import Components, reweighted
from .half_maximum import edges_at_half_maximum, half_maximum_centroid
from .image_maximisation import ImageProblem, image_events
from .poisson_weights import poisson_weights
from .weighted_projection import of_species, projections_of_replicas

PASSES_OF_REPLICA: Final = 10
_PLACES: Final = ("u_cm", "v_cm", "u_peak_cm", "v_peak_cm")
_EDGES: Final = ("u_low_cm", "u_high_cm", "v_low_cm", "v_high_cm")


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
    if not errors.of_images:
        return BOOTSTRAP_IMAGES.empty()
    problem = ImageProblem(centred_cones, plane_frame, pixel_grid, expectation, threads.count)
    made = [name for name in IMAGE_NAMES if name in image_fits and image_fits[name].iterations]
    return _table(
        {name: _replicas(problem.of_image(name), image_fits[name], errors) for name in made},
        errors,
    )


@tag(stage="reconstruction", schema="BootstrapImages", scope="run")
def bootstrap_weighted_images(
    centred_cones: ConeMixture,
    plane_frame: PlaneFrame,
    pixel_grid: PixelGrid,
    uncertainty: Uncertainty,
    threads: Threads,
    errors: Errors,
) -> pd.DataFrame:
    """Centroid, peak, edges and widths of each of weighted_images in each replica."""
    if not errors.of_images:
        return BOOTSTRAP_IMAGES.empty()
    thick = uncertainty.smearing == "thicken"
    images: dict[str, F8] = {}
    for name, species in (("n", 0), ("g", 1)):
        cones = of_species(centred_cones, species)
        if cones.n_events:
            counts = np.stack(
                [poisson_weights(cones, errors.seed, k) for k in range(errors.replicas)]
            )
            told = (plane_frame, pixel_grid, threads.count)
            images[name] = projections_of_replicas(cones, counts, *told, thick=thick)
    if images:
        images["all"] = sum(images.values(), np.zeros(()))
    rows = {
        name: np.array([_numbers(image, pixel_grid, errors) for image in of_replicas])
        for name, of_replicas in images.items()
    }
    return _table(rows, errors)


def _table(rows: dict[str, F8], errors: Errors) -> pd.DataFrame:
    """BootstrapImages of (replicas, columns) of each image."""
    if not rows:
        return BOOTSTRAP_IMAGES.empty()
    names = (*_PLACES, *_EDGES, "source_counts")
    columns = dict(zip(names, np.concatenate(list(rows.values())).T, strict=True))
    widths = {f"fwhm_{a}_cm": columns[f"{a}_high_cm"] - columns[f"{a}_low_cm"] for a in "uv"}
    nothing = np.full(len(columns["source_counts"]), np.nan)
    if "edges" not in errors.quantities:
        columns |= dict.fromkeys(_EDGES, nothing)
    if "fwhm" not in errors.quantities:
        widths = dict.fromkeys(widths, nothing)
    return BOOTSTRAP_IMAGES.frame(
        {
            "image": np.repeat(list(rows), errors.replicas).tolist(),
            "replica": np.tile(np.arange(errors.replicas), len(rows)),
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
        rows.append(_numbers(pixels.reshape(problem.grid.shape), problem.grid, errors))
    return np.array(rows)


def _numbers(image: F8, grid: PixelGrid, errors: Errors) -> tuple[float, ...]:
    """Centroid, peak, edges and counts; NaN for what is not asked."""
    places, edges = (np.nan,) * len(_PLACES), (np.nan,) * len(_EDGES)
    if "centroid" in errors.quantities:
        row, column = np.unravel_index(int(np.argmax(image)), image.shape)
        peak = (grid.u_centers_cm[column], grid.v_centers_cm[row]) if image.any() else places[:2]
        places = (*half_maximum_centroid(image, grid), *peak)
    if {"fwhm", "edges"} & set(errors.quantities):
        edges = edges_at_half_maximum(image, grid)
    return (*places, *edges, float(image.sum()))
