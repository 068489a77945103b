"""Flights between neighbouring hits of a raw event: whether their speeds are possible."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from ...schemas.arrays import F8
from ...schemas.imaging.codes import GAMMA
from .kinematics import flight_beta, neutron_energy_MeV

UNITS: Final[Mapping[str, float]] = {
    "times in ps, where ns are read": 1e3,
    "times in us, where ns are read": 1e-3,
    "times in ms, where ns are read": 1e-6,
    "times in s, where ns are read": 1e-9,
    "positions in mm, where cm are read": 0.1,
    "positions in m, where cm are read": 100.0,
}
"""What the input may hold, and by what the speeds must then be multiplied."""
FLIGHT_COLUMNS: Final = ("event_id", "x_cm", "y_cm", "z_cm", "t_ns", "light_MeVee")
_SCALES: Final = np.array([1.0, *UNITS.values()])
# Resolution of times smears the speed of gamma rays by factors.
_GAMMA_BETA: Final = (0.1, 10.0)


def flights_of(hits: Mapping[str, np.ndarray]) -> tuple[F8, F8]:
    """(speed over c, light of the later hit in MeVee) of neighbouring hits of a raw event.

    ``hits`` has the arrays FLIGHT_COLUMNS. Pairs of one time or one point tell no speed and are
    left out.
    """
    same = np.diff(hits["event_id"]) == 0
    moved = [np.diff(hits[f"{a}_cm"])[same] for a in "xyz"]
    distance = np.sqrt(sum(d * d for d in moved))
    time = np.diff(hits["t_ns"])[same]
    light = hits["light_MeVee"]
    later = np.where(time > 0, light[1:][same], light[:-1][same])
    told = (time != 0) & (distance > 0) & np.isfinite(time) & np.isfinite(distance)
    return flight_beta(distance[told], np.abs(time[told])), later[told]


def impossible_flights(beta: F8, light_MeVee: F8, species: int) -> np.ndarray:
    """How many flights are impossible as read, and for each unit that the input may have.

    A neutron is slower than light and has the energy that it gives at its second hit; a gamma ray
    flies with about that of light.
    """
    speeds = beta[None, :] * _SCALES[:, None]
    if species == GAMMA:
        wrong = (speeds < _GAMMA_BETA[0]) | (speeds > _GAMMA_BETA[1])
    else:
        with np.errstate(invalid="ignore"):
            wrong = ~(neutron_energy_MeV(speeds) >= light_MeVee[None, :])
    return np.asarray(wrong.sum(axis=1))
