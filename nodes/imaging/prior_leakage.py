"""How far a prior pulls the thin image: five of them, hypotheses chosen nearest and likeliest."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.arrays import F8, I8, Mask
from ...schemas.imaging.images import PixelGrid, PlaneFrame
from ...schemas.imaging.imaging_method import ImagingMethod, Threads
from ...schemas.imaging.sources import PRIOR_LEAKAGE, PRIOR_SELECTIONS
from ...schemas.imaging.uncertainty import Errors
from ...schemas.tables import categories_of
from .back_projection import back_projection
from .cone_geometry import delta_theta_rad
from .half_maximum import half_maximum_centroid
from .plane import plane_to_world
from .selection import (
    gamma_chosen_row__likeliest,
    gamma_chosen_row__nearest,
    neutron_chosen_row__likeliest,
    neutron_chosen_row__nearest,
)

# Steps from the middle of the plane, in units of the shift.
SHIFTS: Final = ((0.0, 0.0), (1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0))
# Lines of single cones are no part of a peak.
SMOOTHED_CM: Final = 2.0
IMAGES: Final = ("n", "g")


@tag(stage="reconstruction", schema="PriorLeakage", scope="run")
def prior_leakage(
    neutron_candidate_cones: pd.DataFrame,
    gamma_candidate_cones: pd.DataFrame,
    neutron_direction_ok: Mask,
    gamma_direction_ok: Mask,
    neutron_candidate_weights: F8,
    gamma_candidate_weights: F8,
    protons_only: bool,
    imaging_method: ImagingMethod,
    plane_frame: PlaneFrame,
    pixel_grid: PixelGrid,
    threads: Threads,
    errors: Errors,
) -> pd.DataFrame:
    """Centroid of the half-maximum region of the thin image with each of five priors.

    Cuts of cones do not act here; ``leakage`` is how far the centroid follows the prior, cm a cm.
    """
    from scipy.ndimage import gaussian_filter

    settings = ImagingMethod(imaging_method.method, "scan", imaging_method.nappe)
    places = errors.prior_shift_cm * np.array(SHIFTS)
    u, v = np.ascontiguousarray(places.T)
    targets = plane_to_world(u, v, plane_frame, pixel_grid)

    def centroid(cones: pd.DataFrame, chosen: I8) -> tuple[float, float]:
        thin = back_projection(
            cones.take(chosen[chosen >= 0]), plane_frame, pixel_grid, settings, threads
        ).image
        width = [SMOOTHED_CM / step for step in (pixel_grid.dv_cm, pixel_grid.du_cm)]
        return half_maximum_centroid(gaussian_filter(thin.astype(np.float64), width), pixel_grid)

    found: list[list[tuple[float, float]]] = []
    neutrons, gammas = neutron_candidate_cones, gamma_candidate_cones
    for target in targets:
        scores = [delta_theta_rad(cones, target) for cones in (neutrons, gammas)]
        nearest = (
            neutron_chosen_row__nearest(neutrons, scores[0], neutron_direction_ok, protons_only),
            gamma_chosen_row__nearest(gammas, scores[1], gamma_direction_ok),
        )
        found.append([centroid(c, row) for c, row in zip((neutrons, gammas), nearest, strict=True)])
    likeliest = (
        neutron_chosen_row__likeliest(neutrons, neutron_candidate_weights, neutron_direction_ok),
        gamma_chosen_row__likeliest(gammas, gamma_candidate_weights, gamma_direction_ok),
    )
    # No prior is in their inputs: each of the five gives the same.
    mixture = [centroid(c, row) for c, row in zip((neutrons, gammas), likeliest, strict=True)]
    return _rows(places, np.array(found), np.array([mixture] * len(places)))


def _rows(places: F8, nearest: F8, likeliest: F8) -> pd.DataFrame:
    """Rows by image, selection and prior, of centroids (prior, image, 2)."""
    n = len(places)
    columns: dict[str, list[F8]] = {"u_cm": [], "v_cm": [], "leakage": []}
    for image in range(len(IMAGES)):
        for table in (nearest, likeliest):
            at = table[:, image]
            shift = np.linalg.norm(places, axis=1)
            along = ((at - at[0]) * places).sum(axis=1)
            columns["u_cm"].append(at[:, 0])
            columns["v_cm"].append(at[:, 1])
            columns["leakage"].append(
                np.divide(along, shift**2, out=np.full(n, np.nan), where=shift > 0)
            )
    parts = len(IMAGES) * len(PRIOR_SELECTIONS)
    selection = np.tile(np.repeat(np.arange(len(PRIOR_SELECTIONS), dtype=np.int8), n), len(IMAGES))
    image_code = np.repeat(np.arange(len(IMAGES), dtype=np.int8), parts // len(IMAGES) * n)
    return PRIOR_LEAKAGE.frame(
        {
            "image": categories_of(image_code, ("n", "g", "all")),
            "selection": categories_of(selection, PRIOR_SELECTIONS),
            "prior_u_cm": np.tile(places[:, 0], parts),
            "prior_v_cm": np.tile(places[:, 1], parts),
            **{name: np.concatenate(values) for name, values in columns.items()},
        }
    )
