"""Propagated errors: by hand, against drawn parameters, and the edges."""

from __future__ import annotations

import numpy as np
import pytest
from peak_densities import tailed_fwhm
from radiograph.nodes.peaks.shapes import FWHM_PER_SIGMA
from radiograph.nodes.statistics.propagation import propagated_error

COVARIANCE = np.array([[0.04, 0.03], [0.03, 0.09]])


def test_by_hand() -> None:
    """2a - b: 4 0.04 - 4 0.03 + 0.09 = 0.13; a b at (3, 5): 25 0.04 + 30 0.03 + 9 0.09 = 2.71."""
    found = propagated_error(lambda p: 2.0 * p[0] - p[1], [3.0, 5.0], COVARIANCE)
    assert found == pytest.approx(np.sqrt(0.13), rel=1e-9)
    found = propagated_error(lambda p: p[0] * p[1], [3.0, 5.0], COVARIANCE)
    assert found == pytest.approx(np.sqrt(2.71), rel=1e-9)


def test_the_width_of_a_peak_without_and_with_a_tail() -> None:
    covariance = np.diag([1e-4, 0.0, 0.0])
    found = propagated_error(lambda p: tailed_fwhm(*p), [1.2, 0.0, 2.0], covariance)
    assert found == pytest.approx(0.01 * FWHM_PER_SIGMA, rel=1e-6)
    parameters = np.array([1.2, 0.2, 1.5])
    covariance = np.array([[1e-4, -3e-5, 0.0], [-3e-5, 4e-4, 1e-4], [0.0, 1e-4, 9e-4]])
    drawn = np.random.default_rng(6).multivariate_normal(parameters, covariance, 2000)
    spread = np.std([tailed_fwhm(*p) for p in drawn])
    found = propagated_error(lambda p: tailed_fwhm(*p), parameters, covariance)
    assert found == pytest.approx(spread, rel=0.06)


def test_a_known_parameter_is_not_moved() -> None:
    """Beyond it the function is not defined."""
    covariance = np.diag([0.0, 0.01])
    assert propagated_error(lambda p: float(np.sqrt(p[0])) + p[1], [0.0, 1.0], covariance) == (
        pytest.approx(0.1)
    )
    assert propagated_error(lambda p: 1.0, [], np.zeros((0, 0))) == 0.0


def test_nan_and_inputs_stay() -> None:
    parameters = np.array([3.0, 5.0])
    covariance = COVARIANCE.copy()
    covariance[0, 0] = np.nan
    assert np.isnan(propagated_error(lambda p: p[0], parameters, covariance))
    assert np.isnan(propagated_error(lambda p: np.nan, parameters, COVARIANCE))
    assert parameters.tolist() == [3.0, 5.0]


def test_a_covariance_of_other_parameters() -> None:
    with pytest.raises(ValueError, match=r"1 parameters have a covariance of \(2, 2\)"):
        propagated_error(lambda p: p[0], [1.0], COVARIANCE)
