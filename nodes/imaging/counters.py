"""Counters: how many hits, events and cones entered a stage and left it, and why.

Pure functions of the frames and of the reason codes beside them. What enters a stage leaves it
kept or with one reason: the sums are tested. Names with ``_n`` and ``_g`` are the parts of a
species.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag

from ...schemas.arrays import U1, Mask
from ...schemas.imaging.codes import (
    CandidateStatus,
    ConeFilter,
    EventFilter,
    HitFilter,
    RawEventFate,
    Recoil,
)
from ...schemas.imaging.filters import ShapingRule
from ...schemas.imaging.images import BackProjection, Counts, SourceRecords
from .cuts import window_offsets
from .hits import GAMMA_EVENT_HITS, NEUTRON_EVENT_HITS
from .kernels.shaping import rows_needed

_HIT_REASONS = [r for r in HitFilter if r not in (HitFilter.kept,)]
_NO_LIMIT = np.iinfo(np.int64).max


@tag(stage="hits", helper="true")
@config.when(start="hits")
def hit_counters__counted(
    source_records: SourceRecords,
    hits: pd.DataFrame,
    neutron_hit_filter_code: U1,
    gamma_hit_filter_code: U1,
    unknown_hit_filter_code: U1,
    raw_event_fate: U1,
) -> Counts:
    """Raw events and hits: read, kept, and dropped by reason."""
    fate = np.bincount(raw_event_fate, minlength=len(RawEventFate))
    values = {
        "raw_events_total": source_records.n_raw_events,
        "raw_events_rejected_unreconstructable": fate[RawEventFate.unreconstructable],
        "raw_events_species_off": fate[RawEventFate.species_off],
        "raw_events_rejected_shaping": fate[RawEventFate.shaping],
        "raw_events_damaged": source_records.n_damaged_records,
    }
    codes = (neutron_hit_filter_code, gamma_hit_filter_code, unknown_hit_filter_code)
    tables = [np.bincount(code, minlength=len(HitFilter)) for code in codes]
    for k, table in enumerate(tables):
        table[HitFilter.clipped] = source_records.n_hits_clipped[k]
        table[HitFilter.particle] = source_records.n_hits_particle[k]
    values |= _by_species("hits_total", [t.sum() for t in tables])
    values |= _by_species("hits_after_filters", [t[HitFilter.kept] for t in tables])
    for reason in _HIT_REASONS:
        values |= _by_species(f"hits_rejected_{reason.name}", [t[reason] for t in tables])
    values["hits_unknown_species"] = int(tables[2].sum())
    problems = source_records.problems.groupby("kind", observed=True)["count"].sum()
    values |= {f"problems_{kind}": count for kind, count in problems.items()}
    return _counts(values)


@tag(stage="events", helper="true")
@config.when(start="hits")
def event_counters__counted(
    neutron_filtered_hits: pd.DataFrame,
    gamma_filtered_hits: pd.DataFrame,
    neutron_shaped_events: pd.DataFrame,
    gamma_shaped_events: pd.DataFrame,
    neutron_event_filter_code: U1,
    gamma_event_filter_code: U1,
    neutron_shaping: ShapingRule,
    gamma_shaping: ShapingRule,
    neutrons_on: bool,
    gammas_on: bool,
) -> Counts:
    """Events: shaped, typed, kept, and dropped by reason."""
    shaped = (len(neutron_shaped_events), len(gamma_shaped_events))
    capped = (
        _capped_events(neutron_filtered_hits, neutron_shaping, NEUTRON_EVENT_HITS, neutrons_on),
        _capped_events(gamma_filtered_hits, gamma_shaping, GAMMA_EVENT_HITS, gammas_on),
    )
    tables = [
        np.bincount(code, minlength=len(EventFilter))
        for code in (neutron_event_filter_code, gamma_event_filter_code)
    ]
    into_filters = [t.sum() - t[EventFilter.max_events] for t in tables]
    values = {
        **_total_n_g("shaped_events", shaped),
        **_by_species("shaped_events_capped", capped),
        **_total_n_g("events_typed", [t.sum() for t in tables]),
        **_by_species("events_dropped_max_events", [t[EventFilter.max_events] for t in tables]),
        **_by_species("events_total_for_filters", into_filters),
        **_by_species("events_after_filters", [t[EventFilter.kept] for t in tables]),
        **_by_species("events_rejected_tof_window", [t[EventFilter.tof_window] for t in tables]),
        **_by_species(
            "events_rejected_hit_distance", [t[EventFilter.hit_distance] for t in tables]
        ),
        "events_rejected_L1_min_n": tables[0][EventFilter.L1_min],
        "events_rejected_L2_min_n": tables[0][EventFilter.L2_min],
        "events_rejected_L_any_min_g": tables[1][EventFilter.L_any_min],
    }
    return _counts(values)


@tag(stage="cones", helper="true")
@config.when_in(start=["hits", "events"])
def cone_counters__counted(
    neutron_candidate_cones: pd.DataFrame,
    gamma_candidate_cones: pd.DataFrame,
    neutron_direction_ok: Mask,
    gamma_direction_ok: Mask,
    neutron_cone_filter_code: U1,
    gamma_cone_filter_code: U1,
    neutron_selected_cones: pd.DataFrame,
) -> Counts:
    """Hypotheses and cones: possible, kept, and dropped by reason."""
    tables = [
        np.bincount(code, minlength=len(ConeFilter))
        for code in (neutron_cone_filter_code, gamma_cone_filter_code)
    ]
    failed = [t[ConeFilter.no_candidate] for t in tables]
    success = [t.sum() - f for t, f in zip(tables, failed, strict=True)]
    values = {
        **_by_species("events_cone_build_attempted", [t.sum() for t in tables]),
        **_by_species("events_cone_build_success", success),
        **_by_species("events_cone_build_failed", failed),
        **_by_species(
            "cones_checked_delta_theta",
            [s - t[ConeFilter.direction] for s, t in zip(success, tables, strict=True)],
        ),
    }
    for reason in (ConeFilter.direction, ConeFilter.delta_theta, ConeFilter.incident_energy):
        values |= _by_species(f"cones_rejected_{reason.name}", [t[reason] for t in tables])
    values |= _by_species("cones_dropped_max_cones", [t[ConeFilter.max_cones] for t in tables])
    values |= _by_species("cones_kept", [t[ConeFilter.kept] for t in tables])
    recoil = np.bincount(neutron_selected_cones["recoil_code"], minlength=len(Recoil))
    values |= {
        "cones_n_recoil_proton": recoil[Recoil.proton],
        "cones_n_recoil_carbon": recoil[Recoil.carbon],
        "cones_n_recoil_unknown": recoil[Recoil.none],
    }
    candidates = (neutron_candidate_cones, gamma_candidate_cones)
    values |= _by_species("candidates_total", [len(c) for c in candidates])
    status = [np.bincount(c["status"], minlength=len(CandidateStatus)) for c in candidates]
    for why in list(CandidateStatus)[1:]:
        values |= _by_species(f"candidates_rejected_{why.name}", [s[why] for s in status])
    away = [
        int(((c["status"] == CandidateStatus.ok).to_numpy() & ~ok).sum())
        for c, ok in zip(candidates, (neutron_direction_ok, gamma_direction_ok), strict=True)
    ]
    return _counts(values | _by_species("candidates_rejected_direction", away))


@tag(stage="images", helper="true")
@config.when_not(start="image")
def image_counters__counted(
    neutron_back_projection: BackProjection, gamma_back_projection: BackProjection
) -> Counts:
    """Cones that light at least one pixel, cones that miss the plane's range, pixels lit."""
    lit = [p.lit_pixels for p in (neutron_back_projection, gamma_back_projection)]
    values = {
        **_total_n_g("cones_imaged", [np.count_nonzero(x) for x in lit]),
        "cones_missed_plane_n": np.count_nonzero(lit[0] == 0),
        "cones_missed_plane_g": np.count_nonzero(lit[1] == 0),
        **_total_n_g("pixels_lit", [x.sum(dtype=np.int64) for x in lit]),
    }
    return _counts(values)


@tag(stage="counters", scope="run", main="true")
def counters(
    hit_counters: Counts,
    event_counters: Counts,
    cone_counters: Counts,
    image_counters: Counts,
) -> Counts:
    """Every counter of the run, in order of the stages."""
    return hit_counters + event_counters + cone_counters + image_counters


def _capped_events(hits: pd.DataFrame, rule: ShapingRule, take: int, is_on: bool) -> int:
    if not is_on or rule.policy != "all_combinations":
        return 0
    offsets = window_offsets(hits["event_id"].to_numpy())
    everything = rows_needed(offsets, take, _NO_LIMIT)
    return everything - rows_needed(offsets, take, rule.max_combinations)


def _by_species(name: str, numbers: object) -> dict[str, int]:
    """Total and the parts _n and _g; a third number (unknown species) counts in the total."""
    parts = [int(n) for n in numbers]  # type: ignore[attr-defined]
    return {name: sum(parts), f"{name}_n": parts[0], f"{name}_g": parts[1]}


def _total_n_g(name: str, numbers: object) -> dict[str, int]:
    n, g = (int(x) for x in numbers)  # type: ignore[attr-defined]
    return {f"{name}_total": n + g, f"{name}_n": n, f"{name}_g": g}


def _counts(values: Mapping[str, object]) -> Counts:
    return Counts({name: int(value) for name, value in values.items()})  # type: ignore[call-overload]
