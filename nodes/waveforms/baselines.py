"""The straight line through the samples of a baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...schemas.arrays import F8


@dataclass(frozen=True)
class Lines:
    """A line through the samples of each wave, in the unit of the samples; shapes (...,).

    Attributes
    ----------
    mean
        Of the samples.
    slope
        Per sample.
    intercept
        The line at the first sample.
    rms
        Root of the mean square of the samples about the line.
    """

    mean: F8
    slope: F8
    intercept: F8
    rms: F8


def baseline_line(waves: Any) -> Lines:
    """The least-squares line through the samples along the last axis.

    NaN for a wave with NaN in it. ValueError for fewer than two samples.
    """
    x = np.asarray(waves, dtype=np.float64)
    n = x.shape[-1]
    if n < 2:
        msg = f"a line needs two samples or more, not {n}"
        raise ValueError(msg)
    place = np.arange(n) - 0.5 * (n - 1)
    mean = x.mean(axis=-1)
    left = x - mean[..., np.newaxis]
    slope = left @ place / (place @ place)
    left -= slope[..., np.newaxis] * place
    rms = np.sqrt(np.mean(left**2, axis=-1))
    return Lines(mean, slope, mean - 0.5 * (n - 1) * slope, rms)
