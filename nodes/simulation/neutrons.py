"""Neutron double scatters: bars, source and spectrum in, true scatters out.

A neutron flies from the source into a bar, scatters elastically on hydrogen or carbon, flies
into another bar and scatters on hydrogen. The density of the two points is that of isotropic
scattering in the centre of mass with 1/distance^2 flux on both flights; there is no attenuation
and no energy dependence of the cross-sections. Kinematics and flight times are exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.arrays import F8, I4, Mask, frozen
from ...schemas.imaging.codes import Recoil
from ...schemas.simulation import (
    Cells,
    DetectorArray,
    FlightTable,
    NeutronSpectrum,
    RandomStreams,
    Scattering,
    Scatters,
    Source,
    Thresholds,
)
from ..constants import CARBON12_MASS_MEV, PROTON_MASS_MEV
from ..light_response import response_curve
from .kinematics import (
    angle_between_rad,
    cosine_between,
    distance_cm,
    elastic_scatter,
    highest_recoil_energy_MeV,
    neutron_speed_cm_per_ns,
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
from .sources import neutron_energies_MeV, source_points_cm


@tag(stage="neutrons")
def neutron_scatters(
    n_neutrons: int,
    source: Source,
    neutron_spectrum: NeutronSpectrum,
    detector: DetectorArray,
    detector_cells: Cells,
    neutron_flights: FlightTable,
    scattering: Scattering,
    thresholds: Thresholds,
    light_response: pd.DataFrame,
    random_streams: RandomStreams,
) -> Scatters:
    """True double scatters of neutrons above the thresholds, shape (n_neutrons, 2)."""
    light = _NeutronLight(light_response, tuple(b.material for b in detector.bars))

    def batch(rng: np.random.Generator, n: int) -> Columns:
        u = rng.random((16, n))
        x0 = source_points_cm(source, u[0])
        incident = neutron_energies_MeV(neutron_spectrum, u[1:5])
        cell1 = first_cells(neutron_flights, u[5])
        cell2 = next_cells(neutron_flights, 0, cell1, u[6])
        x1 = points_cm(detector_cells, cell1, u[7:10])
        x2 = points_cm(detector_cells, cell2, u[10:13])
        on_carbon = u[15] < scattering.carbon_fraction
        mass = np.where(on_carbon, CARBON12_MASS_MEV, PROTON_MASS_MEV)
        after, likelihood = elastic_scatter(incident, cosine_between(x1 - x0, x2 - x1), mass)
        weight = (
            source_weight(neutron_flights, cell1, distance_cm(x0, x1))
            * flight_weight(neutron_flights, cell1, cell2, distance_cm(x1, x2))
            * likelihood
        )
        recoil1 = incident - after
        recoil2 = u[14] * highest_recoil_energy_MeV(after, PROTON_MASS_MEV)
        bar1, bar2 = detector_cells.bar[cell1], detector_cells.bar[cell2]
        light1 = light.of(recoil1, bar1, on_carbon)
        light2 = light.of(recoil2, bar2, np.zeros(n, dtype=np.bool_))
        keep = (
            (u[13] < weight)
            & (np.minimum(light1, light2) >= thresholds.min_light_MeVee)
            & (np.minimum(recoil1, recoil2) >= thresholds.min_deposit_MeV)
        )
        return {
            "x": np.concatenate([x0, x1, x2])[:, keep],
            "energy": np.stack([incident, after, recoil1, recoil2])[:, keep],
            "light": np.stack([light1, light2])[:, keep],
            "bar": np.stack([bar1, bar2])[:, keep],
            "carbon": on_carbon[keep],
        }

    return _scatters(accepted_events(random_streams.neutrons, n_neutrons, batch, "neutron"))


def _scatters(columns: Columns) -> Scatters:
    x0, x1, x2 = columns["x"][:3], columns["x"][3:6], columns["x"][6:]
    incident, after, recoil1, recoil2 = columns["energy"]
    t1 = distance_cm(x0, x1) / neutron_speed_cm_per_ns(incident)
    t2 = t1 + distance_cm(x1, x2) / neutron_speed_cm_per_ns(after)
    code = np.where(columns["carbon"], Recoil.carbon, Recoil.proton)
    return Scatters(
        source_cm=frozen(x0.T),
        incident_energy_MeV=frozen(incident),
        theta_rad=frozen(angle_between_rad(x1 - x0, x2 - x1)),
        recoil=frozen(code.astype(np.uint8)),
        bar=frozen(columns["bar"].T.astype(np.int32)),
        position_cm=frozen(np.stack([x1.T, x2.T], axis=1)),
        time_ns=frozen(np.stack([t1, t2], axis=1)),
        deposit_MeV=frozen(np.stack([recoil1, recoil2], axis=1)),
        light_MeVee=frozen(columns["light"].T),
    )


@dataclass(frozen=True)
class _NeutronLight:
    """Light of recoils in the bars, by linear interpolation of the curves from (0, 0)."""

    light_response: pd.DataFrame
    materials: tuple[str, ...]

    def of(self, recoil_MeV: F8, bar: I4, on_carbon: Mask) -> F8:
        material = np.asarray(self.materials)[bar]
        light = np.zeros(len(recoil_MeV))
        for name in sorted(set(self.materials)):
            for recoil, struck in (("proton", ~on_carbon), ("carbon", on_carbon)):
                rows = (material == name) & struck
                curve = response_curve(self.light_response, name, recoil)
                if curve is None or not rows.any():
                    continue
                energy, height = (np.concatenate([[0.0], c]) for c in curve)
                light[rows] = np.interp(recoil_MeV[rows], energy, height)
        return light
