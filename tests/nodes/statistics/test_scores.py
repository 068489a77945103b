"""Scores that are as rare as they say: beside Student's and the chi distribution."""

from __future__ import annotations

import numpy as np
import pytest
from radiograph.nodes.statistics.scores import (
    normal_equivalents,
    spread_distances,
    width_degrees,
)
from radiograph.nodes.statistics.widths import mad_sigma
from scipy.stats import chi, norm, t


@pytest.mark.parametrize("degrees", [3, 6, 15, 60])
@pytest.mark.parametrize("off", [0.5, 2.0, 5.0, 8.0])
def test_a_score_is_as_rare_as_students_t(degrees: int, off: float) -> None:
    exact = norm.isf(t.sf(off, degrees))
    assert normal_equivalents(off, degrees) == pytest.approx(exact, abs=0.05)
    assert normal_equivalents(-off, degrees) == -normal_equivalents(off, degrees)


def test_a_width_that_is_known_leaves_the_score_as_it_is() -> None:
    assert normal_equivalents([3.0, 50.0], 1e9) == pytest.approx([3.0, 50.0], rel=1e-5)
    assert np.isnan(normal_equivalents(np.nan, 5.0))
    assert np.isnan(normal_equivalents(1.0, np.nan))
    assert np.isfinite(normal_equivalents(1e100, 2.0))
    assert normal_equivalents(np.inf, 2.0) == np.inf


def test_degrees_by_hand() -> None:
    # 20 values: 7.35. As much again known, in quadrature: four times that.
    assert width_degrees(20, 1.0, 1.0) == pytest.approx(7.35)
    assert width_degrees(20, 1.0, np.sqrt(2.0)) == pytest.approx(29.4)
    assert width_degrees(20, 0.0, 1.0) == pytest.approx(1e9)
    assert np.isnan(width_degrees(20, 1.0, np.nan))
    assert width_degrees(20, 0.0, 0.0) == pytest.approx(7.35)
    assert width_degrees([], [], []).shape == (0,)


def test_degrees_are_those_of_the_spread_of_mads() -> None:
    rng = np.random.default_rng(3)
    widths = mad_sigma(rng.normal(size=(20_000, 40)), 0.0, axis=1)
    # A standard deviation of so many values varies by 1 / sqrt(2 n).
    expected = 0.5 * (widths.mean() / widths.std()) ** 2
    assert width_degrees(40, 1.0, 1.0) == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("degrees", [2, 5, 20])
def test_a_spread_of_few_values_is_made_normal(degrees: int) -> None:
    middle = chi.median(degrees)
    width = (chi.ppf(0.75, degrees) - chi.ppf(0.25, degrees)) * 0.7413
    for score in (-2.0, 3.0, 4.5):
        value = chi.ppf(norm.cdf(score), degrees)
        assert spread_distances(value, middle, width) == pytest.approx(score, abs=0.35)
        # The other side of zero, as a least value is.
        assert spread_distances(-value, -middle, width) == pytest.approx(-score, abs=0.35)


def test_near_the_centre_a_distance_is_plain() -> None:
    assert spread_distances(10.01, 10.0, 0.1) == pytest.approx(0.1, rel=1e-3)
    assert spread_distances(-1.0, 10.0, 1.0) == pytest.approx(-15.0)
    assert np.isnan(spread_distances(1.0, 0.0, 1.0))
