"""Errors of a fit whose values are correlated: what its weights make of the correlation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from .fits import model_growth, model_scale


@njit(cache=True, nogil=True)
def correlated_error_rows(
    amplitude: Any,
    decay: Any,
    squares: Any,
    correlation: Any,
    begin_s: float,
    step_s: float,
    window: int,
    fs: float,
    averaged: bool,
    n: int,
    found: Any,
) -> None:
    """Fill the errors of N, decay (1/s), c and N - c of fits (N - c) exp(-decay t) + c.

    Parameters
    ----------
    amplitude, decay, squares
        (n_rows,) N - c, decay constant (1/s), sum of squared residuals; NaN gives NaN.
    correlation
        (n_lags,) autocorrelation of the values at lags 1, 2 ...
    begin_s, step_s, window, fs, averaged
        As for ``exponential_rows``.
    n
        Values a row.
    found
        (n_rows, 4) output; NaN where the matrix of the fit cannot be inverted.

    Notes
    -----
    An estimate is a weighted sum of the values, so its variance is s^2 sum_ij w_i rho_ij w_j
    (s^2 (J'J)^-1 J'RJ (J'J)^-1; W. Newey and K. West, Econometrica 55 (1987) 703, without the
    taper). One factor for all is right only where the weights vary slowly. Of correlated values a
    fit takes more than its three: s^2 = squares / (n - tr((J'J)^-1 J'RJ)).
    """
    a, g = np.empty(n), np.empty(n)
    weights, ones = np.empty((4, n)), np.empty(n)
    ones[:] = 1.0
    for row in range(amplitude.size):
        found[row, :] = np.nan
        lam, height = decay[row], amplitude[row]
        if n <= 3 or not lam > 0.0 or not abs(height) > 0.0:
            continue
        first = model_scale(lam, begin_s, window, fs, averaged)
        growth = model_growth(lam, begin_s, window, fs, averaged)
        ratio = math.exp(-lam * step_s)
        value = first
        # Sums as loops: functions of arrays take longer to compile.
        mean_a = mean_g = 0.0
        for i in range(n):
            a[i] = value
            # In ln decay, so that both are of one size.
            g[i] = height * lam * value * (growth - i * step_s)
            value *= ratio
            mean_a += a[i]
            mean_g += g[i]
        mean_a, mean_g = mean_a / n, mean_g / n
        aa = ag = gg = 0.0
        for i in range(n):
            aa += (a[i] - mean_a) ** 2
            ag += (a[i] - mean_a) * (g[i] - mean_g)
            gg += (g[i] - mean_g) ** 2
        determinant = aa * gg - ag * ag
        if not determinant > 0.0:
            continue
        for i in range(n):
            x, y = a[i] - mean_a, g[i] - mean_g
            of_a, of_g = (gg * x - ag * y) / determinant, (aa * y - ag * x) / determinant
            of_c = 1.0 / n - mean_a * of_a - mean_g * of_g
            weights[0, i], weights[1, i] = of_a + of_c, of_g * lam
            weights[2, i], weights[3, i] = of_c, of_a
        used = 3.0
        for k in range(min(correlation.size, n - 1)):
            used += correlation[k] * (
                _lagged(weights[3], a, k + 1)
                + _lagged(weights[1], g, k + 1) / lam
                + _lagged(weights[2], ones, k + 1)
            )
        variance = squares[row] / max(n - used, 1.0)
        for p in range(4):
            w = weights[p]
            total = 0.0
            for i in range(n):
                total += w[i] * w[i]
            for k in range(min(correlation.size, n - 1)):
                total += correlation[k] * _lagged(w, w, k + 1)
            found[row, p] = math.sqrt(max(total, 0.0) * variance)


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def _lagged(u: Any, v: Any, lag: int) -> float:
    """sum_i (u_i v_{i+lag} + u_{i+lag} v_i)."""
    total = 0.0
    for i in range(u.size - lag):
        total += u[i] * v[i + lag] + u[i + lag] * v[i]
    return total
