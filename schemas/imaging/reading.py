"""What a reader is told: format, units and names, from [io] and [io.adapter]."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..settings import Section

InputFormat = Literal["phits_usrdef", "root_novo_ddaq", "hdf5_ngimager"]
"""The keys of the table of readers, which settings do not import."""


class ToldToReaders(Section):
    """What [io.adapter] tells a reader as it stands there."""

    time_units: Literal["ns", "ps"] = "ns"
    """Unit of the times."""
    tree_key: str = "image_tree"
    """Tree with the hits."""
    meta_tree_key: str = "meta"
    """Tree with the run's metadata."""


class ReaderSettings(ToldToReaders):
    """The resolved settings of one input file."""

    input_format: InputFormat
    """Which reader."""
    cm_per_position_unit: float
    """1 for positions in cm, 0.1 for mm."""

    @property
    def ns_per_time_unit(self) -> float:
        """Factor of the times."""
        return {"ns": 1.0, "ps": 1e-3}[self.time_units]


@dataclass(frozen=True)
class SourceMetadata:
    """What a file says of itself beside its hits.

    ``values`` maps a name to a number, an array (detector first) or a text; ``unreadable``
    lists the names that are there but cannot be read, each with the reason.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    unreadable: Mapping[str, str] = field(default_factory=dict)
