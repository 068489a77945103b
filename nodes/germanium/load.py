"""From LH5 files to rows: what the read-out says of each trigger, and its waveforms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag

from ...schemas.germanium.dsp import RawTable, Waveforms
from ...schemas.germanium.frames import RAW_SCALARS
from ...schemas.germanium.lh5 import TableLayout
from ...schemas.sources import EventRange, FileRef
from .dsp_frames import whole_column
from .lh5 import lh5_file, read_column
from .waveforms import waveforms_of


@tag(stage="load", scope="table", helper="true")
def raw_table(source_file: FileRef, table_layout: TableLayout) -> RawTable:
    """Which table of which file is read."""
    return RawTable(source_file, table_layout)


@tag(stage="load", schema="RawScalars")
@config.when(begins="raw")
def raw_scalars__of_raw(raw_table: RawTable, row_range: EventRange) -> pd.DataFrame:
    """What the read-out says of each trigger; 0 where the file has no such column."""
    layout, first, n = raw_table.layout, row_range.first_event, row_range.n_events
    path = raw_table.file.path
    energy = "daqenergy" if "daqenergy" in layout.columns else "energy"
    with lh5_file(path) as file:
        group = file[layout.path]

        def column(name: str, dtype: str) -> Any:
            if name not in layout.columns:
                return np.zeros(n, dtype)
            return whole_column(read_column(group, name, first, n, path), dtype, name, path)

        return RAW_SCALARS.frame(
            {
                "daqenergy": column(energy, "uint16"),
                "timestamp_s": read_column(group, "timestamp", first, n, path, tier="dsp"),
                "baseline_adc": column("baseline", "uint16"),
                "t_sat_lo": column("t_sat_lo", "uint16"),
                "t_sat_hi": column("t_sat_hi", "uint16"),
            }
        )


@tag(stage="load", helper="true", stored="false")
@config.when(begins="raw")
def waveforms__of_raw(raw_table: RawTable, row_range: EventRange) -> Waveforms:
    """Waveforms of a range of rows: presummed and windowed, or both made of a long one."""
    return waveforms_of(raw_table, row_range)
