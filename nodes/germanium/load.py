"""From LH5 files to rows: what the read-out says of each trigger, and its waveforms."""

from __future__ import annotations

import pandas as pd
from hamilton.function_modifiers import config, tag

from ...schemas.germanium.channel_settings import CHANNEL_SETTINGS, ChannelSettings
from ...schemas.germanium.dsp import RawTable, Waveforms
from ...schemas.germanium.lh5 import TableLayout
from ...schemas.sources import EventRange, FileRef
from .dsp_frames import scalars_of
from .waveforms import waveforms_of


@tag(stage="load", scope="table", helper="true", stored="false")
def raw_table(source_file: FileRef, table_layout: TableLayout) -> RawTable:
    """Which table of which file is read."""
    return RawTable(source_file, table_layout)


@tag(stage="load", scope="channel", schema="ChannelSettingsTable")
@config.when(settings="by_channel")
def channel_settings__by_channel(settings_of_channel: ChannelSettings) -> pd.DataFrame:
    """The settings of a channel, each with the file that it came from."""
    told = settings_of_channel
    return CHANNEL_SETTINGS.frame({"key": told.keys, "value": told.values, "file": told.files})


@tag(stage="load", schema="RawScalars")
@config.when(begins="raw")
def raw_scalars__of_raw(raw_table: RawTable, row_range: EventRange) -> pd.DataFrame:
    """What the read-out says of each trigger; 0 where the file has no such column."""
    return scalars_of(raw_table, row_range)


@tag(stage="load", helper="true", stored="false")
@config.when(begins="raw")
def waveforms__of_raw(raw_table: RawTable, row_range: EventRange) -> Waveforms:
    """Waveforms of a range of rows: presummed and windowed, or both made of a long one."""
    return waveforms_of(raw_table, row_range)
