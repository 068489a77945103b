"""The decay of mean tails: one exponential or the sum of two, by least squares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ...schemas.arrays import F8

_LAST: Final = 0.2
_FIRST: Final = 0.1
_SECONDS_START: Final = (0.5, 1.0, 2.0)


@dataclass(frozen=True)
class Decays:
    """(amplitude) [(1 - f) exp(-t / tau1) + f exp(-t / tau2)], times in ns.

    ``values`` are (tau1,) or (tau1, tau2, f), ``covariance`` the square of them.
    """

    values: F8
    covariance: F8
    chi2: float
    dof: int


def one_decay(t: F8, tail: F8, errors: F8) -> Decays | None:
    """The exponential of least chi2; None where the tail does not fall or no fit converges."""
    from scipy.optimize import curve_fit

    slope = _log_slope(t, tail)
    if not 0.0 < slope < np.inf:
        return None
    start = np.array([tail[0], slope])
    try:
        p, cov = curve_fit(_one, t, tail, start, errors, absolute_sigma=True)
    except RuntimeError:
        return None
    if not (p[1] > 0.0 and np.isfinite(cov).all()):
        return None
    chi2 = float((((tail - _one(t, *p)) / errors) ** 2).sum())
    return Decays(np.array([p[1]]), cov[1:, 1:], chi2, len(t) - 2)


def two_decays(t: F8, tail: F8, errors: F8) -> Decays | None:
    """The sum of two of least chi2; None where the tail does not fall or no fit converges.

    It begins from the slope of the last fifth and from what the first tenth has above it.
    """
    from scipy.optimize import curve_fit

    n = len(t)
    late = slice(int(n * (1 - _LAST)), n)
    slow = _log_slope(t[late], tail[late])
    # The faster decay is at least a sample and at most 0.9 of the slower one.
    if not t[1] - t[0] < 0.3 * slow < np.inf:
        return None
    amplitude = float(np.mean(tail[late] * np.exp(t[late] / slow)))
    above = tail - amplitude * np.exp(-t / slow)
    early = slice(0, max(int(n * _FIRST), 4))
    positive = above[early] > 0.0
    fast = (
        _log_slope(t[early][positive], above[early][positive])
        if positive.sum() > 3
        else (t[early][-1] - t[0])
    )
    fast = float(np.clip(fast, t[1] - t[0], 0.3 * slow))
    fraction = float(np.clip(above[early].mean() / amplitude, 1e-3, 0.3))
    best: Decays | None = None
    for factor in _SECONDS_START:
        start = np.array([amplitude, slow, factor * fast, fraction])
        bounds = ([0.0, 0.3 * slow, t[1] - t[0], 0.0], [np.inf, 3.0 * slow, 0.9 * slow, 0.9])
        try:
            p, cov = curve_fit(
                _two, t, tail, np.clip(start, *bounds), errors, absolute_sigma=True, bounds=bounds
            )
        except RuntimeError:
            continue
        chi2 = float((((tail - _two(t, *p)) / errors) ** 2).sum())
        if best is None or chi2 < best.chi2:
            best = Decays(p[1:], cov[1:, 1:], chi2, n - 4)
    return best


def _one(t: F8, a: float, tau: float) -> F8:
    return np.asarray(a * np.exp(-t / tau))


def _two(t: F8, a: float, tau1: float, tau2: float, f: float) -> F8:
    return np.asarray(a * ((1 - f) * np.exp(-t / tau1) + f * np.exp(-t / tau2)))


def _log_slope(t: F8, values: F8) -> float:
    """The decay time of a line through logarithms; infinite or negative where they do not fall."""
    slope = float(np.polyfit(t, np.log(np.maximum(values, 1e-12)), 1)[0])
    return -1.0 / slope if slope else np.inf
