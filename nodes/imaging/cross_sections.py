"""Shapes of differential cross sections. Plain functions without nodes."""

from __future__ import annotations

import numpy as np

from ...schemas.arrays import F8
from ..constants import ELECTRON_MASS_MEV, NEUTRON_MASS_MEV


def elastic_probability_per_sr(theta_rad: F8, recoil_mass_MeV: float) -> F8:
    """d sigma / d Omega in the laboratory over sigma, isotropic in the centre of mass.

    With g = m_n / m_recoil and the angle in the centre of mass,
    (1 + g^2 + 2 g cos)^(3/2) / (4 pi |1 + g cos|); 0 beyond the greatest angle.
    """
    g = NEUTRON_MASS_MEV / recoil_mass_MeV
    sine = np.sin(theta_rad)
    with np.errstate(invalid="ignore", divide="ignore"):
        # theta = theta_cm - arcsin(g sin theta); of a lighter recoil both solutions count as one.
        cm = theta_rad + np.arcsin(np.where(np.abs(g * sine) <= 1.0, g * sine, np.nan))
        cosine = np.cos(cm)
        value = (1.0 + g * g + 2.0 * g * cosine) ** 1.5 / (4.0 * np.pi * np.abs(1.0 + g * cosine))
    return np.where(np.isfinite(value), value, 0.0)


def klein_nishina(energy_MeV: F8, theta_rad: F8) -> F8:
    """Klein-Nishina d sigma / d Omega over r_e^2 / 2: P^2 (P + 1/P - sin^2), P = E' / E."""
    ratio = 1.0 / (1.0 + energy_MeV / ELECTRON_MASS_MEV * (1.0 - np.cos(theta_rad)))
    return np.asarray(ratio**2 * (ratio + 1.0 / ratio - np.sin(theta_rad) ** 2))
