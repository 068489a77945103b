"""Peaks and the steps below them: ``..._below`` is the integral of a density up to x.

A density has the unit 1 / x and, over all x, the integral 1. ``mu`` and ``sigma`` are those of the
normal distribution, sigma > 0.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from ...schemas.arrays import F8

FWHM_PER_SIGMA: Final = 2.0 * float(np.sqrt(2.0 * np.log(2.0)))
"""Full width at half maximum of a normal distribution with standard deviation 1."""


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


def tailed_below(x: Any, mu: float, sigma: float, fraction: float, tail: float) -> F8:
    """Of a normal distribution of which a fraction from 0 to 1 is in the low tail."""
    inside = normal_below(np.asarray(x), mu, sigma)
    return inside + fraction * tail * low_tail(x, mu, sigma, tail)


def step_below(x: Any, mu: float, sigma: float, height: float, low: float, high: float) -> F8:
    """From ``low`` on, of a background that steps at mu: 1 + height erf((x - mu)/(sigma sqrt 2)).

    |height| < 1; its integral from ``low`` to ``high`` is 1.
    """
    whole = _step_integral(mu, sigma, height, low, high)
    return _step_integral(mu, sigma, height, low, x) / whole


def _step_integral(mu: float, sigma: float, height: float, low: float, high: Any) -> F8:
    from scipy.special import erf

    scale = sigma * np.sqrt(2.0)
    begin, end = (low - mu) / scale, (np.asarray(high) - mu) / scale
    # The integral of erf is w erf(w) + exp(-w^2) / sqrt(pi).
    ends = [w * erf(w) + np.exp(-w * w) / np.sqrt(np.pi) for w in (begin, end)]
    return np.asarray(scale * (end - begin + height * (ends[1] - ends[0])))
