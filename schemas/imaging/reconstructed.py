"""What is reconstructed of uncertain cones: images of densities, and how they were reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pandas as pd

from ..arrays import F8
from ..tables import Column, TableSchema
from .images import PixelGrid

IMAGE_NAMES: Final = ("n", "g", "all")
PASSES: Final = ("split", "whole")

ITERATION_HISTORY: Final = TableSchema(
    "IterationHistory",
    "an iteration of an image",
    (
        Column("image", "category", "", "n, g or all", categories=IMAGE_NAMES),
        Column("events", "category", "", "split: some held out; whole: none", categories=PASSES),
        Column("iteration", "int64", "", "passes so far, from 1", at_least=1),
        Column("loglik_train", "float64", "", "ln L per event that counts"),
        Column("loglik_held_out", "float64", "", "ln L per event held out", nullable=True),
        Column("source_counts", "float64", "", "events given to pixels", at_least=0.0),
        Column("elsewhere_counts", "float64", "", "events given to elsewhere", at_least=0.0),
    ),
)
IMAGE_SHAPES: Final = TableSchema(
    "ImageShapes",
    "a reconstructed image",
    (
        Column("image", "category", "", "n, g or all", categories=IMAGE_NAMES),
        Column("iterations", "int64", "", "passes over all events", at_least=0),
        Column("u_peak_cm", "float64", "cm", "centre of the highest pixel", nullable=True),
        Column("v_peak_cm", "float64", "cm", "centre of the highest pixel", nullable=True),
        Column("u_cm", "float64", "cm", "centroid of the half-maximum region", nullable=True),
        Column("v_cm", "float64", "cm", "centroid of the half-maximum region", nullable=True),
        Column("fwhm_u_cm", "float64", "cm", "width at half maximum along u", nullable=True),
        Column("fwhm_v_cm", "float64", "cm", "width at half maximum along v", nullable=True),
        Column("psf_fwhm_u_cm", "float64", "cm", "of a point in the same chain", nullable=True),
        Column("psf_fwhm_v_cm", "float64", "cm", "of a point in the same chain", nullable=True),
    ),
)
REGION_SPECTRA: Final = TableSchema(
    "RegionSpectra",
    "a bin of incident energy in a region of an image",
    (
        Column("image", "category", "", "n or g", categories=IMAGE_NAMES),
        Column("region", "category", "", "region, rest of the plane, or elsewhere",
               categories=("region", "plane", "elsewhere")),
        Column("energy_low_MeV", "float64", "MeV", "lower edge of the bin"),
        Column("energy_high_MeV", "float64", "MeV", "upper edge of the bin"),
        Column("counts", "float64", "", "events, each shared out by its posterior", at_least=0.0),
    ),
)  # fmt: skip
FOCUS_CURVE: Final = TableSchema(
    "FocusCurve",
    "a distance of the plane",
    (
        Column("distance_cm", "float64", "cm", "place of the plane along its normal"),
        Column("u_cm", "float64", "cm", "fitted u of the source at that distance", nullable=True),
        Column("v_cm", "float64", "cm", "fitted v of the source at that distance", nullable=True),
        Column("deficit", "float64", "", "2 ln L below that of the best distance", at_least=0.0),
    ),
)
FOCUS_DISTANCE: Final = TableSchema(
    "FocusDistance",
    "the best distance",
    (
        Column("distance_cm", "float64", "cm", "place of the plane where ln L is greatest"),
        Column("low68_cm", "float64", "cm", "where 2 ln L is 1 lower; NaN = out of range", True),
        Column("high68_cm", "float64", "cm", "where 2 ln L is 1 lower; NaN = out of range", True),
        Column("systematic_cm", "float64", "cm", "15 % of the distance to the array", at_least=0.0),
        Column("deficit_of_plane", "float64", "", "2 ln L that the stated plane is below the best",
               at_least=0.0),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class DensityImages:
    """Images (nv, nu) of densities or of expected counts; None for a species that is off."""

    grid: PixelGrid
    n: F8 | None
    g: F8 | None
    all: F8

    def present(self) -> dict[str, F8]:
        """The images that exist, by name."""
        named = {"n": self.n, "g": self.g, "all": self.all}
        return {name: image for name, image in named.items() if image is not None}


@dataclass(frozen=True)
class ImageFit:
    """One image of greatest likelihood, and what else its events are explained by.

    Attributes
    ----------
    pixels
        Shape (nv, nu), detected events that come from each pixel.
    sky
        Shape (k,), events from each of the k - 1 directions at infinity, and isotropic ones last.
    directions
        Shape (k - 1, 3), unit vectors.
    source_share, elsewhere_share
        Shape (classes,), how the events of either spread over the classes of consistency.
    iterations, stop_reason
        Passes over all events, and what ended them.
    history
        Rows of IterationHistory.
    """

    pixels: F8
    sky: F8
    directions: F8
    source_share: F8
    elsewhere_share: F8
    iterations: int
    stop_reason: str
    history: pd.DataFrame

    @property
    def elsewhere_counts(self) -> float:
        """Events that come from no pixel."""
        return float(self.sky.sum())
