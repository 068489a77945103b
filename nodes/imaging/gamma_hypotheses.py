"""A gamma event under one order of its hits: deposits and positions in, a cone out.

Plain functions without nodes.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ...schemas.arrays import F8, U1
from ...schemas.imaging.codes import CandidateStatus
from .cone_geometry import unit_vectors
from .kinematics import compton_cosine, three_hit_gamma_energy_MeV

LEAST_COMPTON_ANGLE_RAD: Final = np.radians(1.0)


def gamma_hypothesis(
    x_cm: F8, dE_MeV: F8, order: tuple[int, int, int]
) -> tuple[F8, F8, F8, F8, F8, U1]:
    """(apex, axis, theta, incident energy, first deposit, status) of one order of the hits."""
    i, j, k = order
    axis = unit_vectors(x_cm[i] - x_cm[j])
    onward = unit_vectors(x_cm[k] - x_cm[j])
    cos_second = -(axis * onward).sum(axis=1)
    incident = three_hit_gamma_energy_MeV(dE_MeV[i], dE_MeV[j], cos_second)
    cosine = compton_cosine(incident, incident - dE_MeV[i])
    with np.errstate(invalid="ignore"):
        theta = np.arccos(np.where(np.abs(cosine) <= 1.0, cosine, np.nan))
    status = np.full(len(theta), CandidateStatus.ok, np.uint8)
    status[~(theta >= LEAST_COMPTON_ANGLE_RAD)] = CandidateStatus.angle_too_small
    status[~(np.abs(cosine) <= 1.0)] = CandidateStatus.cosine_outside
    positive = (dE_MeV[i] > 0) & (dE_MeV[j] > 0) & np.isfinite(incident)
    status[~positive] = CandidateStatus.energy_not_positive
    status[np.isnan(axis[:, 0]) | np.isnan(onward[:, 0])] = CandidateStatus.coincident_points
    theta = np.where(status == CandidateStatus.ok, theta, np.nan)
    return (
        x_cm[i],
        axis,
        theta,
        np.where(np.isfinite(incident), incident, np.nan),
        dE_MeV[i],
        status,
    )
