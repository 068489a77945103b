"""Events of a pulser: those that a mask names, or a line that comes with one period."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag
from numpy.typing import NDArray

from ...schemas.germanium.pulsers import PulserLine
from ...schemas.sources import FileRefs
from .columns import absence, column_of
from .periodic_lines import periodic_line
from .pulser_masks import mask_of

_TRIGGER: Final = ["time_s", "energy_adc"]


@tag(stage="load", scope="channel", helper="true", stored="false")
@config.when(begins="raw")
def trigger_energies__of_raw(raw_scalars: pd.DataFrame) -> pd.DataFrame:
    """Time and energy of the read-out of each trigger: time_s, energy_adc."""
    values = [raw_scalars[name].to_numpy(np.float64) for name in ("timestamp_s", "daqenergy")]
    return pd.DataFrame(dict(zip(_TRIGGER, values, strict=True)))


@tag(stage="load", scope="channel", helper="true", stored="false")
@config.when(begins="dsp")
def trigger_energies__of_dsp(dsp_columns: pd.DataFrame) -> pd.DataFrame:
    """Time and trapEmax of each trigger, NaN where there is none: time_s, energy_adc."""
    nothing = np.full(len(dsp_columns), np.nan)
    values = [
        nothing if absence(dsp_columns, name) else column_of(dsp_columns, name)
        for name in ("timestamp", "trapEmax")
    ]
    return pd.DataFrame(dict(zip(_TRIGGER, values, strict=True)))


@tag(stage="load", scope="channel")
@config.when(pulser="given")
def pulser_line__given(
    trigger_energies: pd.DataFrame,
    pulser_files: FileRefs,
    channel: str,
    detectors: dict[str, str],
) -> PulserLine:
    """The events that the mask files name; Unfit if they are of another number of rows."""
    mask = mask_of(pulser_files, channel, detectors, len(trigger_energies))
    times = np.sort(trigger_energies["time_s"].to_numpy()[mask])
    energy = trigger_energies["energy_adc"].to_numpy()[mask]
    if len(times) < 2:
        return PulserLine(times, is_cut=True)
    period = float(np.median(np.diff(times)))
    return PulserLine(times, period, float(np.median(energy)), float(energy.std()), is_cut=True)


@tag(stage="load", scope="channel")
@config.when(pulser="found")
def pulser_line__found(trigger_energies: pd.DataFrame) -> PulserLine:
    """The line of one period, which calibrations leave out."""
    found = pulser_line__kept(trigger_energies)
    return replace(found, is_cut=len(found.times_s) > 0)


@tag(stage="load", scope="channel")
@config.when(pulser="kept")
def pulser_line__kept(trigger_energies: pd.DataFrame) -> PulserLine:
    """The line of one period, which is told of and stays."""
    time, energy = (trigger_energies[name].to_numpy() for name in _TRIGGER)
    return periodic_line(time, energy)


@tag(stage="load", scope="channel", helper="true")
def pulser_times_s(pulser_line: PulserLine) -> NDArray[np.float64]:
    """Times of the events of a pulser that calibrations leave out, ascending."""
    return pulser_line.times_s if pulser_line.is_cut else np.empty(0)
