"""Cuts on the quality of waveforms, and how many events they keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ..arrays import F8
from ..tables import Column, TableSchema


@dataclass(frozen=True)
class QualityCut:
    """A cut on (parameter - mode) / width, each of a band of energy.

    Attributes
    ----------
    parameter
        Its name; ``expression`` is how it is made of columns of the dsp tier.
    expression
        In the grammar of the parameter files.
    edges_adc
        Ends of the bands in trapEmax (the first -inf, the last inf), (n + 1,).
    mode, width
        Of each band, (n,).
    low, high
        Cut in widths; may be infinite.
    fitted
        Whether every mode is of a fit.
    """

    parameter: str
    expression: str
    edges_adc: F8
    mode: F8
    width: F8
    low: float
    high: float
    fitted: bool


@dataclass(frozen=True)
class QualityCuts:
    """All cuts of a channel by the name of the parameter, and why others are absent."""

    cuts: Mapping[str, QualityCut] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)


QUALITY_FLAGS: Final = TableSchema(
    "QualityFlags",
    "an event",
    (
        Column("is_valid_baseline", "bool", "", "bl_std and bl_slope"),
        Column("is_valid_tail", "bool", "", "pz_std and pz_slope"),
        Column("is_valid_rt", "bool", "", "tp_90 - tp_10"),
        Column("is_valid_t0", "bool", "", "tp_0_est"),
        Column("is_valid_dteff", "bool", "", "dt_eff"),
        Column("is_valid_ediff", "bool", "", "trapEmax - cuspEmax over trapEmax"),
        Column("is_saturated", "bool", "", "samples at the upper rail"),
        Column("is_discharge", "bool", "", "samples at the lower rail"),
        Column("is_negative", "bool", "", "the inverted trapezoid is the larger"),
        Column("is_valid_cal", "bool", "", "baseline, tail, not saturated, discharge, negative"),
    ),
)

QUALITY_SURVIVALS: Final = TableSchema(
    "QualitySurvivals",
    "a flag, in the order in which the cuts are applied",
    (
        Column("flag", "category", "", "name of the flag"),
        Column("n", "int64", "", "events"),
        Column("n_alone", "int64", "", "events that this cut alone keeps"),
        Column("survival", "float64", "", "their share", nullable=True),
        Column("low", "float64", "", "lower end of the 68 % interval"),
        Column("high", "float64", "", "upper end"),
        Column("n_in_sequence", "int64", "", "events that this cut and those before keep"),
        Column("survival_in_sequence", "float64", "", "their share", nullable=True),
        Column("warning", "category", "", "empty, or that it keeps too few, or why it is absent"),
    ),
)
