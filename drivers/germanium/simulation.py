"""Simulated germanium detectors as LH5 files of the raw tier, with the truth beside each table.

The layout is that of LEGEND's files of 2025: presummed and windowed waveforms, encoded.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from ...nodes.germanium.codecs import RADWARE, ULEB128
from ...nodes.simulation.germanium_events import detector_constants
from ...schemas.germanium_simulation import (
    CLASSES,
    DT_NS,
    GERMANIUM_TRUTH,
    PRESUM_RATE,
    WINDOW,
    DetectorConstants,
    GermaniumSimulationSettings,
)
from ..definition import Definition
from ..files import check_new_files, new_output
from ..graph import build_driver
from .lh5_writing import Lh5Column, Lh5Waveforms, columns_of_frame, new_lh5, write_table

_TOLD: Final = {
    "timestamp": {"units": "s"},
    "baseline": {"units": "ADC"},
    "daqenergy": {"units": "ADC"},
    "dc_label": {"names": ",".join(CLASSES)},
}
_NODES: Final = ("raw_scalars", "raw_waveforms", "germanium_truth")


@dataclass(frozen=True)
class GermaniumSimulationResult:
    """What was written: the file, its channels, the constants of each and how many bytes."""

    out: Path
    constants: tuple[DetectorConstants, ...]
    n_events: int
    size_bytes: int


def germanium_simulation_pipeline() -> Definition:
    """The graph of the simulated detectors."""
    modules = tuple(f"radiograph.nodes.simulation.germanium_{s}" for s in ("events", "waveforms"))
    return Definition("germanium_simulation", modules=modules, tables=(GERMANIUM_TRUTH,))


def simulated(
    settings: GermaniumSimulationSettings, index: int, constants: DetectorConstants
) -> dict[str, Any]:
    """The raw table of one detector and its truth."""
    driver = build_driver(germanium_simulation_pipeline(), {})
    inputs = {"settings": settings, "channel_index": index, "constants": constants}
    return dict(driver.execute(list(_NODES), inputs=inputs))


def write_germanium_simulation(
    settings: GermaniumSimulationSettings, out: Path, *, overwrite: bool = False
) -> GermaniumSimulationResult:
    """Write a file of the raw tier; UsageError if it is there and must not be replaced."""
    check_new_files([out], (), overwrite=overwrite, elsewhere="another file")
    constants = []
    with new_output(out, elsewhere="another file") as temporary, new_lh5(temporary) as file:
        for index in range(settings.n_channels):
            of_channel = detector_constants(settings, index)
            found = simulated(settings, index, of_channel)
            channel = f"ch{of_channel.channel:07d}"
            write_table(file, f"{channel}/raw", raw_columns(found))
            truth: pd.DataFrame = found["germanium_truth"]
            write_table(file, f"{channel}/truth", columns_of_frame(truth, GERMANIUM_TRUTH))
            constants.append(of_channel)
    return GermaniumSimulationResult(out, tuple(constants), settings.n_events, out.stat().st_size)


def raw_columns(found: dict[str, Any]) -> dict[str, Lh5Column | Lh5Waveforms]:
    """The columns of a raw table of LEGEND's layout of 2025."""
    waves = found["raw_waveforms"]
    columns: dict[str, Lh5Column | Lh5Waveforms] = {
        name: Lh5Column(values, _TOLD.get(name, {}))
        for name, values in found["raw_scalars"].items()
    }
    columns["t_sat_lo"] = Lh5Column(waves.t_sat_lo)
    columns["t_sat_hi"] = Lh5Column(waves.t_sat_hi)
    columns["waveform_presummed"] = Lh5Waveforms(waves.presummed, DT_NS * PRESUM_RATE, 0.0, ULEB128)
    columns["waveform_windowed"] = Lh5Waveforms(waves.windowed, DT_NS, WINDOW[0] * DT_NS, RADWARE)
    return columns
