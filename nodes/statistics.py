"""Binomial intervals, once for every pipeline."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from scipy.special import betaincinv

from ..schemas.arrays import F8

ONE_SIGMA_TAIL: Final = 0.16
"""Probability outside each end of a 68 % interval."""


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
        If k > n or k < 0 anywhere, or if tail is not between 0 and 0.5.

    Notes
    -----
    C. J. Clopper and E. S. Pearson, Biometrika 26 (1934) 404. Lower and upper are the ``tail``
    and ``1 - tail`` points of Beta(k, n - k + 1) and Beta(k + 1, n - k); at k = 0 the upper end
    is 1 - tail^(1/n), at k = n the lower end is tail^(1/n).
    """
    k, n = np.broadcast_arrays(np.asarray(k, dtype=np.int64), np.asarray(n, dtype=np.int64))
    if not 0.0 < tail < 0.5:
        msg = f"tail = {tail}; it is a probability between 0 and 0.5"
        raise ValueError(msg)
    wrong = (k < 0) | (k > n)
    if wrong.any():
        first = int(np.flatnonzero(wrong.ravel())[0])
        msg = f"{k.ravel()[first]} of {n.ravel()[first]} (entry {first}): k lies outside 0 to n"
        raise ValueError(msg)
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


def fraction_of(k: Any, n: Any) -> F8:
    """k / n, NaN without trials."""
    k, n = np.asarray(k, dtype=np.float64), np.asarray(n, dtype=np.float64)
    return np.divide(k, n, out=np.full(np.broadcast(k, n).shape, np.nan), where=n > 0)
