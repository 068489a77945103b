"""One germanium channel from its dsp columns: nodes called as plain functions, by their names."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
from radiograph.nodes.germanium import (
    aoe,
    aoe_time,
    energy,
    figure_data,
    figures,
    lq,
    quality,
    stability,
)
from radiograph.schemas.germanium.calibration_settings import (
    AoESettings,
    EnergySettings,
    GateSettings,
    LQSettings,
    QualitySettings,
)
from radiograph.schemas.germanium.lh5 import InputRun
from radiograph.schemas.germanium.quality import QualityCuts

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "germanium"
HALF_A = DATA / "l200-p03-r000-cal-20230311T235840Z-a-tier_dsp.lh5"
ESTIMATORS = ("cuspEmax", "zacEmax", "trapEmax", "trapEftp")
_MODULES = (quality, energy, aoe_time, aoe, lq, stability, figure_data, figures)


def half_a() -> pd.DataFrame:
    """The dsp columns of half of a real calibration."""
    with h5py.File(HALF_A) as file:
        table = file["ch1104000/dsp"]
        return pd.DataFrame({name: table[name][:] for name in table})


class Channel:
    """Nodes of a channel, each evaluated once."""

    def __init__(self, dsp_columns: pd.DataFrame, **inputs: Any) -> None:
        self._known: dict[str, Any] = {
            "dsp_columns": dsp_columns,
            "estimators": ESTIMATORS,
            "primary_estimator": "cuspEmax",
            "energy_settings": EnergySettings(),
            "gate_settings": GateSettings(),
            "aoe_settings": AoESettings(drift_correction="off"),
            "lq_settings": LQSettings(),
            "quality_settings": QualitySettings(),
            "threshold_keV": 800.0,
            "channel": "ch1104000",
            "forced_cuts": QualityCuts(),
            "pulser_times_s": np.empty(0),
            "input_run": InputRun("l200-p03-r000", "l200-p03-r000-cal"),
            **inputs,
        }

    def __getitem__(self, name: str) -> Any:
        if name not in self._known:
            (node,) = [getattr(m, name) for m in _MODULES if _defines(m, name)]
            needs = {p: self[p] for p in inspect.signature(node).parameters}
            self._known[name] = node(**needs)
        return self._known[name]


def _defines(module: Any, name: str) -> bool:
    return getattr(getattr(module, name, None), "__module__", "") == module.__name__


def toy_peak(
    rng: np.random.Generator,
    n_sig: float,
    n_bkg: float,
    *,
    h: float = 0.0,
    v: float = 1.0,
    step: float = -0.3,
    half_width: float = 20.0,
) -> np.ndarray:
    """Events of a peak at 0 with sigma 1, a tail, and a stepped background, within +- 20.

    Drawn from the distributions themselves, not from the densities of the package.
    """
    signal = rng.normal(size=rng.poisson(n_sig))
    tailed = rng.random(len(signal)) < h
    signal[tailed] -= rng.exponential(v, tailed.sum())
    wanted = rng.poisson(n_bkg)
    # A step smeared with sigma 1: uniform on each side of it, then moved by the smearing.
    above = rng.random(4 * wanted + 100) * 2.0 - 1.0
    edge = rng.normal(size=len(above))
    x = half_width * above
    keep = rng.random(len(x)) * (1.0 + abs(step)) < 1.0 + step * np.sign(x - edge)
    return np.concatenate([signal, x[keep][:wanted]])
