"""Least and greatest of rows by their parent, and pairs of rows of one parent; no loop."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...schemas.arrays import I8, Mask


def extremes(values: Any, parents: I8, n_parents: int) -> tuple[Any, Any]:
    """Least and greatest value of each parent, NaN if one is NaN.

    Parameters
    ----------
    values
        One a row, of a type of floats.
    parents
        The parent of each row, ascending.

    Returns
    -------
    lowest, highest
        Shape (n_parents,), of the type of ``values``; +inf and -inf where there is no row, so
        that every condition of the form ``lowest > a`` and ``highest < b`` holds.
    """
    lowest = np.full(n_parents, np.inf, values.dtype)
    highest = np.full(n_parents, -np.inf, values.dtype)
    if len(values):
        begins = group_begins(parents)
        present = parents[begins]
        lowest[present] = np.minimum.reduceat(values, begins)
        highest[present] = np.maximum.reduceat(values, begins)
    return lowest, highest


def group_begins(parents: I8) -> I8:
    """The first row of each parent that has rows; ``parents`` is ascending."""
    return np.flatnonzero(np.diff(parents, prepend=-1)) if len(parents) else np.zeros(0, np.int64)


def any_of_parent(mask: Mask, parents: I8, n_parents: int) -> Mask:
    """Whether a marked row of each parent exists."""
    found = np.zeros(n_parents, bool)
    found[parents[mask]] = True
    return found


def bits_of_parent(bits: Any, parents: I8, n_parents: int) -> Any:
    """The bits that are set in any row of each parent; ``parents`` is ascending."""
    found = np.zeros(n_parents, bits.dtype)
    if len(bits):
        begins = group_begins(parents)
        found[parents[begins]] = np.bitwise_or.reduceat(bits, begins)
    return found


def begins_of(parents: I8, n_parents: int) -> I8:
    """Shape (n_parents + 1,): where the rows of each parent begin; ``parents`` is ascending."""
    return np.searchsorted(parents, np.arange(n_parents + 1)).astype(np.int64)


def pairs(first: I8, second: I8, n_parents: int) -> tuple[I8, I8]:
    """Row numbers of every pair of a row of ``first`` and one of ``second`` with one parent.

    Both are ascending parents; pairs stand in order of the first, then of the second.
    """
    begins = begins_of(second, n_parents)
    n_each = np.diff(begins)[first]
    of_first = np.repeat(np.arange(len(first)), n_each)
    within = np.arange(len(of_first)) - np.repeat(np.cumsum(n_each) - n_each, n_each)
    return of_first, begins[first[of_first]] + within


def rows_of_parents(parents: I8, wanted: I8) -> tuple[I8, I8]:
    """The rows of some parents, in their order, and the place of the parent of each.

    Both ``parents``, one a row, and ``wanted`` are ascending.
    """
    begins = np.searchsorted(parents, wanted)
    n_each = np.searchsorted(parents, wanted, "right") - begins
    place = np.repeat(np.arange(len(wanted)), n_each)
    within = np.arange(len(place)) - np.repeat(np.cumsum(n_each) - n_each, n_each)
    return begins[place] + within, place
