"""Hits and the cuts on them: canonical hits in, filtered hits of each species out.

A cut leaves a reason code beside every hit (codes.HitFilter); nothing is dropped unseen.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.arrays import I8, U1
from ...schemas.imaging.codes import SPECIES, HitFilter, RawEventFate
from ...schemas.imaging.filters import HitFilters
from ...schemas.imaging.images import SourceRecords
from ...schemas.tables import rows_of
from .cuts import hit_filter_codes

NEUTRON_EVENT_HITS = 2
GAMMA_EVENT_HITS = 3


@tag(stage="hits", schema="Hits", helper="true", stored="false")
def neutron_hits(hits: pd.DataFrame) -> pd.DataFrame:
    """The hits taken for neutrons."""
    return _of_species(hits, "n")


@tag(stage="hits", schema="Hits", helper="true", stored="false")
def gamma_hits(hits: pd.DataFrame) -> pd.DataFrame:
    """The hits taken for gamma rays."""
    return _of_species(hits, "g")


@tag(stage="hits", schema="Hits", helper="true", stored="false")
def unknown_hits(hits: pd.DataFrame) -> pd.DataFrame:
    """Hits of unknown species: cut by the universal filters, counted, never shaped."""
    return _of_species(hits, "unknown")


@tag(stage="hits", helper="true", rows="neutron_hits")
def neutron_hit_filter_code(neutron_hits: pd.DataFrame, neutron_hit_filters: HitFilters) -> U1:
    """HitFilter code of each neutron hit."""
    return hit_filter_codes(neutron_hits, neutron_hit_filters)


@tag(stage="hits", helper="true", rows="gamma_hits")
def gamma_hit_filter_code(gamma_hits: pd.DataFrame, gamma_hit_filters: HitFilters) -> U1:
    """HitFilter code of each gamma hit."""
    return hit_filter_codes(gamma_hits, gamma_hit_filters)


@tag(stage="hits", helper="true", rows="unknown_hits")
def unknown_hit_filter_code(unknown_hits: pd.DataFrame, unknown_hit_filters: HitFilters) -> U1:
    """HitFilter code of each hit of unknown species."""
    return hit_filter_codes(unknown_hits, unknown_hit_filters)


@tag(stage="hits", rows="hits")
def hit_filter_code(
    hits: pd.DataFrame,
    neutron_hit_filter_code: U1,
    gamma_hit_filter_code: U1,
    unknown_hit_filter_code: U1,
) -> U1:
    """HitFilter code of each hit, in the order of ``hits``."""
    code = np.empty(len(hits), np.uint8)
    species = hits["species"].cat.codes.to_numpy()
    for k, part in enumerate(
        (neutron_hit_filter_code, gamma_hit_filter_code, unknown_hit_filter_code)
    ):
        code[species == k] = part
    return code


@tag(stage="hits", schema="Hits")
def neutron_filtered_hits(neutron_hits: pd.DataFrame, neutron_hit_filter_code: U1) -> pd.DataFrame:
    """Neutron hits that pass every cut."""
    return rows_of(neutron_hits, neutron_hit_filter_code == HitFilter.kept)


@tag(stage="hits", schema="Hits")
def gamma_filtered_hits(gamma_hits: pd.DataFrame, gamma_hit_filter_code: U1) -> pd.DataFrame:
    """Gamma hits that pass every cut."""
    return rows_of(gamma_hits, gamma_hit_filter_code == HitFilter.kept)


@tag(stage="hits", schema="Hits", main="true")
def filtered_hits(hits: pd.DataFrame, hit_filter_code: U1) -> pd.DataFrame:
    """Hits of every species that pass the cuts, in file order."""
    return rows_of(hits, hit_filter_code == HitFilter.kept)


@tag(stage="hits")
def raw_event_fate(
    source_records: SourceRecords,
    neutron_filtered_hits: pd.DataFrame,
    gamma_filtered_hits: pd.DataFrame,
    neutrons_on: bool,
    gammas_on: bool,
) -> U1:
    """RawEventFate of each raw event, in the order of its event_id.

    A raw event goes on if it still has two neutron hits or three gamma hits of a species that
    is on; it is ``species_off`` if only a species that is off could be reconstructed.
    """
    ids = source_records.raw_event_ids
    neutron = _hits_per_event(neutron_filtered_hits, ids) >= NEUTRON_EVENT_HITS
    gamma = _hits_per_event(gamma_filtered_hits, ids) >= GAMMA_EVENT_HITS
    fate = np.full(len(ids), RawEventFate.unreconstructable, np.uint8)
    fate[neutron | gamma] = RawEventFate.species_off
    fate[(neutron & neutrons_on) | (gamma & gammas_on)] = RawEventFate.kept
    return fate


def _of_species(hits: pd.DataFrame, name: str) -> pd.DataFrame:
    return rows_of(hits, hits["species"].cat.codes.to_numpy() == SPECIES.index(name))


def _hits_per_event(hits: pd.DataFrame, raw_event_ids: I8) -> I8:
    place = np.searchsorted(raw_event_ids, hits["event_id"].to_numpy())
    return np.bincount(place, minlength=len(raw_event_ids))
