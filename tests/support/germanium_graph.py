"""The calibration nodes as a pipeline of their own: channels of one HDF5 file of dsp columns."""

from __future__ import annotations

from types import MappingProxyType

import h5py
import pandas as pd
from hamilton.function_modifiers import tag
from radiograph.drivers.definition import Definition, Source
from radiograph.schemas.germanium import aoe, energy, pictures, quality, stability, survival
from radiograph.schemas.sources import FileRef

NODES = (
    "pulsers",
    "quality",
    "energy",
    "aoe_time",
    "aoe",
    "lq",
    "stability",
    "figure_data",
    "figures",
)
TABLES = (
    quality.QUALITY_FLAGS, quality.QUALITY_SURVIVALS, energy.ENERGY_PEAKS, energy.ENERGY_SCALES,
    energy.QBB_WIDTHS, energy.RESOLUTION_CURVES, energy.TRAPPING_ALPHAS, aoe.AOE_BANDS,
    aoe.AOE_TIMES, aoe.FILE_TIMES, survival.SURVIVALS, stability.TIME_STABILITY, pictures.SPECTRA,
    pictures.ENERGY_SPECTRUM,
    pictures.PEAK_HISTOGRAMS, pictures.DRIFT_POINTS, pictures.CLASSIFIER_COUNTS,
    pictures.QUALITY_HISTOGRAMS,
)  # fmt: skip


@tag(stage="load", scope="channel")
def dsp_columns(source_file: FileRef, channel: str) -> pd.DataFrame:
    """The columns of a channel."""
    with h5py.File(source_file.path) as file:
        return pd.DataFrame({name: file[channel][name][:] for name in file[channel]})


CALIBRATION = Definition(
    "calibration",
    modules=(__name__, *(f"radiograph.nodes.germanium.{name}" for name in NODES)),
    sources=(Source("source", "io.input_path", "dsp columns"),),
    tables=TABLES,
    home=f"{__name__}:CALIBRATION",
    scopes=MappingProxyType({"run": (), "channel": ("channel",), "range": ("channel",)}),
    keyed=frozenset({"channel"}),
)
