"""Two-body kinematics of the simulation: numbers and arrays in, numbers and arrays out.

No graph module: plain functions below the nodes. Energies are kinetic, in MeV, c = 1.
References: exact relativistic elastic scattering from four-momentum conservation;
O. Klein, Y. Nishina, Z. Phys. 52 (1929) 853.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ...schemas.arrays import F8
from ..constants import (
    ELECTRON_MASS_MEV,
    NEUTRON_MASS_MEV,
    PROTON_MASS_MEV,
    SPEED_OF_LIGHT_CM_PER_NS,
)

# Watt spectrum exp(-E/a) sinh(sqrt(b E)) of Cf-252 spontaneous fission: F. H. Froehner,
# Nucl. Sci. Eng. 106 (1990) 345, as MCNP uses it. Its mean, 3a/2 + a^2 b/4 = 2.13 MeV, is that
# of the evaluation of W. Mannhart (1987).
CF252_WATT_A_MEV: Final = 1.18
CF252_WATT_B_PER_MEV: Final = 1.03419


def watt_energy_MeV(uniform: F8, a_MeV: float, b_per_MeV: float) -> F8:
    """Energies of a Watt spectrum from four uniform numbers each, shape (4, n), without rejection.

    A Maxwellian energy W of temperature a, then W + a^2 b/4 + (2 u - 1) sqrt(a^2 b W):
    C. J. Everett, E. D. Cashwell, LA-9721-MS (1983), rules C64 and R12.
    """
    u1, u2, u3, u4 = 1.0 - uniform
    maxwell = -a_MeV * (np.log(u1) + np.log(u2) * np.cos(0.5 * np.pi * u3) ** 2)
    shift = a_MeV**2 * b_per_MeV
    return np.asarray(maxwell + 0.25 * shift + (2.0 * u4 - 1.0) * np.sqrt(shift * maxwell))


def neutron_speed_cm_per_ns(energy_MeV: F8) -> F8:
    """Speed of a neutron: c p / (T + m)."""
    momentum = np.sqrt(energy_MeV * (energy_MeV + 2.0 * NEUTRON_MASS_MEV))
    return np.asarray(SPEED_OF_LIGHT_CM_PER_NS * momentum / (energy_MeV + NEUTRON_MASS_MEV))


def highest_recoil_energy_MeV(energy_MeV: F8, target_mass_MeV: F8 | float) -> F8:
    """Recoil energy of a head-on collision of a neutron with a nucleus at rest, 2 M p^2 / s."""
    m = NEUTRON_MASS_MEV
    p2 = energy_MeV * (energy_MeV + 2.0 * m)
    s = (m + target_mass_MeV) ** 2 + 2.0 * energy_MeV * target_mass_MeV
    return np.asarray(2.0 * target_mass_MeV * p2 / s)


def elastic_scatter(energy_MeV: F8, cosine: F8, target_mass_MeV: F8) -> tuple[F8, F8]:
    """Neutron energy after elastic scattering by a laboratory angle, and its relative likelihood.

    Parameters
    ----------
    energy_MeV, cosine, target_mass_MeV
        Shape (n,). Kinetic energy before, cosine of the laboratory angle, mass of the nucleus.

    Returns
    -------
    energy_after_MeV, likelihood
        Shape (n,). The likelihood is dOmega_cm/dOmega_lab, thus that of isotropic scattering
        in the centre of mass, divided by its forward value on a proton, and at most 1. Where
        the angle is impossible, both are 0.

    Notes
    -----
    With E = T + m, W = E + M, A = m^2 + E M, the momentum q after the scatter satisfies
    W sqrt(q^2 + m^2) = A + p q cos. A neutron is heavier than a proton by 0.14 %, so it cannot
    scatter by more than 87 degrees on one; of the two momenta that then belong to an angle the
    faster is taken (the slower one is a head-on collision that leaves less than a keV).
    """
    m, M, T, c = NEUTRON_MASS_MEV, target_mass_MeV, energy_MeV, cosine
    p = np.sqrt(T * (T + 2.0 * m))
    W = T + m + M
    A = m * m + (T + m) * M
    # A^2 - m^2 (W^2 - p^2 c^2), written without the cancellation.
    discriminant = T * (M - m) * (A + m * W) + (m * p * c) ** 2
    root = np.sqrt(np.maximum(discriminant, 0.0))
    q = (A * p * c + W * root) / (W * W - (p * c) ** 2)
    possible = (discriminant > 0.0) & (q > 0.0)
    q = np.where(possible, q, 0.0)
    after = q * q / (np.sqrt(q * q + m * m) + m)
    forward = ((m + PROTON_MASS_MEV) ** 2 + 2.0 * T * PROTON_MASS_MEV) / PROTON_MASS_MEV**2
    jacobian = 2.0 * p * q * q / (highest_recoil_energy_MeV(T, M) * np.where(possible, root, 1.0))
    return after, np.minimum(np.where(possible, jacobian, 0.0) / forward, 1.0)


def compton_energy_MeV(energy_MeV: F8, cosine: F8) -> F8:
    """Photon energy after Compton scattering by an angle on an electron at rest."""
    return np.asarray(energy_MeV / (1.0 + energy_MeV / ELECTRON_MASS_MEV * (1.0 - cosine)))


def klein_nishina(energy_MeV: F8, cosine: F8) -> F8:
    """Klein-Nishina cross-section per solid angle, divided by its forward value; at most 1."""
    ratio = compton_energy_MeV(energy_MeV, cosine) / energy_MeV
    return np.asarray(0.5 * ratio * ratio * (ratio + 1.0 / ratio - 1.0 + cosine * cosine))


def distance_cm(a_cm: F8, b_cm: F8) -> F8:
    """Distance of points, shape (3, n)."""
    return np.asarray(np.sqrt(((b_cm - a_cm) ** 2).sum(axis=0)))


def cosine_between(first: F8, second: F8) -> F8:
    """Cosine of the angle between vectors, shape (3, n)."""
    norms = np.sqrt((first * first).sum(axis=0) * (second * second).sum(axis=0))
    return np.asarray(np.clip((first * second).sum(axis=0) / norms, -1.0, 1.0))


def angle_between_rad(first: F8, second: F8) -> F8:
    """Angle between vectors, shape (3, n); exact near 0 and pi, unlike an arc cosine."""
    cross = np.cross(first, second, axis=0)
    return np.asarray(np.arctan2(np.sqrt((cross**2).sum(axis=0)), (first * second).sum(axis=0)))
