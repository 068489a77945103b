"""Widths by variation: measured quantities moved by one sigma, the change of an angle out.

Plain functions without nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from ...schemas.arrays import F8

Theta = Callable[[pd.DataFrame], F8]
# A varied quantity: the events with it changed by so many sigmas.
Variation = Callable[[float], pd.DataFrame]


def half_change(theta: Theta, nominal_rad: F8, varied: Sequence[Variation]) -> F8:
    """Root of the sum of squares of half the change of theta between +1 and -1 sigma.

    Where one side is NaN, its change from ``nominal_rad``; where both are, or the hypothesis is
    impossible, NaN.
    """
    total = np.zeros(len(nominal_rad))
    for variation in varied:
        total += change(theta(variation(1.0)), theta(variation(-1.0)), nominal_rad) ** 2
    return np.sqrt(total)


def change(above: F8, below: F8, nominal: F8) -> F8:
    """Half the change between both sides, or that to the one side that is physical."""
    one_sided = np.where(np.isnan(above), nominal - below, above - nominal)
    both = np.isfinite(above) & np.isfinite(below)
    return np.where(np.isfinite(nominal), np.where(both, 0.5 * (above - below), one_sided), np.nan)
