"""Physical constants in the units of the graphs (cm, ns, MeV), CODATA 2022."""

from __future__ import annotations

from typing import Final

# Written out: the constants of scipy are those of 2018 or of 2022, by its version.
SPEED_OF_LIGHT_CM_PER_NS: Final = 299_792_458.0 * 1e-7
NEUTRON_MASS_MEV: Final = 939.56542194
PROTON_MASS_MEV: Final = 938.27208943
ELECTRON_MASS_MEV: Final = 0.51099895069
ATOMIC_MASS_MEV: Final = 931.49410372
# The bare nucleus: the atom is 12 u by definition, less its six electrons (their binding
# energy, 1 keV, is far below the rounding of any measured energy).
CARBON12_MASS_MEV: Final = 12.0 * ATOMIC_MASS_MEV - 6.0 * ELECTRON_MASS_MEV
