"""Core and foreign events among pulls. Plain functions without nodes."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from ...schemas.arrays import F8

LEAST_FOR_FIT: Final = 50


def fitted_pulls(pulls: pd.DataFrame) -> tuple[float, float, float]:
    """(scale k, bias b in rad, share f) of f N(delta; b, k sigma) + (1 - f) sin(phi) / 2.

    A plain width would be that of the events from elsewhere. (1, 0, NaN) below 50 rows.
    """
    from scipy.optimize import minimize

    delta, sigma = pulls["delta_rad"].to_numpy(), pulls["cone_sigma_rad"].to_numpy()
    weight = pulls["weight"].to_numpy()
    if len(delta) < LEAST_FOR_FIT:
        return 1.0, 0.0, float("nan")
    sine = np.sin(pulls["phi_rad"].to_numpy())

    def cost(p: F8) -> float:
        k, b, f = np.exp(p[0]), p[1] * 0.1, 1.0 / (1.0 + np.exp(-p[2]))
        core = np.exp(-0.5 * ((delta - b) / (k * sigma)) ** 2) / (np.sqrt(2 * np.pi) * k * sigma)
        return -float(weight @ np.log(f * core + (1.0 - f) * 0.5 * sine + 1e-300))

    best = min(
        (minimize(cost, [0.0, 0.0, s], method="Nelder-Mead") for s in (0.0, 3.0)),
        key=lambda found: float(found.fun),
    )
    ln_k, b, logit = best.x
    return float(np.exp(ln_k)), 0.1 * float(b), float(1.0 / (1.0 + np.exp(-logit)))
