"""Scans of blocks of events: in which stretch of a file a rate or a level is not as it should be.

Every stretch of neighbouring blocks is tried. The price of trying is paid by Bonferroni: an error
probability alpha of one channel is shared equally by its stretches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ...schemas.arrays import F8, I8, Mask
from ..statistics.widths import half_central_68

# The standard error of a median of n normal values is sqrt(pi / 2) sigma / sqrt(n).
_MEDIAN_ERROR: Final = np.sqrt(np.pi / 2.0)
# A baseline is whole counts; blocks agree to this whatever their spread.
_LEAST_ERROR: Final = 1e-3
# A rate must be below this share of that of the other blocks, and these have so many events.
_OF_OTHERS: Final = 0.8
_LEAST_OTHERS: Final = 5
# Steps whose squares agree to this are the same step.
_ALIKE: Final = 1e-9


@dataclass(frozen=True)
class Stretch:
    """For each channel the stretch of blocks that is worst, arrays (...).

    Attributes
    ----------
    bad
        Whether it is surely beyond the limit.
    begin, end
        First block, and the first one after it.
    value
        The rate or the change there; NaN where nothing can be told.
    """

    bad: Mask
    begin: I8
    end: I8
    value: F8


def stretches(n_blocks: int) -> I8:
    """All stretches of neighbouring blocks as (first, first after), the longest first."""
    found = [(a, b) for a in range(n_blocks) for b in range(a + 1, n_blocks + 1)]
    return np.array(sorted(found, key=lambda s: s[0] - s[1]), dtype=np.int64)


def _sums(counts: NDArray[Any], spans: I8) -> NDArray[Any]:
    total = np.concatenate([np.zeros((1, *counts.shape[1:]), counts.dtype), counts.cumsum(axis=0)])
    return np.asarray(total[spans[:, 1]] - total[spans[:, 0]])


def rate_above(k: Any, n: Any, limit: float, alpha: float) -> Stretch:
    """Where k of n is surely above a limit: P(k or more | n, limit) < alpha / stretches.

    ``k`` and ``n`` are counts by block, (n_blocks, ...).
    """
    from scipy.special import bdtrc

    n = np.asarray(n, dtype=np.int64)
    k = np.minimum(np.asarray(k, dtype=np.int64), n)
    spans = stretches(len(n))
    ks, ns = _sums(k, spans), _sums(n, spans)
    rate = _ratio(ks, ns)
    beyond = (ns > 0) & (rate > limit)
    p = np.ones(ns.shape)
    p[beyond] = bdtrc(ks[beyond] - 1.0, ns[beyond], limit)
    return _sharpest(p, beyond, (ks, ns), (k, n), spans, alpha)


def rate_below(k: Any, n: Any, limit: float, alpha: float) -> Stretch:
    """Where k of n is below a limit, and surely below the rate of the other blocks.

    P(k or less | n, 0.8 times the rate of the others) < alpha / stretches; nothing is said where
    the others have fewer than five events.
    """
    from scipy.special import bdtr

    n = np.asarray(n, dtype=np.int64)
    k = np.minimum(np.asarray(k, dtype=np.int64), n)
    spans = stretches(len(n))
    ks, ns = _sums(k, spans), _sums(n, spans)
    rate = _ratio(ks, ns)
    n_others = n.sum(axis=0) - ns
    usual = _OF_OTHERS * _ratio(k.sum(axis=0) - ks, n_others)
    beyond = (ns > 0) & (rate < limit) & (n_others >= _LEAST_OTHERS)
    p = np.ones(ns.shape)
    p[beyond] = bdtr(ks[beyond].astype(np.float64), ns[beyond], usual[beyond])
    return _sharpest(p, beyond, (ks, ns), (k, n), spans, alpha)


def _ratio(k: I8, n: I8) -> F8:
    return np.divide(k, n, out=np.zeros(n.shape), where=n > 0)


def _sharpest(
    p: F8,
    beyond: Mask,
    inside: tuple[I8, I8],
    of_block: tuple[I8, I8],
    spans: I8,
    alpha: float,
) -> Stretch:
    """Of the stretches beyond the limit the one that differs most from the rest of the file.

    M. Kulldorff, Commun. Statist. Theory Meth. 26 (1997) 1481: the greatest likelihood ratio of
    one rate inside and another outside. Its P must be small enough, too.
    """
    k, n = (counts.sum(axis=0) for counts in of_block)
    ks, ns = inside
    likelihood = _log_likelihood(ks, ns) + _log_likelihood(k - ks, n - ns)
    best = np.where(beyond, likelihood, -np.inf).argmax(axis=0)[np.newaxis]
    rate = _ratio(ks, ns)
    return Stretch(
        np.take_along_axis(p, best, axis=0)[0] < alpha / len(spans),
        spans[best[0], 0],
        spans[best[0], 1],
        np.take_along_axis(rate, best, axis=0)[0],
    )


def _log_likelihood(k: I8, n: I8) -> F8:
    """Greatest logarithm of the binomial likelihood of k of n, without its constant."""
    from scipy.special import xlogy

    return np.asarray(xlogy(k, _ratio(k, n)) + xlogy(n - k, _ratio(n - k, n)))


@dataclass(frozen=True)
class Change:
    """For each channel how its level changes from block to block, arrays (...).

    Attributes
    ----------
    bad
        Whether the change is surely above the limit.
    drift
        Whether it goes on throughout, rather than in one step.
    size
        The change, with its sign.
    error
        Its standard error.
    begin, end
        Block in which it begins, and the first block after it (n_blocks if it stays).
    """

    bad: Mask
    drift: Mask
    size: F8
    error: F8
    begin: I8
    end: I8


def level_change(median: F8, p16: F8, p84: F8, n: Any, limit: float, alpha: float) -> Change:
    """Step or drift of medians by block, (n_blocks, ...); blocks without events are left out.

    A step is the stretch whose mean differs most from that of the other blocks (least squares);
    a drift is a straight line where that describes the blocks better. It counts if it is larger
    than the limit by as many standard errors as alpha / stretches allows.
    """
    from scipy.special import ndtri

    n_blocks = len(median)
    known = np.isfinite(median) & (np.asarray(n) > 0)
    weight = known.astype(np.float64)
    level = np.where(known, median, 0.0)
    error = _MEDIAN_ERROR * half_central_68(p16, p84) / np.sqrt(np.maximum(n, 1))
    variance = np.where(known, error**2 + _LEAST_ERROR**2, 0.0)
    spans = stretches(n_blocks)
    # A stretch from the first block on is the other side of one that ends the file.
    spans = spans[spans[:, 0] > 0] if n_blocks > 1 else spans
    # Nor is one told from such a side where the first or last blocks are unknown.
    ending = (spans[:, 1] == n_blocks).reshape(-1, *(1,) * (median.ndim - 1))
    inside, total = _sums(weight, spans), weight.sum(axis=0)
    outside = total - inside
    both = (inside > 0) & (outside > 0)
    ins, out = np.maximum(inside, 1), np.maximum(outside, 1)
    sums, squares = _sums(level * weight, spans), _sums(variance, spans)
    apart = sums / ins - ((level * weight).sum(axis=0) - sums) / out
    sigma = np.sqrt(squares / ins**2 + (variance.sum(axis=0) - squares) / out**2)
    gain = np.where(both, apart**2 * inside * outside / np.maximum(total, 1), -1.0)
    best = np.where(ending, gain * (1.0 + _ALIKE), gain).argmax(axis=0)[np.newaxis]
    step, step_error = (np.take_along_axis(v, best, axis=0)[0] for v in (apart, sigma))
    slope, line_gain, slope_error = _line(level, weight, variance)
    length = max(n_blocks - 1, 1)
    drift = (line_gain > gain.max(axis=0)) & (total > 2)
    size = np.where(drift, slope * length, step)
    size_error = np.where(drift, slope_error * length, step_error)
    surely = -ndtri(0.5 * alpha / max(len(spans), 1))
    told = both.any(axis=0)
    return Change(
        told & (np.abs(size) > limit + surely * size_error),
        drift & told,
        np.where(told, size, np.nan),
        np.where(told, size_error, np.nan),
        np.where(drift, _drift_begin(level, known, size), spans[best[0], 0]),
        np.where(drift, n_blocks, spans[best[0], 1]),
    )


def _line(level: F8, weight: F8, variance: F8) -> tuple[F8, F8, F8]:
    """Slope a block, what a line explains of the squares, and the error of the slope."""
    x = np.arange(len(level), dtype=np.float64).reshape(-1, *(1,) * (level.ndim - 1))
    total = np.maximum(weight.sum(axis=0), 1.0)
    dx = (x - (x * weight).sum(axis=0) / total) * weight
    square = np.maximum((dx * dx).sum(axis=0), 1e-300)
    slope = (dx * level).sum(axis=0) / square
    return slope, slope**2 * square, np.sqrt((dx * dx * variance).sum(axis=0)) / square


def _drift_begin(level: F8, known: Mask, size: F8) -> I8:
    """The last block that still is where the first one was, to a twentieth of the drift."""
    first = np.take_along_axis(level, known.argmax(axis=0)[np.newaxis], axis=0)[0]
    away = known & (np.abs(level - first) > 0.05 * np.abs(size))
    return np.maximum(away.argmax(axis=0) - 1, 0)
