"""Light of recoils by the response, its resolution, and energies by its inverse.

Plain functions.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...schemas.arrays import F8, U1
from ...schemas.errors import InputError
from ...schemas.imaging.codes import EnergyStatus
from ...schemas.imaging.uncertainty import Uncertainty
from ..light_response import response_curve, response_sigma
from .resolutions import light_sigma_MeVee


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


def recoil_light_sigma_MeVee(
    light_MeVee: F8,
    material: pd.Series,
    recoil: str,
    light_response: pd.DataFrame,
    uncertainty: Uncertainty,
) -> F8:
    """Resolution of the light of recoils: half the band of their curve where bands are used.

    Beyond its ends a band is held; a curve without one has the resolution of the settings.
    """
    sigma = light_sigma_MeVee(light_MeVee, material, uncertainty)
    if not uncertainty.use_lut_bands:
        return sigma
    if light_response["light_low_MeVee"].isna().all():
        msg = (
            "[uncertainty] use_lut_bands = true, but no table of [energy.lut_paths] has "
            "the columns light_low and light_high; add them, or set use_lut_bands = false."
        )
        raise InputError(msg, key="uncertainty.use_lut_bands")
    codes = material.cat.codes.to_numpy()
    for code, name in enumerate(material.cat.categories):
        if (band := response_sigma(light_response, str(name), recoil)) is not None:
            mine = codes == code
            sigma[mine] = np.interp(light_MeVee[mine], *band)
    return sigma
