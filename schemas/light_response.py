"""Frames of the light response of scintillators, shared by pipelines and the simulation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .sources import FileRef
from .tables import Column, TableSchema

STOPPING_POWERS: Final = TableSchema(
    "StoppingPowers",
    "an ion energy in a material",
    (
        Column("material", "category", "", "scintillator"),
        Column("ion", "category", "", "proton or carbon"),
        Column("energy_MeV", "float64", "MeV", "kinetic energy of the ion", at_least=0.0),
        Column("stopping_power_MeV_cm2_per_g", "float64", "MeV cm2/g", "electronic + nuclear"),
    ),
)

LIGHT_RESPONSE: Final = TableSchema(
    "LightResponse",
    "a point of a response curve; both columns rise within a material and recoil",
    (
        Column("material", "category", "", "scintillator"),
        Column("recoil", "category", "", "proton or carbon"),
        Column("energy_MeV", "float64", "MeV", "kinetic energy of the recoil", at_least=0.0),
        Column("light_MeVee", "float64", "MeVee", "light, electron equivalent", at_least=0.0),
        Column("light_low_MeVee", "float64", "MeVee", "light less 1 sigma, where told", True),
        Column("light_high_MeVee", "float64", "MeVee", "light and 1 sigma, where told", True),
    ),
)


@dataclass(frozen=True)
class LightTables:
    """Light responses of the user: (material, recoil, file) of each, in order."""

    files: tuple[tuple[str, str, FileRef], ...] = ()
