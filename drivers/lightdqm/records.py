"""What a run of the graph found, as the store of runs keeps it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import xxhash
from numpy.typing import NDArray

from ...nodes.lightdqm.load import event_table, light_events, light_layout
from ...schemas.lightdqm.arrays import PowerSpectra
from ...schemas.lightdqm.config import LightDqm
from ...schemas.lightdqm.detector import N_CHANNELS
from ...schemas.lightdqm.frames import GRANULARITIES, QUANTITIES
from ...schemas.lightdqm.stored_runs import (
    LIGHT_SUMMARIES,
    ROI_MHZ,
    STORED_TRIGGERS,
    SUMMARIES,
    SUMMARY_PARTS,
    RunIdentity,
    RunRecord,
    roi_label,
)
from ...schemas.sources import FileRef
from ..library_versions import installed_version
from ..unchanged import unchanged
from .file_names import run_number

RECORD_TARGETS: Final = (
    "noise_summary",
    "baseline_summary",
    "dqm_fractions",
    "power_spectra",
    "light_ratios",
    "dqm_verdict",
    "trigger_counts",
)
"""The nodes that the store keeps something of."""

# Settings that the stored numbers depend on. The verdict depends on more, but it is replaced with
# the file, and files are compared by their numbers.
_MEASURING: Final = ("ptps16bit", "max_evts", "noise_samples", "powspec_nevts", "legacy")


def config_hash(settings: LightDqm) -> str:
    """Names the settings that the stored numbers depend on: equal for files measured alike."""
    values = {name: getattr(settings, name) for name in _MEASURING}
    # The formulas of the script depend on the unit they work in.
    values["units"] = settings.units if settings.legacy else ""
    return xxhash.xxh3_64(json.dumps(values, sort_keys=True).encode()).hexdigest()


def identity_of(source: FileRef, settings: LightDqm) -> RunIdentity:
    """Which file it is, with the times of its first and last event; InputError if unreadable."""
    name = Path(source.path).name
    number = run_number(name)
    with unchanged([source]):
        table = event_table(source, light_layout(source))
    events = light_events(table, table.trigger)
    times = events["utime_ms"].to_numpy()
    known = times[times > 0]
    return RunIdentity(
        name=name,
        content=source.content_hash,
        run=number.run,
        subrun=number.subrun,
        start_ms=int(known.min()) if len(known) else None,
        end_ms=int(known.max()) if len(known) else None,
        config_hash=config_hash(settings),
    )


def record_of(identity: RunIdentity, path: str, found: Mapping[str, Any]) -> RunRecord:
    """The record of a file from the values of RECORD_TARGETS."""
    arrays: dict[str, NDArray[Any]] = {}
    for quantity in SUMMARIES:
        arrays |= _summary_arrays(quantity, found[f"{quantity}_summary"])
    arrays |= _fraction_arrays(found["dqm_fractions"], len(arrays["noise.median"]))
    arrays |= _spectrum_arrays(found["power_spectra"])
    if "light_ratios" in found:
        arrays |= _light_arrays(found["light_ratios"], len(arrays["noise.median"]))
    return RunRecord(
        identity,
        path,
        installed_version("radiograph"),
        "file",
        arrays,
        found["dqm_verdict"],
        found["trigger_counts"],
    )


def _summary_arrays(quantity: str, frame: pd.DataFrame) -> dict[str, NDArray[Any]]:
    parts = {part: frame[f"{part}_adc16"] for part in SUMMARY_PARTS}
    parts["n"] = frame["n"]
    return {
        f"{quantity}.{part}": column.to_numpy().reshape(-1, N_CHANNELS)
        for part, column in parts.items()
    }


def _light_arrays(frame: pd.DataFrame, n_adcs: int) -> dict[str, NDArray[Any]]:
    place = (frame["adc"].to_numpy(), frame["channel"].to_numpy())
    arrays: dict[str, NDArray[Any]] = {}
    for quantity in LIGHT_SUMMARIES:
        columns = {"median": quantity, "p16": f"{quantity}_p16", "p84": f"{quantity}_p84"}
        for part, column in columns.items():
            grid = np.full((n_adcs, N_CHANNELS), np.nan)
            grid[place] = frame[column]
            arrays[f"{quantity}.{part}"] = grid
        counts = np.zeros((n_adcs, N_CHANNELS), dtype=np.int64)
        counts[place] = frame[f"n_{quantity}"]
        arrays[f"{quantity}.n"] = counts
    return arrays


def _fraction_arrays(frame: pd.DataFrame, n_adcs: int) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    for quantity in QUANTITIES:
        for trigger in STORED_TRIGGERS:
            for granularity in GRANULARITIES:
                rows = frame[
                    (frame["quantity"] == quantity)
                    & (frame["trigger"] == trigger)
                    & (frame["granularity"] == granularity)
                ]
                place = (rows["adc"].to_numpy(), rows["channel"].to_numpy())
                for part in ("k", "n"):
                    grid = np.zeros((n_adcs, N_CHANNELS), dtype=np.int64)
                    grid[place] = rows[part]
                    arrays[f"{quantity}.{trigger}.{granularity}.{part}"] = grid
    return arrays


def _spectrum_arrays(spectra: PowerSpectra) -> dict[str, NDArray[Any]]:
    """The bins nearest to the frequencies that are followed; none without a spectrum."""
    arrays: dict[str, NDArray[Any]] = {}
    if not len(spectra.frequency_MHz):
        return arrays
    for frequency in ROI_MHZ:
        place = int(np.argmin(np.abs(spectra.frequency_MHz - frequency)))
        for part, values in (("median", spectra.median_V2), ("mean", spectra.mean_V2)):
            name = f"spectrum.{roi_label(frequency)}.{part}"
            arrays[name] = np.ascontiguousarray(values[..., place], dtype=np.float64)
    return arrays
