"""What is known of the bars of the array: a row a detector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ..arrays import F8, I8
from ..tables import Column, TableSchema

BARS: Final = TableSchema(
    "Bars",
    "a bar of the array that has hits",
    (
        Column("det_id", "int64", "", "detector"),
        *(Column(f"axis_{a}", "float64", "", "unit vector along the bar") for a in "xyz"),
        *(Column(f"centre_{a}_cm", "float64", "cm", "centre of the bar") for a in "xyz"),
        Column("half_length_cm", "float64", "cm", "half of its length", at_least=0.0),
        Column("n_hits", "int64", "", "hits in events that pass", at_least=0),
    ),
)


@dataclass(frozen=True)
class BarExtents:
    """Hits of each detector: ``det_id`` (n,) rising, ``low_cm`` and ``high_cm`` (n, 3)."""

    det_id: I8
    low_cm: F8
    high_cm: F8
    n_hits: I8

    @classmethod
    def of_hits(cls, det_id: I8, position_cm: F8) -> BarExtents:
        """The extents of hits at ``position_cm`` (n, 3)."""
        ids, place = np.unique(det_id, return_inverse=True)
        low, high = np.full((len(ids), 3), np.inf), np.full((len(ids), 3), -np.inf)
        np.minimum.at(low, place, position_cm)
        np.maximum.at(high, place, position_cm)
        return cls(ids.astype(np.int64), low, high, np.bincount(place, minlength=len(ids)))

    def __add__(self, other: BarExtents) -> BarExtents:
        ids = np.concatenate([self.det_id, other.det_id])
        unique, place = np.unique(ids, return_inverse=True)
        low, high = np.full((len(unique), 3), np.inf), np.full((len(unique), 3), -np.inf)
        np.minimum.at(low, place, np.concatenate([self.low_cm, other.low_cm]))
        np.maximum.at(high, place, np.concatenate([self.high_cm, other.high_cm]))
        count = np.zeros(len(unique), np.int64)
        np.add.at(count, place, np.concatenate([self.n_hits, other.n_hits]))
        return BarExtents(unique, low, high, count)
