"""Peak shapes: hand values, integrals, limits, widths, and the values of distributions of scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from peak_densities import low_tail_below, normal, step, tailed, tailed_fwhm, tailed_mode
from radiograph.nodes.peaks.shapes import (
    FWHM_PER_SIGMA,
    low_tail,
    normal_below,
    step_below,
    tailed_below,
)
from scipy.stats import exponnorm, norm

X = np.linspace(-12.0, 8.0, 401)
SIGMAS = st.floats(0.3, 3.0)
TAILS = st.floats(0.1, 5.0)  # in sigma


def test_by_hand() -> None:
    """At mu: 1/(s sqrt(2 pi)); half of it lies below; 2 sqrt(2 ln 2) is 2.3548."""
    assert normal(5.0, 5.0, 2.0) == pytest.approx(0.19947114, rel=1e-7)
    assert normal_below(5.0, 5.0, 2.0) == 0.5
    assert pytest.approx(2.354820045, rel=1e-9) == FWHM_PER_SIGMA


@given(SIGMAS, TAILS)
def test_against_scipy(sigma: float, tail: float) -> None:
    """The tail is the exponentially modified normal distribution, mirrored."""
    tail = tail * sigma
    mirrored = exponnorm(tail / sigma, loc=-1.0, scale=sigma)
    np.testing.assert_allclose(normal(X, 1.0, sigma), norm.pdf(X, 1.0, sigma), 1e-10, 1e-290)
    np.testing.assert_allclose(
        low_tail(X, 1.0, sigma, tail), mirrored.pdf(-X), rtol=1e-8, atol=1e-290
    )
    below = low_tail_below(X, 1.0, sigma, tail)
    np.testing.assert_allclose(below, mirrored.sf(-X), rtol=1e-6, atol=1e-14)


@given(SIGMAS, st.floats(0.0, 0.5), TAILS)
def test_the_integral_is_that_of_the_density(sigma: float, fraction: float, tail: float) -> None:
    tail = tail * sigma
    x = np.linspace(-40.0, 20.0, 60_001) * sigma
    density = tailed(x, 0.0, sigma, fraction, tail)
    below = tailed_below(x, 0.0, sigma, fraction, tail)
    assert (density >= 0.0).all()
    assert (np.diff(below) >= -1e-15).all()
    assert below[-1] == pytest.approx(1.0, abs=1e-12)
    steps = 0.5 * (density[1:] + density[:-1]) * np.diff(x)
    np.testing.assert_allclose(below[1:] - below[0], np.cumsum(steps), atol=1e-7)


@pytest.mark.parametrize("tail", [1e-4, 1e-9])
def test_a_very_short_tail_is_none(tail: float) -> None:
    np.testing.assert_allclose(low_tail(X, 0.0, 1.0, tail), normal(X, 0.0, 1.0), rtol=2e-3)
    assert np.isfinite(low_tail([-1e4, -40.0, 0.0, 40.0, 1e4], 0.0, 1.0, tail)).all()


@given(st.floats(-0.99, 0.99), SIGMAS)
def test_the_step_is_a_density_of_its_range(height: float, sigma: float) -> None:
    x = np.linspace(-10.0, 15.0, 20_001)
    density = step(x, 2.0, sigma, height, -10.0, 15.0)
    below = step_below(x, 2.0, sigma, height, -10.0, 15.0)
    assert (density > 0.0).all()
    assert (below[0], below[-1]) == pytest.approx((0.0, 1.0), abs=1e-14)
    steps = 0.5 * (density[1:] + density[:-1]) * np.diff(x)
    np.testing.assert_allclose(below[1:], np.cumsum(steps), atol=1e-7)
    flat = step(x, 2.0, sigma, 0.0, -10.0, 15.0)
    np.testing.assert_allclose(flat, 1.0 / 25.0, rtol=1e-13)
    assert density[-1] / density[0] == pytest.approx((1 + height) / (1 - height), rel=0.02)


def test_without_a_tail_mode_and_width_are_those_of_the_normal_distribution() -> None:
    assert tailed_mode(3.0, 2.0, 0.0, 1.0) == 3.0
    assert tailed_fwhm(2.0, 0.0, 1.0) == pytest.approx(2.0 * FWHM_PER_SIGMA, rel=1e-9)


@given(SIGMAS, st.floats(0.0, 0.5), TAILS)
def test_mode_and_width_against_a_fine_grid(sigma: float, fraction: float, tail: float) -> None:
    tail = tail * sigma
    x = np.linspace(-20.0 * sigma, 5.0 * sigma, 200_001)
    density = tailed(x, 0.0, sigma, fraction, tail)
    mode = tailed_mode(7.0, sigma, fraction, tail) - 7.0
    assert float(tailed(mode, 0.0, sigma, fraction, tail)) >= density.max() * (1.0 - 1e-12)
    assert mode == pytest.approx(x[density.argmax()], abs=2e-3 * sigma)
    wide = x[density >= 0.5 * density.max()]
    assert tailed_fwhm(sigma, fraction, tail) == pytest.approx(wide[-1] - wide[0], abs=4e-4 * sigma)


def test_shapes_nan_and_nothing() -> None:
    for use in (
        lambda x: normal(x, 0.0, 1.0),
        lambda x: low_tail(x, 0.0, 1.0, 2.0),
        lambda x: tailed_below(x, 0.0, 1.0, 0.2, 2.0),
        lambda x: step(x, 0.0, 1.0, -0.5, -5.0, 5.0),
    ):
        assert use(np.zeros((2, 0))).shape == (2, 0)
        assert np.isnan(use([[0.0, np.nan]])).tolist() == [[False, True]]
