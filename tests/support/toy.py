"""A pipeline of a hundred lines: pulses in text files, a gain a channel, energies, a spectrum."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag
from numpy.typing import NDArray
from radiograph.drivers.defaults import asked_processes
from radiograph.drivers.definition import Definition, Source
from radiograph.drivers.engine.parts import Part
from radiograph.drivers.graph_inputs import Input
from radiograph.schemas.errors import InputError
from radiograph.schemas.settings import PipelineSettings, RunSettings, Section
from radiograph.schemas.sources import EventRange, FileRef
from radiograph.schemas.tables import Column, TableSchema

LAST_KEV = 2000
I8 = NDArray[np.int64]
PULSES = TableSchema(
    "Pulses",
    "a pulse",
    (
        Column("channel", "int64", "", "channel"),
        Column("height_adc", "float64", "adc", "height"),
    ),
)
GAINS = TableSchema(
    "Gains",
    "a channel",
    (
        Column("channel", "int64", "", "channel"),
        Column("keV_per_adc", "float64", "keV/adc", "gain"),
    ),
)
ENERGIES = TableSchema(
    "Energies",
    "a pulse",
    (
        Column("pulse_row", "int64", "", "row of pulses"),
        Column("energy_keV", "float64", "keV", "energy"),
    ),
)


@tag(stage="load", schema="Pulses")
def pulses(source_file: FileRef, event_range: EventRange) -> pd.DataFrame:
    """Pulses of a range of lines."""
    first, n = event_range.first_event, event_range.n_events
    try:
        rows = np.loadtxt(source_file.path, delimiter=",", ndmin=2, skiprows=first, max_rows=n)
    except ValueError as reason:
        raise InputError(f"{source_file.path}: {reason}", file=source_file.path) from None
    return PULSES.frame({"channel": rows[:, 0], "height_adc": rows[:, 1]})


@tag(stage="calibrate", schema="Gains", scope="run")
def gains(pulses: pd.DataFrame, line_keV: float) -> pd.DataFrame:
    """The gain of each channel, of all pulses of the run."""
    mean = pulses.groupby("channel")["height_adc"].mean()
    return GAINS.frame({"channel": mean.index, "keV_per_adc": line_keV / mean.to_numpy()})


@tag(stage="apply", schema="Energies")
def energies(pulses: pd.DataFrame, gains: pd.DataFrame) -> pd.DataFrame:
    """Energies of the pulses of a range: the second pass over the data."""
    if str(pulses["channel"].max()) == os.environ.get("TOY_BAD_CHANNEL"):
        raise InputError("a channel that the second sweep cannot take")
    gain = gains.set_index("channel")["keV_per_adc"].loc[pulses["channel"]].to_numpy()
    energy = gain * pulses["height_adc"]
    return ENERGIES.frame({"pulse_row": np.arange(len(pulses)), "energy_keV": energy})


@tag(stage="apply")
def spectrum(energies: pd.DataFrame, n_bins: int) -> I8:
    """Counts from 0 to LAST_KEV."""
    return np.histogram(energies["energy_keV"], n_bins, (0, LAST_KEV))[0].astype(np.int64)


@tag(stage="judge", scope="run")
def peak_bin(spectrum: I8) -> int:
    """The highest bin of the spectrum."""
    return int(spectrum.argmax())


class Toy(Section):
    """[toy]."""

    line_keV: float = 662.0
    """Energy of the line."""
    n_bins: int = 40
    """Bins of the spectrum."""


class ToyPipeline(Section):
    """[pipeline]."""

    name: Literal["toy"] = "toy"
    """Which graph."""
    until: Literal["load", "calibrate", "apply", "judge"] = "judge"
    """Last stage that is run and stored."""


class ToyConfig(PipelineSettings):
    """Settings of the toy."""

    pipeline: ToyPipeline = ToyPipeline()
    run: RunSettings = RunSettings(chunk_events=100)
    toy: Toy = Toy()


def _parts(config: ToyConfig, files: Mapping[str, Mapping[int, FileRef]]) -> Iterator[Part]:
    """Ranges of lines of each file."""
    lines = config.run.chunk_events
    for number, ref in files["source"].items():
        n = Path(ref.path).read_text().count("\n")
        for k, first in enumerate(range(0, n, lines)):
            events = EventRange(first, min(lines, n - first))
            inputs = {"source_file": ref, "event_range": events}
            yield Part({"file": number, "range": k}, inputs, events.n_events)


TOY = Definition(
    "toy",
    settings=ToyConfig,
    sources=(Source("source", "io.input_path", "text file of pulses", "*.txt"),),
    parts=_parts,
    inputs=(Input("line_keV", ("toy.line_keV",)), Input("n_bins", ("toy.n_bins",))),
    stages=("load", "calibrate", "apply", "judge"),
    outputs=("pulses", "gains", "energies", "spectrum", "peak_bin"),
    modules=(__name__,),
    tables=(PULSES, GAINS, ENERGIES),
    aliases=MappingProxyType({"peak": "peak_bin"}),
    home=f"{__name__}:TOY",
    processes=asked_processes,
    merges=MappingProxyType({"spectrum": "add"}),
    row_numbers=MappingProxyType({"pulse_row": "pulses"}),
)
