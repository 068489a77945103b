"""Light of recoils by the response, and their energies by its inverse. Plain functions."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...schemas.arrays import F8, U1
from ...schemas.imaging.codes import EnergyStatus
from ..light_response import response_curve


def recoil_energies_of_light(
    light_MeVee: F8, material: pd.Series, recoil: str, light_response: pd.DataFrame
) -> tuple[F8, U1]:
    """(recoil energy, EnergyStatus) by the inverse response; NaN outside the table."""
    energy = np.full(len(light_MeVee), np.nan)
    status = np.full(len(light_MeVee), EnergyStatus.no_light_response, np.uint8)
    codes = material.cat.codes.to_numpy()
    for code, name in enumerate(material.cat.categories):
        curve = response_curve(light_response, str(name), recoil)
        if curve is None:
            continue
        energies, lights = curve
        mine = codes == code
        light = light_MeVee[mine]
        inside = (light >= lights[0]) & (light <= lights[-1])
        energy[mine] = np.where(inside, np.interp(light, lights, energies), np.nan)
        status[mine] = np.where(inside, EnergyStatus.ok, EnergyStatus.light_outside_response)
    return energy, status


def recoil_light_MeVee(
    energy_MeV: F8, material: pd.Series, recoil: str, light_response: pd.DataFrame
) -> F8:
    """Light of recoils by the response, its ends held beyond the table; NaN without a curve."""
    light = np.full(len(energy_MeV), np.nan)
    codes = material.cat.codes.to_numpy()
    for code, name in enumerate(material.cat.categories):
        if (curve := response_curve(light_response, str(name), recoil)) is not None:
            mine = codes == code
            light[mine] = np.interp(energy_MeV[mine], *curve)
    return light
