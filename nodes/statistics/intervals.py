"""Intervals of binomial fractions and of Poisson means, once for every pipeline.

Those that are made of tails take ``tail``, the probability outside of each end: 0.16 for 68 %, or
tail_of_sigma.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from ...schemas.arrays import F8, I8

ONE_SIGMA_TAIL: Final = 0.16
"""Probability outside each end of a 68 % interval."""


def tail_of_sigma(sigma: float) -> float:
    """Probability of a normal distribution beyond ``sigma`` standard deviations, on one side.

    0.158655 for 1; as ``tail`` it gives the interval that holds erf(sigma / sqrt 2).
    ValueError unless sigma is a number above zero.
    """
    from scipy.special import erfc

    _check_sigma(sigma)
    return float(0.5 * erfc(sigma / np.sqrt(2.0)))


def clopper_pearson(k: Any, n: Any, tail: float = ONE_SIGMA_TAIL) -> tuple[F8, F8]:
    """Exact central interval of a binomial fraction.

    Parameters
    ----------
    k, n
        Successes and trials, whole numbers of one shape.
    tail
        Probability outside each end; 0.16 for 68 %.

    Returns
    -------
    lower, upper
        0 <= lower <= k / n <= upper <= 1. lower is 0 at k = 0 and upper 1 at k = n; without
        trials the interval is [0, 1].

    Raises
    ------
    ValueError
        If k > n or k < 0 or k is no whole number anywhere, or if tail is not between 0 and 0.5.

    Notes
    -----
    C. J. Clopper and E. S. Pearson, Biometrika 26 (1934) 404. Lower and upper are the ``tail``
    and ``1 - tail`` points of Beta(k, n - k + 1) and Beta(k + 1, n - k); at k = 0 the upper end
    is 1 - tail^(1/n), at k = n the lower end is tail^(1/n).
    """
    from scipy.special import betaincinv

    k, n = (_whole(a) for a in np.broadcast_arrays(k, n))
    _check_tail(tail)
    _check_trials(k, n)
    lower, upper = np.zeros(k.shape), np.ones(k.shape)
    some = n > 0
    empty, full = some & (k == 0), some & (k == n)
    upper[empty] = -np.expm1(np.log(tail) / n[empty])
    lower[full] = np.exp(np.log(tail) / n[full])
    inner = some & ~empty & ~full
    ki, ni = k[inner], n[inner]
    lower[inner] = betaincinv(ki, ni - ki + 1, tail)
    upper[inner] = betaincinv(ki + 1, ni - ki, 1.0 - tail)
    return lower, upper


def jeffreys(k: Any, n: Any, tail: float = ONE_SIGMA_TAIL) -> tuple[F8, F8]:
    """Central interval of a binomial fraction with Jeffreys' prior.

    The ``tail`` and ``1 - tail`` points of Beta(k + 1/2, n - k + 1/2), but 0 at k = 0 and 1 at
    k = n. Parameters, shapes and errors as clopper_pearson.

    Notes
    -----
    L. D. Brown, T. T. Cai and A. DasGupta, Statist. Sci. 16 (2001) 101, section 4.1.2.
    """
    from scipy.special import betaincinv

    k, n = (_whole(a) for a in np.broadcast_arrays(k, n))
    _check_tail(tail)
    _check_trials(k, n)
    lower = np.where(k == 0, 0.0, betaincinv(k + 0.5, n - k + 0.5, tail))
    upper = np.where(k == n, 1.0, betaincinv(k + 0.5, n - k + 0.5, 1.0 - tail))
    return np.asarray(lower), np.asarray(upper)


def wilson(k: Any, n: Any, sigma: float = 1.0) -> tuple[F8, F8]:
    """Wilson's score interval of a binomial fraction.

    Parameters
    ----------
    k, n
        Successes and trials of one shape. They need not be whole: expected counts are taken.
    sigma
        Standard deviations to each side, above zero.

    Returns
    -------
    lower, upper
        0 <= lower <= k / n <= upper <= 1. lower is 0 at k = 0 and upper 1 at k = n; without
        trials the interval is [0, 1].

    Raises
    ------
    ValueError
        If k > n or k < 0 or k or n is NaN anywhere, or if sigma is not above zero.

    Notes
    -----
    E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209. With z = sigma: centre
    (k + z^2/2) / (n + z^2), half width z / (n + z^2) sqrt(k (n - k) / n + z^2 / 4).
    """
    _check_sigma(sigma)
    k, n = (np.asarray(a, dtype=np.float64) for a in np.broadcast_arrays(k, n))
    _check_trials(k, n)
    square = sigma * sigma
    spread = np.divide(k * (n - k), n, out=np.zeros(k.shape), where=n > 0)
    centre = (k + 0.5 * square) / (n + square)
    half = sigma / (n + square) * np.sqrt(spread + 0.25 * square)
    # At its ends the formula gives 0 and 1 but for rounding.
    lower = np.where(k == 0, 0.0, np.maximum(centre - half, 0.0))
    upper = np.where(k == n, 1.0, np.minimum(centre + half, 1.0))
    return np.asarray(lower), np.asarray(upper)


def garwood(k: Any, tail: float = ONE_SIGMA_TAIL) -> tuple[F8, F8]:
    """Exact interval of the mean of a Poisson distribution that gave ``k`` counts.

    Parameters
    ----------
    k
        Counts, whole numbers.
    tail
        Probability outside each end; (1 - CL) / 2 for the confidence level CL.

    Returns
    -------
    lower, upper
        0 <= lower <= k < upper. At k = 0 all of 1 - CL lies above: the interval is one-sided,
        from 0 to -ln(1 - CL).

    Raises
    ------
    ValueError
        If k is below zero or no whole number anywhere, or if tail is not between 0 and 0.5.

    Notes
    -----
    F. Garwood, Biometrika 28 (1936) 437: half the ``tail`` point of chi2 with 2k degrees of
    freedom, and half the ``1 - tail`` point with 2k + 2.
    """
    from scipy.special import gammaincinv

    k = _whole(k)
    _check_tail(tail)
    _check_counts(k, k >= 0, "counts are 0 or more")
    lower, upper = np.zeros(k.shape), np.full(k.shape, -np.log(2.0 * tail))
    some = k > 0
    lower[some] = gammaincinv(k[some], tail)
    upper[some] = gammaincinv(k[some] + 1, 1.0 - tail)
    return lower, upper


def fraction_of(k: Any, n: Any) -> F8:
    """k / n, NaN without trials."""
    k, n = np.asarray(k, dtype=np.float64), np.asarray(n, dtype=np.float64)
    return np.divide(k, n, out=np.full(np.broadcast(k, n).shape, np.nan), where=n > 0)


def _whole(values: Any) -> I8:
    given = np.asarray(values)
    if given.dtype.kind == "f":
        whole = np.isfinite(given) & (given == np.floor(given))
        _check_counts(given, whole, "counts are whole numbers")
    return given.astype(np.int64)


def _check_trials(k: Any, n: Any) -> None:
    wrong = ~((k >= 0) & (k <= n))
    if wrong.any():
        first = int(np.flatnonzero(wrong.ravel())[0])
        msg = f"{k.ravel()[first]} of {n.ravel()[first]} (entry {first}): k lies outside 0 to n"
        raise ValueError(msg)


def _check_counts(values: Any, good: Any, what: str) -> None:
    if not good.all():
        first = int(np.flatnonzero(~good.ravel())[0])
        msg = f"{values.ravel()[first]} (entry {first}): {what}"
        raise ValueError(msg)


def _check_tail(tail: float) -> None:
    if not 0.0 < tail < 0.5:
        msg = f"tail = {tail}; it is a probability between 0 and 0.5"
        raise ValueError(msg)


def _check_sigma(sigma: float) -> None:
    if not 0.0 < sigma < np.inf:
        msg = f"sigma = {sigma}; it is a number of standard deviations above zero"
        raise ValueError(msg)
