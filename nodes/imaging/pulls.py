"""Pulls of cones at a source whose place is known, and the factor on the sigmas they ask for."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag

from ...schemas.arrays import F8
from ...schemas.imaging.frames import CONE_PULLS
from ...schemas.imaging.uncertainty import Uncertainty
from .cone_geometry import columns3
from .pull_fit import fitted_pulls


@tag(stage="uncertainty", schema="ConePulls")
@config.when(reference_source="given")
def neutron_cone_pulls(
    neutron_weighted_cones: pd.DataFrame, uncertainty: Uncertainty
) -> pd.DataFrame:
    """phi - theta of neutron cones at the reference source, in their sigma."""
    return _pulls(neutron_weighted_cones, uncertainty)


@tag(stage="uncertainty", schema="ConePulls")
@config.when(reference_source="given")
def gamma_cone_pulls(gamma_weighted_cones: pd.DataFrame, uncertainty: Uncertainty) -> pd.DataFrame:
    """phi - theta of gamma cones at the reference source, in their sigma."""
    return _pulls(gamma_weighted_cones, uncertainty)


@tag(stage="uncertainty", scope="run", helper="true")
@config.when(width_scale="given")
def cone_width_scale__given(uncertainty: Uncertainty) -> F8:
    """Factor on the sigmas of neutrons and gammas: the number of the settings."""
    assert not isinstance(uncertainty.scale, str)
    return np.full(2, float(uncertainty.scale))


@tag(stage="uncertainty", scope="run")
@config.when(width_scale="fit")
def cone_width_scale__fit(neutron_cone_pulls: pd.DataFrame, gamma_cone_pulls: pd.DataFrame) -> F8:
    """Factor on the sigmas of neutrons and gammas that their pulls ask for; 1 without cones."""
    return np.array([fitted_pulls(frame)[0] for frame in (neutron_cone_pulls, gamma_cone_pulls)])


def _pulls(cones: pd.DataFrame, uncertainty: Uncertainty) -> pd.DataFrame:
    source = np.array(uncertainty.reference_source_cm)
    towards, axis = source - columns3(cones, "apex_{}_cm"), columns3(cones, "axis_{}")
    across = np.linalg.norm(np.cross(axis, towards), axis=1)
    phi = np.arctan2(across, (axis * towards).sum(axis=1))
    delta, sigma = phi - cones["theta_rad"].to_numpy(), cones["cone_sigma_rad"].to_numpy()
    return CONE_PULLS.frame(
        {
            "event_index": cones["event_index"],
            "phi_rad": phi,
            "delta_rad": delta,
            "pull": delta / sigma,
            "cone_sigma_rad": sigma,
            "weight": cones["weight"],
        }
    )
