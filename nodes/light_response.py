"""Light response of organic scintillators: stopping powers in, light against energy out.

Reference: J. B. Birks, Proc. Phys. Soc. A 64 (1951) 874,
L(E) = S * integral_0^E dE' / (1 + kB dE/dx(E')), with the total linear stopping power.
Imaging inverts the table; the simulation reads it forwards.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from ..schemas.arrays import F8
from ..schemas.light_response import LIGHT_RESPONSE, STOPPING_POWERS
from .csv_numbers import EXACT


@dataclass(frozen=True)
class Scintillator:
    """Density in g/cm3 and Birks' constant in cm/MeV."""

    density_g_per_cm3: float
    birks_cm_per_MeV: float


SCINTILLATORS: Final = {
    # Densities and Birks' constants: NOVO light-response calibration (see configs/README.md).
    "OGS": Scintillator(1.2591, 0.0068294),
    "M600": Scintillator(1.207, 0.0121671),
}

_CURVE_COLUMN = re.compile(r"(?P<material>\w+)_(?P<ion>proton|carbon)")

# Points of the integration per table interval: the integrand varies smoothly between the
# tabulated stopping powers, so the trapezoid rule is then good to 1e-6.
_SUBDIVISIONS: Final = 8


def stopping_power_table(text: str) -> pd.DataFrame:
    """StoppingPowers from the text of configs/stopping_powers.csv.

    Comment lines start with ``#``; the first column is the energy in MeV, each further
    column ``MATERIAL_ion`` a total mass stopping power in MeV cm2/g.
    """
    wide = pd.read_csv(io.StringIO(text), comment="#", **EXACT)
    long = wide.melt("energy_MeV", var_name="curve", value_name="stopping_power_MeV_cm2_per_g")
    parts = long["curve"].str.extract(_CURVE_COLUMN)
    return STOPPING_POWERS.frame({**long, "material": parts["material"], "ion": parts["ion"]})


def birks_light_MeVee(energy_MeV: F8, dedx_MeV_per_cm: F8, birks_cm_per_MeV: float) -> F8:
    """Light of an ion that stops, Birks (1951), with S = 1 (light is calibrated in MeVee).

    Parameters
    ----------
    energy_MeV, dedx_MeV_per_cm
        Shape (n,), rising energies and the total linear stopping power there. Below the
        first energy the stopping power is taken as constant.

    Returns
    -------
    Shape (n,), MeVee.
    """
    if len(energy_MeV) == 0:
        return np.zeros(0)
    integrand = 1.0 / (1.0 + birks_cm_per_MeV * dedx_MeV_per_cm)
    steps = 0.5 * (integrand[1:] + integrand[:-1]) * np.diff(energy_MeV)
    return np.asarray(integrand[0] * energy_MeV[0] + np.concatenate([[0.0], np.cumsum(steps)]))


def birks_light_response(stopping_powers: pd.DataFrame) -> pd.DataFrame:
    """LightResponse of every material with a known Birks constant in the table.

    Stopping powers are interpolated linearly in the logarithms, as tables of them are made
    for.
    """
    rows: list[pd.DataFrame] = []
    for (material, ion), table in stopping_powers.groupby(["material", "ion"], observed=True):
        scintillator = SCINTILLATORS.get(str(material))
        if scintillator is None:
            continue
        energy = table["energy_MeV"].to_numpy()
        total = table["stopping_power_MeV_cm2_per_g"].to_numpy()
        fine = _subdivided(energy)
        dedx = scintillator.density_g_per_cm3 * np.exp(
            np.interp(np.log(fine), np.log(energy), np.log(total))
        )
        light = birks_light_MeVee(fine, dedx, scintillator.birks_cm_per_MeV)
        rows.append(response_rows(str(material), str(ion), fine, light))
    return response_table(rows)


def _subdivided(energy_MeV: F8) -> F8:
    index = np.arange(len(energy_MeV))
    fine = np.linspace(0, len(energy_MeV) - 1, (len(energy_MeV) - 1) * _SUBDIVISIONS + 1)
    return np.asarray(np.exp(np.interp(fine, index, np.log(energy_MeV))))


def response_rows(
    material: str,
    recoil: str,
    energy_MeV: F8,
    light_MeVee: F8,
    band_MeVee: tuple[F8, F8] | None = None,
) -> pd.DataFrame:
    """The rows of one curve, before response_table makes the columns categorical.

    ``band_MeVee`` is the light less and more one sigma, NaN where it is not told.
    """
    low, high = (np.nan, np.nan) if band_MeVee is None else band_MeVee
    return pd.DataFrame(
        {
            "material": material,
            "recoil": recoil,
            "energy_MeV": energy_MeV,
            "light_MeVee": light_MeVee,
            "light_low_MeVee": low,
            "light_high_MeVee": high,
        }
    )


def response_table(rows: list[pd.DataFrame]) -> pd.DataFrame:
    """One LightResponse frame of the curves in ``rows``."""
    if not rows:
        return LIGHT_RESPONSE.empty()
    table = pd.concat(rows, ignore_index=True)
    return LIGHT_RESPONSE.frame({c: table[c] for c in LIGHT_RESPONSE.names})


def response_curve(
    light_response: pd.DataFrame, material: str, recoil: str
) -> tuple[F8, F8] | None:
    """Energies (MeV) and light (MeVee) of one curve, or None where the table has none."""
    curve = _rows_of(light_response, material, recoil)
    if not len(curve):
        return None
    return curve["energy_MeV"].to_numpy(), curve["light_MeVee"].to_numpy()


def response_sigma(
    light_response: pd.DataFrame, material: str, recoil: str
) -> tuple[F8, F8] | None:
    """Light and half the width of its band (MeVee) of one curve, or None where none is told."""
    curve = _rows_of(light_response, material, recoil)
    half = 0.5 * (curve["light_high_MeVee"] - curve["light_low_MeVee"]).to_numpy()
    if not len(curve) or np.isnan(half).any():
        return None
    return curve["light_MeVee"].to_numpy(), half


def _rows_of(light_response: pd.DataFrame, material: str, recoil: str) -> pd.DataFrame:
    chosen = (light_response["material"] == material) & (light_response["recoil"] == recoil)
    return light_response.loc[chosen]
