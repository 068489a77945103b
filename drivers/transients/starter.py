"""A folder to begin with: commented settings and a small simulated campaign, ready to run."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from ...schemas.transient_simulation import TransientSimulationSettings
from ..checked_settings import checked_settings
from ..starter import make_starter_folder, write_shipped
from .simulation import output_paths, write_campaign

_SETTINGS: Final = "transients.toml"
_CAMPAIGN: Final = "campaign"
_OPTIONS: Final = {"hits": "--events", "seed": "--seed"}
_STEPS: Final = 5
_RECORDINGS: Final = 125
# Fewer cannot hold every kind of anomaly and of damage beside sound recordings.
_FEWEST_WITH_FAULTS: Final = 50


def write_starter(
    folder: Path, events: int | None, seed: int, overwrite: bool
) -> tuple[Path, Path]:
    """Settings and a campaign of about so many recordings, in a folder that is made if absent.

    UsageError if the folder cannot be, or holds such files and ``overwrite`` is not given.
    """
    wanted = _RECORDINGS if events is None else events
    steps = _STEPS if wanted >= _STEPS**2 else 1
    values: dict[str, Any] = {"seed": seed, "steps": steps, "hits": round(wanted / steps**2)}
    if wanted < _FEWEST_WITH_FAULTS:
        values |= {"planted": (), "damage": (), "stray": 0}
    simulated = checked_settings(TransientSimulationSettings, values, _OPTIONS, "command line")
    settings, campaign = folder / _SETTINGS, folder / _CAMPAIGN
    outputs = output_paths([simulated], campaign)
    make_starter_folder(folder, [settings, *outputs], overwrite=overwrite)
    write_campaign([simulated], campaign, overwrite=overwrite)
    write_shipped(settings)
    return settings, campaign
