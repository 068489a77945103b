"""Correlation of neighbours: by hand, of series whose correlation is known, and the errors."""

from __future__ import annotations

import numpy as np
import pytest
from radiograph.nodes.statistics.correlated import autocorrelation, variance_inflation


def test_by_hand() -> None:
    """1, 2, 3, 4 less their mean: (1.5 0.5 - 0.25 + 0.75) / 5 and (-0.75 - 0.75) / 5."""
    assert autocorrelation([1, 2, 3, 4], 2) == pytest.approx([0.25, -0.3], rel=1e-14)
    assert variance_inflation([0.25, -0.3]) == pytest.approx(0.9, rel=1e-14)


def test_windows_that_overlap_by_half_double_the_variance() -> None:
    """Means of windows of 20 at every 10th sample of white noise: r_1 = 0.5, else 0."""
    noise = np.random.default_rng(3).normal(size=200_020)
    sums = np.concatenate([[0.0], np.cumsum(noise)])
    start = np.arange(0, 200_000, 10)
    r = autocorrelation(sums[start + 20] - sums[start], 8)
    assert r == pytest.approx([0.5] + [0.0] * 7, abs=0.03)
    assert variance_inflation(r[:1]) == pytest.approx(2.0, abs=0.06)


def test_the_variance_of_a_mean_is_inflated_so() -> None:
    """x_i = 0.6 x_(i-1) + noise has r_k = 0.6^k: inflation 1 + 2 0.6 / 0.4 = 4."""
    rng = np.random.default_rng(4)
    x = np.zeros((1000, 2000))
    x[:, 0] = rng.normal(size=1000) / 0.8
    for i in range(1, 2000):
        x[:, i] = 0.6 * x[:, i - 1] + rng.normal(size=1000)
    inflation = variance_inflation(np.median(autocorrelation(x, 12), axis=0))
    assert inflation == pytest.approx(4.0, rel=0.03)
    naive = x.var() / 2000
    assert x.mean(axis=1).var() / naive == pytest.approx(inflation, rel=0.1)


def test_rows_scale_and_shift_alone() -> None:
    x = np.random.default_rng(5).normal(size=(3, 50))
    both = autocorrelation(x, 4)
    assert both.shape == (3, 4)
    assert (np.abs(both) <= 1.0).all()
    np.testing.assert_allclose(autocorrelation(7.0 - 3.0 * x[1], 4), both[1], rtol=1e-10)


def test_nan_and_no_spread_and_no_rows() -> None:
    x = np.array([[1.0, np.nan, 2.0], [2.0, 2.0, 2.0], [1.0, 2.0, 4.0]])
    found = autocorrelation(x, 1)[:, 0]
    assert np.isnan(found).tolist() == [True, True, False]
    assert autocorrelation(np.zeros((0, 9)), 3).shape == (0, 3)


@pytest.mark.parametrize("lags", [0, 4, -1])
def test_lags_lie_within_the_series(lags: int) -> None:
    with pytest.raises(ValueError, match=f"lags = {lags}; a series of 4 values has lags 1 to 3"):
        autocorrelation([1, 2, 3, 4], lags)
