"""Raw tables without rows, and without what pulses are told by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from radiograph.drivers.germanium.lh5_writing import (
    Lh5Column,
    Lh5Columns,
    Lh5Waveforms,
    new_lh5,
    write_table,
)
from radiograph.nodes.germanium.codecs import RADWARE, ULEB128
from radiograph.nodes.germanium.dsp import dsp_columns__of_raw
from radiograph.nodes.germanium.lh5 import layout_of
from radiograph.nodes.germanium.load import raw_scalars__of_raw
from radiograph.nodes.germanium.recipes import usual_filters
from radiograph.nodes.germanium.waveforms import waveforms_of
from radiograph.schemas.errors import InputError
from radiograph.schemas.germanium.dsp import DspParameters, PoleZeroConstants, RawTable
from radiograph.schemas.germanium.frames import DSP_COLUMNS
from radiograph.schemas.germanium.settings import Filters
from radiograph.schemas.sources import EventRange, FileRef

PARAMETERS = DspParameters(
    PoleZeroConstants(440e3), usual_filters(Filters()), (0.0, 44.8), (53.8, 99.9)
)
WAVES = {
    "both": {
        "waveform_presummed": Lh5Waveforms(np.empty((0, 781), np.uint32), 128.0, 0.0, ULEB128),
        "waveform_windowed": Lh5Waveforms(np.empty((0, 1400), np.uint16), 16.0, 42e3, RADWARE),
    },
    "long": {"waveform": Lh5Waveforms(np.empty((0, 8192), np.uint16), 16.0, 0.0)},
}


def _table(path: Path, columns: Lh5Columns) -> RawTable:
    with new_lh5(path) as file:
        write_table(file, "ch1104000/raw", columns)
    return RawTable(FileRef(str(path), 0, ""), layout_of(path).tables[0])


@pytest.mark.parametrize("layout", WAVES)
def test_no_rows(tmp_path: Path, layout: str) -> None:
    """Nothing says how they are sampled; the dsp tier of them has its columns and no rows."""
    numbers = {name: Lh5Column(np.empty(0)) for name in ("timestamp", "runtime")}
    counts = {"daqenergy": Lh5Column(np.empty(0, np.uint16))}
    table, rows = _table(tmp_path / "a.lh5", {**numbers, **counts, **WAVES[layout]}), (0, 0)
    waves = waveforms_of(table, EventRange(*rows))
    assert (waves.slow_ns, waves.fast_ns, waves.fast_t0_ns) == (128.0, 16.0, 42_000.0)
    scalars = raw_scalars__of_raw(table, EventRange(*rows))
    frame = dsp_columns__of_raw(waves, scalars, PARAMETERS)
    assert list(frame) == DSP_COLUMNS.names
    assert len(frame) == 0


@pytest.mark.parametrize("name", ["daqenergy", "energy", ""])
def test_energies_of_the_read_out(tmp_path: Path, name: str) -> None:
    """The oldest files call them otherwise; without them nothing tells pulses from baselines."""
    columns = {"timestamp": Lh5Column(np.arange(3.0))}
    if name:
        columns[name] = Lh5Column(np.array([7, 8, 9], np.uint16))
    table = _table(tmp_path / "a.lh5", columns)
    if name:
        assert raw_scalars__of_raw(table, EventRange(1, 2))["daqenergy"].tolist() == [8, 9]
        return
    with pytest.raises(InputError, match=r"ch1104000/raw has no column daqenergy") as raised:
        raw_scalars__of_raw(table, EventRange(1, 2))
    assert raised.value.code == "missing_column"
