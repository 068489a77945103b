"""Images: selected cones in, counts per pixel of the plane out.

Integer counts of private images summed: the result does not depend on the number of threads,
the size of a chunk or the order of the cones.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag

from ...schemas.imaging.images import (
    BackProjection,
    PixelCounts,
    PixelGrid,
    PlaneFrame,
    SummedImages,
)
from ...schemas.imaging.imaging_method import ImagingMethod, Threads
from .back_projection import back_projection as _back_projection


@tag(stage="images")
def neutron_back_projection(
    neutron_selected_cones: pd.DataFrame,
    plane_frame: PlaneFrame,
    pixel_grid: PixelGrid,
    imaging_method: ImagingMethod,
    threads: Threads,
) -> BackProjection:
    """The neutron cones thrown back on the plane."""
    return _back_projection(
        neutron_selected_cones, plane_frame, pixel_grid, imaging_method, threads
    )


@tag(stage="images")
def gamma_back_projection(
    gamma_selected_cones: pd.DataFrame,
    plane_frame: PlaneFrame,
    pixel_grid: PixelGrid,
    imaging_method: ImagingMethod,
    threads: Threads,
) -> BackProjection:
    """The gamma cones thrown back on the plane."""
    return _back_projection(gamma_selected_cones, plane_frame, pixel_grid, imaging_method, threads)


@tag(stage="images")
@config.when_not(start="image")
def neutron_image__summed(neutron_back_projection: BackProjection) -> PixelCounts:
    """Counts of neutron cones per pixel, without the cones."""
    return PixelCounts(neutron_back_projection.image)


@tag(stage="images")
@config.when_not(start="image")
def gamma_image__summed(gamma_back_projection: BackProjection) -> PixelCounts:
    """Counts of gamma cones per pixel, without the cones."""
    return PixelCounts(gamma_back_projection.image)


@tag(stage="images", scope="run", main="true")
def summed_images(
    neutron_image: PixelCounts,
    gamma_image: PixelCounts,
    pixel_grid: PixelGrid,
    neutrons_on: bool,
    gammas_on: bool,
) -> SummedImages:
    """Counts per pixel: n, g, and all = the sum of the species that are on."""
    n = neutron_image.image if neutrons_on else None
    g = gamma_image.image if gammas_on else None
    parts = [image for image in (n, g) if image is not None]
    total = np.zeros(pixel_grid.shape, np.uint32) + sum(parts)
    return SummedImages(pixel_grid, n, g, total.astype(np.uint32))
