"""Likelihood of a peak on a stepped background, with its gradient, one pass over the events.

The rate is n_sig [(1-h) N + h T] + n_bkg S on [low, high]: N the normal distribution, T an
exponential of length t = v s below mu smeared with it, S a step at mu (nodes/peaks/shapes.py has
the same densities for arrays). Parameters, in this order: mu, s, h, v, n_sig, n_bkg, k.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from numba import njit

# No array is made here and nobody calls from C: less to compile in a first run.
_kernel = partial(njit, cache=True, nogil=True, _nrt=False, no_cfunc_wrapper=True)

_SQRT2 = math.sqrt(2.0)
_ROOT_2PI = math.sqrt(2.0 * math.pi)
_ROOT_PI = math.sqrt(math.pi)
# Beyond so many s a normal distribution is below the last digit of any background.
_FAR = 9.0
_ERFC_IS_TWO = -6.0
# From here on the exponential before erfc may overflow and erfc vanish; their product does neither.
_ERFC_TINY = 5.0
_BISECTIONS = 60


@_kernel()
def scaled_erfc(u: float) -> float:
    """exp(u^2) erfc(u) of u >= 0, to 1e-13.

    Above 10 by its asymptotic series, M. Abramowitz and I. A. Stegun (1964), 7.1.23.
    """
    if u < 10.0:
        return math.exp(u * u) * math.erfc(u)
    y = 0.5 / (u * u)
    term, total = 1.0, 1.0
    for m in range(1, 9):
        term *= -(2 * m - 1) * y
        total += term
    return total / (u * _ROOT_PI)


@_kernel()
def low_tail_at(z: float, ratio: float, tail: float) -> float:
    """The smeared exponential at z = (x - mu)/s, with ratio = s/t and tail = t."""
    u = (z + ratio) / _SQRT2
    if u > _ERFC_TINY:
        return math.exp(-0.5 * z * z) * scaled_erfc(u) / (2.0 * tail)
    both = 2.0 if u < _ERFC_IS_TWO else math.erfc(u)
    return math.exp(ratio * z + 0.5 * ratio * ratio) * both / (2.0 * tail)


@_kernel()
def signal_at(z: float, h: float, v: float) -> float:
    """(1-h) N + h T at z, of s = 1 and t = v."""
    return (1.0 - h) * math.exp(-0.5 * z * z) / _ROOT_2PI + h * low_tail_at(z, 1.0 / v, v)


@_kernel()
def signal_mode(h: float, v: float) -> float:
    """Where ``signal_at`` is greatest: between -v and 0."""
    low, high = -v, 0.0
    if h == 0.0:
        return 0.0
    for _ in range(_BISECTIONS):
        z = 0.5 * (low + high)
        normal = math.exp(-0.5 * z * z) / _ROOT_2PI
        slope = h * (low_tail_at(z, 1.0 / v, v) - normal) / v - (1.0 - h) * z * normal
        if slope > 0.0:
            low = z
        else:
            high = z
    return 0.5 * (low + high)


@_kernel()
def signal_fwhm(h: float, v: float) -> float:
    """Full width of ``signal_at`` at half of its maximum."""
    mode = signal_mode(h, v)
    half = 0.5 * signal_at(mode, h, v)
    width = 0.0
    for side in (-1.0, 1.0):
        inner, outer = 0.0, 10.0 * (1.0 + v)
        for _ in range(_BISECTIONS):
            middle = 0.5 * (inner + outer)
            if signal_at(mode + side * middle, h, v) > half:
                inner = middle
            else:
                outer = middle
        width += 0.5 * (inner + outer)
    return width


@_kernel()
def erf_integral(w: float) -> float:
    """An antiderivative of erf: w erf(w) + exp(-w^2) / sqrt(pi)."""
    return w * math.erf(w) + math.exp(-w * w) / _ROOT_PI


@_kernel()
def add_outer(
    n: float,
    g0: float,
    g1: float,
    g2: float,
    g3: float,
    g4: float,
    g5: float,
    g6: float,
    gradient: Any,
    information: Any,
) -> None:
    """Take n g from ``gradient`` and add n g g' to the lower half of ``information``."""
    g = (g0, g1, g2, g3, g4, g5, g6)
    for i in range(7):
        gradient[i] -= n * g[i]
        for k in range(i + 1):
            information[i, k] += n * g[i] * g[k]


@_kernel()
def add_peak_likelihood(
    x: Any, low: float, high: float, p: Any, has_tail: bool, gradient: Any, information: Any
) -> float:
    """Minus ln of the extended likelihood of the events x.

    Its gradient is added to ``gradient`` (7,), and to the lower half of ``information`` (7, 7)
    the sum over the events of g g', g the gradient of the logarithm of the rate. Without a tail h
    and v of the parameters ``p`` (7,) are not looked at. Infinite where the rate of an event is
    not positive; what was added is then without meaning.
    """
    mu, s, n_sig, n_bkg, k = p[0], p[1], p[4], p[5], p[6]
    h = p[2] if has_tail else 0.0
    v = p[3] if has_tail else 1.0
    t, r = v * s, 1.0 / v
    w_low, w_high = (low - mu) / (s * _SQRT2), (high - mu) / (s * _SQRT2)
    erf_low, erf_high = math.erf(w_low), math.erf(w_high)
    j = s * _SQRT2 * (erf_integral(w_high) - erf_integral(w_low))
    j_mu = erf_low - erf_high
    j_s = j / s - _SQRT2 * (w_high * erf_high - w_low * erf_low)
    per_whole = 1.0 / (high - low + k * j)
    far = _FAR if n_bkg > 0.0 else math.inf
    per_s, per_t = 1.0 / s, 1.0 / t
    value = 0.0
    n_above = n_below = 0
    for i in range(x.shape[0]):
        z = (x[i] - mu) * per_s
        if z > far:
            n_above += 1
            continue
        if z < -far and not has_tail:
            n_below += 1
            continue
        near = abs(z) < _FAR
        normal = math.exp(-0.5 * z * z) * per_s / _ROOT_2PI if near else 0.0
        tail = low_tail_at(z, r, t) if has_tail else 0.0
        signal = (1.0 - h) * normal + h * tail
        e = math.erf(z / _SQRT2) if near else math.copysign(1.0, z)
        step = (1.0 + k * e) * per_whole
        rate = n_sig * signal + n_bkg * step
        if not rate > 0.0:
            return math.inf
        value -= math.log(rate)
        weight = 1.0 / rate
        signal_mu = (1.0 - h) * normal * z * per_s
        signal_s = (1.0 - h) * normal * (z * z - 1.0) * per_s
        signal_h = signal_v = 0.0
        if has_tail:
            # dT/dx = (T - N)/t, and N smears: dT/ds = s d2T/dx2.
            tail_x = (tail - normal) * per_t
            tail_s = r * (tail_x + normal * z * per_s)
            tail_t = (r * r * normal - tail - r * (z + r) * tail) * per_t
            signal_mu -= h * tail_x
            signal_s += h * (tail_s + v * tail_t)
            signal_h = tail - normal
            signal_v = h * s * tail_t
        step_mu = (-2.0 * k * normal - step * k * j_mu) * per_whole
        step_s = (-2.0 * k * normal * z - step * k * j_s) * per_whole
        add_outer(
            1.0,
            weight * (n_sig * signal_mu + n_bkg * step_mu),
            weight * (n_sig * signal_s + n_bkg * step_s),
            weight * n_sig * signal_h,
            weight * n_sig * signal_v,
            weight * signal,
            weight * step,
            weight * n_bkg * (e - step * j) * per_whole,
            gradient,
            information,
        )
    # Far from the peak every event has the same rate.
    for n, e in ((n_above, 1.0), (n_below, -1.0)):
        if n == 0:
            continue
        step = (1.0 + k * e) * per_whole
        if not step > 0.0:
            return math.inf
        value -= n * math.log(n_bkg * step)
        of_mu, of_s, of_k = -k * j_mu * per_whole, -k * j_s * per_whole, e / step - j
        add_outer(
            n, of_mu, of_s, 0.0, 0.0, 0.0, 1.0 / n_bkg, of_k * per_whole, gradient, information
        )
    sign = 1.0
    for edge in (high, low):
        z = (edge - mu) * per_s
        normal = math.exp(-0.5 * z * z) * per_s / _ROOT_2PI
        tail = low_tail_at(z, r, t) if has_tail else 0.0
        tail_x = (tail - normal) * per_t
        tail_t = (r * r * normal - tail - r * (z + r) * tail) * per_t
        tail_s = r * (tail_x + normal * z * per_s)
        # Up to the edge lies the integral of N plus h t T.
        inside = 0.5 * math.erfc(-z / _SQRT2) + h * t * tail
        gradient[0] += sign * n_sig * (-normal - h * t * tail_x)
        gradient[1] += sign * n_sig * (-normal * z + h * (v * tail + t * (tail_s + v * tail_t)))
        gradient[2] += sign * n_sig * t * tail
        gradient[3] += sign * n_sig * h * s * (tail + t * tail_t)
        gradient[4] += sign * inside
        value += sign * n_sig * inside
        sign = -1.0
    gradient[5] += 1.0
    return value + n_bkg
