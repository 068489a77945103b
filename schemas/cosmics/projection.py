"""The error of the veto efficiency over wall time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..arrays import F8


@dataclass(frozen=True)
class ProjectionSettings:
    """Which error is wanted, and what share of wall time is live, off-spill and on-spill."""

    target: float
    live_fraction: Mapping[str, float]


@dataclass(frozen=True)
class EfficiencyProjection:
    """How the error of the veto efficiency falls with wall time; None where nothing is known.

    Attributes
    ----------
    selected_per_live_day, unvetoed_per_live_day
        Rates of the selected events and of those that the veto let by.
    live_fraction
        Share of wall time that is live.
    target
        The error that is wanted: half the width of the interval, as a fraction.
    day
        First day of wall time at which the expected counts give it.
    naive_day
        The same from sqrt(u) / k alone, in live days.
    day_16, day_50, day_84
        Quantiles of the first day at which counts that fluctuate give it.
    days, errors
        The expected error over wall time, shapes (n,).
    """

    selected_per_live_day: float | None
    unvetoed_per_live_day: float | None
    live_fraction: float
    target: float
    day: float | None
    naive_day: float | None
    day_16: float | None
    day_50: float | None
    day_84: float | None
    days: F8
    errors: F8
