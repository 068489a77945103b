"""Dsp columns of germanium waveforms by dspeed, file to file: the peer of germanium_dsp.py.

PEER_PYTHON benchmarks/germanium_dspeed.py RAW.lh5 TABLE: prints CPU time a waveform. It is run by
the Python of an environment of its own, that has dspeed and no radiograph (pip install dspeed).
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

FEW, MANY = 4000, 16_000
# Function, arguments and unit of each step. Baselines are those of presummed samples, sums of 8.
STEPS: dict[str, tuple[str, list[Any], Any]] = {
    "tp_min, tp_max, wf_min, wf_max": (
        "min_max",
        ["waveform_presummed", "tp_min", "tp_max", "wf_min", "wf_max"],
        ["ns", "ns", "ADC", "ADC"],
    ),
    "bl_mean, bl_std, bl_slope, bl_intercept": (
        "linear_slope_fit",
        ["waveform_presummed[0:350]", "bl_mean", "bl_std", "bl_slope", "bl_intercept"],
        ["ADC", "ADC", "ADC", "ADC"],
    ),
    "wf_blsub": ("bl_subtract", ["waveform_presummed", "bl_mean", "wf_blsub"], "ADC"),
    "wf_pz": ("pole_zero", ["wf_blsub", "440*us", "wf_pz"], "ADC"),
    "pz_mean, pz_std, pz_slope, pz_intercept": (
        "linear_slope_fit",
        ["wf_pz[420:781]", "pz_mean", "pz_std", "pz_slope", "pz_intercept"],
        ["ADC", "ADC", "ADC", "ADC"],
    ),
    "wf_trapT": ("trap_norm", ["wf_pz", "8*us", "2.5*us", "wf_trapT"], "ADC"),
    "wf_trapS": ("trap_norm", ["wf_pz", "1*us", "0.1*us", "wf_trapS"], "ADC"),
    "wf_trapE": ("trap_norm", ["wf_pz", "8*us", "2.5*us", "wf_trapE"], "ADC"),
    "kern_cusp": ("cusp_filter", ["62.5", "20", "3437", "kern_cusp(700, 'f')"], "ADC"),
    "kern_zac": ("zac_filter", ["62.5", "20", "3437", "kern_zac(700, 'f')"], "ADC"),
    "wf_cusp": (
        "fft_convolve_wf",
        ["wf_blsub[0:740]", "kern_cusp", "'v'", "wf_cusp(41, 'f')"],
        "ADC",
    ),
    "wf_zac": ("fft_convolve_wf", ["wf_blsub[0:740]", "kern_zac", "'v'", "wf_zac(41, 'f')"], "ADC"),
    "win_blsub": ("bl_subtract", ["waveform_windowed", "bl_mean/8", "win_blsub"], "ADC"),
    "win_pz": ("pole_zero", ["win_blsub", "440*us", "win_pz"], "ADC"),
    "wf_at": ("asym_trap_filter", ["win_pz", "128*ns", "64*ns", "2*us", "wf_at"], "ADC"),
    "c_min, tp_start, a_min, a_max": (
        "min_max",
        ["wf_at", "c_min", "tp_start", "a_min", "a_max"],
        ["ns", "ns", "ADC", "ADC"],
    ),
    "wm, wstd, ws, wi": (
        "linear_slope_fit",
        ["win_pz[0:312]", "wm", "wstd", "ws", "wi"],
        ["ADC", "ADC", "ADC", "ADC"],
    ),
    "tp_0_est": ("time_point_thresh", ["wf_at", "wstd", "tp_start", "0", "tp_0_est"], "ns"),
    "tp_99": ("time_point_thresh", ["win_pz", "0.99*trapTmax/8", "tp_0_est", "1", "tp_99"], "ns"),
    "tp_95": ("time_point_thresh", ["win_pz", "0.95*trapTmax/8", "tp_99", "0", "tp_95"], "ns"),
    "tp_90": ("time_point_thresh", ["win_pz", "0.9*trapTmax/8", "tp_95", "0", "tp_90"], "ns"),
    "tp_80": ("time_point_thresh", ["win_pz", "0.8*trapTmax/8", "tp_90", "0", "tp_80"], "ns"),
    "tp_50": ("time_point_thresh", ["win_pz", "0.5*trapTmax/8", "tp_80", "0", "tp_50"], "ns"),
    "tp_20": ("time_point_thresh", ["win_pz", "0.2*trapTmax/8", "tp_50", "0", "tp_20"], "ns"),
    "tp_10": ("time_point_thresh", ["win_pz", "0.1*trapTmax/8", "tp_20", "0", "tp_10"], "ns"),
    "tp_01": ("time_point_thresh", ["win_pz", "0.01*trapTmax/8", "tp_10", "0", "tp_01"], "ns"),
    "qdrift": ("trap_pickoff", ["win_pz", "4*us", "96*ns", "tp_0_est+8.096*us", "qdrift"], "ADC"),
    "lq80": ("trap_pickoff", ["win_pz", "4*us", "96*ns", "tp_80+8.096*us", "lq80"], "ADC"),
    "wf_le": ("windower", ["win_pz", "tp_0_est", "wf_le(301)"], "ADC"),
    "curr": ("avg_current", ["wf_le", "1", "curr(len(wf_le)-1)"], "ADC"),
    "curr_up": ("upsampler", ["curr", "16", "curr_up(4784,period=1*ns)"], "ADC"),
    "curr_av": ("moving_window_multi", ["curr_up", "48", "3", "0", "curr_av"], "ADC"),
    "aoe_min, A_tp, A_mn, A_max": (
        "min_max",
        ["curr_av", "aoe_min", "A_tp", "A_mn", "A_max"],
        ["ns", "ns", "ADC", "ADC"],
    ),
}
MAXIMA = {
    "trapTmax": "wf_trapT",
    "trapSmax": "wf_trapS",
    "trapEmax": "wf_trapE",
    "cuspEmax": "wf_cusp",
    "zacEmax": "wf_zac",
}
OUTPUTS = [
    "tp_min",
    "tp_max",
    "wf_min",
    "wf_max",
    "bl_mean",
    "bl_std",
    "bl_slope",
    "bl_intercept",
    "pz_mean",
    "pz_std",
    "pz_slope",
    "trapTmax",
    "trapSmax",
    "trapEmax",
    "cuspEmax",
    "zacEmax",
    "tp_0_est",
    "tp_99",
    "tp_95",
    "tp_90",
    "tp_80",
    "tp_50",
    "tp_20",
    "tp_10",
    "tp_01",
    "qdrift",
    "lq80",
    "A_max",
]


def configuration() -> dict[str, Any]:
    """What build_dsp is told."""
    steps: dict[str, Any] = {}
    for name, (function, args, unit) in STEPS.items():
        step = {"function": function, "module": "dspeed.processors", "args": args}
        steps[name] = step | ({"unit": unit} if unit else {})
    for name, wave in MAXIMA.items():
        kinds = {"signature": "(n),()->()", "types": ["fi->f", "di->d"]}
        steps[name] = {
            "function": "amax", "module": "numpy", "args": [wave, 1, name], "kwargs": kinds,
            "unit": "ADC",
        }  # fmt: skip
    return {"outputs": OUTPUTS, "processors": steps}


def main() -> None:
    """Print the time."""
    from dspeed import build_dsp  # type: ignore[import-not-found]

    raw, table = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as folder:

        def seconds(rows: int) -> float:
            begin = time.process_time()
            build_dsp(
                raw, str(Path(folder) / "out.lh5"), configuration(), lh5_tables=[table],
                write_mode="r", n_entries=rows,
            )  # fmt: skip
            return time.process_time() - begin

        seconds(FEW)
        few, many = (min(seconds(n) for _ in range(2)) for n in (FEW, MANY))
    print(f"dspeed, file to file: {1e6 * (many - few) / (MANY - FEW):.1f} us a waveform")


if __name__ == "__main__":
    main()
