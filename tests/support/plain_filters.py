"""Filters of one wave as they are defined, for what kernels compute in one pass."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np


def moving_average(
    wave: Any, width: int, direction: Literal["backward", "forward"] = "backward"
) -> Any:
    """The mean of ``width`` samples that end (backward) or begin (forward) at each sample.

    Where there are not so many, the outermost sample stands for those that are missing.
    """
    ends = (width - 1, 0) if direction == "backward" else (0, width - 1)
    return np.convolve(
        np.pad(np.asarray(wave, float), ends, mode="edge"), np.ones(width) / width, "valid"
    )


def trapezoid(wave: Any, rise: int, flat: int) -> Any:
    """The mean of ``rise`` samples less that of the ``rise`` samples rise + flat before."""
    means = np.convolve(np.asarray(wave, float), np.ones(rise) / rise, "valid")
    return means[rise + flat :] - means[: len(means) - rise - flat]
