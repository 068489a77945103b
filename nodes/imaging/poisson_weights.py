"""Weights of a bootstrap from a counter-based generator. Plain functions without nodes."""

from __future__ import annotations

from math import factorial
from typing import Final

import numpy as np

from ...schemas.arrays import F8, I8, U8
from ...schemas.imaging.sources import ConeMixture

GREATEST_COUNT: Final = 20
_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)


def poisson_weights(cones: ConeMixture, seed: int, replica: int) -> F8:
    """A Poisson number of mean 1 for each event (m,)."""
    uniform = uniform_of_events(cones.event_id, cones.species, seed, replica)
    cumulative = np.cumsum([np.exp(-1.0) / factorial(k) for k in range(GREATEST_COUNT)])
    return np.searchsorted(cumulative, uniform, side="right").astype(np.float64)


def uniform_of_events(event_id: I8, species: I8, seed: int, replica: int) -> F8:
    """A number in [0, 1) for each event (m,), whatever stands beside it.

    From the finaliser of splitmix64 (Steele et al., OOPSLA 2014).
    """
    with np.errstate(over="ignore"):
        key = _mixed(_mixed(np.array(seed, np.uint64) + _GOLDEN) ^ np.uint64(replica))
        counter = (event_id.astype(np.uint64) << np.uint64(1)) | species.astype(np.uint64)
        word = _mixed(_mixed(counter + _GOLDEN) + key)
    return np.asarray((word >> np.uint64(11)) * 2.0**-53)


def _mixed(words: U8) -> U8:
    word = np.asarray(words, np.uint64)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))
