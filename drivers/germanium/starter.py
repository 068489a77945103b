"""A folder to begin with: commented settings and a small simulated calibration, ready to run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from ...schemas.germanium_simulation import GermaniumSimulationSettings
from ..checked_settings import checked_settings
from ..files import new_output
from ..starter import make_starter_folder, shipped_text
from .simulation import write_germanium_simulation

_SETTINGS: Final = "germanium.toml"
# The time of a name is that of the first row, as `radiograph germanium files` has it.
_DATA: Final = "sim-p01-r001-cal-20241224T002640Z-tier_raw.lh5"
_EVENTS: Final = 8000
_OPTIONS: Final = {"n_events": "--events", "seed": "--seed"}


def write_starter(
    folder: Path, events: int | None, seed: int, overwrite: bool
) -> tuple[Path, Path]:
    """Settings and a raw file of one detector with so many events.

    UsageError if the folder cannot be, or holds such files and ``overwrite`` is not given.
    """
    wanted = {"n_events": _EVENTS if events is None else events, "seed": seed, "enriched": True}
    simulated = checked_settings(GermaniumSimulationSettings, wanted, _OPTIONS, "command line")
    settings, data = folder / _SETTINGS, folder / _DATA
    make_starter_folder(folder, [settings, data], overwrite=overwrite)
    write_germanium_simulation(simulated, data, overwrite=overwrite)
    text = re.sub(r'input_path = "raw\.lh5" ', f'input_path = "{_DATA}" ', shipped_text(_SETTINGS))
    with new_output(settings) as temporary:
        temporary.write_text(text, "utf-8")
    return settings, data
