"""The error of the veto efficiency over wall time: published numbers, closed forms, toys."""

from __future__ import annotations

import numpy as np
import pytest
from radiograph.nodes.cosmics.error_over_time import half_width, projected, selected_needed

LIVETIME_S = 1.06887e7
LIVE_DAYS = LIVETIME_S / 86400


def test_the_naive_day_is_the_published_one() -> None:
    # (u/k / target)^2 / r_b of mu2e-cosmic for 6 of 11693: 542.89 days.
    assert projected(11693, 6, LIVETIME_S, 0.72, 1e-4).naive_day == pytest.approx(542.89, abs=0.005)


@pytest.mark.parametrize(
    ("target", "day", "cut_day"), [(1e-4, 209.7418, 191), (1.5e-4, 95.9707, 80)]
)
def test_the_day_of_whole_counts_is_the_published_one_and_ours_is_not(
    target: float, day: float, cut_day: int
) -> None:
    found = projected(25921, 8, LIVETIME_S, 0.72, target)
    assert found.day == pytest.approx(day, abs=1e-4)
    # Cut to whole numbers: the first day is one of luck, where an event is just not yet there.
    days = np.arange(1.0, 400.0)
    unvetoed, selected = (np.floor(n / LIVE_DAYS * 0.72 * days) for n in (8, 25921))
    assert days[np.argmax(half_width(unvetoed, selected, 1.0) <= target)] == cut_day


@pytest.mark.parametrize("share", [0.0, 1e-4, 0.01, 0.5])
@pytest.mark.parametrize("sigma", [1.0, 1.96])
def test_the_needed_events_give_the_target(share: float, sigma: float) -> None:
    n = selected_needed(share, 2e-4, sigma)
    width = half_width(np.asarray([share * n]), np.asarray([n]), sigma)
    assert width[0] == pytest.approx(2e-4, rel=1e-9)
    earlier = half_width(np.asarray([share * n * 0.99]), np.asarray([n * 0.99]), sigma)
    assert earlier[0] > 2e-4


def test_the_curve_goes_through_the_target() -> None:
    found = projected(25921, 8, LIVETIME_S, 0.72, 1e-4)
    assert np.interp(found.day or 0.0, found.days, found.errors) == pytest.approx(1e-4, rel=1e-6)
    assert (np.diff(found.errors) < 0).all()
    assert not found.days.flags.writeable
    assert found.selected_per_live_day == pytest.approx(25921 / LIVE_DAYS)


def test_quantiles_are_those_of_toys() -> None:
    found = projected(25921, 8, LIVETIME_S, 0.72, 1e-4)
    rng = np.random.default_rng(1)
    step = 0.1
    days = step * np.arange(1, 6001)
    rate = 25921 / LIVE_DAYS * 0.72
    counts = np.cumsum(rng.poisson(8 / 25921 * rate * step, (800, len(days))), axis=1)
    selected = rate * days
    widths = np.sqrt(counts * (selected - counts) / selected + 0.25) / (selected + 1.0)
    firsts = days[np.argmax(widths <= 1e-4, axis=1)]
    for quantile, day in ((0.16, found.day_16), (0.50, found.day_50), (0.84, found.day_84)):
        assert day is not None
        share = (firsts <= day + step).mean()
        # The first days are discrete: the quantile lies where the share passes it.
        assert share > quantile - 5 * np.sqrt(quantile * (1 - quantile) / 800)
        below = (firsts < day - step).mean()
        assert below < quantile + 5 * np.sqrt(quantile * (1 - quantile) / 800)


def test_many_events_fluctuate_normally() -> None:
    found = projected(25921, 8, LIVETIME_S, 0.72, 5e-6)
    few = projected(25921, 8, LIVETIME_S, 0.72, 1e-5)
    for quantiles in (found, few):
        assert quantiles.day is not None
        assert quantiles.day_84 is not None
        expected = 8 / 25921 * selected_needed(8 / 25921, quantiles.target)
        relative = quantiles.day_84 / quantiles.day - 1.0
        assert relative == pytest.approx(1.0 / np.sqrt(expected), rel=0.1)


def test_nothing_unvetoed_has_a_sure_day() -> None:
    found = projected(1000, 0, LIVETIME_S, 0.28, 1e-3)
    assert found.naive_day is None
    # Half of 1 / (n + 1) is the target at n = 499.
    rate = 1000 / LIVE_DAYS * 0.28
    assert found.day == pytest.approx(499 / rate, rel=1e-9)
    assert found.day_16 == pytest.approx(found.day_84, rel=1e-9)


@pytest.mark.parametrize(("selected", "livetime"), [(0, LIVETIME_S), (100, None), (100, 0.0)])
def test_without_events_or_a_live_time_nothing_is_known(
    selected: int, livetime: float | None
) -> None:
    found = projected(selected, 0, livetime, 0.72, 1e-4)
    assert (found.day, found.naive_day, found.day_50) == (None, None, None)
    assert len(found.days) == len(found.errors) == 0


def test_a_target_that_is_met_at_once() -> None:
    found = projected(1000, 400, LIVETIME_S, 0.72, 0.9)
    assert found.day == 0.0
