"""Gamma triple scatters: bars, source and lines in, true scatters out.

A gamma flies from the source into a bar and Compton-scatters there and in two others (a bar
reports one hit). The density of the points is that of the Klein-Nishina cross-section with
1/distance^2 flux on every flight; electrons are free and at rest, and there is no attenuation.
The third deposit follows Klein-Nishina as well: the gamma leaves with the rest.
"""

from __future__ import annotations

import numpy as np
from hamilton.function_modifiers import tag

from ...schemas.arrays import F8, frozen
from ...schemas.imaging.codes import Recoil
from ...schemas.simulation import (
    Cells,
    FlightTable,
    GammaSpectrum,
    RandomStreams,
    Scatters,
    Source,
    Thresholds,
)
from ..constants import SPEED_OF_LIGHT_CM_PER_NS
from .kinematics import (
    angle_between_rad,
    compton_energy_MeV,
    cosine_between,
    distance_cm,
    klein_nishina,
)
from .proposals import (
    Columns,
    accepted_events,
    first_cells,
    flight_weight,
    next_cells,
    points_cm,
    source_weight,
)
from .sources import source_points_cm


@tag(stage="gammas")
def gamma_scatters(
    n_gammas: int,
    source: Source,
    gamma_spectrum: GammaSpectrum,
    detector_cells: Cells,
    gamma_flights: FlightTable,
    thresholds: Thresholds,
    random_streams: RandomStreams,
) -> Scatters:
    """True triple scatters of gammas above the thresholds, shape (n_gammas, 3)."""
    lines = np.asarray(gamma_spectrum.lines_MeV)
    # A deposit is its own light: the higher threshold decides.
    least_MeV = max(thresholds.min_light_MeVee, thresholds.min_deposit_MeV)

    def batch(rng: np.random.Generator, n: int) -> Columns:
        first = _first_flight(rng, n, source, lines, detector_cells, gamma_flights, least_MeV)
        x1, x2 = first["x"][3:6], first["x"][6:]
        u = rng.random((7, x1.shape[1]))
        cell1, cell2 = first["cell"]
        cell3 = next_cells(gamma_flights, 1, cell2, u[0])
        x3 = points_cm(detector_cells, cell3, u[1:4])
        before = first["energy"][1]
        cosine2 = cosine_between(x2 - x1, x3 - x2)
        after = compton_energy_MeV(before, cosine2)
        cosine3 = 2.0 * u[4] - 1.0
        last = compton_energy_MeV(after, cosine3)
        weight = flight_weight(gamma_flights, cell2, cell3, distance_cm(x2, x3)) * klein_nishina(
            before, cosine2
        )
        keep = (
            (u[5] < weight)
            & (u[6] < klein_nishina(after, cosine3))
            & (detector_cells.bar[cell3] != detector_cells.bar[cell1])
            & (np.minimum(before - after, after - last) >= least_MeV)
        )
        return {
            "x": np.concatenate([first["x"], x3])[:, keep],
            "energy": np.concatenate([first["energy"], [after, last]])[:, keep],
            "bar": detector_cells.bar[np.concatenate([first["cell"], [cell3]])[:, keep]],
        }

    return _scatters(accepted_events(random_streams.gammas, n_gammas, batch, "gamma"))


def _first_flight(
    rng: np.random.Generator,
    n: int,
    source: Source,
    lines_MeV: F8,
    cells: Cells,
    flights: FlightTable,
    least_MeV: float,
) -> Columns:
    """Those of n proposals whose first two points are accepted; the third is then worth it."""
    u = rng.random((11, n))
    x0 = source_points_cm(source, u[0])
    incident = lines_MeV[(u[1] * len(lines_MeV)).astype(np.int64)]
    cell1 = first_cells(flights, u[2])
    cell2 = next_cells(flights, 0, cell1, u[3])
    x1 = points_cm(cells, cell1, u[4:7])
    x2 = points_cm(cells, cell2, u[7:10])
    cosine = cosine_between(x1 - x0, x2 - x1)
    after = compton_energy_MeV(incident, cosine)
    weight = (
        source_weight(flights, cell1, distance_cm(x0, x1))
        * flight_weight(flights, cell1, cell2, distance_cm(x1, x2))
        * klein_nishina(incident, cosine)
        / flights.likelihood[0][cell1, cell2]
    )
    keep = (u[10] < weight) & (incident - after >= least_MeV)
    return {
        "x": np.concatenate([x0, x1, x2])[:, keep],
        "energy": np.stack([incident, after])[:, keep],
        "cell": np.stack([cell1, cell2])[:, keep],
    }


def _scatters(columns: Columns) -> Scatters:
    x0, x1, x2, x3 = columns["x"].reshape(4, 3, -1)
    energy = columns["energy"]
    flights = np.stack([distance_cm(x0, x1), distance_cm(x1, x2), distance_cm(x2, x3)])
    return Scatters(
        source_cm=frozen(x0.T),
        incident_energy_MeV=frozen(energy[0]),
        theta_rad=frozen(angle_between_rad(x1 - x0, x2 - x1)),
        recoil=frozen(np.full(len(energy[0]), Recoil.none, dtype=np.uint8)),
        bar=frozen(columns["bar"].T.astype(np.int32)),
        position_cm=frozen(np.stack([x1.T, x2.T, x3.T], axis=1)),
        time_ns=frozen(np.cumsum(flights, axis=0).T / SPEED_OF_LIGHT_CM_PER_NS),
        deposit_MeV=frozen(-np.diff(energy, axis=0).T),
        light_MeVee=frozen(-np.diff(energy, axis=0).T),
    )
