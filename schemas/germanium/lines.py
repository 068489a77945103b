"""Gamma lines of a Th-228 source, and where the double-beta decay of Ge-76 ends.

Energies of Pb-212, Ra-224, Bi-212 and Tl-208: Evaluated Nuclear Structure Data File (ENSDF,
National Nuclear Data Center, Brookhaven). Electron mass: CODATA 2018. Q value of Ge-76:
2039.061(7) keV, B. J. Mount et al., Phys. Rev. C 81 (2010) 032501.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

PeakModel = Literal["gos", "hpge"]
Q_BB_KEV: Final = 2039.061
FEP_KEV: Final = 2614.511
"""Full-energy peak of Tl-208, on which the scale stands."""


@dataclass(frozen=True)
class GammaLine:
    """A line that is fitted.

    Attributes
    ----------
    name
        Its key in tables and parameter files.
    energy_keV
        Where it is.
    below_keV, above_keV
        The window of its fit.
    model
        gos: Gaussian over a step; hpge: with a low tail.
    resolution
        Whether its width enters the resolution curve; lines with Doppler broadening do not.
    """

    name: str
    energy_keV: float
    below_keV: float
    above_keV: float
    model: PeakModel
    resolution: bool

    @property
    def window_keV(self) -> tuple[float, float]:
        """Energies between which it is fitted."""
        return (self.energy_keV - self.below_keV, self.energy_keV + self.above_keV)


ENERGY_LINES: Final = (
    GammaLine("238.632", 238.632, 10.0, 10.0, "gos", resolution=True),
    GammaLine("583.191", 583.191, 20.0, 20.0, "hpge", resolution=True),
    GammaLine("727.33", 727.330, 30.0, 30.0, "hpge", resolution=True),
    GammaLine("860.564", 860.564, 30.0, 25.0, "hpge", resolution=True),
    GammaLine("1592.511", FEP_KEV - 2.0 * 511.0, 40.0, 20.0, "gos", resolution=False),
    GammaLine("1620.5", 1620.50, 20.0, 40.0, "gos", resolution=True),
    GammaLine("2103.511", FEP_KEV - 511.0, 40.0, 40.0, "gos", resolution=False),
    GammaLine("2614.511", FEP_KEV, 40.0, 40.0, "hpge", resolution=True),
)
"""In order of energy. Escape lines as LEGEND writes them, with 511.000 keV for the electron."""

PSD_LINES: Final = (
    GammaLine("DEP", FEP_KEV - 2.0 * 511.0, 40.0, 25.0, "gos", resolution=False),
    GammaLine("1620", 1620.50, 25.0, 40.0, "gos", resolution=False),
    GammaLine("SEP", FEP_KEV - 511.0, 40.0, 40.0, "gos", resolution=False),
    GammaLine("FEP", FEP_KEV, 50.0, 50.0, "hpge", resolution=False),
)
"""Samples of pulse-shape discrimination: single-site DEP, the others mostly multi-site."""

AVOIDED_KEV: Final = (
    1078.6, 1094.0, 1459.0, 1512.7, 1552.0, 1592.5, 1620.5, 1650.0, 1670.0, 1830.0, 2103.5
)  # fmt: skip
"""Lines that a Compton band keeps away from."""
AVOIDED_BY_KEV: Final = 5.0
