"""Whether two independent samples agree: fractions, and histograms of the same bins."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from ...schemas.arrays import F8, Mask

_LEAST_EXPECTED: Final = 10.0


class Agreement(NamedTuple):
    """A test of two histograms: the statistic, its degrees of freedom, and the p-value.

    All are NaN where there is nothing to compare; ``ndf`` is 0 for a test that has none.
    """

    statistic: float
    ndf: int
    p_value: float


NO_AGREEMENT: Final = Agreement(float("nan"), 0, float("nan"))


def two_fractions(k_a: Any, n_a: Any, k_b: Any, n_b: Any) -> tuple[F8, Mask]:
    """How far the fraction k_b / n_b lies above k_a / n_a, in standard deviations.

    Parameters
    ----------
    k_a, n_a, k_b, n_b
        Successes and trials of both samples, whole numbers of one shape (n,).

    Returns
    -------
    significance, is_exact
        Of the pooled two-proportion z test; where it is marked exact, of Fisher's test: an
        expected number of successes or failures is below 10 there. 0 without trials.

    Notes
    -----
    R. A. Fisher, J. R. Stat. Soc. 98 (1935) 39; the two-sided p-value is turned into the
    standard deviations of a normal distribution.
    """
    from scipy.stats import fisher_exact, norm

    k_a, n_a, k_b, n_b = (np.asarray(x, dtype=np.float64) for x in (k_a, n_a, k_b, n_b))
    total = n_a + n_b
    pooled = np.divide(k_a + k_b, total, out=np.zeros(total.shape), where=total > 0)
    there = (n_a > 0) & (n_b > 0)
    least = np.minimum(n_a, n_b) * np.minimum(pooled, 1.0 - pooled)
    is_exact = there & (least < _LEAST_EXPECTED)
    ratio_a = np.divide(k_a, n_a, out=np.zeros(total.shape), where=n_a > 0)
    ratio_b = np.divide(k_b, n_b, out=np.zeros(total.shape), where=n_b > 0)
    # Without trials the spread is nothing and there is no difference.
    spread = np.sqrt(
        pooled * (1.0 - pooled) * (1.0 / np.maximum(n_a, 1.0) + 1.0 / np.maximum(n_b, 1.0))
    )
    apart = np.where(there, ratio_b - ratio_a, 0.0)
    significance = np.divide(apart, spread, out=np.zeros(total.shape), where=spread > 0)
    for row in np.flatnonzero(is_exact):
        table = np.asarray([[k_a[row], n_a[row] - k_a[row]], [k_b[row], n_b[row] - k_b[row]]])
        p = min(float(fisher_exact(table).pvalue), 1.0)
        significance[row] = np.sign(apart[row]) * norm.isf(0.5 * p)
    return significance, is_exact


def same_shape_chi2(a: F8, b: F8, variances_a: F8, variances_b: F8) -> Agreement:
    """The chi-square of two histograms of one shape, whatever their totals.

    Bins that are empty in both are left out; one degree of freedom goes to the totals.

    Notes
    -----
    W. H. Press et al., Numerical Recipes, section 14.3.3; with weights the variances stand in
    the place of the counts: N. D. Gagunashvili, Nucl. Instrum. Methods A 614 (2010) 287.
    """
    from scipy.stats import chi2 as chi2_distribution

    total_a, total_b = a.sum(), b.sum()
    variance = variances_a * total_b**2 + variances_b * total_a**2
    filled = variance > 0
    ndf = int(filled.sum()) - 1
    if ndf < 1 or total_a <= 0 or total_b <= 0:
        return NO_AGREEMENT
    apart = (a * total_b - b * total_a)[filled]
    value = float((apart**2 / variance[filled]).sum())
    return Agreement(value, ndf, float(chi2_distribution.sf(value, ndf)))


def same_shape_ks(a: F8, b: F8, variances_a: F8, variances_b: F8) -> Agreement:
    """The greatest distance of the cumulated shares of two histograms (Kolmogorov-Smirnov).

    The p-value is that of unbinned samples of as many effective entries (sum squared over sum of
    variances): for binned ones it is too large, the more so the wider the bins.
    """
    from scipy.stats import kstwobign

    total_a, total_b = a.sum(), b.sum()
    square_a, square_b = variances_a.sum(), variances_b.sum()
    if min(total_a, total_b, square_a, square_b) <= 0:
        return NO_AGREEMENT
    distance = float(np.abs(np.cumsum(a) / total_a - np.cumsum(b) / total_b).max())
    entries_a, entries_b = total_a**2 / square_a, total_b**2 / square_b
    effective = np.sqrt(entries_a * entries_b / (entries_a + entries_b))
    return Agreement(distance, 0, float(kstwobign.sf(effective * distance)))
