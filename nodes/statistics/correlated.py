"""How much neighbours of a series go together, and what that does to an error."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...schemas.arrays import F8


def autocorrelation(series: Any, lags: int) -> F8:
    """Autocorrelation at lags 1 to ``lags`` along the last axis, shape (..., lags).

    r_k = sum_i (x_i - m) (x_{i+k} - m) / sum_i (x_i - m)^2 with the mean m of the whole series.
    NaN for a series with NaN in it or without any spread. ValueError unless 1 <= lags < length.

    Notes
    -----
    G. E. P. Box and G. M. Jenkins, Time Series Analysis (1976), 2.1.5: both sums over the same
    series, so |r_k| <= 1.
    """
    x = np.asarray(series, dtype=np.float64)
    if not 1 <= lags < x.shape[-1]:
        msg = f"lags = {lags}; a series of {x.shape[-1]} values has lags 1 to {x.shape[-1] - 1}"
        raise ValueError(msg)
    x = x - x.mean(axis=-1, keepdims=True)
    products = [np.einsum("...i,...i->...", x[..., k:], x[..., :-k]) for k in range(1, lags + 1)]
    square = np.einsum("...i,...i->...", x, x)[..., np.newaxis]
    found = np.full((*x.shape[:-1], lags), np.nan)
    return np.divide(np.stack(products, axis=-1), square, out=found, where=square > 0)


def variance_inflation(correlation: Any) -> F8:
    """1 + 2 sum_k r_k over the last axis: what correlated values multiply a variance by.

    2 for means of windows that overlap by half (r_1 = 0.5 and no more), 1 for independent ones.
    """
    return np.asarray(1.0 + 2.0 * np.asarray(correlation, dtype=np.float64).sum(axis=-1))
