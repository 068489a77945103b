"""What a reader is told: format, units and names, from [io] and [io.adapter]."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from pydantic import Field, field_validator

from ..settings import Section

InputFormat = Literal["phits_usrdef", "root_novo_ddaq", "hdf5_ngimager", "hits_table"]
"""The keys of the table of readers, which settings do not import."""


HitColumn = Literal[
    "event_id",
    "det_id",
    "species",
    "x_cm",
    "y_cm",
    "z_cm",
    "t_ns",
    "light_MeVee",
    "psd",
    "energy_deposited_MeV",
]
"""The columns of a hit that a table may give."""
UNITS: Final[Mapping[str, Mapping[str, float]]] = {
    "cm": {"um": 1e-4, "mm": 0.1, "cm": 1.0, "m": 100.0},
    "ns": {"ps": 1e-3, "ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9},
    "MeVee": {"eVee": 1e-6, "keVee": 1e-3, "MeVee": 1.0, "GeVee": 1e3},
    "MeV": {"eV": 1e-6, "keV": 1e-3, "MeV": 1.0, "GeV": 1e3},
}
"""By the unit that ends the name of a column: what a file may have instead, and its factor."""


def unit_of(column: str) -> str:
    """The unit that ends the name of a column of hits; empty for one without."""
    end = column.rpartition("_")[2]
    return end if end in UNITS else ""


class ToldToReaders(Section):
    """What [io.adapter] tells a reader as it stands there."""

    time_units: Literal["ns", "ps"] = "ns"
    """Unit of the times."""
    tree_key: str = "image_tree"
    """Tree with the hits."""
    meta_tree_key: str = "meta"
    """Tree with the run's metadata."""
    columns: Mapping[HitColumn, str] = Field(default={})
    """hits_table: our column = its name in the file; without, its name here."""
    units: Mapping[HitColumn, str] = Field(default={})
    """hits_table: our column = its unit in the file, where its name there does not tell it."""
    species: Mapping[str, Literal["n", "g", "unknown"]] = Field(default={})
    """hits_table: word of the file = n, g or unknown, which also stand for themselves."""

    @field_validator("units")
    @classmethod
    def _units_fit(cls, units: Mapping[HitColumn, str]) -> Mapping[HitColumn, str]:
        for column, unit in units.items():
            known = UNITS.get(unit_of(column), {})
            if unit not in known:
                allowed = f"one of {', '.join(known)}" if known else "none: it has no unit"
                msg = f'{column} = "{unit}" is no unit of it; allowed is {allowed}'
                raise ValueError(msg)
        return units

    @field_validator("columns")
    @classmethod
    def _one_column_each(cls, columns: Mapping[HitColumn, str]) -> Mapping[HitColumn, str]:
        twice = [name for name, n in Counter(columns.values()).items() if n > 1 or not name]
        if twice:
            msg = f'"{twice[0]}" is given for two columns, or is empty; name one column of the file'
            raise ValueError(msg)
        return columns


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
