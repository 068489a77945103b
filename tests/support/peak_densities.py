"""Densities, mode and width of peaks, for what integrals and kernels are held against.

A density has the unit 1 / x and, over all x, the integral 1.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from radiograph.nodes.peaks.shapes import low_tail, normal_below
from radiograph.schemas.arrays import F8


def normal(x: Any, mu: float, sigma: float) -> F8:
    """The normal distribution."""
    z = (np.asarray(x) - mu) / sigma
    return np.asarray(np.exp(-0.5 * z * z) / (sigma * np.sqrt(2.0 * np.pi)))


def low_tail_below(x: Any, mu: float, sigma: float, tail: float) -> F8:
    """Integral of the low tail up to x."""
    return normal_below(np.asarray(x), mu, sigma) + tail * low_tail(x, mu, sigma, tail)


def tailed(x: Any, mu: float, sigma: float, fraction: float, tail: float) -> F8:
    """A normal distribution of which a fraction from 0 to 1 is in the low tail."""
    return (1.0 - fraction) * normal(x, mu, sigma) + fraction * low_tail(x, mu, sigma, tail)


def step(x: Any, mu: float, sigma: float, height: float, low: float, high: float) -> F8:
    """A background that steps at mu: 1 + height erf((x - mu)/(sigma sqrt 2)), |height| < 1.

    Its integral from ``low`` to ``high`` is 1.
    """
    from scipy.special import erf

    z = (np.asarray(x) - mu) / (sigma * np.sqrt(2.0))
    return np.asarray((1.0 + height * erf(z)) / _whole_step(mu, sigma, height, low, high))


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


def _whole_step(mu: float, sigma: float, height: float, low: float, high: float) -> float:
    from scipy.integrate import quad
    from scipy.special import erf

    def rate(x: float) -> float:
        return 1.0 + height * float(erf((x - mu) / (sigma * np.sqrt(2.0))))

    ends = (low, *(mu + k * sigma for k in (-4.0, 0.0, 4.0) if low < mu + k * sigma < high), high)
    return sum(quad(rate, a, b, epsabs=1e-13)[0] for a, b in itertools.pairwise(ends))
