"""Brent's minimum: known minima, scipy's, the plain form, NaN, and too few evaluations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit
from radiograph.nodes.statistics.minimum import brent_minimum
from scipy.optimize import minimize_scalar


@njit
def parabola(x, at):
    return (x - at) ** 2 + 3.0


@njit
def squares(log_rate, data):
    """Sum of squares about c exp(-rate t), c the best for the rate."""
    t, y = data
    shape = np.exp(-np.exp(log_rate) * t)
    return np.sum((y - np.sum(shape * y) / np.sum(shape * shape) * shape) ** 2)


@njit
def below_zero(x, data):
    return np.sqrt(x) + data


@given(st.floats(-4.0, 4.0))
def test_a_parabola(at: float) -> None:
    x, value, converged = brent_minimum(parabola, at, -5.0, 5.0, 1e-7, 100)
    assert converged
    assert x == pytest.approx(at, abs=1e-6)
    assert value == pytest.approx(3.0, abs=1e-12)


@pytest.mark.parametrize("rate", [0.3, 2.0, 25.0])
def test_the_rate_of_a_decay_as_scipy_finds_it(rate: float) -> None:
    t = np.linspace(0.0, 3.0, 200)
    exact = (t, 7.0 * np.exp(-rate * t))
    x, value, converged = brent_minimum(squares, exact, -3.0, 5.0, 1e-9, 100)
    assert converged
    assert np.exp(x) == pytest.approx(rate, rel=1e-6)
    assert value == pytest.approx(0.0, abs=1e-12)
    noisy = (t, exact[1] + np.random.default_rng(1).normal(0.0, 0.1, 200))
    x, value, _ = brent_minimum(squares, noisy, -3.0, 5.0, 1e-7, 100)
    theirs = minimize_scalar(squares.py_func, bounds=(-3.0, 5.0), args=(noisy,), method="bounded",
                             options={"xatol": 1e-7})  # fmt: skip
    assert x == pytest.approx(theirs.x, abs=1e-5)
    assert value == pytest.approx(theirs.fun, rel=1e-9)


def test_the_compiled_form_is_the_plain_one() -> None:
    for at in (-3.3, 0.1, 2.0):
        plain = brent_minimum.py_func(parabola.py_func, at, -5.0, 5.0, 1e-7, 100)
        assert brent_minimum(parabola, at, -5.0, 5.0, 1e-7, 100) == pytest.approx(plain, abs=1e-12)


def test_a_minimum_at_an_end_is_approached() -> None:
    x, _, converged = brent_minimum(parabola, 9.0, -5.0, 5.0, 1e-6, 100)
    assert converged
    assert 5.0 - 1e-5 < x < 5.0


def test_too_few_evaluations_are_told() -> None:
    x, value, converged = brent_minimum(parabola, 1.0, -5.0, 5.0, 1e-9, 3)
    assert not converged
    assert value == pytest.approx((x - 1.0) ** 2 + 3.0)


def test_nan_is_no_minimum() -> None:
    for low in (-1.0, -30.0):
        x, value, converged = brent_minimum(below_zero, 0.0, low, 1.0, 1e-6, 100)
        assert np.isnan([x, value]).all()
        assert not converged
