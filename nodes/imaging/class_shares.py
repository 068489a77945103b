"""How many events of each class of consistency the fit gives to its sources."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.imaging.images import PixelGrid, PlaneFrame
from ...schemas.imaging.sources import CLASS_SHARES, ConeMixture, SourceFit
from ...schemas.imaging.uncertainty import PointFit, Reconstruction
from .consistency_classes import class_codes
from .source_likelihood import FitProblem, places, sigmoid


@tag(stage="reconstruction", schema="ClassShares", scope="run")
def class_shares(
    source_fit: SourceFit,
    cone_mixture: ConeMixture,
    neutron_weighted_cones: pd.DataFrame,
    gamma_weighted_cones: pd.DataFrame,
    reconstruction: Reconstruction,
    plane_frame: PlaneFrame,
    pixel_grid: PixelGrid,
    point_fit: PointFit,
) -> pd.DataFrame:
    """Share f of the sources in each class of |theta of flight - theta of light| that has events.

    Gammas, and neutrons of one estimate of the angle, are a class each, without edges.
    """
    if cone_mixture.n_events == 0:
        return CLASS_SHARES.empty()
    edges = reconstruction.consistency_edges
    frames = (neutron_weighted_cones, gamma_weighted_cones)
    consistency = np.concatenate([frame["consistency"].to_numpy() for frame in frames])
    first = cone_mixture.start[:-1]
    codes = np.unique(class_codes(consistency[first], cone_mixture.species, edges))
    problem = FitProblem(cone_mixture, plane_frame, pixel_grid, point_fit)
    at = places(problem, len(source_fit.TS)).share
    share = sigmoid(source_fit.parameters[at])
    # The fit knows the logit.
    of_logit = np.sqrt(np.maximum(np.diagonal(source_fit.covariance)[at], 0.0))
    low = np.array([0.0, *edges, np.nan, np.nan])
    high = np.array([*edges, np.nan, np.nan, np.nan])
    return CLASS_SHARES.frame(
        {
            "species": np.where(codes == len(edges) + 2, "gamma", "neutron").tolist(),
            "low_sigma": low[codes],
            "high_sigma": high[codes],
            "events": np.bincount(cone_mixture.group, minlength=len(codes)),
            "source_share": share,
            "source_share_sigma": share * (1.0 - share) * of_logit,
        }
    )
