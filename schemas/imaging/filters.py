"""Settings of the cuts: [filters.hits], [filters.events], [filters.cones] and [shaping].

Each has a universal table and the tables ``.neutron`` and ``.gamma``: a key that is set
there wins, key by key. A node is given the resolved table of one species.
"""

from __future__ import annotations

from typing import Literal, TypeVar

from pydantic import Field

from ..settings import Section, Window

Policy = Literal["time_asc", "energy_desc", "all_combinations"]


class HitFilters(Section):
    """Cuts on single hits. Windows are closed, an empty include list restricts nothing."""

    min_light_MeVee: float = 0.0
    """Least light, MeVee."""
    max_light_MeVee: float | None = None
    """Most light, MeVee; absent = no limit."""
    psd_min: float | None = None
    """Least pulse-shape parameter, where a hit has one."""
    psd_max: float | None = None
    """Greatest pulse-shape parameter, where a hit has one."""
    bars_include: tuple[int, ...] = ()
    """Keep these detectors only."""
    bars_exclude: tuple[int, ...] = ()
    """Drop these detectors."""
    materials_include: tuple[str, ...] = ()
    """Keep these materials only."""
    materials_exclude: tuple[str, ...] = ()
    """Drop these materials."""


class HitFiltersBySpecies(HitFilters):
    """[filters.hits]."""

    neutron: HitFilters = HitFilters()
    """What is different for neutron hits."""
    gamma: HitFilters = HitFilters()
    """What is different for gamma hits."""


class EventFilters(Section):
    """Cuts on events."""

    tof_window_ns: Window = (0.0, 1e9)
    """Allowed t2 - t1, ns, ends included."""
    min_L1_MeVee: float = 0.0
    """Least light of the first hit of a neutron event, MeVee."""
    min_L2_MeVee: float = 0.0
    """Least light of the second hit of a neutron event, MeVee."""
    min_L_any_MeVee: float = 0.0
    """Least light of every hit of a gamma event, MeVee."""
    max_hit_distance_cm: float = Field(default=0.0, ge=0)
    """Greatest distance between hits 1 and 2, cm; 0 = no limit."""


class EventFiltersBySpecies(EventFilters):
    """[filters.events]."""

    neutron: EventFilters = EventFilters()
    """What is different for neutron events."""
    gamma: EventFilters = EventFilters()
    """What is different for gamma events."""


class ConeFilters(Section):
    """Cuts on the selected hypothesis."""

    max_delta_theta_deg: float = Field(default=0.0, ge=0)
    """Greatest |phi - theta| to the prior, deg; 0 = no cut."""
    max_incident_energy_MeV: float = Field(default=0.0, ge=0)
    """Greatest incident energy, MeV; 0 = no cut."""


class ConeFiltersBySpecies(ConeFilters):
    """[filters.cones]."""

    neutron: ConeFilters = ConeFilters()
    """What is different for neutron cones."""
    gamma: ConeFilters = ConeFilters()
    """What is different for gamma cones."""


class Filters(Section):
    """[filters]."""

    hits: HitFiltersBySpecies = HitFiltersBySpecies()
    """Cuts on hits."""
    events: EventFiltersBySpecies = EventFiltersBySpecies()
    """Cuts on events."""
    cones: ConeFiltersBySpecies = ConeFiltersBySpecies()
    """Cuts on cones."""


class Shaping(Section):
    """[shaping]: which hits of a raw event make an event. Absent policies follow the format."""

    neutron_policy: Policy | None = None
    """Which two neutron hits: the first, the brightest, or every pair."""
    gamma_policy: Policy | None = None
    """Which three gamma hits: the first, the brightest, or every triple."""
    max_combinations: int = Field(default=5000, ge=1)
    """Most combinations taken of one raw event and species."""


class ShapingRule(Section):
    """The policy of one species as a node is given it."""

    policy: Policy
    max_combinations: int


S = TypeVar("S", bound=Section)


def resolved(universal: Section, override: S) -> S:
    """The table of one species: ``universal`` with the keys that ``override`` sets."""
    keys = type(override).model_fields
    values = {k: getattr(universal, k) for k in keys}
    values |= {k: getattr(override, k) for k in override.model_fields_set}
    return type(override)(**values)
