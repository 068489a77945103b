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
from ..cache.execution import NodeCache
from ..cache.lazy import Lazy, resolved

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


Parts = Sequence[tuple[RowsBefore, Any]]


def whole(node: str, parts: Parts, cache: NodeCache | None) -> Any:
    """One value of the parts of all ranges, each with the rows before it.

    With a cache it is a Lazy, known by the parts and by the code that joins them.
    """
    if len(parts) == 1:
        return parts[0][1]

    def make() -> Any:
        return joined(node, [(before, resolved(value)) for before, value in parts])

    if cache is None:
        return make()
    identity = [(before.neutron, before.gamma, v.fingerprint) for before, v in parts]
    return Lazy(make=make, fingerprint=cache.derived(joined, node, identity))


def joined(node: str, parts: Parts) -> Any:
    """The parts of all ranges as one, row numbers counted over the run."""
    return merged(node, [shifted(node, value, before) for before, value in parts])


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
