"""Classes of events by how well flight and light agree. Plain functions without nodes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...schemas.arrays import F8, I8


def class_codes(consistency: F8, species: I8, edges: Sequence[float]) -> I8:
    """The class of each event: k = its interval of |consistency| between k - 1 and k of ``edges``.

    Neutrons without a consistency have the number after the last interval, gammas (species 1) the
    one after that.
    """
    known = ~np.isnan(consistency)
    interval = np.searchsorted(np.array(edges), np.abs(consistency), side="right")
    code = np.where(known, interval, len(edges) + 1)
    return np.where(species == 1, len(edges) + 2, code).astype(np.int64)
