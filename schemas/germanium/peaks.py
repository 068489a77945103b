"""Fitted peaks: parameters with their covariance, what is read off the shape, and whether to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ..arrays import F8

PEAK_PARAMETERS: Final = ("mu", "sigma", "h_tail", "tail_per_sigma", "n_sig", "n_bkg", "step")
"""Order of the parameters; mu and sigma in the unit of the events, tail_per_sigma = t / sigma."""


@dataclass(frozen=True)
class PeakFit:
    """An extended unbinned fit of one peak; NaN where there is none.

    Attributes
    ----------
    model
        gos (no tail) or hpge.
    low, high
        Window of the fit.
    n_events
        Events in it.
    parameters, covariance
        (7,) and (7, 7), in the order of PEAK_PARAMETERS. A parameter that is not free, or lies
        at a bound, has the variance 0.
    position, position_err
        Mode of the signal, and its error.
    fwhm, fwhm_err
        Full width of the signal at half of its maximum.
    chi2, dof, p_value
        Of bins with 5 expected counts and more.
    at_bound
        Names of the parameters that lie at a bound.
    reason
        Why the fit is not to be used; empty for a valid one.
    """

    model: str
    low: float
    high: float
    n_events: int
    parameters: F8
    covariance: F8
    position: float
    position_err: float
    fwhm: float
    fwhm_err: float
    chi2: float
    dof: int
    p_value: float
    at_bound: tuple[str, ...] = ()
    reason: str = ""

    @property
    def valid(self) -> bool:
        """Whether its numbers may be used."""
        return not self.reason

    @property
    def errors(self) -> F8:
        """Standard errors of the parameters, (7,)."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))

    @property
    def n_sig(self) -> float:
        """Counts in the peak."""
        return float(self.parameters[4])

    @property
    def n_sig_err(self) -> float:
        """Their error."""
        return float(self.errors[4])
