"""Late charge over energy (LQ): its model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import F8


@dataclass(frozen=True)
class LQModel:
    """All that turns lq80 and energy into the classifier.

    Attributes
    ----------
    median
        Median of lq80 / E (ADC ns / keV) of the double-escape peak: 1 in units of it.
    offset, slope_per_ns, line_covariance
        Line of the scaled LQ against dt_eff, and the covariance (2, 2) of (offset, slope).
    mean, sigma, sigma_err
        Of the residuals of the peak, sidebands subtracted.
    cut
        In widths; what is above is cut.
    n_dep, n_signal
        Events within 2 FWHM of the peak, and those without the background beside it.
    n_missing
        Events without lq80: they fail.
    """

    median: float
    offset: float
    slope_per_ns: float
    line_covariance: F8
    mean: float
    sigma: float
    sigma_err: float
    cut: float
    n_dep: int
    n_signal: float
    n_missing: int

    def classifier(self, lq_per_keV: F8, dt_eff_ns: F8) -> F8:
        """((LQ / median - offset - slope dt_eff) - mean) / sigma."""
        residual = lq_per_keV / self.median - self.offset - self.slope_per_ns * dt_eff_ns
        return np.asarray((residual - self.mean) / self.sigma)
