"""The intervals of a run, as its settings choose them."""

from __future__ import annotations

from typing import Any

from ...schemas.arrays import F8
from ...schemas.cosmics.statistics import StatisticsSettings
from ..statistics.intervals import clopper_pearson, garwood, jeffreys, tail_of_sigma, wilson


def fraction_interval(k: Any, n: Any, settings: StatisticsSettings) -> tuple[F8, F8]:
    """Lower and upper end for the fraction k / n; (0, 1) without trials."""
    if settings.interval == "wilson":
        return wilson(k, n, settings.sigma)
    exact = clopper_pearson if settings.interval == "clopper_pearson" else jeffreys
    return exact(k, n, tail_of_sigma(settings.sigma))


def count_interval(k: Any, settings: StatisticsSettings) -> tuple[F8, F8]:
    """Lower and upper end for the mean of a Poisson distribution that gave k counts (Garwood)."""
    if settings.poisson_cl is None:
        return garwood(k, tail_of_sigma(settings.sigma))
    return garwood(k, (1.0 - settings.poisson_cl) / 2.0)
