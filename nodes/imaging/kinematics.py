"""Kinematics of a double neutron scatter and of Compton scatters, on arrays.

Plain functions without nodes: energies.py and cones.py call them. Angles in rad, energies in
MeV, distances in cm, times in ns; NaN in gives NaN out.
"""

from __future__ import annotations

import numpy as np

from ...schemas.arrays import F8
from ..constants import (
    CARBON12_MASS_MEV,
    ELECTRON_MASS_MEV,
    NEUTRON_MASS_MEV,
    PROTON_MASS_MEV,
    SPEED_OF_LIGHT_CM_PER_NS,
)

RECOIL_MASS_MEV = {"proton": PROTON_MASS_MEV, "carbon": CARBON12_MASS_MEV}


def flight_beta(distance_cm: F8, time_ns: F8) -> F8:
    """Speed over that of light; inf or NaN where the time is zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return distance_cm / (SPEED_OF_LIGHT_CM_PER_NS * time_ns)


def neutron_energy_MeV(beta: F8) -> F8:
    """Kinetic energy (gamma - 1) m_n; NaN outside 0 <= beta < 1.

    gamma - 1 = beta^2 gamma^2 / (gamma + 1): no difference of near-equal numbers.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        gamma = 1.0 / np.sqrt(np.where((beta >= 0) & (beta < 1), 1.0 - beta * beta, np.nan))
        return NEUTRON_MASS_MEV * (beta * gamma) ** 2 / (gamma + 1.0)


def classical_scatter_cosines(
    recoil_MeV: F8, incident_MeV: F8, recoil_mass_MeV: float
) -> tuple[F8, F8]:
    """(cosine in the centre of mass, laboratory angle) of the scattered neutron.

    cos(theta_CM) = 1 - (E_r / E_n) (1 + A)^2 / (2 A), A = m_recoil / m_n, and
    theta = atan2(sin theta_CM, cos theta_CM + 1/A). The angle is NaN where the cosine is
    outside [-1, 1].
    """
    A = recoil_mass_MeV / NEUTRON_MASS_MEV
    with np.errstate(divide="ignore", invalid="ignore"):
        cosine = 1.0 - recoil_MeV / incident_MeV * (1.0 + A) ** 2 / (2.0 * A)
        sine = np.sqrt(1.0 - cosine * cosine)
        return cosine, np.arctan2(sine, cosine + 1.0 / A)


def exact_scatter_cosine(scattered_MeV: F8, recoil_MeV: F8, recoil_mass_MeV: float) -> F8:
    """Cosine of the laboratory angle from relativistic momenta.

    cos theta = (p^2 + p'^2 - p_r^2) / (2 p p') with p^2 = T (T + 2 m), T = T' + T_r.
    """
    incident = scattered_MeV + recoil_MeV
    p2 = _momentum_squared(incident, NEUTRON_MASS_MEV)
    scattered_p2 = _momentum_squared(scattered_MeV, NEUTRON_MASS_MEV)
    recoil_p2 = _momentum_squared(recoil_MeV, recoil_mass_MeV)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (p2 + scattered_p2 - recoil_p2) / (2.0 * np.sqrt(p2 * scattered_p2))


def _momentum_squared(kinetic_MeV: F8, mass_MeV: float) -> F8:
    return kinetic_MeV * (kinetic_MeV + 2.0 * mass_MeV)


def three_hit_gamma_energy_MeV(first_MeV: F8, second_MeV: F8, cos_second: F8) -> F8:
    """Energy of a gamma ray from its first two deposits and the angle of the second scatter.

    E = dE1 + (dE2 + sqrt(dE2^2 + 4 dE2 m_e / (1 - cos theta2))) / 2, from the Compton formula
    at the second scatter; inf where theta2 = 0.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        under = second_MeV**2 + 4.0 * second_MeV * ELECTRON_MASS_MEV / (1.0 - cos_second)
        return first_MeV + 0.5 * (second_MeV + np.sqrt(under))


def compton_cosine(incident_MeV: F8, scattered_MeV: F8) -> F8:
    """Cosine of the Compton scattering angle, 1 + m_e (1/E - 1/E')."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return 1.0 + ELECTRON_MASS_MEV * (1.0 / incident_MeV - 1.0 / scattered_MeV)
