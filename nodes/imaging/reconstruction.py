"""Images of uncertain cones: all hypotheses of an event with their weights, each as wide as known.

``weighted_images`` throws them back on the plane, ``reconstructed_images`` is what explains them
best. No prior and no choice of one hypothesis enters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.arrays import F8
from ...schemas.imaging.images import PixelGrid, PlaneFrame
from ...schemas.imaging.imaging_method import Threads
from ...schemas.imaging.reconstructed import (
    IMAGE_SHAPES,
    ITERATION_HISTORY,
    DensityImages,
    ImageFit,
)
from ...schemas.imaging.sources import ConeMixture, SourceFit
from ...schemas.imaging.uncertainty import ExpectationSettings, Uncertainty
from .half_maximum import half_maximum_centroid, widths_at_half_maximum
from .image_maximisation import ImageProblem, highest_direction, image_fit
from .passing_cones import with_sensitivity
from .point_response import point_response
from .weighted_projection import of_species, weighted_projection


@tag(stage="reconstruction", scope="run", helper="true")
def centred_cones(
    cone_mixture: ConeMixture, source_fit: SourceFit, image_sensitivity: str
) -> ConeMixture:
    """Cones whose angle is moved by the mean of phi - theta that the fit of sources finds.

    A mean that is not 0 makes a ring of a point. [point_fit] bias_rad gives it where it is known.
    They know what passes where images count it.
    """
    cone_mixture = with_sensitivity(cone_mixture, image_sensitivity)
    if not len(source_fit.parameters):
        return cone_mixture
    species = np.unique(cone_mixture.species)
    begin = 3 * len(source_fit.TS) - 1
    bias = np.zeros(2)
    bias[species] = source_fit.parameters[begin : begin + len(species)]
    of_row = np.repeat(bias[cone_mixture.species], np.diff(cone_mixture.start))
    theta = np.clip(cone_mixture.theta_rad + of_row, 0.0, np.pi)
    return replace(cone_mixture, theta_rad=theta, bias_rad=theta - cone_mixture.theta_rad)


@tag(stage="reconstruction", scope="run")
def weighted_images(
    centred_cones: ConeMixture,
    plane_frame: PlaneFrame,
    pixel_grid: PixelGrid,
    uncertainty: Uncertainty,
    threads: Threads,
    neutrons_on: bool,
    gammas_on: bool,
) -> DensityImages:
    """Cones as wide as they are known, thrown back on the plane; an event adds 1 at its highest."""

    def of(cones: ConeMixture) -> F8:
        thick = uncertainty.smearing == "thicken"
        return weighted_projection(cones, plane_frame, pixel_grid, threads.count, thick=thick)

    n = of(of_species(centred_cones, 0)) if neutrons_on else None
    g = of(of_species(centred_cones, 1)) if gammas_on else None
    parts = [image for image in (n, g) if image is not None]
    return DensityImages(pixel_grid, n, g, np.zeros(pixel_grid.shape) + sum(parts))


@tag(stage="reconstruction", scope="run", helper="true")
def image_fits(
    centred_cones: ConeMixture,
    plane_frame: PlaneFrame,
    pixel_grid: PixelGrid,
    expectation: ExpectationSettings,
    threads: Threads,
    neutrons_on: bool,
    gammas_on: bool,
) -> dict[str, ImageFit]:
    """The image of greatest likelihood of each species and of both together, by name."""

    problem = ImageProblem(centred_cones, plane_frame, pixel_grid, expectation, threads.count)

    def of(name: str) -> ImageFit:
        mine = problem.of_image(name)
        towards = None
        if expectation.elsewhere == "sphere" and mine.cones.n_events:
            image = weighted_projection(mine.cones, plane_frame, pixel_grid, threads.count)
            towards = highest_direction(image, mine)
        return image_fit(mine, name, towards)

    return _by_name(of, neutrons_on=neutrons_on, gammas_on=gammas_on)


@tag(stage="reconstruction", scope="run")
def reconstructed_images(image_fits: dict[str, ImageFit], pixel_grid: PixelGrid) -> DensityImages:
    """Events that come from each pixel, n, g and all, by maximum likelihood (MLEM)."""
    n, g, both = (image_fits[k].pixels if k in image_fits else None for k in ("n", "g", "all"))
    return DensityImages(pixel_grid, n, g, np.zeros(pixel_grid.shape) if both is None else both)


@tag(stage="reconstruction", scope="run")
def emission_images(
    reconstructed_images: DensityImages,
    sensitivity_map: F8,
    gamma_sensitivity_map: F8,
    centred_cones: ConeMixture,
) -> dict[str, F8]:
    """reconstructed_images n, g and all over the acceptance of each pixel, 1 in the mean.

    Neutrons are left out where what passes of them is not known; so are both together then.
    """
    images, found = reconstructed_images, {}
    if images.n is not None and centred_cones.acceptance is not None:
        found["n"] = images.n * np.exp(-sensitivity_map)
    if images.g is not None:
        found["g"] = images.g * np.exp(-gamma_sensitivity_map)
    if found and found.keys() == images.present().keys() - {"all"}:
        found["all"] = np.sum(list(found.values()), axis=0)
    return found


@tag(stage="reconstruction", scope="run")
def elsewhere_counts(image_fits: dict[str, ImageFit]) -> dict[str, float]:
    """Events of each image that come from no pixel."""
    return {name: fit.elsewhere_counts for name, fit in image_fits.items()}


@tag(stage="reconstruction", schema="IterationHistory", scope="run")
def iteration_history(image_fits: dict[str, ImageFit]) -> pd.DataFrame:
    """ln L and counts after each iteration of each image, with events held out and without."""
    rows = [fit.history for fit in image_fits.values() if len(fit.history)]
    if not rows:
        return ITERATION_HISTORY.empty()
    whole = pd.concat(rows, ignore_index=True)
    return ITERATION_HISTORY.frame({name: whole[name] for name in ITERATION_HISTORY.names})


@tag(stage="reconstruction", schema="ImageShapes", scope="run")
def image_shapes(
    image_fits: dict[str, ImageFit],
    centred_cones: ConeMixture,
    plane_frame: PlaneFrame,
    pixel_grid: PixelGrid,
    expectation: ExpectationSettings,
    threads: Threads,
) -> pd.DataFrame:
    """Peak, centroid and width of each reconstructed image, and the width of a point like it."""
    problem = ImageProblem(centred_cones, plane_frame, pixel_grid, expectation, threads.count)
    rows = [_shape(name, fit, problem.of_image(name)) for name, fit in image_fits.items()]
    table = dict(zip(IMAGE_SHAPES.names, zip(*rows, strict=True), strict=True))
    return IMAGE_SHAPES.frame({**table, "image": list(table["image"])})


def _shape(name: str, fit: ImageFit, problem: ImageProblem) -> tuple[object, ...]:
    image, grid = fit.pixels, problem.grid
    row, column = np.unravel_index(int(np.argmax(image)), image.shape)
    peak = (grid.u_centers_cm[column], grid.v_centers_cm[row])
    seen = bool(image.any())
    return (
        name,
        fit.iterations,
        *(peak if seen else (np.nan, np.nan)),
        *half_maximum_centroid(image, grid),
        *widths_at_half_maximum(image, grid),
        *widths_at_half_maximum(point_response(problem, fit), grid),
    )


def _by_name(
    of: Callable[[str], ImageFit], *, neutrons_on: bool, gammas_on: bool
) -> dict[str, ImageFit]:
    """Images by name; that of both is made anew only where both have events."""
    found = {name: of(name) for name, is_on in (("n", neutrons_on), ("g", gammas_on)) if is_on}
    filled = [fit for fit in found.values() if fit.iterations]
    if len(filled) > 1 or not found:
        return {**found, "all": of("all")}
    only = filled[0] if filled else next(iter(found.values()))
    renamed = {"image": ["all"] * len(only.history)}
    history = ITERATION_HISTORY.frame(
        {**{str(c): only.history[c] for c in only.history}, **renamed}
    )
    return {**found, "all": replace(only, history=history)}
