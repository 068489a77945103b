"""Events: filtered hits in, pairs (neutrons) and triples (gammas) in time order out.

A raw event may give a neutron and a gamma event, or several with ``all_combinations``. The
order is that of the raw events; within one, that of the combinations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag

from ...schemas.arrays import F8, I8, U1, Mask
from ...schemas.imaging.codes import GAMMA, NEUTRON, EventFilter, HitFilter
from ...schemas.imaging.filters import EventFilters, ShapingRule
from ...schemas.imaging.frames import (
    EVENT_HIT_COLUMNS,
    GAMMA_FILTERED,
    GAMMA_SHAPED,
    GAMMA_TYPED,
    NEUTRON_FILTERED,
    NEUTRON_SHAPED,
    NEUTRON_TYPED,
    numbered,
)
from ...schemas.tables import TableSchema, rows_of
from .cuts import first_in_file_order, first_reason, window_offsets
from .kernels import shaping as kernel


@tag(stage="events", schema="NeutronShapedEvents")
@config.when(neutrons=True)
def neutron_shaped_events__on(
    neutron_filtered_hits: pd.DataFrame, neutron_shaping: ShapingRule
) -> pd.DataFrame:
    """Pairs of rows of neutron_filtered_hits, the earlier hit first."""
    return NEUTRON_SHAPED.frame(_shaped(neutron_filtered_hits, neutron_shaping, 2))


@tag(stage="events", schema="NeutronShapedEvents")
@config.when(neutrons=False)
def neutron_shaped_events__off() -> pd.DataFrame:
    """No pair: neutrons are switched off."""
    return NEUTRON_SHAPED.empty()


@tag(stage="events", schema="GammaShapedEvents")
@config.when(gammas=True)
def gamma_shaped_events__on(
    gamma_filtered_hits: pd.DataFrame, gamma_shaping: ShapingRule
) -> pd.DataFrame:
    """Triples of rows of gamma_filtered_hits in order of time."""
    return GAMMA_SHAPED.frame(_shaped(gamma_filtered_hits, gamma_shaping, 3))


@tag(stage="events", schema="GammaShapedEvents")
@config.when(gammas=False)
def gamma_shaped_events__off() -> pd.DataFrame:
    """No triple: gammas are switched off."""
    return GAMMA_SHAPED.empty()


@tag(stage="events", schema="NeutronTypedEvents")
def neutron_typed_events(
    neutron_filtered_hits: pd.DataFrame, neutron_shaped_events: pd.DataFrame
) -> pd.DataFrame:
    """Neutron events: columns of the two hits, suffixed 1 and 2, in order of time."""
    return _typed(neutron_filtered_hits, neutron_shaped_events, 2, NEUTRON_TYPED)


@tag(stage="events", schema="GammaTypedEvents")
def gamma_typed_events(
    gamma_filtered_hits: pd.DataFrame, gamma_shaped_events: pd.DataFrame
) -> pd.DataFrame:
    """Gamma events: columns of the three hits, suffixed 1, 2 and 3, in order of time."""
    return _typed(gamma_filtered_hits, gamma_shaped_events, 3, GAMMA_TYPED)


@tag(stage="events", helper="true", rows="neutron_typed_events")
@config.when(event_cap=False)
def neutron_within_max_events__all(neutron_typed_events: pd.DataFrame) -> Mask:
    """Every neutron event: there is no max_events."""
    return np.ones(len(neutron_typed_events), bool)


@tag(stage="events", helper="true", rows="gamma_typed_events")
@config.when(event_cap=False)
def gamma_within_max_events__all(gamma_typed_events: pd.DataFrame) -> Mask:
    """Every gamma event: there is no max_events."""
    return np.ones(len(gamma_typed_events), bool)


@tag(stage="events", helper="true", rows="neutron_typed_events")
@config.when(event_cap=True)
def neutron_within_max_events__capped(
    neutron_typed_events: pd.DataFrame, gamma_typed_events: pd.DataFrame, event_budget: int
) -> Mask:
    """Which neutron events are among the first ``event_budget`` of both species."""
    return first_in_file_order(neutron_typed_events, gamma_typed_events, event_budget)[0]


@tag(stage="events", helper="true", rows="gamma_typed_events")
@config.when(event_cap=True)
def gamma_within_max_events__capped(
    neutron_typed_events: pd.DataFrame, gamma_typed_events: pd.DataFrame, event_budget: int
) -> Mask:
    """Which gamma events are among the first ``event_budget`` of both species."""
    return first_in_file_order(neutron_typed_events, gamma_typed_events, event_budget)[1]


@tag(stage="events", rows="neutron_typed_events")
def neutron_event_filter_code(
    neutron_typed_events: pd.DataFrame,
    neutron_within_max_events: Mask,
    neutron_event_filters: EventFilters,
) -> U1:
    """EventFilter code of each neutron event."""
    events, cuts = neutron_typed_events, neutron_event_filters
    return first_reason(
        {
            EventFilter.max_events: ~neutron_within_max_events,
            EventFilter.tof_window: _outside_tof_window(events, cuts),
            EventFilter.L1_min: events["light1_MeVee"].to_numpy() < cuts.min_L1_MeVee,
            EventFilter.L2_min: events["light2_MeVee"].to_numpy() < cuts.min_L2_MeVee,
            EventFilter.hit_distance: _too_far(events, cuts),
        }
    )


@tag(stage="events", rows="gamma_typed_events")
def gamma_event_filter_code(
    gamma_typed_events: pd.DataFrame,
    gamma_within_max_events: Mask,
    gamma_event_filters: EventFilters,
) -> U1:
    """EventFilter code of each gamma event."""
    events, cuts = gamma_typed_events, gamma_event_filters
    light = events[["light1_MeVee", "light2_MeVee", "light3_MeVee"]].to_numpy()
    return first_reason(
        {
            EventFilter.max_events: ~gamma_within_max_events,
            EventFilter.tof_window: _outside_tof_window(events, cuts),
            EventFilter.L_any_min: light.min(axis=1) < cuts.min_L_any_MeVee,
            EventFilter.hit_distance: _too_far(events, cuts),
        }
    )


@tag(stage="events", schema="NeutronFilteredEvents")
@config.when(start="hits")
def neutron_filtered_events__cut(
    neutron_typed_events: pd.DataFrame, neutron_event_filter_code: U1
) -> pd.DataFrame:
    """Neutron events that pass every cut; event_index counts them from 0."""
    return _filtered(neutron_typed_events, neutron_event_filter_code, NEUTRON_FILTERED)


@tag(stage="events", schema="GammaFilteredEvents")
@config.when(start="hits")
def gamma_filtered_events__cut(
    gamma_typed_events: pd.DataFrame, gamma_event_filter_code: U1
) -> pd.DataFrame:
    """Gamma events that pass every cut; event_index counts them from 0."""
    return _filtered(gamma_typed_events, gamma_event_filter_code, GAMMA_FILTERED)


@tag(stage="events", helper="true")
def neutron_event_hit_rows(
    hits: pd.DataFrame,
    neutron_hit_filter_code: U1,
    neutron_shaped_events: pd.DataFrame,
    neutron_event_filter_code: U1,
) -> I8:
    """Rows of ``hits`` that make each neutron event, shape (n, 2), in order of time."""
    rows = _rows_of_species(hits, NEUTRON, neutron_hit_filter_code)
    return _event_hit_rows(rows, neutron_shaped_events, neutron_event_filter_code, 2)


@tag(stage="events", helper="true")
def gamma_event_hit_rows(
    hits: pd.DataFrame,
    gamma_hit_filter_code: U1,
    gamma_shaped_events: pd.DataFrame,
    gamma_event_filter_code: U1,
) -> I8:
    """Rows of ``hits`` that make each gamma event, shape (n, 3), in order of time."""
    rows = _rows_of_species(hits, GAMMA, gamma_hit_filter_code)
    return _event_hit_rows(rows, gamma_shaped_events, gamma_event_filter_code, 3)


_KEYS: Final[dict[str, Callable[[pd.DataFrame], F8]]] = {
    "time_asc": lambda hits: hits["t_ns"].to_numpy(),
    "energy_desc": lambda hits: -hits["light_MeVee"].to_numpy(),
}


def _shaped(hits: pd.DataFrame, rule: ShapingRule, take: int) -> dict[str, I8]:
    event_id = hits["event_id"].to_numpy()
    offsets = window_offsets(event_id)
    if rule.policy == "all_combinations":
        rows = np.empty((kernel.rows_needed(offsets, take, rule.max_combinations), take), np.int64)
        n = kernel.all_combinations(offsets, take, rule.max_combinations, rows)
    else:
        rows = np.empty((max(len(offsets) - 1, 0), take), np.int64)
        n = kernel.first_by_key(offsets, _KEYS[rule.policy](hits), take, rows)
    rows = rows[:n]
    kernel.sort_rows_by_time(rows, hits["t_ns"].to_numpy())
    columns = {f"hit{k + 1}_row": rows[:, k].copy() for k in range(take)}
    return {"event_id": event_id[rows[:, 0]], **columns}


def _typed(
    hits: pd.DataFrame, shaped: pd.DataFrame, take: int, schema: TableSchema
) -> pd.DataFrame:
    columns = {"event_id": shaped["event_id"].to_numpy()}
    for k in range(1, take + 1):
        rows = shaped[f"hit{k}_row"].to_numpy()
        for name in EVENT_HIT_COLUMNS:
            column = hits[name].array if name == "material" else hits[name].to_numpy()
            columns[numbered(name, k)] = column.take(rows)
    return schema.frame(columns)


def _outside_tof_window(events: pd.DataFrame, cuts: EventFilters) -> Mask:
    tof = events["t2_ns"].to_numpy() - events["t1_ns"].to_numpy()
    low, high = cuts.tof_window_ns
    return (tof < low) | (tof > high)


def _too_far(events: pd.DataFrame, cuts: EventFilters) -> Mask:
    if cuts.max_hit_distance_cm == 0:
        return np.zeros(len(events), bool)
    difference = [(events[f"{a}2_cm"] - events[f"{a}1_cm"]).to_numpy() for a in "xyz"]
    return np.asarray(np.sqrt(sum(d * d for d in difference)) > cuts.max_hit_distance_cm)


def _filtered(typed: pd.DataFrame, code: U1, schema: TableSchema) -> pd.DataFrame:
    kept = rows_of(typed, code == EventFilter.kept)
    return schema.frame({"event_index": np.arange(len(kept)), **kept})


def _rows_of_species(hits: pd.DataFrame, species: int, filter_code: U1) -> I8:
    rows = np.flatnonzero(hits["species"].cat.codes.to_numpy() == species)
    return rows[filter_code == HitFilter.kept]


def _event_hit_rows(rows: I8, shaped: pd.DataFrame, filter_code: U1, take: int) -> I8:
    kept = filter_code == EventFilter.kept
    columns = [rows[shaped[f"hit{k}_row"].to_numpy()[kept]] for k in range(1, take + 1)]
    return np.stack(columns, axis=1)
