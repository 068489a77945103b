"""Tails of pulses of a channel, from which the decay of the preamplifier is found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from ..arrays import F8, I8
from ..errors import NotAddableError


@dataclass(frozen=True)
class TailSum:
    """The sum of tails, each of mean 1, as whole numbers of 1/scale: exact in any order.

    Attributes
    ----------
    sums, squares
        Of the samples and of their squares, (n,).
    n_pulses
        Tails in it.
    codes
        How many pulses were taken or left out, by the codes of the kernel, (5,).
    dt_ns
        Time of a sample.
    skip_ns
        From the half of the pulse to its tail.
    scale
        What 1 is.
    """

    sums: I8
    squares: I8
    n_pulses: int
    codes: I8
    dt_ns: float
    skip_ns: float
    scale: int

    def __add__(self, other: Self) -> Self:
        """Both; NotAddableError for tails that are sampled in another way."""
        if (self.dt_ns, self.skip_ns, len(self.sums)) != (
            other.dt_ns, other.skip_ns, len(other.sums),
        ):  # fmt: skip
            msg = "tails of another sampling cannot be added"
            raise NotAddableError(msg)
        return type(self)(
            self.sums + other.sums,
            self.squares + other.squares,
            self.n_pulses + other.n_pulses,
            self.codes + other.codes,
            self.dt_ns,
            self.skip_ns,
            self.scale,
        )

    def mean(self) -> tuple[F8, F8]:
        """The mean tail and the error of each sample, from their spread."""
        n = max(self.n_pulses, 1)
        mean = self.sums / (n * self.scale)
        variance = np.maximum(self.squares / (n * self.scale) - mean**2, 0.0)
        return mean, np.sqrt(variance / n)
