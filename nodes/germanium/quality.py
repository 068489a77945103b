"""Quality of waveforms: cuts about the mode of each parameter, flags, and what survives."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag
from numpy.typing import NDArray

from ...schemas.arrays import Mask
from ...schemas.germanium.calibration_settings import QualitySettings
from ...schemas.germanium.quality import (
    QUALITY_FLAGS,
    QUALITY_SURVIVALS,
    QualityCut,
    QualityCuts,
)
from ..peaks.modes import mode_and_width
from ..statistics.intervals import clopper_pearson, fraction_of
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
_COARSE: Final = 2.0


_OF_FLAG: Final = {
    "is_valid_baseline": ("bl_std", "bl_slope"),
    "is_valid_tail": ("pz_std", "pz_slope"),
    "is_valid_rt": ("rise_time",),
    "is_valid_t0": ("tp_0_est",),
    "is_valid_dteff": ("dt_eff",),
    "is_valid_ediff": ("e_diff",),
}
_VETOES: Final = ("is_saturated", "is_discharge", "is_negative")


@tag(stage="quality", scope="channel")
@config.when(constants="own")
def quality_cuts(dsp_columns: pd.DataFrame, quality_settings: QualitySettings) -> QualityCuts:
    """Mode, width and cut of each parameter; those of which the columns are absent, with why."""
    cuts, absent = {}, {}
    energy = None if absence(dsp_columns, ENERGY) else column_of(dsp_columns, ENERGY)
    for name, parameter in PARAMETERS.items():
        reason = no_parameter(dsp_columns, parameter, energy)
        if reason:
            absent[name] = reason
            continue
        values = parameter.value(*(column_of(dsp_columns, c) for c in parameter.columns))
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


def _passing(dsp_columns: pd.DataFrame, cuts: QualityCuts, loose: float) -> dict[str, Mask]:
    """Which events satisfy each flag, with cuts ``loose`` times as wide."""
    passes: dict[str, Mask] = {}
    for name, c in classifier_values(dsp_columns, cuts):
        cut = cuts.cuts[name]
        passes[name] = (c > loose * cut.low) & (c < loose * cut.high)
    everything = np.ones(len(dsp_columns), dtype=bool)
    flags = {
        flag: np.logical_and.reduce([everything, *(passes[p] for p in parts if p in passes)])
        for flag, parts in _OF_FLAG.items()
    }
    flags["is_saturated"] = _above_zero(dsp_columns, "t_sat_hi")
    flags["is_discharge"] = _above_zero(dsp_columns, "t_sat_lo")
    flags["is_negative"] = _is_negative(dsp_columns)
    bad = np.logical_or.reduce([flags[name] for name in _VETOES])
    flags["is_valid_cal"] = flags["is_valid_baseline"] & flags["is_valid_tail"] & ~bad
    return flags


@tag(stage="quality", scope="channel", schema="QualityFlags", helper="true")
@config.when(constants="own")
def quality_flags(dsp_columns: pd.DataFrame, quality_cuts: QualityCuts) -> pd.DataFrame:
    """Which events satisfy which cut; a cut that is absent passes all, NaN fails."""
    return QUALITY_FLAGS.frame(_passing(dsp_columns, quality_cuts, 1.0))


@tag(stage="quality", scope="channel", helper="true")
@config.when(constants="own")
def calibration_rows(dsp_columns: pd.DataFrame, quality_cuts: QualityCuts) -> NDArray[np.bool_]:
    """Events that calibrations are made of: as is_valid_cal, with cuts twice as wide."""
    return _passing(dsp_columns, quality_cuts, _COARSE)["is_valid_cal"]


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


@tag(stage="quality", scope="channel", schema="QualitySurvivals")
@config.when(constants="own")
def quality_survival(
    quality_flags: pd.DataFrame, quality_cuts: QualityCuts, quality_settings: QualitySettings
) -> pd.DataFrame:
    """What each cut keeps, alone and after those before it, with Clopper and Pearson's interval."""
    n = len(quality_flags)
    names = [*_VETOES, *_OF_FLAG]
    keeps = [
        ~quality_flags[f].to_numpy() if f in _VETOES else quality_flags[f].to_numpy() for f in names
    ]
    alone = np.array([int(k.sum()) for k in keeps], dtype=np.int64)
    together = np.cumprod(np.array(keeps, dtype=np.int8).reshape(len(names), n), axis=0)
    sequence = together.sum(axis=1, dtype=np.int64)
    low, high = clopper_pearson(alone, np.full(len(names), n))
    survival = fraction_of(alone, n)
    warnings = [
        _warning(flag, share, quality_cuts, quality_settings.min_survival)
        for flag, share in zip(names, survival, strict=True)
    ]
    return QUALITY_SURVIVALS.frame(
        {
            "flag": names,
            "n": np.full(len(names), n),
            "n_alone": alone,
            "survival": survival,
            "low": low,
            "high": high,
            "n_in_sequence": sequence,
            "survival_in_sequence": fraction_of(sequence, n),
            "warning": warnings,
        }
    )


def _warning(flag: str, survival: float, cuts: QualityCuts, least: float) -> str:
    missing = [f"{p}: {cuts.absent[p]}" for p in _OF_FLAG.get(flag, ()) if p in cuts.absent]
    few = [f"keeps {survival:.1%}, less than {least:.0%}"] if survival < least else []
    return "; ".join(few + missing)
