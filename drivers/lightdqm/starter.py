"""A folder to begin with: commented settings and a small simulated light file, ready to run."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ...schemas.light_simulation import LightSimulationSettings
from ..checked_settings import checked_settings
from ..starter import make_starter_folder, write_shipped
from .simulation import output_paths, write_light_simulation

_SETTINGS: Final = "lightdqm.toml"
_DATA: Final = "data"
_USUAL: Final = 100
_OPTIONS: Final = {"n_events": "--events", "seed": "--seed"}


def write_starter(
    folder: Path, events: int | None, seed: int, overwrite: bool
) -> tuple[Path, Path]:
    """Settings and a light file of so many events, in a folder that is made if absent.

    UsageError if the folder cannot be, or holds such files and ``overwrite`` is not given.
    """
    wanted = {"n_events": _USUAL if events is None else events, "seed": seed, "n_adcs": 2}
    simulated = checked_settings(LightSimulationSettings, wanted, _OPTIONS, "command line")
    settings, data = folder / _SETTINGS, folder / _DATA
    outputs = output_paths(simulated, data)
    make_starter_folder(folder, [settings, *outputs.values()], overwrite=overwrite)
    made = write_light_simulation(simulated, data, overwrite=overwrite)
    write_shipped(settings)
    return settings, made.out
