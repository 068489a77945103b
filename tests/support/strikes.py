"""Strikes simulated as frequencies, sample by sample, and taken through the nodes of a run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from campaigns import CF, FS
from numpy.typing import NDArray
from radiograph.drivers.transients import run_inputs as settings_to_inputs
from radiograph.nodes.transients import baseline, features, fpga, structure, table
from radiograph.schemas.sources import FileRefs
from radiograph.schemas.transients.config import Quality, TransientsConfig
from radiograph.schemas.transients.recordings import DemodulationPlan, RecordingForm, Recordings

N_PRE, N_POST = 3000, 9000
NoiseModel = Literal["white", "flicker", "walk"]
KINDS = (
    "amplitude", "decay", "no_event", "pileup", "pretrig_burst", "step",
)  # fmt: skip
SLOW_PPM = 0.5
_LOST = 129
_DELAY = 64.5


@dataclass(frozen=True)
class Run:
    """Features of a simulated run, what they stand on, and the truth."""

    features: pd.DataFrame
    noise_ppm: float
    form: RecordingForm
    plan: DemodulationPlan
    truth: pd.DataFrame


def noise_Hz(model: NoiseModel, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """White frequency noise of a sample, 7 kHz after the filter, and a slower part."""
    white = rng.normal(0, 1500.0, n)
    if model == "white":
        return white
    # A length that the transform is quick for, cut: its ends need not meet.
    whole = 1 << n.bit_length()
    f = np.maximum(np.arange(whole // 2 + 1), 1.0)
    spectrum = rng.normal(size=(2, f.size)) / f ** (0.5 if model == "flicker" else 1.0)
    slow = np.fft.irfft(spectrum[0] + 1j * spectrum[1], whole)[:n]
    return white + slow / slow.std() * SLOW_PPM * 1e-6 * CF


def recordings(truth: pd.DataFrame, model: NoiseModel, seed: int, fast: float) -> Recordings:
    """Recordings as frequencies relative to +fs/4."""
    n = N_PRE + N_POST - _LOST
    t = (np.arange(n) + _DELAY - N_PRE) / FS
    frequency = np.empty((len(truth), n))
    for row, strike in enumerate(truth.itertuples(index=False)):
        rng = np.random.default_rng((seed, row))
        amplitude, decay, kind = strike.amp_ppm * 1e-6 * CF, strike.lam, strike.kind
        late = np.maximum(t, 0)
        shape = (1 - fast) * np.exp(-decay * late) + fast * np.exp(-9 * decay * late)
        if kind == "step":
            shape = np.ones(n)
        pulse = np.where(t >= 0, amplitude * shape, 0.0)
        if kind == "pileup":
            again = np.maximum(t - 0.2e-3, 0)
            pulse += np.where(t >= 0.2e-3, amplitude * np.exp(-decay * again), 0.0)
        if kind == "pretrig_burst":
            before = (t > -100e-6) & (t < -40e-6)
            pulse += np.where(before, 15e-6 * CF, 0.0)
        frequency[row] = -35_000 + rng.normal(0, 500) + pulse + noise_Hz(model, n, rng)
    number = np.arange(len(truth))
    return Recordings(
        number,
        truth["x_lsb"].to_numpy(),
        truth["y_lsb"].to_numpy(),
        np.full(len(truth), 24 + 4 * (N_PRE + N_POST)),
        1_000_000 * (number + 1),
        1_652_500_000 + number,
        np.zeros(len(truth), np.int64),
        np.empty((len(truth), 0, 2), np.int16),
        frequency,
        0,
    )


def scan(seed: int, *, half: int = 5, hits: int = 5, share: float = 0.04) -> pd.DataFrame:
    """The truth of a square scan: a plateau that falls off, strikes that spread by 4 %."""
    rng = np.random.default_rng(seed)
    axis = np.arange(-half, half + 1) * 495
    x, y = (np.repeat(a.ravel(), hits) for a in np.meshgrid(axis, axis, indexing="ij"))
    radius = np.hypot(x, y) / (half * 495)
    n = len(x)
    amplitude = 18.0 / (1 + np.exp((radius - 0.75) / 0.08)) * rng.normal(1, 0.04, n)
    decay = 8000 * rng.normal(1, 0.04, n)
    kind = np.full(n, "inlier", object)
    odd = rng.random(n) < share
    kind[odd] = rng.choice(KINDS, int(odd.sum()))
    plain = amplitude.copy()
    amplitude[kind == "amplitude"] *= 2
    decay[kind == "decay"] *= 2.5
    amplitude[kind == "no_event"] = 0
    return pd.DataFrame(
        {"number": np.arange(n), "x_lsb": x, "y_lsb": y, "kind": kind, "amp_ppm": amplitude,
         "lam": decay, "plain_ppm": plain}
    )  # fmt: skip


def run_of(
    truth: pd.DataFrame,
    model: NoiseModel,
    seed: int,
    *,
    fast: float = 0.3,
    config: TransientsConfig | None = None,
) -> Run:
    """The truth as recordings, and these as features."""
    config = config or TransientsConfig()
    form = RecordingForm(N_PRE, N_POST, FS, CF, 99.0, 99.0)
    plan = settings_to_inputs.demodulation_plan(form, config)
    fit = settings_to_inputs.fit_settings(form, config)
    carrier = settings_to_inputs.carrier_Hz(form, config)
    quality = Quality()
    found = recordings(truth, model, seed, fast)
    marks = structure.sample_quality(found, replace(form), quality)
    taps = baseline.lowpass_taps(form, config.transients.demodulation)
    means = baseline.window_means(found, marks, taps, plan, 1)
    pre = baseline.pre_window_means_ppm(means, carrier)
    post = features.post_window_means_ppm(means, carrier)
    traces = features.trace_features(pre, post, plan)
    fits = features.exponential_fits(post, plan, fit)
    of_each = baseline.recording_quality(marks, means, quality)
    rows = structure.recording_table(found, form)
    hits: Any = fpga.hit_log(FileRefs(), FileRefs(), 1)
    noise = table.noise_level_ppm(traces, of_each)
    correlation = table.window_correlation(baseline.pre_correlations(pre), of_each, plan)
    whole = table.features(
        rows,
        of_each,
        baseline.baselines(means, plan),
        traces,
        fits,
        features.flattops(means, carrier),
        table.hit_matches(rows, hits, quality),
        noise,
        table.fit_errors(fits, correlation, plan, fit),
        plan,
    )
    return Run(whole, noise, form, plan, truth)
