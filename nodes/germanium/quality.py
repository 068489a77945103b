"""Quality of waveforms: cuts about the mode of each parameter, flags, and what survives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag
from numpy.typing import NDArray

from ...schemas.arrays import F8, Mask
from ...schemas.germanium.calibration_settings import QualitySettings
from ...schemas.germanium.quality import (
    QUALITY_FLAGS,
    QUALITY_SURVIVALS,
    QualityCut,
    QualityCuts,
)
from ..peaks.modes import FEWEST, mode_and_width
from ..statistics.intervals import clopper_pearson, fraction_of
from .columns import absence, column_of

_ENERGY: Final = "trapEmax"
_BANDS: Final = 8
# A slope that goes with the energy is none: old files hold the mean of the tail under its name.
_MOST_CORRELATION: Final = 0.5
# Calibrations take events by cuts so many times as wide: no peak is trimmed by its own noise.
_COARSE: Final = 2.0


@dataclass(frozen=True)
class _Parameter:
    """What is cut on: columns, how they make the value, and whether it changes with energy."""

    columns: tuple[str, ...]
    value: Callable[..., F8]
    expression: str
    banded: bool = False
    slope: bool = False


def _itself(x: F8) -> F8:
    return x


def _difference(late: F8, early: F8) -> F8:
    return late - early


def _energy_difference(trap: F8, cusp: F8) -> F8:
    return np.asarray(np.abs(trap - cusp) / trap)


_PARAMETERS: Final = {
    "bl_std": _Parameter(("bl_std",), _itself, "bl_std"),
    "bl_slope": _Parameter(("bl_slope",), _itself, "bl_slope"),
    "pz_std": _Parameter(("pz_std",), _itself, "pz_std", banded=True),
    "pz_slope": _Parameter(("pz_slope",), _itself, "pz_slope", slope=True),
    "rise_time": _Parameter(("tp_90", "tp_10"), _difference, "tp_90-tp_10", banded=True),
    "tp_0_est": _Parameter(("tp_0_est",), _itself, "tp_0_est"),
    "dt_eff": _Parameter(("dt_eff",), _itself, "dt_eff"),
    "e_diff": _Parameter(
        ("trapEmax", "cuspEmax"), _energy_difference, "abs(trapEmax-cuspEmax)/trapEmax"
    ),
}
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
def quality_cuts(dsp_columns: pd.DataFrame, quality_settings: QualitySettings) -> QualityCuts:
    """Mode, width and cut of each parameter; those of which the columns are absent, with why."""
    cuts, absent = {}, {}
    energy = None if absence(dsp_columns, _ENERGY) else column_of(dsp_columns, _ENERGY)
    for name, parameter in _PARAMETERS.items():
        reason = _no_parameter(dsp_columns, parameter, energy)
        if reason:
            absent[name] = reason
            continue
        values = parameter.value(*(column_of(dsp_columns, c) for c in parameter.columns))
        edges = _bands(energy) if parameter.banded and energy is not None else _ONE_BAND
        of_band = _band_of(edges, energy, len(values))
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


_ONE_BAND: Final = np.array([-np.inf, np.inf])


def _no_parameter(dsp_columns: pd.DataFrame, parameter: _Parameter, energy: F8 | None) -> str:
    reasons = [r for r in (absence(dsp_columns, c) for c in parameter.columns) if r]
    if reasons:
        return "; ".join(reasons)
    values = column_of(dsp_columns, parameter.columns[0])
    if parameter.slope and energy is not None and len(values) >= FEWEST:
        good = np.isfinite(values) & np.isfinite(energy)
        r = _correlation(values[good], energy[good])
        if abs(r) > _MOST_CORRELATION:
            return f"it goes with the energy (correlation {r:.2f}), so it is no slope"
    return ""


def _correlation(a: F8, b: F8) -> float:
    if len(a) < 2 or not np.ptp(a) or not np.ptp(b):
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def _bands(energy: F8) -> F8:
    """Ends of bands of equal counts, each of enough events for a fit."""
    known = energy[np.isfinite(energy)]
    n = int(np.clip(len(known) // (4 * FEWEST), 1, _BANDS))
    inner = np.quantile(known, np.arange(1, n) / n) if n > 1 else np.empty(0)
    return np.concatenate([[-np.inf], np.unique(inner), [np.inf]])


def _band_of(edges: F8, energy: F8 | None, n: int) -> F8:
    if len(edges) == 2 or energy is None:
        return np.zeros(n, dtype=np.int64)
    return np.clip(np.searchsorted(edges, energy, side="right") - 1, 0, len(edges) - 2)


def classifier(cut: QualityCut, values: F8, energy: F8 | None) -> F8:
    """(value - mode) / width of each event, of its band of energy; 0 at the mode of no width."""
    band = _band_of(cut.edges_adc, energy, len(values))
    away = values - cut.mode[band]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(away == 0.0, 0.0, away / cut.width[band])


def classifier_values(dsp_columns: pd.DataFrame, cuts: QualityCuts) -> Iterator[tuple[str, F8]]:
    """The classifier of every event, parameter by parameter."""
    energy = None if absence(dsp_columns, _ENERGY) else column_of(dsp_columns, _ENERGY)
    for name, cut in cuts.cuts.items():
        columns = (column_of(dsp_columns, c) for c in _PARAMETERS[name].columns)
        yield name, classifier(cut, _PARAMETERS[name].value(*columns), energy)


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
def quality_flags(dsp_columns: pd.DataFrame, quality_cuts: QualityCuts) -> pd.DataFrame:
    """Which events satisfy which cut; a cut that is absent passes all, NaN fails."""
    return QUALITY_FLAGS.frame(_passing(dsp_columns, quality_cuts, 1.0))


@tag(stage="quality", scope="channel", helper="true")
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
