"""Ranges of raw events made one: rows appended with their numbers shifted, counts added."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, get_origin

import numpy as np
import pandas as pd

from ...nodes.imaging.selection import GAMMA_HYPOTHESES, NEUTRON_HYPOTHESES
from ...nodes.imaging.stacking import joined_footprints
from ...schemas.imaging.images import BackProjection, Counts, PixelCounts
from ..cache.execution import NodeCache
from ..cache.lazy import Lazy, resolved
from ..checks import freeze

HYPOTHESES = {"neutron": NEUTRON_HYPOTHESES, "gamma": GAMMA_HYPOTHESES}


@dataclass(frozen=True)
class RowsBefore:
    """How many filtered events and filtered hits of each species the ranges before hold.

    What no value asked for is numbered by stays 0. ``raw_events`` are those of the files before:
    a reader counts within its file.
    """

    neutron: int = 0
    gamma: int = 0
    neutron_hits: int = 0
    gamma_hits: int = 0
    raw_events: int = 0

    def after(self, counts: Counts) -> RowsBefore:
        """With what one more range counted."""
        return RowsBefore(
            self.neutron + counts.values.get("events_after_filters_n", 0),
            self.gamma + counts.values.get("events_after_filters_g", 0),
            self.neutron_hits + counts.values.get("hits_after_filters_n", 0),
            self.gamma_hits + counts.values.get("hits_after_filters_g", 0),
            self.raw_events,
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
    identity = [(*row_shifts(node, before).values(), v.fingerprint) for before, v in parts]
    return Lazy(make=make, fingerprint=cache.derived(joined, node, identity))


def joined(node: str, parts: Parts) -> Any:
    """The parts of all ranges as one, row numbers counted over the run, read-only."""
    value = merged(node, [shifted(node, value, before) for before, value in parts])
    freeze(value)
    return value


def row_shifts(node: str, before: RowsBefore) -> dict[str, int]:
    """What the row numbers in each column of a node grow by; the key "" is an array's own."""
    raw = {"event_id": before.raw_events}
    if node == "raw_event_ranges":
        return {"": before.raw_events}
    species, _, quantity = node.partition("_")
    if species not in HYPOTHESES:
        return raw
    events: int = getattr(before, species)
    candidates = events * HYPOTHESES[species]
    if quantity == "chosen_row":
        return {"": candidates}
    if quantity == "shaped_events":
        return raw | {f"hit{k}_row": getattr(before, f"{species}_hits") for k in (1, 2, 3)}
    return raw | {"event_index": events, "candidate_row": candidates}


def shifted(node: str, value: Any, before: RowsBefore) -> Any:
    """A value of one species with its row numbers counted over the whole run; -1 stays."""
    shifts = row_shifts(node, before)
    if isinstance(value, pd.DataFrame):
        new = {c: value[c] + shift for c, shift in shifts.items() if shift and c in value}
        return value.assign(**new) if new else value
    if "" in shifts:
        return np.where(value >= 0, value + shifts[""], value)
    return value


def _appended(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    columns: dict[str, Any] = {}
    for name in frames[0].columns:
        parts = [f[name] for f in frames]
        if isinstance(parts[0].dtype, pd.CategoricalDtype):
            columns[name] = _joined_categories([p.array for p in parts])
        else:
            columns[name] = np.concatenate([p.to_numpy() for p in parts])
    return pd.DataFrame(columns, copy=False)


def _joined_categories(parts: Sequence[Any]) -> pd.Categorical:
    """One after the other. Categories that differ are sorted, as a reader's of one range are."""
    seen = [list(p.categories) for p in parts]
    if any(names != seen[0] for names in seen):
        names = sorted({name for part in seen for name in part})
        parts = [p.set_categories(pd.Index(names, dtype=str)) for p in parts]
    codes = np.concatenate([p.codes for p in parts])
    return pd.Categorical.from_codes(codes, categories=parts[0].categories)


def _with_footprints(parts: Sequence[BackProjection]) -> BackProjection:
    image = np.asarray(sum(p.image for p in parts), np.uint32)
    footprints = joined_footprints(list(parts)) if parts[0].footprints is not None else None
    return BackProjection(image, np.concatenate([p.lit_pixels for p in parts]), footprints)


# How the values of the parts become one, by what they are.
_MERGES: Final[Mapping[type, Callable[[Sequence[Any]], Any]]] = MappingProxyType(
    {
        pd.DataFrame: _appended,
        np.ndarray: np.concatenate,
        Counts: lambda counts: sum(counts[1:], counts[0]),
        PixelCounts: lambda images: PixelCounts(
            np.asarray(sum(i.image for i in images), np.uint32)
        ),
        BackProjection: _with_footprints,
    }
)


def is_mergeable(kind: Any) -> bool:
    """Whether values that a node of this annotation gives for several ranges can be made one."""
    return (get_origin(kind) or kind) in _MERGES


def merged(node: str, parts: Sequence[Any]) -> Any:
    """One value of the parts of all ranges, in order."""
    if len(parts) == 1:
        return parts[0]
    merge = _MERGES.get(type(parts[0]))
    if merge is None:
        msg = f"{node}: a {type(parts[0]).__name__} of several ranges cannot be made one"
        raise TypeError(msg)
    return merge(parts)
