"""Simulated recordings: hand values, the truth in the samples, noise, rows that stand alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from radiograph.drivers.transients.simulation import TransientSimulation
from radiograph.nodes.simulation import transient_recordings
from radiograph.nodes.simulation.kernels import transient_recordings as kernels
from radiograph.schemas.arrays import F8
from radiograph.schemas.transient_simulation import (
    ANOMALIES,
    DAMAGES,
    TransientSimulationSettings,
)

SILENT = {"white_Hz": 0.0, "level_ppm": 0.0, "iq_codes": 0.0}
PLAIN: dict[str, Any] = {
    "steps": 1,
    "hits": 1,
    "stray": 0,
    "planted": (),
    "damage": (),
    "anomaly_share": 0.0,
    "carrier_codes": 2000.0,
}


def simulated(**settings: Any) -> TransientSimulation:
    return TransientSimulation(TransientSimulationSettings.model_validate(PLAIN | settings))


def phase_of(iq: np.ndarray) -> F8:
    """The phase of a carrier whose quarter of the sample rate was taken out, rad, unwrapped."""
    z = (iq[:, 0] + 1j * iq[:, 1]) * np.array([1, -1j, -1, 1j])[np.arange(len(iq)) % 4]
    return np.asarray(np.unwrap(np.angle(z)))


def test_rows_do_not_know_of_each_other() -> None:
    run = simulated(hits=7, anomaly_share=0.5)
    whole = run.samples(np.arange(7))
    for rows in ([3], [6, 0, 2]):
        assert np.array_equal(run.samples(np.array(rows)), whole[rows])
    assert run.samples(np.arange(0)).shape == (0, 12_000, 2)
    assert len({one.tobytes() for one in whole}) == 7
    assert whole.dtype == np.int16
    assert not (whole % 16).any()


def test_the_kernel_is_its_plain_form(monkeypatch: pytest.MonkeyPatch) -> None:
    run = simulated(n_pre=1000, n_post=4000, noise={"model": "flicker"})
    rows = np.array([0])
    expected = run.samples(rows)
    for name in ("hashed", "_normal", "_digitised"):
        monkeypatch.setattr(kernels, name, vars(kernels)[name].py_func)
    monkeypatch.setattr(transient_recordings, "fill_recordings", kernels.fill_recordings.py_func)
    with np.errstate(over="ignore"):
        plain = run.samples(rows)
    # The last bit of a sine may differ, and with it the code of one sample in a million.
    assert np.abs(plain.astype(int) - expected).max() <= 16
    assert (plain == expected).mean() > 0.999


def test_the_frequency_is_that_of_the_truth() -> None:
    run = simulated(noise=SILENT, spread=0.0, decay_per_s=6000.0)
    truth = run.truth.iloc[0]
    strikes = run.shared["strikes"]
    fs, strike, cf = 20e6, 3000 - 10, 1275.0
    phase = phase_of(run.samples(np.array([0]))[0])
    k = np.arange(len(phase) - 1)
    t = np.maximum(k - strike + 0.5, 0) / fs
    slow = truth["amp_ppm"] - truth["off_ppm"] - truth["fast_ppm"]
    y = slow * np.exp(-truth["lam"] * t) + truth["off_ppm"]
    y += truth["fast_ppm"] * np.exp(-9 * truth["lam"] * t)
    f = truth["base_hz"] + strikes.drift_Hz_per_s[0] * k / fs + np.where(k >= strike, y, 0) * cf
    # Means of 500 samples; codes are rounded to 1 of 2000: 2.0 Hz in the difference of two phases.
    step = 500
    seen = (phase[step::step] - phase[:-step:step]) * fs / (2 * np.pi * step)
    expected = f.reshape(-1)[: len(seen) * step].reshape(-1, step).mean(axis=1)
    assert np.abs(seen - expected).max() < 6 * 2.0
    assert truth["amp_ppm"] == pytest.approx(20.0)
    assert truth["fast_ppm"] == pytest.approx(6.0)


def _frequencies(**settings: Any) -> F8:
    """Frequencies of 32 recordings without a strike, less their straight lines, (32, n)."""
    run = simulated(hits=32, peak_ppm=0.0, **settings)
    iq = run.samples(np.arange(32))
    f = np.stack([np.diff(phase_of(one)) for one in iq]) * 20e6 / (2 * np.pi)
    k = np.arange(f.shape[1])
    slope, offset = np.polyfit(k, f.T, 1)
    return np.asarray(f - slope[:, None] * k - offset[:, None])


def test_white_noise_has_its_width() -> None:
    f = _frequencies(noise={"model": "white", "white_Hz": 20_000.0, "iq_codes": 0.0})
    # 32 * 12,000 samples; rounding adds sqrt(2 / 12) / 2000 rad = 650 Hz.
    width = np.hypot(20_000.0, 650.0)
    assert abs(f.std() / width - 1) < 5 / np.sqrt(2 * f.size)


def test_slow_noise_is_correlated_over_its_time() -> None:
    f = _frequencies(noise={"level_ppm": 40.0, "white_Hz": 0.0, "iq_codes": 0.0, "slow_us": 20.0})
    # 51,000 Hz; a straight line taken out of 600 us takes a few percent along.
    assert abs(f.std() / 51_000.0 - 1) < 0.1
    lag = 400
    correlation = (f[:, lag:] * f[:, :-lag]).mean() / f.var()
    assert abs(correlation - np.exp(-1.0)) < 0.1


@pytest.mark.parametrize(("model", "slope"), [("flicker", -1.0), ("random_walk", -2.0)])
def test_coloured_noise_falls_with_its_power_of_frequency(model: str, slope: float) -> None:
    f = _frequencies(noise={"model": model, "level_ppm": 400.0, "white_Hz": 0.0, "iq_codes": 0.0})
    power = (np.abs(np.fft.rfft(f * np.hanning(f.shape[1]))) ** 2).mean(axis=0)
    nu = np.arange(len(power))
    some = (nu >= 10) & (nu < 150)
    measured = np.polyfit(np.log(nu[some]), np.log(power[some]), 1)[0]
    assert abs(measured - slope) < 0.2


def test_each_anomaly_does_what_it_says() -> None:
    planted = [{"kind": kind, "number": n} for n, kind in enumerate(ANOMALIES)]
    run = simulated(hits=9, planted=planted, noise=SILENT, spread=0.0, carrier_codes=1200.0)
    iq = run.samples(np.arange(9)).astype(np.float64)
    at = {kind: n for n, kind in enumerate(ANOMALIES)} | {"inlier": 8}
    rows = run.truth.set_index("number")
    assert list(rows["kind"]) == [*ANOMALIES, "inlier"]
    assert rows["amp_ppm"][at["amplitude"]] == pytest.approx(40.0)
    assert rows["lam"][at["decay"]] == pytest.approx(2.5 * 8000.0)
    assert rows["amp_ppm"][at["no_event"]] == 0.0
    size = np.hypot(iq[..., 0], iq[..., 1]) / 16
    empty = (size == 0).sum(axis=1)
    assert 16 <= empty[at["dropout"]] <= 0.08 * 9000 + 1
    assert np.flatnonzero(empty).tolist() == [at["dropout"]]
    assert size[at["carrier_loss"]].min() < 0.3 * 1200
    assert size[at["inlier"]].min() > 0.99 * 1200
    f = np.stack([np.diff(phase_of(one)) for one in iq]) * 20e6 / (2 * np.pi) / 1275.0
    means = f[:, : 47 * 250].reshape(9, 47, 250).mean(axis=2)
    means -= means[:, :1]
    assert means[at["pretrig_burst"], 1:11].max() > 4.0
    assert np.abs(means[at["inlier"], 1:11]).max() < 0.5
    assert means[at["step"], 13:].min() > 18.0
    assert np.diff(means[at["pileup"], 14:]).max() > 8.0


def test_clipping_reaches_the_last_code() -> None:
    run = simulated(hits=2, damage=("clipped",), carrier_codes=1200.0)
    loud = int(run.damage["number"].iloc[0])
    iq = run.samples(np.arange(2))
    assert (np.abs(iq[loud].astype(int)) >= 32752).mean() > 0.1
    assert (np.abs(iq[1 - loud].astype(int)) >= 32752).sum() == 0
    # The truth says it: such samples are not those of an inlier. All else of it is as before.
    assert run.truth["kind"][loud] == "clipped"
    assert run.truth["kind"][1 - loud] == "inlier"
    sound = simulated(hits=2, damage=(), carrier_codes=1200.0).truth
    pd.testing.assert_frame_equal(run.truth.drop(columns="kind"), sound.drop(columns="kind"))
    assert set(sound["kind"]) == {"inlier"}


def test_what_is_done_to_a_file_is_no_kind() -> None:
    damage = tuple(kind for kind in DAMAGES if kind != "clipped")
    truth = simulated(steps=3, hits=2, damage=damage).truth
    assert set(truth["kind"]) == {"inlier"}


def test_positions_times_and_hits() -> None:
    run = simulated(steps=3, hits=2, stray=1, damage=("no_hit",))
    truth = run.truth
    assert len(truth) == 19
    # 20 um * 99.001 LSB/um = 1980.02, 20 um * 93.458 LSB/um = 1869.16
    assert truth.loc[[0, 17, 18], ["x_lsb", "y_lsb"]].to_numpy().tolist() == [
        [-1980, -1869],
        [1980, 1869],
        [999999, 999999],
    ]
    assert (np.diff(truth["hw_ticks"]) >= 0).all()
    hits = run.shared["hit_ticks_10us"]
    gone = int(run.damage["number"].iloc[0])
    kept = [n for n in range(18) if n != gone]
    assert hits[:2, 1:].tolist() == [[0, 0], [0, 0]]
    expected = (truth["hw_ticks"].to_numpy()[kept] - 10) // 200
    assert hits[2:, 0].tolist() == expected.tolist()


def test_what_is_planted_lies_where_the_beam_strikes() -> None:
    run = simulated(steps=5, hits=4, planted=[{"kind": kind} for kind in ANOMALIES])
    odd = run.truth[run.truth["kind"] != "inlier"]
    assert sorted(odd["kind"]) == sorted(ANOMALIES)
    middle = (odd["x_lsb"].abs() <= 990) & (odd["y_lsb"].abs() <= 935)
    assert middle.all()
    # Nine positions have a strike.
    assert not odd.duplicated(["x_lsb", "y_lsb"]).any()


def test_more_anomalies_than_recordings_are_refused() -> None:
    with pytest.raises(ValueError, match="3 recordings are to be anomalous or damaged"):
        simulated(damage=("empty", "duplicate"))
    with pytest.raises(ValueError, match="recordings 0 to 0"):
        simulated(planted=[{"kind": "step", "number": 1}])
