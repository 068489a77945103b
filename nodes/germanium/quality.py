"""Quality of waveforms: cuts about the mode of each parameter, flags, and what survives."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag
from numpy.typing import NDArray

from ...schemas.germanium.calibration_settings import QualitySettings
from ...schemas.germanium.quality import QUALITY_FLAGS, QUALITY_SURVIVALS, QualityCuts
from ..statistics.intervals import clopper_pearson, fraction_of
from .quality_passes import COARSE, OF_FLAG, VETOES, cuts_of, flags_passed, inside


@tag(stage="quality", scope="channel", helper="true")
@config.when(forced="none")
def forced_cuts__none() -> QualityCuts:
    """No cuts of forced triggers: none were given."""
    return QualityCuts()


@tag(stage="quality", scope="channel")
@config.when(constants="own")
def quality_cuts(
    dsp_columns: pd.DataFrame, forced_cuts: QualityCuts, quality_settings: QualitySettings
) -> QualityCuts:
    """Mode, width and cut of each parameter; those of which the columns are absent, with why.

    Three passes: events whose baseline is as in forced triggers, where there are such; cuts of
    these; and cuts of what satisfies those twice as wide, which are the result.
    """
    rows = np.ones(len(dsp_columns), dtype=bool)
    if forced_cuts.cuts:
        rows = inside(dsp_columns, forced_cuts, rows)
    coarse = cuts_of(dsp_columns, rows, quality_settings)
    return cuts_of(dsp_columns, inside(dsp_columns, coarse, rows), quality_settings)


@tag(stage="quality", scope="channel", schema="QualityFlags", helper="true")
@config.when(constants="own")
def quality_flags(dsp_columns: pd.DataFrame, quality_cuts: QualityCuts) -> pd.DataFrame:
    """Which events satisfy which cut; a cut that is absent passes all, NaN fails."""
    return QUALITY_FLAGS.frame(flags_passed(dsp_columns, quality_cuts, 1.0))


@tag(stage="quality", scope="channel", helper="true")
@config.when(constants="own")
def calibration_rows(
    dsp_columns: pd.DataFrame, quality_cuts: QualityCuts, pulser_times_s: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Events that calibrations are made of: as is_valid_cal, with cuts twice as wide, no pulser."""
    passing = flags_passed(dsp_columns, quality_cuts, COARSE)["is_valid_cal"]
    if len(pulser_times_s):
        passing &= ~np.isin(dsp_columns["timestamp"].to_numpy(), pulser_times_s)
    return passing


@tag(stage="quality", scope="channel", schema="QualitySurvivals")
@config.when(constants="own")
def quality_survival(
    quality_flags: pd.DataFrame, quality_cuts: QualityCuts, quality_settings: QualitySettings
) -> pd.DataFrame:
    """What each cut keeps, alone and after those before it, with Clopper and Pearson's interval."""
    n = len(quality_flags)
    names = [*VETOES, *OF_FLAG]
    keeps = [
        ~quality_flags[f].to_numpy() if f in VETOES else quality_flags[f].to_numpy() for f in names
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
    missing = [f"{p}: {cuts.absent[p]}" for p in OF_FLAG.get(flag, ()) if p in cuts.absent]
    few = [f"keeps {survival:.1%}, less than {least:.0%}"] if survival < least else []
    return "; ".join(few + missing)
