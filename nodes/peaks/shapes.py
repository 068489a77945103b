"""Densities of peaks and of the steps below them, and their integrals.

A density has the unit 1 / x and, over all x, the integral 1; ``..._below`` is its integral up to
x. ``mu`` and ``sigma`` are those of the normal distribution, sigma > 0.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from ...schemas.arrays import F8

FWHM_PER_SIGMA: Final = 2.0 * float(np.sqrt(2.0 * np.log(2.0)))
"""Full width at half maximum of a normal distribution with standard deviation 1."""


def normal(x: Any, mu: float, sigma: float) -> F8:
    """The normal distribution."""
    z = (np.asarray(x) - mu) / sigma
    return np.asarray(np.exp(-0.5 * z * z) / (sigma * np.sqrt(2.0 * np.pi)))


def normal_below(x: Any, mu: float, sigma: float) -> F8:
    """Integral of the normal distribution up to x."""
    from scipy.special import ndtr

    return np.asarray(ndtr((x - mu) / sigma))


def low_tail(x: Any, mu: float, sigma: float, tail: float) -> F8:
    """An exponential of length ``tail`` > 0 below mu, smeared with the normal distribution.

    1/(2t) exp((x - mu)/t + s^2/(2t^2)) erfc((x - mu)/(s sqrt 2) + s/(t sqrt 2)).
    """
    from scipy.special import erfc, erfcx

    z, ratio = (np.asarray(x) - mu) / sigma, sigma / tail
    u = (z + ratio) / np.sqrt(2.0)
    # Where u > 0 the exponential may overflow and erfc vanish; their product does neither.
    scaled = np.exp(-0.5 * z * z) * erfcx(np.maximum(u, 0.0))
    plain = np.exp(np.where(u > 0.0, 0.0, ratio * z + 0.5 * ratio * ratio)) * erfc(u)
    return np.asarray(np.where(u > 0.0, scaled, plain) / (2.0 * tail))


def low_tail_below(x: Any, mu: float, sigma: float, tail: float) -> F8:
    """Integral of the low tail up to x."""
    return normal_below(np.asarray(x), mu, sigma) + tail * low_tail(x, mu, sigma, tail)


def tailed(x: Any, mu: float, sigma: float, fraction: float, tail: float) -> F8:
    """A normal distribution of which a fraction from 0 to 1 is in the low tail."""
    return (1.0 - fraction) * normal(x, mu, sigma) + fraction * low_tail(x, mu, sigma, tail)


def tailed_below(x: Any, mu: float, sigma: float, fraction: float, tail: float) -> F8:
    """Integral of ``tailed`` up to x."""
    inside = normal_below(np.asarray(x), mu, sigma)
    return inside + fraction * tail * low_tail(x, mu, sigma, tail)


def step(x: Any, mu: float, sigma: float, height: float, low: float, high: float) -> F8:
    """A background that steps at mu: 1 + height erf((x - mu)/(sigma sqrt 2)), |height| < 1.

    Its integral from ``low`` to ``high`` is 1.
    """
    from scipy.special import erf

    z = (np.asarray(x) - mu) / (sigma * np.sqrt(2.0))
    return np.asarray((1.0 + height * erf(z)) / _step_integral(mu, sigma, height, low, high))


def step_below(x: Any, mu: float, sigma: float, height: float, low: float, high: float) -> F8:
    """Integral of ``step`` from ``low`` up to x."""
    whole = _step_integral(mu, sigma, height, low, high)
    return _step_integral(mu, sigma, height, low, x) / whole


def _step_integral(mu: float, sigma: float, height: float, low: float, high: Any) -> F8:
    from scipy.special import erf

    scale = sigma * np.sqrt(2.0)
    begin, end = (low - mu) / scale, (np.asarray(high) - mu) / scale
    # The integral of erf is w erf(w) + exp(-w^2) / sqrt(pi).
    ends = [w * erf(w) + np.exp(-w * w) / np.sqrt(np.pi) for w in (begin, end)]
    return np.asarray(scale * (end - begin + height * (ends[1] - ends[0])))


def tailed_mode(mu: float, sigma: float, fraction: float, tail: float) -> float:
    """Where ``tailed`` is greatest: at mu without a tail, else below it by less than ``tail``."""
    from scipy.optimize import brentq

    if fraction == 0.0:
        return mu

    def slope(x: float) -> float:
        """Derivative in x, times sigma."""
        density = float(normal(x, 0.0, sigma))
        of_tail = (float(low_tail(x, 0.0, sigma, tail)) - density) * sigma / tail
        return -(1.0 - fraction) * x / sigma * density + fraction * of_tail

    # The mode of the tail alone lies between its mean, -tail, and 0.
    return mu + float(brentq(slope, -tail, 0.0, xtol=1e-12 * sigma))


def tailed_fwhm(sigma: float, fraction: float, tail: float) -> float:
    """Full width of ``tailed`` at half of its maximum, in the unit of sigma."""
    from scipy.optimize import brentq

    mode = tailed_mode(0.0, sigma, fraction, tail)
    half = 0.5 * float(tailed(mode, 0.0, sigma, fraction, tail))

    def above_half(x: float) -> float:
        return float(tailed(x, 0.0, sigma, fraction, tail)) / half - 1.0

    reach = 10.0 * (sigma + tail)
    ends = [brentq(above_half, mode, mode + r, xtol=1e-12 * sigma) for r in (-reach, reach)]
    return float(ends[1] - ends[0])
