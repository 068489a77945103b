"""Robust widths: hand values, the standard deviation of normal values, NaN and nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from radiograph.nodes.statistics.widths import (
    MAD_TO_SIGMA,
    central_interval,
    half_central_68,
    mad_sigma,
    median_of,
)
from scipy.stats import median_abs_deviation, norm

VALUES = arrays(np.float64, st.tuples(st.integers(1, 6), st.integers(1, 7)), elements=st.one_of(
    st.floats(-1e6, 1e6), st.just(np.nan)
))  # fmt: skip


def test_mad_by_hand() -> None:
    """1, 2, 4, 7, 50: median 4, distances 3, 2, 0, 3, 46, their median 3."""
    assert mad_sigma([1, 2, 4, 7, 50]) == pytest.approx(3 * 1.4826, rel=1e-15)
    assert mad_sigma([1, 2, 4, 7, 50], centre=1.0) == pytest.approx(3 * 1.4826, rel=1e-15)
    assert mad_sigma([1.0, np.nan, 3.0]) == pytest.approx(1.4826, rel=1e-15)


def test_the_factor_is_that_of_a_normal_distribution() -> None:
    assert pytest.approx(1.0 / norm.ppf(0.75), abs=5e-5) == MAD_TO_SIGMA


def test_normal_values_give_their_standard_deviation_whatever_lies_outside() -> None:
    values = np.random.default_rng(1).normal(5.0, 2.0, 100_000)
    values[:1000] = 1e9
    assert mad_sigma(values) == pytest.approx(2.0, rel=0.03)
    p16, p84 = np.percentile(values, [16, 84])
    assert half_central_68(p16, p84) == pytest.approx(2.0, rel=0.03)


def test_half_of_the_central_68_per_cent() -> None:
    assert half_central_68([1.0, np.nan], [4.0, 2.0]).tolist() == pytest.approx(
        [1.5, np.nan], nan_ok=True
    )


@given(VALUES, st.sampled_from([None, 0, 1]))
def test_against_scipy(values: np.ndarray, axis: int | None) -> None:
    before = values.copy()
    found = mad_sigma(values, axis=axis)
    rows = [values.ravel()] if axis is None else np.moveaxis(values, axis, -1)
    known = [row[~np.isnan(row)] for row in rows]
    each = [1.4826 * median_abs_deviation(r) if r.size else np.nan for r in known]
    expected = each[0] if axis is None else each
    assert found.shape == np.shape(expected)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-9)
    np.testing.assert_array_equal(values, before)


def test_own_centres_of_rows() -> None:
    values, centre = np.array([[1.0, 2.0, 9.0], [np.nan] * 3]), np.array([[2.0], [0.0]])
    np.testing.assert_allclose(mad_sigma(values, centre, axis=1), [1.4826, np.nan])


def test_nothing_has_no_width() -> None:
    assert np.isnan(mad_sigma([]))
    assert np.isnan(mad_sigma([np.nan, np.nan]))
    assert mad_sigma([3.0]) == 0.0
    assert np.isnan(mad_sigma(np.zeros((2, 0)), axis=1)).tolist() == [True, True]
    assert median_of(np.zeros((0, 2)), axis=1).shape == (0,)
    assert median_of([[1.0, 3.0]], axis=1, keepdims=True).tolist() == [[2.0]]


def test_the_interval_of_normal_replicas_is_that_of_the_normal_distribution() -> None:
    values = np.random.default_rng(2).normal(3.0, 2.0, 40_000)
    for level, sigmas in ((0.6827, 1.0), (0.95, 1.96)):
        _, low, _, high = central_interval(values, level)
        assert (low, high) == pytest.approx((3.0 - 2.0 * sigmas, 3.0 + 2.0 * sigmas), abs=0.06)


def test_a_central_interval_is_of_numbers_alone() -> None:
    assert central_interval(np.array([np.nan, 2.0, 1.0]), 0.5) == (2, 1.25, 1.5, 1.75)
    assert central_interval(np.array([5.0]), 0.68) == (1, 5.0, 5.0, 5.0)
    assert central_interval(np.full(2, np.nan), 0.68)[0] == 0
