"""A cut flow: how many remain after each cut in order, pass each alone, and pass all others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import F8, I8, Mask, frozen
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

    @classmethod
    def of_passes(
        cls,
        passes: Mask,
        of: str,
        cut: tuple[str, ...],
        *,
        group: tuple[str, ...] | None = None,
        level: tuple[str, ...] | None = None,
        weights: F8 | None = None,
    ) -> CutFlow:
        """The flow of rows whose cuts stand in ``passes``, shape (n_rows, n_cuts).

        ``group`` and ``level`` are empty texts if they are not given; ``weights`` has a value a
        row.
        """
        n_failed = passes.shape[1] - passes.sum(axis=1, keepdims=True)
        so_far = np.logical_and.accumulate(
            np.pad(passes, ((0, 0), (1, 0)), constant_values=True), 1
        )
        blank = ("",) * len(cut)
        return cls(
            of,
            cut,
            blank if group is None else group,
            blank if level is None else level,
            _counts(so_far),
            _counts(passes),
            _counts((n_failed == 0) | ((n_failed == 1) & ~passes)),
            None if weights is None else frozen(weights @ so_far),
            None if weights is None else frozen(weights**2 @ so_far),
        )

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


def _counts(passes: Mask) -> I8:
    return frozen(passes.sum(axis=0, dtype=np.int64))
