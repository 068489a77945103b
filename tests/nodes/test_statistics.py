"""Binomial intervals: the numbers of the specification, the edges, and an independent reading."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from radiograph.nodes.statistics import clopper_pearson, fraction_of
from scipy.stats import beta, binom


def test_hand_values() -> None:
    """0 of 28 and 0 of 500 as the light DQM specification has them: 6.34 % and 0.366 %."""
    lower, upper = clopper_pearson([0, 0], [28, 500])
    assert lower.tolist() == [0.0, 0.0]
    assert upper == pytest.approx([0.0634, 0.00366], abs=5e-5)
    assert upper[1] == pytest.approx(1.0 - 0.16 ** (1 / 500), rel=1e-14)


def test_edges() -> None:
    lower, upper = clopper_pearson([0, 0, 7], [0, 7, 7])
    assert (lower[0], upper[0]) == (0.0, 1.0)
    assert (lower[1], upper[2]) == (0.0, 1.0)
    assert lower[2] == pytest.approx(0.16 ** (1 / 7), rel=1e-14)
    assert upper[1] == pytest.approx(1.0 - lower[2], rel=1e-14)


@given(st.integers(1, 5000), st.data(), st.sampled_from([0.16, 0.05, 1e-4]))
def test_against_the_beta_distribution(n: int, data: st.DataObject, tail: float) -> None:
    k = data.draw(st.integers(0, n))
    (lower,), (upper,) = clopper_pearson([k], [n], tail)
    if k > 0:
        assert lower == pytest.approx(beta.ppf(tail, k, n - k + 1), rel=1e-9, abs=1e-12)
    if k < n:
        assert upper == pytest.approx(beta.ppf(1 - tail, k + 1, n - k), rel=1e-9, abs=1e-12)
    assert 0.0 <= lower <= k / n <= upper <= 1.0


@pytest.mark.parametrize(("k", "n"), [(3, 10), (1, 500), (499, 500)])
def test_ends_are_what_the_name_says(k: int, n: int) -> None:
    """At the lower end k or more successes have the probability of the tail, and so above."""
    (lower,), (upper,) = clopper_pearson([k], [n], 0.1)
    assert binom.sf(k - 1, n, lower) == pytest.approx(0.1, rel=1e-9)
    assert binom.cdf(k, n, upper) == pytest.approx(0.1, rel=1e-9)


def test_symmetry_shapes_and_empty() -> None:
    k, n = np.arange(6).reshape(2, 3), np.full((2, 3), 9)
    lower, upper = clopper_pearson(k, n)
    mirrored_lower, mirrored_upper = clopper_pearson(n - k, n)
    assert lower == pytest.approx(1.0 - mirrored_upper)
    assert upper == pytest.approx(1.0 - mirrored_lower)
    assert [a.shape for a in clopper_pearson([], [])] == [(0,), (0,)]
    assert np.isnan(fraction_of([0, 1], [0, 4])[0])
    assert fraction_of([0, 1], [0, 4])[1] == 0.25


@pytest.mark.parametrize(("k", "n"), [(3, 2), (-1, 5)])
def test_impossible_counts(k: int, n: int) -> None:
    with pytest.raises(ValueError, match=rf"{k} of {n} \(entry 1\)"):
        clopper_pearson([0, k], [5, n])


@pytest.mark.parametrize("tail", [0.0, 0.5, -1.0])
def test_a_tail_is_a_probability(tail: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 0.5"):
        clopper_pearson([1], [2], tail)
