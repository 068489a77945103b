"""Germanium in small: channels, forced triggers, parameters of a time; calibrate and apply."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pandas as pd
from hamilton.function_modifiers import tag
from radiograph.drivers.definition import Definition, Source
from radiograph.drivers.engine.parts import Part
from radiograph.schemas.errors import InputError, Unfit
from radiograph.schemas.failures import Failure
from radiograph.schemas.sources import EventRange, FileRef
from radiograph.schemas.tables import Column, TableSchema

N_A_RANGE = 50
FEWEST_PULSES = 30
PULSES = TableSchema("Pulses", "a pulse", (Column("height_adc", "float64", "adc", "height"),))
ENERGIES = TableSchema("Energies", "a pulse", (Column("energy_keV", "float64", "keV", "energy"),))
RESOLUTIONS = TableSchema(
    "Resolutions",
    "a channel",
    (
        Column("channel", "category", "", "channel"),
        Column("noise_keV", "float64", "keV", "noise of the forced triggers"),
        Column("mean_keV", "float64", "keV", "mean of the pulses"),
    ),
)


@dataclass(frozen=True)
class Gain:
    """Gain and its offset, of one channel."""

    keV_per_adc: float
    n_pulses: int


def _heights(source: FileRef, events: EventRange, channel: str) -> pd.DataFrame:
    table = pd.read_csv(source.path)
    rows = table[table["channel"] == channel].iloc[events.first_event :][: events.n_events]
    try:
        return PULSES.frame({"height_adc": rows["height_adc"]})
    except ValueError as reason:
        raise InputError(f"{source.path}: {reason}", file=source.path) from None


@tag(stage="load", schema="Pulses")
def heights(source_file: FileRef, event_range: EventRange, channel: str) -> pd.DataFrame:
    """Pulses of a channel in a range of its rows."""
    return _heights(source_file, event_range, channel)


@tag(stage="load", schema="Pulses", scope="forced_range")
def forced_heights(forced_file: FileRef, event_range: EventRange, channel: str) -> pd.DataFrame:
    """The same of the forced triggers."""
    return _heights(forced_file, event_range, channel)


@tag(stage="calibrate", scope="channel")
def pedestal_adc(forced_heights: pd.DataFrame, parameter_file: FileRef) -> float:
    """The mean of the forced triggers, and what the parameters of the time add to it."""
    return float(forced_heights["height_adc"].mean()) + float(Path(parameter_file.path).read_text())


@tag(stage="calibrate", scope="channel")
def gain(heights: pd.DataFrame, pedestal_adc: float, line_keV: float) -> Gain:
    """The gain of a channel; Unfit where it has too few pulses."""
    n = len(heights)
    if n < FEWEST_PULSES:
        msg = f"{n} pulses, at least {FEWEST_PULSES} are needed"
        raise Unfit("too_few_pulses", msg, {"n_pulses": n})
    return Gain(line_keV / (float(heights["height_adc"].mean()) - pedestal_adc), n)


@tag(stage="apply", schema="Energies")
def energies(heights: pd.DataFrame, gain: Gain, pedestal_adc: float) -> pd.DataFrame:
    """Energies of the pulses of a range."""
    height = heights["height_adc"] - pedestal_adc
    return ENERGIES.frame({"energy_keV": gain.keV_per_adc * height})


@tag(stage="apply", scope="channel", helper="true")
def n_calibrated(gain: Gain | Failure, pedestal_adc: float) -> int:
    """Pulses that the gain is of; none of a channel without one, which has its pedestal."""
    del pedestal_adc
    return 0 if isinstance(gain, Failure) else gain.n_pulses


@tag(stage="apply", scope="channel")
def mean_keV(energies: pd.DataFrame) -> float:
    """The mean energy of a channel."""
    return float(energies["energy_keV"].mean())


@tag(stage="apply", scope="channel")
def noise_keV(forced_heights: pd.DataFrame, gain: Gain) -> float:
    """The width of the forced triggers."""
    return float(forced_heights["height_adc"].std(ddof=0)) * gain.keV_per_adc


@tag(stage="judge", schema="Resolutions", scope="run")
def resolutions(
    each_mean_keV: Mapping[str, float], each_noise_keV: Mapping[str, float]
) -> pd.DataFrame:
    """Noise and mean of every channel that was calibrated."""
    channels = sorted(each_mean_keV)
    return RESOLUTIONS.frame(
        {
            "channel": channels,
            "noise_keV": [each_noise_keV[c] for c in channels],
            "mean_keV": [each_mean_keV[c] for c in channels],
        }
    )


def _parts(
    sources: Sequence[FileRef],
    forced: Sequence[FileRef],
    valid: Mapping[str, FileRef],
    n_pulses: Mapping[str, int],
) -> Iterator[Part]:
    """Ranges of every channel in files of both kinds, and the parameters that are valid for it."""
    for channel, parameter_file in valid.items():
        yield Part({"channel": channel}, {"channel": channel, "parameter_file": parameter_file})
        for role, refs in (("file", sources), ("forced", forced)):
            name = "source_file" if role == "file" else "forced_file"
            for number, ref in enumerate(refs):
                at = {"channel": channel, role: number}
                yield Part(at, {name: ref})
                for k, first in enumerate(range(0, n_pulses[channel], N_A_RANGE)):
                    n = min(N_A_RANGE, n_pulses[channel] - first)
                    yield Part({**at, "range": k}, {"event_range": EventRange(first, n)}, n)


CHANNELS = Definition(
    "channels",
    modules=(__name__,),
    sources=(
        Source("source", "io.input_path", "pulses"),
        Source("forced", "io.forced", "triggers"),
    ),
    tables=(PULSES, ENERGIES, RESOLUTIONS),
    home=f"{__name__}:CHANNELS",
    scopes=MappingProxyType(
        {
            "run": (),
            "channel": ("channel",),
            "range": ("channel", "file", "range"),
            "forced_range": ("channel", "forced", "range"),
        }
    ),
    keyed=frozenset({"channel"}),
)
