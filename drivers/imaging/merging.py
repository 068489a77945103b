"""Ranges of raw events made one: rows appended with their numbers shifted, counts added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ...nodes.imaging.selection import GAMMA_HYPOTHESES, NEUTRON_HYPOTHESES
from ...nodes.imaging.stacking import joined_footprints
from ...schemas.imaging.images import BackProjection, Counts

HYPOTHESES = {"neutron": NEUTRON_HYPOTHESES, "gamma": GAMMA_HYPOTHESES}


@dataclass(frozen=True)
class RowsBefore:
    """How many filtered events of each species the ranges before hold."""

    neutron: int = 0
    gamma: int = 0

    def after(self, events: Counts) -> RowsBefore:
        """With the events of one more range."""
        return RowsBefore(
            self.neutron + events["events_after_filters_n"],
            self.gamma + events["events_after_filters_g"],
        )


def shifted(node: str, value: Any, before: RowsBefore) -> Any:
    """A frame of one species with its row numbers counted over the whole run."""
    species = node.split("_", 1)[0]
    if species not in HYPOTHESES or not isinstance(value, pd.DataFrame):
        return value
    n_before = getattr(before, species)
    shifts = {"event_index": n_before, "candidate_row": n_before * HYPOTHESES[species]}
    new = {c: value[c] + shift for c, shift in shifts.items() if shift and c in value}
    return value.assign(**new) if new else value


def merged(node: str, parts: Sequence[Any]) -> Any:
    """One value of the parts of all ranges, in order."""
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    if isinstance(first, pd.DataFrame):
        return _appended(parts)
    if isinstance(first, np.ndarray):
        return np.concatenate(parts)
    if isinstance(first, Counts):
        return sum(parts[1:], first)
    if isinstance(first, BackProjection):
        image = np.asarray(sum(p.image for p in parts), np.uint32)
        footprints = joined_footprints(list(parts)) if first.footprints is not None else None
        return BackProjection(image, np.concatenate([p.lit_pixels for p in parts]), footprints)
    msg = f"{node}: a {type(first).__name__} of several ranges cannot be made one"
    raise TypeError(msg)


def _appended(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    columns: dict[str, Any] = {}
    for name in frames[0].columns:
        parts = [f[name] for f in frames]
        if isinstance(parts[0].dtype, pd.CategoricalDtype):
            columns[name] = pd.api.types.union_categoricals([p.array for p in parts])
        else:
            columns[name] = np.concatenate([p.to_numpy() for p in parts])
    return pd.DataFrame(columns, copy=False)
