"""Calibration of the bars: settings of [calibration], constants of a bar, what they are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from ..arrays import F8, I8
from ..settings import FilePath, Section
from ..tables import Column, TableSchema

Step = Literal["edges", "consistency", "walk", "bias"]
SOURCES: Final = ("none", "file", "self")


class Calibration(Section):
    """[calibration]: corrections of the bars, found without a look at the source."""

    mode: Literal["off", "self", "file"] = "off"
    """off, from the data themselves, or from a table."""
    steps: tuple[Step, ...] = ("edges", "consistency")
    """edges: where the hits of a bar end; consistency: flight against light (FixedEn); walk: with
    it, how much later a bar tells of less light; bias: less what these find in a perfect array."""
    simulated_pairs: int = Field(default=50_000, ge=1000, le=5_000_000)
    """Pairs of the perfect array."""
    seed: int = Field(default=1, ge=0)
    """Seed of the perfect array."""
    path: FilePath | None = None
    """mode file: CSV with det_id, along_offset_cm, time_offset_ns, light_gain, perhaps
    time_walk_ns; or the file of a run with /calibration."""

    @field_validator("steps")
    @classmethod
    def _some(cls, value: tuple[Step, ...]) -> tuple[Step, ...]:
        if not value:
            msg = '[] is no step; give some of "edges", "consistency", "bias", or mode = "off"'
            raise ValueError(msg)
        for step, text in (("bias", "that"), ("walk", "a part")):
            if step in value and "consistency" not in value:
                msg = f'"{step}" is {text} of "consistency"; add it, or leave "{step}" out'
                raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _path_of_file(self) -> Calibration:
        if (self.mode == "file") != (self.path is not None):
            msg = 'mode = "file" and path, the table of constants, belong together; give both'
            raise ValueError(msg)
        return self


BAR_CALIBRATION: Final = TableSchema(
    "BarCalibration",
    "a bar of the array",
    (
        Column("det_id", "int64", "", "detector"),
        Column("along_offset_cm", "float64", "cm", "taken from the position along the bar"),
        Column("time_offset_ns", "float64", "ns", "taken from the time"),
        Column("time_walk_ns", "float64", "ns", "times (L / MeVee)^-1/2 - 3^-1/2 taken from it"),
        Column("light_gain", "float64", "", "factor on the light of neutrons", at_least=0.0),
        Column("along_offset_sigma_cm", "float64", "cm", "its error", nullable=True),
        Column("time_offset_sigma_ns", "float64", "ns", "its error", nullable=True),
        Column("time_walk_sigma_ns", "float64", "ns", "its error", nullable=True),
        Column("light_gain_sigma", "float64", "", "its error", nullable=True),
        Column("n_events", "int64", "", "pairs that it is from", at_least=0),
        Column("source", "category", "", "none, file or self", categories=SOURCES),
    ),
)
BAR_CONSISTENCY: Final = TableSchema(
    "BarConsistency",
    "a bar that first hits are in",
    (
        Column("det_id", "int64", "", "bar of the first hit"),
        *(
            Column(f"{name}_{when}", dtype, "", f"{text}, {words}", nullable=dtype == "float64")
            for when, words in (("before", "as read"), ("after", "with its constants"))
            for name, dtype, text in (
                ("events", "int64", "events within 3 sigma"),
                ("median", "float64", "median of (theta of flight - theta of light) in sigma"),
                ("error", "float64", "statistical error of the median"),
            )
        ),
    ),
)
PAIRS: Final = TableSchema(
    "ScatterPairs",
    "a neutron event: what time and light say of one scatter",
    (
        Column("det_id1", "int64", "", "bar of the first hit"),
        Column("det_id2", "int64", "", "bar of the second hit"),
        Column("material", "category", "", "scintillator of the first hit"),
        Column("material2", "category", "", "scintillator of the second hit"),
        Column("flight_ns", "float64", "ns", "time between the hits"),
        Column("light1_MeVee", "float64", "MeVee", "light of the first hit"),
        Column("light2_MeVee", "float64", "MeVee", "light of the second hit"),
        *(
            Column(f"{a}{k}_cm", "float64", "cm", f"position of hit {k}")
            for k in (1, 2)
            for a in "xyz"
        ),
    ),
)


@dataclass(frozen=True)
class HitProfiles:
    """How many hits of each detector lie in each bin of each coordinate; only bins with hits.

    ``key`` (n,) rising = (det_id, axis, bin) as one number, ``count`` (n,).
    """

    key: I8
    count: I8

    BIN_CM = 0.02
    _BINS = 1 << 20
    _FIRST_ID = 1 << 31

    @classmethod
    def of_hits(cls, det_id: I8, position_cm: F8) -> HitProfiles:
        """Profiles of hits at ``position_cm`` (n, 3)."""
        place = np.floor(position_cm / cls.BIN_CM).astype(np.int64) + cls._BINS // 2
        place = np.clip(place, 0, cls._BINS - 1)
        key = ((det_id[:, None] + cls._FIRST_ID) * 4 + np.arange(3)) * cls._BINS + place
        keys, count = np.unique(key.ravel(), return_counts=True)
        return cls(keys, count.astype(np.int64))

    def __add__(self, other: HitProfiles) -> HitProfiles:
        keys, place = np.unique(np.concatenate([self.key, other.key]), return_inverse=True)
        count = np.zeros(len(keys), np.int64)
        np.add.at(count, place, np.concatenate([self.count, other.count]))
        return HitProfiles(keys, count)

    def of(self, det_id: int, axis: int) -> tuple[F8, I8]:
        """(lower edges of the bins, counts) of one detector along one axis, rising."""
        first = ((det_id + self._FIRST_ID) * 4 + axis) * self._BINS
        begin, end = np.searchsorted(self.key, [first, first + self._BINS])
        low = (self.key[begin:end] - first - self._BINS // 2) * self.BIN_CM
        return low.astype(np.float64), self.count[begin:end]
