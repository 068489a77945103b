"""Two samples against each other: values worked out by hand, and what pure chance gives."""

from __future__ import annotations

import numpy as np
import pytest
from radiograph.nodes.statistics.two_samples import (
    NO_AGREEMENT,
    same_shape_chi2,
    same_shape_ks,
    two_fractions,
)
from scipy.stats import norm


def test_two_fractions_by_hand() -> None:
    # 0.4 and 0.6 of 100 each: pooled 0.5, spread sqrt(0.25 (1/100 + 1/100)) = 0.0707.
    significance, is_exact = two_fractions([40], [100], [60], [100])
    assert significance == pytest.approx([0.2 / np.sqrt(0.005)], rel=1e-12)
    assert not is_exact[0]


def test_small_counts_are_compared_exactly() -> None:
    # Fisher's tea: 3 of 4 against 1 of 4 has p = 34/70.
    significance, is_exact = two_fractions([1, 3], [4, 4], [3, 1], [4, 4])
    expected = norm.isf(0.5 * 34 / 70)
    assert significance == pytest.approx([expected, -expected], rel=1e-9)
    assert is_exact.all()


def test_nothing_differs_from_nothing() -> None:
    significance, is_exact = two_fractions([0, 5, 0, 7], [0, 10, 0, 7], [0, 5, 3, 9], [0, 10, 9, 9])
    assert significance == pytest.approx([0.0, 0.0, 0.0, 0.0])
    assert is_exact.tolist() == [False, True, False, True]
    assert len(two_fractions([], [], [], [])[0]) == 0


def test_significances_of_equal_fractions_are_normal() -> None:
    rng = np.random.default_rng(3)
    k_a, k_b = rng.binomial(2000, 0.3, 4000), rng.binomial(900, 0.3, 4000)
    significance, _ = two_fractions(k_a, np.full(4000, 2000), k_b, np.full(4000, 900))
    assert abs(significance.mean()) < 5 / np.sqrt(4000)
    assert abs(significance.std() - 1.0) < 5 / np.sqrt(8000)


def test_chi2_by_hand() -> None:
    a, b = np.asarray([10.0, 30.0, 0.0]), np.asarray([20.0, 20.0, 0.0])
    # Equal totals: (10-20)^2 / 30 + (30-20)^2 / 50.
    found = same_shape_chi2(a, b, a, b)
    assert found.statistic == pytest.approx(100 / 30 + 100 / 50, rel=1e-12)
    assert found.ndf == 1
    scaled = same_shape_chi2(a, 7 * b, a, 49 * b)
    assert scaled.statistic == pytest.approx(found.statistic, rel=1e-12)


def test_p_values_of_one_shape_are_uniform() -> None:
    rng = np.random.default_rng(5)
    shape = rng.uniform(50, 100, 20)
    chi2, ks = [], []
    for _ in range(400):
        a, b = rng.poisson(shape).astype(float), rng.poisson(3 * shape).astype(float)
        chi2.append(same_shape_chi2(a, b, a, b).p_value)
        ks.append(same_shape_ks(a, b, a, b).p_value)
    assert abs(np.mean(chi2) - 0.5) < 5 * np.sqrt(1 / 12 / 400)
    # Bins make it too large, never too small.
    assert np.mean(np.asarray(ks) < 0.1) < 0.1
    assert np.mean(ks) > 0.45


def test_ks_by_hand() -> None:
    a, b = np.asarray([2.0, 2.0]), np.asarray([4.0, 0.0])
    found = same_shape_ks(a, b, a, b)
    assert found.statistic == 0.5
    far = same_shape_ks(1000 * a, 1000 * b, 1000 * a, 1000 * b)
    assert far.p_value < 1e-6


def test_nothing_to_compare() -> None:
    empty, full = np.zeros(3), np.ones(3)
    for test in (same_shape_chi2, same_shape_ks):
        assert test(empty, full, empty, full) is NO_AGREEMENT
        assert test(full, empty, full, empty) is NO_AGREEMENT
    assert same_shape_chi2(np.ones(1), np.ones(1), np.ones(1), np.ones(1)) is NO_AGREEMENT
