"""How well the energy of each order of a gamma event agrees with the lines of its source."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag

from ...schemas.arrays import F8
from ...schemas.imaging.codes import GAMMA_ORDERS
from ...schemas.imaging.uncertainty import Reconstruction, Uncertainty
from .gamma_hypotheses import gamma_hypothesis
from .resolutions import hit_light_sigma_MeVee, hit_positions_cm, position_covariance_cm2
from .variation import change

HITS = (1, 2, 3)


@tag(stage="uncertainty", rows="gamma_candidate_cones", helper="true")
@config.when(gamma_lines=False)
def line_log_weight__any(gamma_candidate_cones: pd.DataFrame) -> F8:
    """0 for each order: no line is known."""
    return np.zeros(len(gamma_candidate_cones))


@tag(stage="uncertainty", helper="true")
@config.when(gamma_lines=True)
def line_log_weight__lines(
    gamma_calibrated_events: pd.DataFrame,
    gamma_energies: pd.DataFrame,
    bars: pd.DataFrame,
    uncertainty: Uncertainty,
    reconstruction: Reconstruction,
) -> F8:
    """ln of the sum over gamma_lines_MeV of N(E_g; line, sigma_E), of each order."""
    events = gamma_calibrated_events
    x = np.stack([hit_positions_cm(events, k) for k in HITS])
    dE = np.stack([gamma_energies[f"deposited{k}_energy_MeV"].to_numpy() for k in HITS])
    sigma_E = np.stack([hit_light_sigma_MeVee(events, k, uncertainty) for k in HITS])
    covariances = [position_covariance_cm2(events, k, bars, uncertainty) for k in HITS]
    sigma_x = np.sqrt(np.stack([np.diagonal(c, axis1=1, axis2=2) for c in covariances]))
    lines = np.array(reconstruction.gamma_lines_MeV)
    columns = [_of_order(x, dE, sigma_x, sigma_E, order, lines) for order in GAMMA_ORDERS]
    return np.stack(columns, axis=1).ravel()


def _of_order(
    x_cm: F8, dE_MeV: F8, sigma_x: F8, sigma_E: F8, order: tuple[int, int, int], lines_MeV: F8
) -> F8:
    """The same of one order; energies and positions are moved by one sigma each."""
    energy = _energy(x_cm, dE_MeV, order)
    variance = np.zeros(len(energy))
    for hit in order[:2]:
        moved = np.zeros_like(dE_MeV)
        moved[hit] = sigma_E[hit]
        above, below = (_energy(x_cm, dE_MeV + n * moved, order) for n in (1.0, -1.0))
        variance += change(above, below, energy) ** 2
    for hit in order:
        for k in range(3):
            shift = np.zeros_like(x_cm)
            shift[hit, :, k] = sigma_x[hit, :, k]
            above, below = (_energy(x_cm + n * shift, dE_MeV, order) for n in (1.0, -1.0))
            variance += change(above, below, energy) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        pull2 = (energy[:, None] - lines_MeV) ** 2 / variance[:, None]
        log_p = -0.5 * pull2 - 0.5 * np.log(variance)[:, None]
        total = np.logaddexp.reduce(log_p, axis=1)
    # What has no width says nothing of lines; an impossible order is left out by its status.
    return np.where(np.isfinite(total), total, 0.0)


def _energy(x_cm: F8, dE_MeV: F8, order: tuple[int, int, int]) -> F8:
    return np.asarray(gamma_hypothesis(x_cm, dE_MeV, order)[3])
