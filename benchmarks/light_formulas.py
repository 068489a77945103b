"""The numbers of the light data quality in plain numpy, for comparison of speed.

``python -m benchmarks.light_formulas FILE [EVENTS]`` prints CPU seconds and peak memory of one
pass: rows of the chosen events, features, fractions with intervals, medians, spectra.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from scipy.special import betaincinv

THRESHOLD_ADC16 = 500.0
CLIPPED_ADC16 = 32760
WINDOW = 50
V_PER_ADC16 = 1.0 / 32768.0
ALPHA = 0.16


def chosen_rows(trigger: np.ndarray, most: int) -> np.ndarray:
    """Half of the events of each trigger type, spread over the file."""
    kinds = [np.flatnonzero(trigger == t) for t in np.unique(trigger)]
    share = most // len(kinds)
    picked = [k[np.unique(np.linspace(0, len(k) - 1, share).astype(int))] for k in kinds]
    return np.sort(np.concatenate(picked))


def features(samples: np.ndarray) -> dict[str, np.ndarray]:
    """Noise, baseline, extremes and flags, each (n, n_adcs, 64)."""
    window = samples[..., :WINDOW].astype(np.float64)
    baseline = window.mean(axis=-1)
    highest = samples.max(axis=-1)
    maximum = highest - baseline
    minimum = samples.min(axis=-1) - baseline
    return {
        "noise": window.std(axis=-1),
        "baseline": baseline,
        "maximum": maximum,
        "clipped": highest >= CLIPPED_ADC16,
        "negative": minimum < -THRESHOLD_ADC16,
        "lit": maximum > THRESHOLD_ADC16,
        "dark": (maximum <= THRESHOLD_ADC16) & (minimum >= -THRESHOLD_ADC16),
    }


def interval(k: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Clopper-Pearson, 68 %."""
    with np.errstate(invalid="ignore"):
        lower = np.where(k > 0, betaincinv(np.maximum(k, 1), n - k + 1, ALPHA), 0.0)
        upper = np.where(k < n, betaincinv(k + 1, np.maximum(n - k, 1), 1 - ALPHA), 1.0)
    return lower, upper


def fractions(numbers: dict[str, np.ndarray], trigger: np.ndarray) -> list[Any]:
    """Both quantities, both triggers, four denominators."""
    n_adcs = numbers["lit"].shape[1]
    active = np.arange(64) % 16 >= 4
    lit = numbers["lit"] & active
    board = np.where(active, 2 * (np.arange(64) // 16) + (np.arange(64) % 16 - 4) // 6, -1)
    by_board = np.zeros_like(lit)
    for g in range(8):
        by_board[:, :, board == g] = lit[:, :, board == g].any(axis=2, keepdims=True)
    by_tpc = np.zeros_like(lit)
    for module in range(n_adcs // 2):
        for half in (slice(0, 32), slice(32, 64)):
            adcs = slice(2 * module, 2 * module + 2)
            by_tpc[:, adcs, half] = lit[:, adcs, half].any(axis=(1, 2), keepdims=True)
    results = []
    for quantity in ("clipped", "negative"):
        for kind in (0, 1):
            events = trigger == kind
            for denominator in (lit, by_board & active, by_tpc & active, active & True):
                counted = np.broadcast_to(denominator, lit.shape)[events]
                n = counted.sum(axis=0)
                k = (counted & numbers[quantity][events]).sum(axis=0)
                results.append((n, k, *interval(k, n)))
    return results


def spectra(samples: np.ndarray, dark: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and median one-sided power of dark waveforms, V^2 per bin."""
    n = samples.shape[-1]
    weight = np.full(n // 2 + 1, 2.0)
    weight[0] = 1.0
    weight[-1] = 1.0 if n % 2 == 0 else 2.0
    weight *= V_PER_ADC16**2 / n**2
    shape = (*samples.shape[1:3], len(weight))
    mean, median = np.full(shape, np.nan), np.full(shape, np.nan)
    for adc in range(shape[0]):
        for channel in np.flatnonzero(np.arange(64) % 16 >= 4):
            rows = dark[:, adc, channel]
            if not rows.any():
                continue
            power = weight * np.abs(np.fft.rfft(samples[rows, adc, channel].astype(float))) ** 2
            mean[adc, channel] = power.mean(axis=0)
            median[adc, channel] = np.median(power, axis=0)
    return mean, median


def report(path: str, most: int = 500) -> None:
    """Everything once."""
    with h5py.File(path) as file:
        trigger = file["light/events/data"]["trig_type"]
        rows = chosen_rows(trigger, most)
        waveforms = file["light/wvfm/data"]
        samples = np.empty((len(rows), *waveforms.dtype["samples"].shape), dtype=np.int16)
        for i, row in enumerate(rows):
            samples[i] = waveforms[int(row)]["samples"]
    numbers = features(samples)
    fractions(numbers, trigger[rows])
    for name in ("noise", "baseline"):
        np.percentile(numbers[name][trigger[rows] == 0], (16, 50, 84), axis=0)
    for event in samples:
        np.abs(np.diff(event.astype(np.int32))).max(axis=-1)
    spectra(samples, numbers["dark"])


if __name__ == "__main__":
    report(sys.argv[1], *(int(v) for v in sys.argv[2:]))
    used = resource.getrusage(resource.RUSAGE_SELF)
    status = Path("/proc/self/status").read_text()
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    print(json.dumps({"cpu_s": used.ru_utime + used.ru_stime, "peak_MB": peak / 1024}))
