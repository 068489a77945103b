"""Parameters of the quality of a waveform, and their classifiers. No nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from ...schemas.arrays import F8, I8
from ...schemas.germanium.quality import QualityCut, QualityCuts
from ..peaks.modes import FEWEST
from .columns import absence, column_of

ENERGY: Final = "trapEmax"
ONE_BAND: Final = np.array([-np.inf, np.inf])
_BANDS: Final = 8
# A slope that goes with the energy is none: old files hold the mean of the tail under its name.
_MOST_CORRELATION: Final = 0.5


@dataclass(frozen=True)
class Parameter:
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
    return np.asarray((trap - cusp) / trap)


PARAMETERS: Final = {
    "bl_std": Parameter(("bl_std",), _itself, "bl_std"),
    "bl_slope": Parameter(("bl_slope",), _itself, "bl_slope"),
    "pz_std": Parameter(("pz_std",), _itself, "pz_std", banded=True),
    "pz_slope": Parameter(("pz_slope",), _itself, "pz_slope", slope=True),
    "rise_time": Parameter(("tp_90", "tp_10"), _difference, "tp_90-tp_10", banded=True),
    "tp_0_est": Parameter(("tp_0_est",), _itself, "tp_0_est"),
    "dt_eff": Parameter(("dt_eff",), _itself, "dt_eff"),
    # With its sign: the absolute value has its mode at the end of its range, and no width there.
    "e_diff": Parameter(
        ("trapEmax", "cuspEmax"), _energy_difference, "(trapEmax-cuspEmax)/trapEmax", banded=True
    ),
}


def no_parameter(dsp_columns: pd.DataFrame, parameter: Parameter) -> str:
    """Why a parameter cannot be cut on; empty if it can."""
    reasons = [r for r in (absence(dsp_columns, c) for c in parameter.columns) if r]
    if reasons:
        return "; ".join(reasons)
    values = column_of(dsp_columns, parameter.columns[0])
    if parameter.slope and not absence(dsp_columns, ENERGY) and len(values) >= FEWEST:
        energy = column_of(dsp_columns, ENERGY)
        good = np.isfinite(values) & np.isfinite(energy)
        r = _correlation(values[good], energy[good])
        if abs(r) > _MOST_CORRELATION:
            return f"it goes with the energy (correlation {r:.2f}), so it is no slope"
    return ""


def _correlation(a: F8, b: F8) -> float:
    if len(a) < 2 or not np.ptp(a) or not np.ptp(b):
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def bands_of(energy: F8) -> F8:
    """Ends of bands of equal counts, each of enough events for a fit."""
    known = energy[np.isfinite(energy)]
    n = int(np.clip(len(known) // (4 * FEWEST), 1, _BANDS))
    inner = np.quantile(known, np.arange(1, n) / n) if n > 1 else np.empty(0)
    return np.concatenate([[-np.inf], np.unique(inner), [np.inf]])


def band_of(edges: F8, energy: F8 | None, n: int) -> I8:
    """The band of each of n events; the highest where the energy is NaN, as in the hit tier.

    There a comparison with NaN is false, and a search puts NaN above everything.
    """
    if len(edges) == 2 or energy is None:
        return np.zeros(n, dtype=np.int64)
    return np.clip(np.searchsorted(edges, energy, side="right") - 1, 0, len(edges) - 2)


def classifier(cut: QualityCut, values: F8, energy: F8 | None) -> F8:
    """(value - mode) / width of each event, of its band of energy; 0 at the mode of no width."""
    band = band_of(cut.edges_adc, energy, len(values))
    away = values - cut.mode[band]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(away == 0.0, 0.0, away / cut.width[band])


def classifier_values(dsp_columns: pd.DataFrame, cuts: QualityCuts) -> Iterator[tuple[str, F8]]:
    """The classifier of every event, parameter by parameter."""
    energy = None if absence(dsp_columns, ENERGY) else column_of(dsp_columns, ENERGY)
    for name, cut in cuts.cuts.items():
        columns = (column_of(dsp_columns, c) for c in PARAMETERS[name].columns)
        yield name, classifier(cut, PARAMETERS[name].value(*columns), energy)
