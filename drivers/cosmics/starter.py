"""A folder to begin with: commented settings, cut sets and simulated files, ready to run."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ...schemas.cosmics_simulation import CosmicsSimulationSettings
from ..checked_settings import checked_settings
from ..starter import make_starter_folder, write_shipped
from .simulation import output_paths, write_cosmics_simulation

EVENTS: Final = 2000
# So poor a veto that some of a few thousand events are left to look at; their truth says it.
_VETO_INEFFICIENCY: Final = 0.3
_SETTINGS: Final = ("cosmics.toml", "cosmics_cuts.yaml")
_SIGNAL: Final = "signal"
_OPTIONS: Final = {"n_events": "--events", "seed": "--seed"}


def write_starter(folder: Path, events: int, seed: int, overwrite: bool) -> tuple[Path, Path]:
    """Settings, cut sets, a file of cosmic rays and one of signal with pile-up in ``signal``.

    The veto of the cosmic rays misses three of ten, so that a run has unvetoed events.

    UsageError if the folder cannot be, or holds such files and ``overwrite`` is not given.
    """
    wanted = {"n_events": events, "seed": seed}
    several = [
        (
            checked_settings(CosmicsSimulationSettings, wanted | more, _OPTIONS, "command line"),
            place,
        )
        for more, place in (
            ({"kind": "cosmic", "veto_inefficiency": _VETO_INEFFICIENCY}, folder),
            ({"kind": "mix"}, folder / _SIGNAL),
        )
    ]
    data = [
        path for simulated, place in several for path in output_paths(simulated, place).values()
    ]
    make_starter_folder(folder, [*(folder / n for n in _SETTINGS), *data], overwrite=overwrite)
    (made, _) = [
        write_cosmics_simulation(simulated, place, overwrite=overwrite)
        for simulated, place in several
    ]
    for name in _SETTINGS:
        write_shipped(folder / name)
    return folder / _SETTINGS[0], made.out
