"""Which events: evenly spread places, and a number of events shared among trigger types."""

from __future__ import annotations

import numpy as np

from ...schemas.arrays import I8


def spread_places(n: int, most: int) -> I8:
    """At most ``most`` of the places 0 to n - 1, evenly spread, first and last among them."""
    places = np.linspace(0, n - 1, min(most, n)).astype(np.int64)
    return np.asarray(np.unique(places))


def quotas(counts: list[int], most: int) -> list[int]:
    """``most`` shared equally among groups of these sizes; 0 = everything.

    A group that is smaller than its share leaves the rest to the others; what does not divide
    goes to the first groups.
    """
    if most == 0 or sum(counts) <= most:
        return counts
    given = [0] * len(counts)
    left = most
    while left:
        open_groups = [i for i, n in enumerate(counts) if given[i] < n]
        share = max(left // len(open_groups), 1)
        for i in open_groups:
            more = min(share, counts[i] - given[i], left)
            given[i] += more
            left -= more
    return given
