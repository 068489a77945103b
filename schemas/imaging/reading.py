"""What a reader is told: format, units and names, from [io] and [io.adapter]."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..settings import Section


class ReaderSettings(Section):
    """The resolved settings of one input file."""

    input_format: str
    """Key of the table of readers."""
    cm_per_position_unit: float
    """1 for positions in cm, 0.1 for mm."""
    time_units: Literal["ns", "ps"] = "ns"
    """Unit of the times."""
    tree_key: str = "image_tree"
    """Tree with the hits."""
    meta_tree_key: str = "meta"
    """Tree with the run's metadata."""

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
