"""Intervals: numbers of the specifications, the edges, and an independent reading."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from radiograph.nodes.statistics.intervals import (
    ONE_SIGMA_TAIL,
    clopper_pearson,
    fraction_of,
    garwood,
    jeffreys,
    tail_of_sigma,
    wilson,
)
from scipy.stats import beta, binom, chi2, norm, poisson


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


BINOMIAL = pytest.mark.parametrize("interval", [clopper_pearson, wilson, jeffreys])


@BINOMIAL
@pytest.mark.parametrize(("k", "n"), [(3, 2), (-1, 5)])
def test_impossible_counts(interval, k: int, n: int) -> None:
    with pytest.raises(ValueError, match=rf"{k}(\.0)? of {n}(\.0)? \(entry 1\)"):
        interval([0, k], [5, n])


@BINOMIAL
def test_every_binomial_interval_at_its_ends(interval) -> None:
    lower, upper = interval([0, 0, 7], [0, 7, 7])
    assert (lower[0], upper[0]) == (0.0, 1.0)
    assert lower[1] == 0.0
    assert 0.0 < upper[1] < 1.0
    assert 0.0 < lower[2] < 1.0
    assert upper[2] == 1.0
    assert [a.shape for a in interval([], [])] == [(0,), (0,)]
    assert [a.shape for a in interval(np.ones((2, 1)), 3)] == [(2, 1), (2, 1)]


@BINOMIAL
@given(n=st.integers(1, 10**9), data=st.data())
def test_every_binomial_interval_holds_its_fraction_and_mirrors(
    interval, n: int, data: st.DataObject
) -> None:
    k = data.draw(st.integers(0, n))
    (lower,), (upper,) = interval([k], [n])
    assert 0.0 <= lower <= k / n <= upper <= 1.0
    (mirrored_lower,), (mirrored_upper,) = interval([n - k], [n])
    assert mirrored_upper == pytest.approx(1.0 - lower, abs=1e-12)
    assert mirrored_lower == pytest.approx(1.0 - upper, abs=1e-12)


@BINOMIAL
def test_it_covers_the_true_fraction_as_often_as_it_says(interval) -> None:
    """The mean over p of the exact coverage for n = 40; Clopper-Pearson covers more."""
    k = np.arange(41)
    lower, upper = interval(k, np.full(41, 40))
    p = np.linspace(0.02, 0.98, 193)[:, np.newaxis]
    coverage = (binom.pmf(k, 40, p) * ((lower <= p) & (p <= upper))).sum(axis=1).mean()
    expected = {clopper_pearson: (0.72, 0.80), wilson: (0.66, 0.70), jeffreys: (0.66, 0.70)}
    low, high = expected[interval]
    assert low < coverage < high


@pytest.mark.parametrize("interval", [clopper_pearson, jeffreys, lambda k, _, t: garwood(k, t)])
@pytest.mark.parametrize("tail", [0.0, 0.5, -1.0, np.nan])
def test_a_tail_is_a_probability(interval, tail: float) -> None:
    with pytest.raises(ValueError, match=r"between 0 and 0\.5"):
        interval([1], [2], tail)


@pytest.mark.parametrize("interval", [clopper_pearson, jeffreys, lambda k, _: garwood(k)])
@pytest.mark.parametrize("k", [1.5, np.nan, np.inf])
def test_an_exact_interval_is_of_whole_numbers(interval, k: float) -> None:
    with pytest.raises(ValueError, match=rf"{k} \(entry 1\): counts are whole numbers|of 2"):
        interval([1.0, k], [2, 2])


def test_nan_is_no_count() -> None:
    with pytest.raises(ValueError, match=r"nan of 2.0 \(entry 1\)"):
        wilson([1.0, np.nan], [2, 2])


@pytest.mark.parametrize("sigma", [0.0, -1.0, np.nan, np.inf])
def test_sigma_is_above_zero(sigma: float) -> None:
    for use in (lambda s: wilson([1], [2], s), tail_of_sigma):
        with pytest.raises(ValueError, match="above zero"):
            use(sigma)


def test_tail_of_sigma() -> None:
    """1 sigma leaves 15.8655 % on each side (any table of the normal distribution)."""
    assert tail_of_sigma(1.0) == pytest.approx(0.158655253931457, rel=1e-12)
    assert tail_of_sigma(5.0) == pytest.approx(norm.sf(5.0), rel=1e-12)


# Selection and veto efficiencies that mu2e-cosmic publishes, in per cent: k, n, below, above.
@pytest.mark.parametrize(
    ("k", "n", "below", "above"),
    [
        (19428, 4_000_000, 0.003463779376989152, 0.0034885365207998516),
        (292, 4_000_000, 0.00041486915979434936, 0.00043986550354526446),
        (7, 19428, 0.011284545366219145, 0.016427781716876755),
        (0, 292, 0.0, 0.34129692832765013),
    ],
)
def test_wilson_gives_the_published_errors(k: int, n: int, below: float, above: float) -> None:
    lower, upper = wilson(k, n)
    assert 100.0 * (k / n - lower) == pytest.approx(below, rel=1e-9)
    assert 100.0 * (upper - k / n) == pytest.approx(above, rel=1e-9)


def test_wilson_by_hand_and_for_expected_counts() -> None:
    """1 of 4 with z = 1: centre 1.5 / 5, half width sqrt(3 / 4 + 1 / 4) / 5."""
    lower, upper = wilson(1, 4)
    assert lower == pytest.approx(0.1, rel=1e-14)
    assert upper == pytest.approx(0.5, rel=1e-14)
    between = wilson(1.5, 4)[0]
    assert wilson(1, 4)[0] < between < wilson(2, 4)[0]


def test_jeffreys_is_the_beta_distribution_with_half_a_count_more() -> None:
    lower, upper = jeffreys([3], [10], 0.025)
    assert lower[0] == pytest.approx(beta.ppf(0.025, 3.5, 7.5), rel=1e-9)
    assert upper[0] == pytest.approx(beta.ppf(0.975, 3.5, 7.5), rel=1e-9)


# Rates a day that mu2e-cosmic publishes at a level of 0.68: count, rate, below, above.
@pytest.mark.parametrize(
    ("k", "rate", "below", "above"),
    [
        (19428, 106.47475348732773, 0.7596731921908599, 0.7651328406872011),
        (292, 1.600299980353083, 0.09309824138796641, 0.09869804581629293),
        (7, 0.03836335569339582, 0.014088643886960149, 0.02055815547819132),
    ],
)
def test_garwood_gives_the_published_errors(
    k: int, rate: float, below: float, above: float
) -> None:
    lower, upper = garwood(k)
    assert rate * (1.0 - lower / k) == pytest.approx(below, rel=1e-9)
    assert rate * (upper / k - 1.0) == pytest.approx(above, rel=1e-9)


def test_garwood_without_a_count_is_one_sided() -> None:
    """-ln(1 - 0.68), as the specification of the cosmic analysis has it."""
    lower, upper = garwood([0, 0])
    assert lower.tolist() == [0.0, 0.0]
    assert upper == pytest.approx([1.1394342832, 1.1394342832], rel=1e-10)
    assert [a.shape for a in garwood([])] == [(0,), (0,)]


@given(st.integers(1, 10**6), st.sampled_from([ONE_SIGMA_TAIL, 0.05, 1e-3]))
def test_garwood_against_chi2_and_against_the_counts(k: int, tail: float) -> None:
    lower, upper = garwood(k, tail)
    assert lower == pytest.approx(chi2.ppf(tail, 2 * k) / 2, rel=1e-9)
    assert upper == pytest.approx(chi2.ppf(1.0 - tail, 2 * k + 2) / 2, rel=1e-9)
    assert 0.0 <= lower < k < upper
    assert poisson.sf(k - 1, lower) == pytest.approx(tail, rel=1e-6)
    assert poisson.cdf(k, upper) == pytest.approx(tail, rel=1e-6)


def test_a_count_is_not_below_zero() -> None:
    with pytest.raises(ValueError, match=r"-2 \(entry 1\): counts are 0 or more"):
        garwood([1, -2])
