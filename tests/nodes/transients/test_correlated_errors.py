"""Errors of fits to correlated windows: beside the matrices, and beside the spread of many fits."""

from __future__ import annotations

import numpy as np
import pytest
from radiograph.nodes.transients.kernels.correlated_errors import correlated_error_rows
from radiograph.nodes.transients.kernels.fits import exponential_rows

FS, STEP, WINDOW, N = 20e6, 250, 500, 60
BEGIN_S, STEP_S = 0.5 / FS, STEP / FS
FORM = (BEGIN_S, STEP_S, WINDOW, FS, True)


def model(height: float, decay: float, offset: float) -> np.ndarray:
    samples = np.arange(WINDOW) / FS
    begins = BEGIN_S + STEP_S * np.arange(N)
    return offset + height * np.exp(-decay * (begins[:, None] + samples)).mean(axis=1)


def errors(
    height: float, decay: float, squares: float, correlation: list[float], n: int = N
) -> np.ndarray:
    found = np.empty((1, 4))
    rows = (np.array([height]), np.array([decay]), np.array([squares]))
    correlated_error_rows(*rows, np.array(correlation), *FORM, n, found)
    return found[0]


@pytest.mark.parametrize("correlation", [[], [0.5], [0.9, 0.6, 0.3]])
@pytest.mark.parametrize("decay", [4000.0, 20_000.0])
def test_beside_the_matrices(correlation: list[float], decay: float) -> None:
    """s^2 (J'J)^-1 J'RJ (J'J)^-1 with J by differences of the model."""
    at = np.array([15.0, decay, 0.4])
    steps = at * 1e-5
    j = np.stack(
        [(model(*(at + s)) - model(*(at - s))) / (2 * s.sum()) for s in np.diag(steps)], axis=1
    )
    r = np.eye(N)
    for k, value in enumerate(correlation, 1):
        r += value * (np.eye(N, k=k) + np.eye(N, k=-k))
    inverse = np.linalg.inv(j.T @ j)
    used = np.trace(inverse @ j.T @ r @ j)
    covariance = inverse @ j.T @ r @ j @ inverse * 2.0 / (N - used)
    of_n = covariance[0, 0] + covariance[2, 2] + 2 * covariance[0, 2]
    expected = np.sqrt([of_n, covariance[1, 1], covariance[2, 2], covariance[0, 0]])
    assert errors(15.0, decay, 2.0, correlation) == pytest.approx(expected, rel=1e-5)


def test_errors_are_the_spread_of_many_fits() -> None:
    rng = np.random.default_rng(2)
    noise = rng.normal(0, 0.1, (400, N + 3))
    # A sum of four: correlated by 3/4, 1/2, 1/4.
    rows = model(15.0, 12_000.0, 0.4) + sum(noise[:, k : k + N] for k in range(4))
    fits, found = np.empty((400, 7)), np.empty((400, 4))
    exponential_rows(rows, *FORM, 2e5, fits)
    known = np.array([0.75, 0.5, 0.25])
    correlated_error_rows(fits[:, 4], fits[:, 2], fits[:, 0], known, *FORM, N, found)
    for value, error, true in ((fits[:, 4], found[:, 3], 15.0), (fits[:, 2], found[:, 1], 12e3)):
        pull = (value - true) / error
        assert abs(pull.mean()) < 0.2
        assert 0.85 < pull.std() < 1.15


def test_no_fit_no_error() -> None:
    assert np.isnan(errors(np.nan, np.nan, 1.0, [0.5])).all()
    assert np.isnan(errors(0.0, 5000.0, 1.0, [0.5])).all()
    assert np.isnan(errors(1.0, 5000.0, 1.0, [0.5], n=3)).all()
    correlated_error_rows(*np.empty((3, 0)), np.empty(0), *FORM, N, np.empty((0, 4)))
