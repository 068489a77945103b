"""Current amplitude over energy (A/E): its bands, its model, and the cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from ..arrays import F8, I8
from ..tables import Column, TableSchema


@dataclass(frozen=True)
class Band:
    """The peak of single-site events in one Compton band.

    Attributes
    ----------
    energy_keV
        Mean energy of its events.
    n_events
        Events in the band.
    mu, mu_err, sigma, sigma_err
        Of the normal distribution, in the unit of A/E.
    tail_fraction, tail_per_sigma
        Share and length of the tail.
    low, high
        Window of the fit.
    reason
        Why it is left out; empty if it is used.
    """

    energy_keV: float
    n_events: int
    mu: float
    mu_err: float
    sigma: float
    sigma_err: float
    tail_fraction: float
    tail_per_sigma: float
    low: float
    high: float
    reason: str = ""


@dataclass(frozen=True)
class EnergyTrend:
    """mu(E) = p0 + p1 E and sigma(E) = sqrt(q0 + q1sq / E^2), E in keV, q1sq = q1^2.

    ``p``, ``q`` = (q0, q1sq) have shape (2,) and covariances (2, 2), which are times chi2 / dof
    where that is above 1; ``dof`` holds for both chi2.
    """

    p: F8
    p_covariance: F8
    p_chi2: float
    q: F8
    q_covariance: F8
    q_chi2: float
    dof: int

    def mu(self, energy_keV: F8) -> F8:
        """Centre of the single-site band."""
        return np.asarray(self.p[0] + self.p[1] * energy_keV)

    def sigma(self, energy_keV: F8) -> F8:
        """Its width."""
        return np.asarray(np.sqrt(self.q[0] + self.q[1] / np.square(energy_keV)))


@dataclass(frozen=True)
class SliceStarts:
    """Where slices of time begin anew, whatever they are long.

    Attributes
    ----------
    begins_s
        The first time of each run or file, ascending, (n,); none where all input is one.
    names
        Of the runs or files, n of them.
    """

    begins_s: F8
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class TimeCorrection:
    """Medians of A/E in slices of time, that are divided out.

    Attributes
    ----------
    begins_s, ends_s
        Of the slices, (n,), as the column timestamp; each ends where the next one begins.
    n_events
        Single- and multi-site events from 1000 to 1300 keV in each, (n,).
    medians, errors
        Of A/E in each, (n,).
    reference
        What each slice is brought to: their mean, by events.
    reason
        Why nothing is corrected (then there are no slices); empty if something is.
    names
        The runs or files of each slice, n of them; empty where slices do not follow these.
    """

    begins_s: F8
    ends_s: F8
    n_events: I8
    medians: F8
    errors: F8
    reference: float
    reason: str = ""
    names: tuple[str, ...] = ()

    @classmethod
    def none(cls, reason: str) -> Self:
        """No correction."""
        nothing = np.empty(0)
        return cls(nothing, nothing, np.empty(0, np.int64), nothing, nothing, float("nan"), reason)

    def factors(self, time_s: F8) -> F8:
        """What A/E at each time is multiplied by, (n,); times outside are of the end slices."""
        of_slice = np.searchsorted(self.begins_s[1:], time_s, side="right")
        return np.asarray(self.reference / self.medians[of_slice])


@dataclass(frozen=True)
class DriftCorrection:
    """A slope of A/E in the effective drift time, A/E (1 + a dt_eff).

    Attributes
    ----------
    slope_per_ns, slope_err_per_ns
        a; 0 where nothing is corrected.
    seen_per_ns
        The slope of the regression; NaN where none was made.
    dep_width_before, dep_width_after
        Relative width of the double-escape peak's A/E; NaN where none was made.
    reason
        Why nothing is corrected; empty if something is.
    """

    slope_per_ns: float
    slope_err_per_ns: float
    seen_per_ns: float
    dep_width_before: float
    dep_width_after: float
    reason: str = ""


@dataclass(frozen=True)
class AoEModel:
    """All that turns A_max and energy into the classifier.

    Attributes
    ----------
    estimator
        The energy that A_max is divided by, in ADC.
    time
        Correction of time.
    drift
        Correction of drift time.
    trend
        Centre and width as a function of energy.
    peak
        The band of 1000 to 1300 keV as one.
    """

    estimator: str
    time: TimeCorrection
    drift: DriftCorrection
    trend: EnergyTrend
    peak: Band

    def classifier(self, corrected_aoe: F8, energy_keV: F8) -> F8:
        """(x / mu(E) - 1) / (sigma(E) / mu(E)), of A/E that is corrected."""
        mu = self.trend.mu(energy_keV)
        return np.asarray((corrected_aoe / mu - 1.0) * mu / self.trend.sigma(energy_keV))


@dataclass(frozen=True)
class LowCut:
    """The cut of which the double-escape peak survives with the wanted share.

    Attributes
    ----------
    value, error
        In widths; the error is that of the survival over the slope of the survival.
    survival, survival_err
        Of the double-escape peak at the cut.
    tried, tried_survival
        Cuts that were looked at, (n,), in order.
    """

    value: float
    error: float
    survival: float
    survival_err: float
    tried: F8
    tried_survival: F8


AOE_BANDS: Final = TableSchema(
    "AoEBands",
    "a Compton band, or several joined",
    (
        Column("energy_keV", "float64", "keV", "mean energy"),
        Column("n_events", "int64", "", "events"),
        Column("mu", "float64", "1/sample", "centre of the single-site peak"),
        Column("mu_err", "float64", "1/sample", "its error", nullable=True),
        Column("sigma", "float64", "1/sample", "width"),
        Column("sigma_err", "float64", "1/sample", "its error", nullable=True),
        Column("tail_fraction", "float64", "", "share of the tail"),
        Column("tail_per_sigma", "float64", "", "its length over sigma"),
        Column("low", "float64", "1/sample", "window of the fit"),
        Column("high", "float64", "1/sample", "window of the fit"),
        Column("reason", "category", "", "why it is left out; empty if it is used"),
    ),
)
FILE_TIMES: Final = TableSchema(
    "FileTimes",
    "a range of rows of a file",
    (
        Column("run", "category", "", "the run that the file belongs to"),
        Column("file", "category", "", "its name up to its tier"),
        Column("first_s", "float64", "s", "earliest timestamp", nullable=True),
        Column("last_s", "float64", "s", "latest timestamp", nullable=True),
    ),
)
AOE_TIMES: Final = TableSchema(
    "AoETimes",
    "a slice of time, or several joined",
    (
        Column("of", "category", "", "its runs or files; empty where slices do not follow these"),
        Column("begin_s", "float64", "s", "its begin, as the column timestamp"),
        Column("end_s", "float64", "s", "its end"),
        Column("n_events", "int64", "", "events from 1000 to 1300 keV"),
        Column("median", "float64", "1/sample", "median of the single-site A/E"),
        Column("median_err", "float64", "1/sample", "its error"),
        Column("factor", "float64", "", "what A/E is multiplied by"),
    ),
)
