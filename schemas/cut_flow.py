"""A cut flow: how many remain after each cut in order, pass each alone, and pass all others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import F8, I8, frozen
from .errors import NotAddableError


@dataclass(frozen=True)
class CutFlow:
    """Counts of one kind of thing through cuts in order. Adding two gives those of both parts.

    Attributes
    ----------
    of
        What is counted: "events", "tracks", "neutron hits".
    cut, group, level
        Of each cut its name, the group it belongs to and what it acts on ("track", "event").
    cumulative
        Shape (n_cuts + 1,): all, then what passes every cut up to this one.
    individual
        Shape (n_cuts,): what passes this cut, whatever the others say; absent where not counted.
    n_minus_one
        Shape (n_cuts,): what passes every cut but this one; absent where not counted.
    sum_of_weights, sum_of_squares
        Shape (n_cuts + 1,): of the weights of ``cumulative``; both absent without weights.
    """

    of: str
    cut: tuple[str, ...]
    group: tuple[str, ...]
    level: tuple[str, ...]
    cumulative: I8
    individual: I8 | None = None
    n_minus_one: I8 | None = None
    sum_of_weights: F8 | None = None
    sum_of_squares: F8 | None = None

    def __post_init__(self) -> None:
        n = len(self.cut)
        whole = ("cumulative", "sum_of_weights", "sum_of_squares")
        lengths = {"group": len(self.group), "level": len(self.level)}
        lengths |= {k: len(v) - (k in whole) for k, v in self.numbers().items()}
        wrong = [name for name, length in lengths.items() if length != n]
        if wrong:
            msg = f"cut flow of {self.of}: {wrong[0]} has another length than its {n} cuts"
            raise ValueError(msg)
        if (np.diff(self.cumulative) > 0).any():
            k = int(np.argmax(np.diff(self.cumulative) > 0))
            before, after = self.cumulative[k : k + 2]
            msg = f"cut flow of {self.of}: {after} pass {self.cut[k]}, {before} came to it"
            raise ValueError(msg)

    def described(self) -> dict[str, str | tuple[str, ...]]:
        """What is counted and through which cuts, by the name of its attribute."""
        return {"of": self.of, "cut": self.cut, "group": self.group, "level": self.level}

    def numbers(self) -> dict[str, I8 | F8]:
        """The counts and sums that are there, by the name of their attribute."""
        values = {
            "cumulative": self.cumulative,
            "individual": self.individual,
            "n_minus_one": self.n_minus_one,
            "sum_of_weights": self.sum_of_weights,
            "sum_of_squares": self.sum_of_squares,
        }
        return {name: value for name, value in values.items() if value is not None}

    def __add__(self, other: CutFlow) -> CutFlow:
        """The flow of both parts; NotAddableError if they have other cuts or count other things."""
        theirs = other.described()
        for name, mine in self.described().items():
            if mine != theirs[name]:
                seen = f"{name} is {mine} in one part, {theirs[name]} in another"
                msg = f"cut flow of {self.of}: {seen}"
                raise NotAddableError(msg)
        ours, others = self.numbers(), other.numbers()
        if ours.keys() != others.keys():
            (first, *_) = sorted(ours.keys() ^ others.keys())
            msg = f"cut flow of {self.of}: one part has {first}, another has not"
            raise NotAddableError(msg)
        sums = {name: frozen(ours[name] + others[name]) for name in ours}
        return CutFlow(self.of, self.cut, self.group, self.level, **sums)
