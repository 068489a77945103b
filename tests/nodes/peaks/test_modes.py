"""Mode and width of a distribution: truth of normal values, tails, and what cannot be fitted."""

from __future__ import annotations

import numpy as np
import pytest
from radiograph.nodes.peaks.modes import mode_and_width


@pytest.mark.parametrize("n", [300, 20_000])
def test_normal_values(n: int) -> None:
    found = mode_and_width(5.0 + 2.0 * np.random.default_rng(1).normal(size=n))
    assert found.fitted
    assert found.n == n
    assert found.mode == pytest.approx(5.0, abs=4.0 * found.mode_err)
    assert found.width == pytest.approx(2.0, rel=0.2 if n < 1000 else 0.04)


def test_the_error_is_the_scatter_of_the_mode() -> None:
    rng = np.random.default_rng(2)
    found = [mode_and_width(rng.normal(size=2000)) for _ in range(60)]
    scatter = np.std([f.mode for f in found])
    assert np.mean([f.mode_err for f in found]) == pytest.approx(scatter, rel=0.35)


def test_a_tail_does_not_move_the_mode() -> None:
    rng = np.random.default_rng(3)
    values = np.concatenate([rng.normal(size=9000), 3.0 + rng.exponential(10.0, 1000)])
    found = mode_and_width(values)
    assert found.mode == pytest.approx(0.0, abs=0.06)
    assert found.width == pytest.approx(1.0, abs=0.06)
    moved = mode_and_width(10.0 - 3.0 * values)
    assert moved.mode == pytest.approx(10.0, abs=0.18)
    assert moved.width == pytest.approx(3.0, abs=0.18)


def test_few_values_give_median_and_mad() -> None:
    """Of 1, 2, 3, 4, 10: median 3, MAD 1."""
    found = mode_and_width([1.0, 2.0, 3.0, 4.0, 10.0, np.nan])
    assert not found.fitted
    assert (found.mode, found.width, found.n) == (3.0, pytest.approx(1.4826), 5)
    assert mode_and_width([7.0]).width == 0.0


def test_equal_values_and_none() -> None:
    same = mode_and_width(np.full(200, 4.0))
    assert (same.mode, same.width, same.fitted) == (4.0, 0.0, False)
    nothing = mode_and_width([np.nan])
    assert (np.isnan(nothing.mode), nothing.n) == (True, 0)


def test_without_a_maximum_nothing_is_fitted() -> None:
    """The density of values heaped at both ends is least in the middle."""
    ends = np.random.default_rng(4).beta(0.3, 0.3, 5000)
    found = mode_and_width(ends)
    assert 0.0 <= found.mode <= 1.0
    assert np.isfinite(found.width)
