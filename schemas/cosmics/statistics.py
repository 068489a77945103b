"""How intervals are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Interval = Literal["wilson", "clopper_pearson", "jeffreys"]


@dataclass(frozen=True)
class StatisticsSettings:
    """Settings of all intervals of a run.

    Attributes
    ----------
    interval
        Which interval of a fraction.
    sigma
        Standard deviations to each side.
    poisson_cl
        Confidence level of Poisson intervals; None = that of ``sigma``.
    """

    interval: Interval = "wilson"
    sigma: float = 1.0
    poisson_cl: float | None = None
