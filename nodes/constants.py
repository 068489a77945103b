"""Physical constants in the units of the graphs (cm, ns, MeV), from CODATA via scipy."""

from __future__ import annotations

from typing import Final

from scipy.constants import physical_constants, speed_of_light

SPEED_OF_LIGHT_CM_PER_NS: Final = speed_of_light * 1e-7
NEUTRON_MASS_MEV: Final = physical_constants["neutron mass energy equivalent in MeV"][0]
PROTON_MASS_MEV: Final = physical_constants["proton mass energy equivalent in MeV"][0]
ELECTRON_MASS_MEV: Final = physical_constants["electron mass energy equivalent in MeV"][0]
ATOMIC_MASS_MEV: Final = physical_constants["atomic mass constant energy equivalent in MeV"][0]
# The bare nucleus: the atom is 12 u by definition, less its six electrons (their binding
# energy, 1 keV, is far below the rounding of any measured energy).
CARBON12_MASS_MEV: Final = 12.0 * ATOMIC_MASS_MEV - 6.0 * ELECTRON_MASS_MEV
