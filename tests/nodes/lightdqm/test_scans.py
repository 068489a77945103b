"""Scans of blocks: where a rate or a level is wrong, with the price of looking everywhere."""

from __future__ import annotations

import numpy as np
import pytest
from radiograph.nodes.lightdqm.scans import level_change, rate_above, rate_below, stretches

ALPHA = 1e-4
B, N = 16, 30


def test_every_stretch_once() -> None:
    found = stretches(4)
    assert len(found) == 10
    assert found[0].tolist() == [0, 4]
    assert len({tuple(row) for row in found.tolist()}) == 10


@pytest.mark.parametrize(("begin", "end"), [(8, 16), (12, 16), (0, 3), (5, 7)])
def test_a_rate_that_falls_away_is_found_where_it_does(begin: int, end: int) -> None:
    k, n = np.full((B, 2), 6), np.full((B, 2), 7)
    n[begin:end, 1], k[begin:end, 1] = 12, 0
    found = rate_below(k, n, 0.2, ALPHA)
    assert found.bad.tolist() == [False, True]
    assert (found.begin[1], found.end[1], found.value[1]) == (begin, end, 0.0)


def test_a_weak_channel_is_not_dead_for_a_while() -> None:
    rng = np.random.default_rng(1)
    n = np.full((B, 4000), 7)
    assert not rate_below(rng.binomial(n, 0.45), n, 0.2, ALPHA).bad.any()


@pytest.mark.parametrize(("begin", "end"), [(3, 5), (0, 16), (15, 16)])
def test_a_rate_that_rises(begin: int, end: int) -> None:
    n = np.full((B, 1), N)
    k = np.zeros_like(n)
    k[begin:end] = N
    found = rate_above(k, n, 0.01, ALPHA)
    assert found.bad[0]
    assert (found.begin[0], found.end[0]) == (begin, end)


def test_rates_at_the_limit_raise_no_alarm_beyond_the_price() -> None:
    """20,000 channels at the limit: 2 may fail with alpha = 1e-4, Bonferroni gives fewer."""
    rng = np.random.default_rng(2)
    n = np.full((B, 20_000), N)
    assert rate_above(rng.binomial(n, 0.02), n, 0.02, ALPHA).bad.sum() <= 5


def levels(values: np.ndarray, sigma: float = 10.0, n: int = N) -> tuple[np.ndarray, ...]:
    return values, values - sigma, values + sigma, np.full(values.shape, n)


def test_a_step_and_its_block() -> None:
    rng = np.random.default_rng(3)
    median = rng.normal(-28000.0, 2.0, (B, 4))
    median[14:, 1] += 9000
    median[5:9, 2] -= 1000
    median[:, 3] += np.linspace(0.0, 2500.0, B)
    found = level_change(*levels(median), 300.0, ALPHA)
    assert found.bad.tolist() == [False, True, True, True]
    assert found.drift.tolist()[1:] == [False, False, True]
    assert found.begin[1:].tolist() == [14, 5, 0]
    assert found.end[1:].tolist() == [16, 9, 16]
    assert found.size[1:] == pytest.approx([9000.0, -1000.0, 2500.0], abs=10.0)


def test_warm_up_and_wide_channels_change_nothing() -> None:
    rng = np.random.default_rng(4)
    drift = np.linspace(0.0, 100.0, B)[:, np.newaxis] + rng.normal(0.0, 2.0, (B, 500))
    assert not level_change(*levels(drift), 300.0, ALPHA).bad.any()
    wide = rng.normal(0.0, 1.2533 * 1800.0 / np.sqrt(N), (B, 2000))
    assert not level_change(*levels(wide, sigma=1800.0), 300.0, ALPHA).bad.any()


def test_blocks_without_events_say_nothing() -> None:
    median = np.full((B, 1), np.nan)
    median[:5] = 0.0
    n = np.where(np.isfinite(median), N, 0)
    found = level_change(median, median, median, n, 300.0, ALPHA)
    assert not found.bad[0]
    one = level_change(*levels(np.zeros((1, 2))), 300.0, ALPHA)
    assert not one.bad.any()
