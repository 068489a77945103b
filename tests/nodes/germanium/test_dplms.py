"""DPLMS: the matched filter of white noise, what its weights do, and the grid."""

from __future__ import annotations

import numpy as np
import pytest
from radiograph.nodes.germanium.dplms import (
    dplms_filter,
    dplms_grid,
    flat_top_covariance,
    noise_covariance,
)
from radiograph.nodes.germanium.filter_search import Merit
from radiograph.schemas.arrays import F8

LENGTH = 120
# Steps at sample 60, smeared over some samples.
PULSE = 1.0 / (1.0 + np.exp(-(np.arange(LENGTH) - 60.0) / 2.0))
PULSE /= PULSE.max()
NONE = np.zeros((LENGTH, LENGTH))


def test_covariance_against_every_stretch() -> None:
    x = np.random.default_rng(1).normal(size=(40, 30)).cumsum(axis=1)
    stretches = [x[:, s : s + 12].T @ x[:, s : s + 12] / 40 for s in range(19)]
    found = noise_covariance(x, 12)
    np.testing.assert_allclose(found, np.mean(stretches, axis=0), rtol=1e-10, atol=1e-12)
    assert (found == found.T).all()
    with pytest.raises(ValueError, match="at least one of 31"):
        noise_covariance(x, 31)


def test_white_noise_gives_the_matched_filter() -> None:
    """(s^2 1 + r r')^-1 r is a multiple of r; its output for the pulse has height 1."""
    made = dplms_filter(4.0 * np.eye(LENGTH), PULSE, NONE, 1e3, 1.0, 0.0, 0.0, 0.0)
    np.testing.assert_allclose(made.coefficients[::-1], PULSE / (PULSE @ PULSE), rtol=1e-9)
    assert np.convolve(PULSE, made.coefficients).max() == pytest.approx(1.0)
    assert made.condition == pytest.approx((4.0 + PULSE @ PULSE) / 4.0, rel=1e-9)


def test_the_area_goes_to_zero_with_its_weight() -> None:
    areas = [
        abs(dplms_filter(np.eye(LENGTH), PULSE, NONE, 1e3, 1.0, za, 0.0, 0.0).coefficients.sum())
        for za in (0.0, 1.0, 1e4)
    ]
    assert areas[0] > areas[1] > areas[2]
    assert areas[2] < 1e-2


def test_a_tail_is_suppressed_by_its_weight() -> None:
    tail = np.exp(-np.arange(LENGTH) / 50.0)
    made = [dplms_filter(np.eye(LENGTH), PULSE, NONE, 50.0, 1.0, 0.0, pl, 0.0) for pl in (0.0, 1e4)]
    outputs = [abs(tail @ filter_.coefficients[::-1]) for filter_ in made]
    assert outputs[1] < 0.01 * outputs[0]


def test_the_flat_top_is_flat() -> None:
    """While the pulse moves by five samples the output changes less with the weight."""
    shifted = 1.0 / (1.0 + np.exp(-(np.arange(LENGTH + 5) - 62.0) / 2.0))
    top = flat_top_covariance(shifted[np.newaxis], LENGTH)
    changes = []
    for ft in (0.0, 1e4):
        x = dplms_filter(np.eye(LENGTH), PULSE, top, 1e3, 1.0, 0.0, 0.0, ft).coefficients[::-1]
        changes.append(np.ptp([shifted[s : s + LENGTH] @ x for s in range(6)]))
    assert changes[1] < 0.05 * changes[0]
    with pytest.raises(ValueError, match="no shift"):
        flat_top_covariance(shifted[np.newaxis, :LENGTH], LENGTH)


def test_the_grid_keeps_the_least_width() -> None:
    def narrow(coefficients: F8) -> Merit:
        """The nearer the area is to zero, the narrower."""
        width = 2.0 + abs(float(coefficients.sum()))
        return Merit(0.0, width, 0.05, width, 0.05)

    noise = np.eye(LENGTH)
    table, best = dplms_grid(
        noise, PULSE, NONE, 1e3, ((1.0,), (0.0, 1.0, 100.0), (0.0,), (0.0,)), narrow
    )
    assert len(table) == 3
    assert best is not None
    assert best.za == 100.0
    nan = float("nan")
    _, none = dplms_grid(
        noise, PULSE, NONE, 1e3, ((1.0,), (0.0,), (0.0,), (0.0,)),
        lambda _c: Merit(nan, nan, nan, nan, nan, "no"),
    )  # fmt: skip
    assert none is None
