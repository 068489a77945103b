"""One fit of several lines, of which position, width and tail go with the energy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ..arrays import F8

SHAPE_PARAMETERS: Final = (
    "offset_keV", "tilt", "sigma2_keV2", "sigma2_keV", "h_low", "h_high", "tail_low_keV",
    "tail_high_keV",
)  # fmt: skip
"""mu = E + offset + tilt (E - 2 MeV); sigma^2 = a + b E; share and length of the tail at 0.5 MeV
and at 2.6 MeV, straight lines between. E in MeV for b."""


@dataclass(frozen=True)
class SharedShape:
    """The fit; NaN where there is none.

    Attributes
    ----------
    lines
        Names of the lines.
    parameters, covariance
        (8,) and (8, 8), in the order of SHAPE_PARAMETERS.
    qbb_fwhm_keV, qbb_fwhm_err_keV
        Width at 2039.061 keV, and its error from the covariance of all.
    reason
        Why there is none; empty if there is one.
    """

    lines: tuple[str, ...]
    parameters: F8
    covariance: F8
    qbb_fwhm_keV: float
    qbb_fwhm_err_keV: float
    reason: str = ""

    @property
    def errors(self) -> F8:
        """Standard errors of the parameters."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))
