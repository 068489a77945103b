"""Replicas of the point fit: every event counted as often as a Poisson number of mean 1 says.

The number of an event comes from a counter-based generator of (seed, replica, event), so that it
depends neither on the order of the events nor on how the data were cut. All hypotheses of an event
go together.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.imaging.images import PixelGrid, PlaneFrame
from ...schemas.imaging.sources import BOOTSTRAP_SOURCES, ConeMixture, SourceFit
from ...schemas.imaging.uncertainty import Errors, PointFit
from .poisson_weights import poisson_weights
from .source_likelihood import FitProblem, replica_rows


@tag(stage="reconstruction", schema="BootstrapSources", scope="run")
def bootstrap_sources(
    source_fit: SourceFit,
    cone_mixture: ConeMixture,
    plane_frame: PlaneFrame,
    pixel_grid: PixelGrid,
    point_fit: PointFit,
    errors: Errors,
) -> pd.DataFrame:
    """Place and counts of each source in each replica, sources in the order of point_sources.

    None where [errors] quantities leave "point" out.
    """
    if cone_mixture.n_events == 0 or "point" not in errors.quantities:
        return BOOTSTRAP_SOURCES.empty()
    problem = FitProblem(cone_mixture, plane_frame, pixel_grid, point_fit)
    rows = [
        replica_rows(problem, source_fit, poisson_weights(cone_mixture, errors.seed, replica))
        for replica in range(errors.replicas)
    ]
    found = np.stack(rows)
    n = found.shape[1]
    return BOOTSTRAP_SOURCES.frame(
        {
            "replica": np.repeat(np.arange(errors.replicas), n),
            "source": np.tile(np.arange(n), errors.replicas),
            "u_cm": found[:, :, 0].ravel(),
            "v_cm": found[:, :, 1].ravel(),
            "counts": found[:, :, 2].ravel(),
        }
    )
