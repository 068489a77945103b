"""The settings that a channel is calibrated with, and where each comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..tables import Column, TableSchema


@dataclass(frozen=True)
class ChannelSettings:
    """Keys of [germanium], values as JSON, and the file of each ("" = the settings of the run)."""

    keys: tuple[str, ...]
    values: tuple[str, ...]
    files: tuple[str, ...]


CHANNEL_SETTINGS: Final = TableSchema(
    "ChannelSettingsTable",
    "a setting of a channel",
    (
        Column("key", "category", "", "its key in [germanium]"),
        Column("value", "category", "", "what it is, as JSON"),
        Column("file", "category", "", "the file of settings_path that says so; empty = the run's"),
    ),
)
