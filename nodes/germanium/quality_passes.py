"""Cuts from some events, and which events satisfy them. No nodes."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from ...schemas.arrays import Mask
from ...schemas.germanium.calibration_settings import QualitySettings
from ...schemas.germanium.quality import QualityCut, QualityCuts
from ..peaks.modes import FEWEST, mode_and_width
from .columns import absence, column_of
from .quality_parameters import (
    ENERGY,
    ONE_BAND,
    PARAMETERS,
    band_of,
    bands_of,
    classifier_values,
    no_parameter,
)

# Calibrations take events by cuts so many times as wide: no peak is trimmed by its own noise.
COARSE: Final = 2.0


OF_FLAG: Final = {
    "is_valid_baseline": ("bl_std", "bl_slope"),
    "is_valid_tail": ("pz_std", "pz_slope"),
    "is_valid_rt": ("rise_time",),
    "is_valid_t0": ("tp_0_est",),
    "is_valid_dteff": ("dt_eff",),
    "is_valid_ediff": ("e_diff",),
}
VETOES: Final = ("is_saturated", "is_discharge", "is_negative")


def flags_passed(dsp_columns: pd.DataFrame, cuts: QualityCuts, loose: float) -> dict[str, Mask]:
    """Which events satisfy each flag, with cuts ``loose`` times as wide."""
    passes: dict[str, Mask] = {}
    for name, c in classifier_values(dsp_columns, cuts):
        cut = cuts.cuts[name]
        passes[name] = (c > loose * cut.low) & (c < loose * cut.high)
    everything = np.ones(len(dsp_columns), dtype=bool)
    flags = {
        flag: np.logical_and.reduce([everything, *(passes[p] for p in parts if p in passes)])
        for flag, parts in OF_FLAG.items()
    }
    flags["is_saturated"] = _above_zero(dsp_columns, "t_sat_hi")
    flags["is_discharge"] = _above_zero(dsp_columns, "t_sat_lo")
    flags["is_negative"] = _is_negative(dsp_columns)
    bad = np.logical_or.reduce([flags[name] for name in VETOES])
    flags["is_valid_cal"] = flags["is_valid_baseline"] & flags["is_valid_tail"] & ~bad
    return flags


def inside(dsp_columns: pd.DataFrame, cuts: QualityCuts, rows: Mask) -> Mask:
    """Those of some rows that satisfy all cuts twice as wide; all of them if these are too few."""
    passes = [rows]
    for name, c in classifier_values(dsp_columns, cuts):
        cut = cuts.cuts[name]
        passes.append((c > COARSE * cut.low) & (c < COARSE * cut.high))
    found: Mask = np.logical_and.reduce(passes)
    return found if found.sum() >= FEWEST else rows


def cuts_of(
    dsp_columns: pd.DataFrame,
    rows: Mask,
    quality_settings: QualitySettings,
    names: tuple[str, ...] = tuple(PARAMETERS),
) -> QualityCuts:
    """The cuts of some parameters, their modes and widths from some rows."""
    cuts, absent = {}, {}
    energy = None if absence(dsp_columns, ENERGY) else column_of(dsp_columns, ENERGY)[rows]
    for name in names:
        parameter = PARAMETERS[name]
        reason = no_parameter(dsp_columns, parameter)
        if reason:
            absent[name] = reason
            continue
        values = parameter.value(*(column_of(dsp_columns, c)[rows] for c in parameter.columns))
        edges = bands_of(energy) if parameter.banded and energy is not None else ONE_BAND
        of_band = band_of(edges, energy, len(values))
        found = [mode_and_width(values[of_band == k]) for k in range(len(edges) - 1)]
        low, high = quality_settings.limits(name)
        cuts[name] = QualityCut(
            name,
            parameter.expression,
            edges,
            np.array([f.mode for f in found]),
            np.array([f.width for f in found]),
            low,
            high,
            all(f.fitted for f in found),
        )
    return QualityCuts(cuts, absent)


def _above_zero(dsp_columns: pd.DataFrame, name: str) -> Mask:
    if absence(dsp_columns, name):
        return np.zeros(len(dsp_columns), dtype=bool)
    return np.asarray(column_of(dsp_columns, name) > 0.0)


def _is_negative(dsp_columns: pd.DataFrame) -> Mask:
    if absence(dsp_columns, "trapTmax_invert") or absence(dsp_columns, "trapTmax"):
        return np.zeros(len(dsp_columns), dtype=bool)
    return np.asarray(
        column_of(dsp_columns, "trapTmax_invert") > column_of(dsp_columns, "trapTmax")
    )
