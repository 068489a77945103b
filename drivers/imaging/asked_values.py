"""The values of targets, of which some went to the file range by range and species by species."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from ...nodes.imaging.stacking import stacked
from ...schemas.imaging.frames import CANDIDATE_CONES, FILTERED, SELECTED_CONES
from ...schemas.tables import TableSchema
from ..engine.plain_values import MOST, Elsewhere, FewRows, rows_together
from .requests import PARTS, Request, streams_of

_TABLES: Final[Mapping[str, TableSchema]] = MappingProxyType(
    {
        "filtered_events": FILTERED,
        "candidate_cones": CANDIDATE_CONES,
        "selected_cones": SELECTED_CONES,
    }
)
_PLACES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "counters": "/meta/counters",
        "footprints": "/lm",
        "projections": "/images/summed/projections",
        "source_metadata": "/meta/source",
        "summed_images": "/images/summed",
        "weighted_images": "/images/weighted",
        "reconstructed_images": "/images/mlem",
        "significance_map": "/images/significance",
        "neutron_significance_map": "/images/significance/n",
        "gamma_significance_map": "/images/significance/g",
        "sensitivity_map": "/images/sensitivity",
        "gamma_sensitivity_map": "/images/gamma_sensitivity",
        "emission_images": "/images/mlem/emission",
        "bar_calibration": "/calibration",
    }
)


def streamed_for(request: Request) -> tuple[str, ...]:
    """The streams of a request that its targets are made of."""
    streams = set(streams_of(request.groups))
    asked = {n for t in request.named for n in (t, *PARTS.get(t, ()))}
    return tuple(sorted(streams & asked))


def asked_values(
    request: Request, found: Mapping[str, Any], rows: FewRows, counts: Mapping[str, int]
) -> dict[str, Any]:
    """The value of each target that was given by name; Elsewhere where it is too large.

    ``found`` are those that are one value, ``rows`` those that streamed_for() names, ``counts``
    the counters of the run.
    """
    streams = set(streamed_for(request))
    return {
        target: found[target] if target in found else _streamed(target, streams, rows, counts)
        for target in request.named
    }


def _streamed(target: str, streams: Iterable[str], rows: FewRows, counts: Mapping[str, int]) -> Any:
    """Of what a restart copied from the earlier file only the place is known."""
    if target in streams:
        value = rows.value(target)
        return Elsewhere(None, None) if value is None else value
    names = [n for n in PARTS.get(target, ()) if n in streams]
    parts = [rows.value(n) for n in names]
    if len(parts) != 2 or any(p is None for p in parts):
        return Elsewhere(None, None)
    if sum(rows.n_rows(n) for n in names) > MOST:
        return rows.size_of(names)
    if target not in _TABLES:
        return rows_together(parts)
    events, candidates = counts.get("events_after_filters_n"), counts.get("candidates_total_n", 0)
    is_of_events = target == "filtered_events"
    neutron, gamma = parts
    return stacked(
        neutron,
        gamma,
        _TABLES[target],
        event_offset=None if is_of_events else events,
        candidate_offset=candidates,
    )


def place_in_file(target: str, request: Request) -> str:
    """Where the value of a target stands in the output; "" = beside it."""
    if target in request.loose:
        return f"/targets/{target}"
    names = {target, *PARTS.get(target, ())}
    group = next((g for g in request.groups if names & set(g.nodes)), None)
    if target in _PLACES or group is None:
        return _PLACES.get(target, "")
    own = [d.path for d in group.datasets]
    return own[0] if len(own) == 1 else "/" + own[0].split("/")[1]
