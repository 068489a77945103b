"""Selected cones: candidates with their scores in, at most one cone an event out.

The hypothesis is the one nearest to the target, or the likeliest one, whatever the target.

The cuts act on the selected hypothesis: an event whose choice is cut does not fall back to
another one. Each event has one reason (codes.ConeFilter).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag

from ...schemas.arrays import F8, I8, U1, Mask
from ...schemas.imaging.codes import GAMMA_ORDERS, CandidateStatus, ConeFilter, Recoil
from ...schemas.imaging.filters import ConeFilters
from ...schemas.imaging.frames import SELECTED_CONES
from .cuts import first_in_file_order

NEUTRON_HYPOTHESES: Final = 2
GAMMA_HYPOTHESES: Final = len(GAMMA_ORDERS)


@tag(stage="cones")
@config.when(cone_selection="min_delta")
def neutron_chosen_row__nearest(
    neutron_candidate_cones: pd.DataFrame,
    neutron_cone_scores: F8,
    neutron_direction_ok: Mask,
    protons_only: bool,
) -> I8:
    """Row of the chosen hypothesis in neutron_candidate_cones of each event, -1 for none."""
    possible = _possible(neutron_candidate_cones) & neutron_direction_ok
    if protons_only:
        possible &= (neutron_candidate_cones["recoil_code"] == Recoil.proton).to_numpy()
    return _least(neutron_cone_scores, possible, NEUTRON_HYPOTHESES)


@tag(stage="cones")
@config.when(cone_selection="min_delta")
def gamma_chosen_row__nearest(
    gamma_candidate_cones: pd.DataFrame, gamma_cone_scores: F8, gamma_direction_ok: Mask
) -> I8:
    """Row of the chosen hypothesis in gamma_candidate_cones of each event, -1 for none."""
    possible = _possible(gamma_candidate_cones) & gamma_direction_ok
    return _least(gamma_cone_scores, possible, GAMMA_HYPOTHESES)


@tag(stage="cones")
@config.when(cone_selection="mixture")
def neutron_chosen_row__likeliest(
    neutron_candidate_cones: pd.DataFrame,
    neutron_candidate_weights: F8,
    neutron_direction_ok: Mask,
) -> I8:
    """Row of the neutron hypothesis of greatest weight of each event, -1 for none."""
    possible = _possible(neutron_candidate_cones) & neutron_direction_ok
    return _likeliest(neutron_candidate_weights, possible, NEUTRON_HYPOTHESES)


@tag(stage="cones")
@config.when(cone_selection="mixture")
def gamma_chosen_row__likeliest(
    gamma_candidate_cones: pd.DataFrame, gamma_candidate_weights: F8, gamma_direction_ok: Mask
) -> I8:
    """Row of the gamma hypothesis of greatest weight of each event, -1 for none."""
    possible = _possible(gamma_candidate_cones) & gamma_direction_ok
    return _likeliest(gamma_candidate_weights, possible, GAMMA_HYPOTHESES)


@tag(stage="cones", helper="true")
def neutron_cone_cut_code(
    neutron_candidate_cones: pd.DataFrame,
    neutron_cone_scores: F8,
    neutron_chosen_row: I8,
    neutron_cone_filters: ConeFilters,
    protons_only: bool,
) -> U1:
    """ConeFilter code of each neutron event, before max_cones."""
    possible = _possible(neutron_candidate_cones)
    if protons_only:
        possible &= (neutron_candidate_cones["recoil_code"] == Recoil.proton).to_numpy()
    return _cut_codes(
        neutron_candidate_cones,
        neutron_cone_scores,
        neutron_chosen_row,
        neutron_cone_filters,
        possible,
    )


@tag(stage="cones", helper="true")
def gamma_cone_cut_code(
    gamma_candidate_cones: pd.DataFrame,
    gamma_cone_scores: F8,
    gamma_chosen_row: I8,
    gamma_cone_filters: ConeFilters,
) -> U1:
    """ConeFilter code of each gamma event, before max_cones."""
    return _cut_codes(
        gamma_candidate_cones,
        gamma_cone_scores,
        gamma_chosen_row,
        gamma_cone_filters,
        _possible(gamma_candidate_cones),
    )


@tag(stage="cones")
@config.when(cone_cap=False)
def neutron_cone_filter_code__all(neutron_cone_cut_code: U1) -> U1:
    """ConeFilter code of each neutron event; there is no max_cones."""
    return neutron_cone_cut_code


@tag(stage="cones")
@config.when(cone_cap=False)
def gamma_cone_filter_code__all(gamma_cone_cut_code: U1) -> U1:
    """ConeFilter code of each gamma event; there is no max_cones."""
    return gamma_cone_cut_code


@tag(stage="cones")
@config.when(cone_cap=True)
def neutron_cone_filter_code__capped(
    neutron_filtered_events: pd.DataFrame,
    gamma_filtered_events: pd.DataFrame,
    neutron_cone_cut_code: U1,
    gamma_cone_cut_code: U1,
    cone_budget: int,
) -> U1:
    """ConeFilter code of each neutron event; the first ``cone_budget`` cones stay."""
    events = (neutron_filtered_events, gamma_filtered_events)
    return _capped(events, (neutron_cone_cut_code, gamma_cone_cut_code), cone_budget)[0]


@tag(stage="cones")
@config.when(cone_cap=True)
def gamma_cone_filter_code__capped(
    neutron_filtered_events: pd.DataFrame,
    gamma_filtered_events: pd.DataFrame,
    neutron_cone_cut_code: U1,
    gamma_cone_cut_code: U1,
    cone_budget: int,
) -> U1:
    """ConeFilter code of each gamma event; the first ``cone_budget`` cones stay."""
    events = (neutron_filtered_events, gamma_filtered_events)
    return _capped(events, (neutron_cone_cut_code, gamma_cone_cut_code), cone_budget)[1]


@tag(stage="cones", schema="SelectedCones")
@config.when_in(start=["hits", "events"])
def neutron_selected_cones__chosen(
    neutron_candidate_cones: pd.DataFrame,
    neutron_cone_scores: F8,
    neutron_chosen_row: I8,
    neutron_cone_filter_code: U1,
) -> pd.DataFrame:
    """The neutron cones that are imaged, in order of their events."""
    rows = neutron_chosen_row[neutron_cone_filter_code == ConeFilter.kept]
    return _selected(neutron_candidate_cones, neutron_cone_scores, rows)


@tag(stage="cones", schema="SelectedCones")
@config.when_in(start=["hits", "events"])
def gamma_selected_cones__chosen(
    gamma_candidate_cones: pd.DataFrame,
    gamma_cone_scores: F8,
    gamma_chosen_row: I8,
    gamma_cone_filter_code: U1,
) -> pd.DataFrame:
    """The gamma cones that are imaged, in order of their events."""
    rows = gamma_chosen_row[gamma_cone_filter_code == ConeFilter.kept]
    return _selected(gamma_candidate_cones, gamma_cone_scores, rows)


def _least(scores_rad: F8, possible: Mask, per_event: int) -> I8:
    """Row of the least score among the possible hypotheses; a tie is won by the earlier.

    Without a prior every score is NaN and the first possible hypothesis is taken.
    """
    if len(scores_rad) == 0:
        return np.zeros(0, np.int64)
    ranked = np.where(np.isnan(scores_rad), np.finfo(np.float64).max, scores_rad)
    ranked = np.where(possible, ranked, np.inf).reshape(-1, per_event)
    best = ranked.argmin(axis=1)
    rows = best + per_event * np.arange(len(ranked))
    rows[~possible.reshape(-1, per_event).any(axis=1)] = -1
    return rows


def _likeliest(weights: F8, possible: Mask, per_event: int) -> I8:
    """Row of the greatest weight among the possible hypotheses; one without weight is none."""
    return _least(-weights, possible & (weights > 0), per_event)


def _possible(candidates: pd.DataFrame) -> Mask:
    return (candidates["status"] == CandidateStatus.ok).to_numpy().copy()


def _cut_codes(
    candidates: pd.DataFrame, scores_rad: F8, chosen_row: I8, cuts: ConeFilters, possible: Mask
) -> U1:
    per_event = len(possible) // max(len(chosen_row), 1)
    code = np.full(len(chosen_row), ConeFilter.kept, np.uint8)
    chosen = chosen_row >= 0
    code[~chosen] = ConeFilter.direction
    code[~possible.reshape(len(chosen_row), per_event).any(axis=1)] = ConeFilter.no_candidate
    rows = chosen_row[chosen]
    cut = np.full(len(rows), ConeFilter.kept, np.uint8)
    if cuts.max_incident_energy_MeV > 0:
        energy = candidates["incident_energy_MeV"].to_numpy()[rows]
        cut[energy > cuts.max_incident_energy_MeV] = ConeFilter.incident_energy
    if cuts.max_delta_theta_deg > 0:
        too_far = scores_rad[rows] > np.radians(cuts.max_delta_theta_deg)
        cut[too_far] = ConeFilter.delta_theta
    code[chosen] = cut
    return code


def _capped(
    events: tuple[pd.DataFrame, pd.DataFrame], codes: tuple[U1, U1], budget: int
) -> tuple[U1, U1]:
    kept = [code == ConeFilter.kept for code in codes]
    first = first_in_file_order(events[0].loc[kept[0]], events[1].loc[kept[1]], budget)
    capped = []
    for code, mask, within in zip(codes, kept, first, strict=True):
        new = code.copy()
        new[np.flatnonzero(mask)[~within]] = ConeFilter.max_cones
        capped.append(new)
    return capped[0], capped[1]


def _selected(candidates: pd.DataFrame, scores_rad: F8, rows: I8) -> pd.DataFrame:
    chosen = candidates.take(rows)
    columns = {c: chosen[c] for c in SELECTED_CONES.names if c in chosen}
    return SELECTED_CONES.frame(
        {
            **{k: v.array if k == "species" else v.to_numpy() for k, v in columns.items()},
            "candidate_row": rows,
            "delta_theta_rad": scores_rad[rows],
        }
    )
