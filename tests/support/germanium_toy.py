"""Dsp columns of a made-up germanium channel with known truth."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

SCALE = 0.15
LINES = {860.564: 0.05, 1592.511: 0.02, 1620.5: 0.02, 2103.511: 0.05, 2614.511: 0.40}
N = 6000


@cache
def toy_channel(*, fep: bool = True, n: int = N, gain: float = 1.0) -> pd.DataFrame:
    """Lines on a falling continuum; single-site A/E 0.0745 with 1 %, multi-site below it."""
    rng = np.random.default_rng(11)
    energy = [rng.uniform(820.0, 2380.0, int(0.46 * n))]
    for line, share in LINES.items():
        if line == 2614.511 and not fep:
            continue
        energy.append(rng.normal(line, 0.9, int(share * n)))
    e = np.concatenate(energy)
    single = rng.random(len(e)) < np.where(np.abs(e - 1592.511) < 4.0, 0.95, 0.4)
    aoe = 0.0745 * (1.0 + rng.normal(0.0, 0.01, len(e)))
    aoe[~single] -= rng.exponential(0.01, (~single).sum())
    dt_eff = rng.uniform(300.0, 1000.0, len(e))
    adc = e / SCALE * gain / (1.0 + 6e-7 * dt_eff)
    lq = adc * rng.normal(0.5, 0.02, len(e)) + adc * np.where(single, 0.0, 0.1)
    order = rng.permutation(len(e))
    columns = {
        "cuspEmax": adc,
        "trapEmax": adc * (1.0 + rng.normal(0.0, 2e-5, len(e))),
        "A_max": aoe * adc,
        "lq80": lq,
        "dt_eff": dt_eff,
        "bl_std": rng.normal(12.0, 0.6, len(e)),
        "bl_slope": rng.normal(0.0, 0.02, len(e)),
        "pz_std": rng.normal(12.0, 0.6, len(e)),
        "timestamp": 1e9 + np.sort(rng.uniform(0.0, 3600.0, len(e))),
    }
    frame = pd.DataFrame({name: values[order] for name, values in columns.items()})
    frame["timestamp"] = columns["timestamp"]
    return frame
