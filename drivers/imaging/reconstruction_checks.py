"""Checks across sections of what is reconstructed with uncertainty: does the data allow it?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ...schemas.imaging.config import ImagingConfig
from ..definition import Fault


def known_energy(config: ImagingConfig, _folder: Path) -> Iterator[Fault]:
    """What compares flight and light needs to know the incident energy."""
    strategy = config.energy.strategy
    if strategy == "FixedEn":
        return
    if config.uncertainty.combine_light:
        text = (
            f'combine_light = true needs [energy] strategy = "FixedEn", not "{strategy}": light is '
            "a second estimate only where the incident energy is known; set false"
        )
        yield Fault("uncertainty", text, ("uncertainty.combine_light", "energy.strategy"))
    if config.calibration.mode == "self" and "consistency" in config.calibration.steps:
        text = (
            f'step "consistency" needs [energy] strategy = "FixedEn", not "{strategy}"; set '
            'steps = ["edges"]'
        )
        yield Fault("calibration", text, ("calibration.steps", "energy.strategy"))


def bands_of_light(config: ImagingConfig, _folder: Path) -> Iterator[Fault]:
    """Bands of the light are those of tables of the user."""
    if not config.uncertainty.use_lut_bands:
        return
    if config.energy.strategy == "Edep" or not config.energy.lut_paths:
        text = (
            "use_lut_bands = true needs a table with light_low and light_high: add "
            '[energy.lut_paths.MATERIAL] proton = "table.csv" and a strategy other than "Edep"'
        )
        keys = ("uncertainty.use_lut_bands", "energy.strategy", "energy.lut_paths")
        yield Fault("uncertainty", text, keys)


def plane_of_sources(config: ImagingConfig, _folder: Path) -> Iterator[Fault]:
    """A source is fitted, and imaged, on the plane."""
    if config.plane is not None:
        return
    uncertain = [method for method in config.imaging.methods if method != "sbp"]
    if uncertain:
        text = f'method "{uncertain[0]}" needs the plane that the source lies in; add [plane]'
        yield Fault("imaging", text, ("imaging.method", "plane"))
    if config.uncertainty.enabled and not uncertain:
        text = "enabled = true needs the plane that gamma cones are seen from; add [plane]"
        yield Fault("uncertainty", text, ("uncertainty.enabled", "plane"))
    if config.calibration.mode == "self" and "bias" in config.calibration.steps:
        text = 'step "bias" needs to know from where neutrons come, about; add [plane]'
        yield Fault("calibration", text, ("calibration.steps", "plane"))


def constants_file(config: ImagingConfig, folder: Path) -> Iterator[Fault]:
    """The table of constants is there."""
    path = config.calibration.path
    if path is not None and not (folder / path).is_file():
        text = f'path = "{path}": there is no file {folder / path}; correct the path'
        yield Fault("calibration", text, ("calibration.path",))
