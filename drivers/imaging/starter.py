"""A folder to begin with: commented settings and a small simulated file, ready to run."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ..starter import make_starter_folder, write_shipped
from .simulation import simulation_settings, write_simulation

_SETTINGS: Final = "phits_edep.toml"
_EVENTS: Final = "events.out"
_USUAL: Final = 4000


def write_starter(
    folder: Path, events: int | None, seed: int, overwrite: bool
) -> tuple[Path, Path]:
    """Settings and an input of so many neutron events, in a folder that is made if absent.

    UsageError if the folder cannot be, or holds such files and ``overwrite`` is not given.
    """
    events = _USUAL if events is None else events
    settings, data = folder / _SETTINGS, folder / _EVENTS
    make_starter_folder(folder, [settings, data], overwrite=overwrite)
    simulated = simulation_settings({"n_neutrons": events, "n_gammas": events // 5, "seed": seed})
    write_simulation(simulated, data, "phits", overwrite=overwrite)
    write_shipped(settings)
    return settings, data
