"""The small integers that stand in columns, and what each of them means.

A reason is always a code in an array beside the rows; counters count the codes.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

SPECIES: Final = ("n", "g", "unknown")
NEUTRON: Final = 0
GAMMA: Final = 1


class HitFilter(IntEnum):
    """Why a hit left, in the order in which the reasons are tried; 0 for a hit that stays."""

    kept = 0
    threshold = 1
    psd = 2
    bar_exclude = 3
    bar_include = 4
    material_exclude = 5
    material_include = 6
    clipped = 7
    particle = 8


class RawEventFate(IntEnum):
    """What became of a raw coincidence window."""

    kept = 0
    unreconstructable = 1
    species_off = 2
    shaping = 3


class EventFilter(IntEnum):
    """Why a typed event left, in the order in which the reasons are tried."""

    kept = 0
    max_events = 1
    tof_window = 2
    L1_min = 3
    L2_min = 4
    L_any_min = 5
    hit_distance = 6


class EnergyStatus(IntEnum):
    """Whether the kinetic energies of a neutron event are physical."""

    ok = 0
    tof_not_positive = 1
    faster_than_light = 2
    up_scatter = 3
    light_outside_response = 4
    no_light_response = 5
    recoil_not_positive = 6
    start_time_unknown = 7


class CandidateStatus(IntEnum):
    """Whether a hypothesis is kinematically possible. The first eight are EnergyStatus."""

    ok = 0
    tof_not_positive = 1
    faster_than_light = 2
    up_scatter = 3
    light_outside_response = 4
    no_light_response = 5
    recoil_not_positive = 6
    start_time_unknown = 7
    cosine_outside = 8
    energy_not_positive = 9
    angle_too_small = 10
    coincident_points = 11


class Recoil(IntEnum):
    """The struck nucleus of a neutron hypothesis; ``none`` for gammas."""

    none = 0
    proton = 1
    carbon = 2


class ConeFilter(IntEnum):
    """Why the selected hypothesis of an event left."""

    kept = 0
    no_candidate = 1
    direction = 2
    delta_theta = 3
    incident_energy = 4
    max_cones = 5


GAMMA_ORDERS: Final = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))
"""Orders of the three hits of a gamma event; a tie is won by the earlier one."""
