"""A folder to begin with: commented settings and a small simulated file, ready to run."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Final

from ...schemas.errors import UsageError
from ..files import check_new_files, new_output
from .simulation import simulation_settings, write_simulation

_SETTINGS: Final = "phits_edep.toml"
_EVENTS: Final = "events.out"


def write_starter(folder: Path, events: int, seed: int, overwrite: bool) -> tuple[Path, Path]:
    """Settings and an input of so many neutron events, in a folder that is made if absent.

    UsageError if the folder cannot be, or holds such files and ``overwrite`` is not given.
    """
    if folder.exists() and not folder.is_dir():
        msg = f"{folder}: is a file; name a folder"
        raise UsageError(msg, file=folder)
    settings, data = folder / _SETTINGS, folder / _EVENTS
    check_new_files([settings, data], (), overwrite=overwrite, elsewhere="another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as reason:
        msg = f"{folder}: cannot be made ({reason.strerror or reason}); name another folder"
        raise UsageError(msg, file=folder) from None
    simulated = simulation_settings({"n_neutrons": events, "n_gammas": events // 5, "seed": seed})
    write_simulation(simulated, data, "phits", overwrite=overwrite)
    text = resources.files("radiograph.configs").joinpath(_SETTINGS).read_text("utf-8")
    with new_output(settings, elsewhere="another folder") as temporary:
        temporary.write_text(text, "utf-8")
    return settings, data
