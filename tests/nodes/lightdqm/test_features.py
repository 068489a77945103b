"""Features, rates, spectra and picks: hand values, truths recovered, edges."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from radiograph.nodes.lightdqm.columns import masked_percentiles, partner_side
from radiograph.nodes.lightdqm.kernels.waveforms import waveform_pass
from radiograph.schemas.errors import InputError


def quiet(
    rng: np.random.Generator, n: int, n_adcs: int = 2, n_samples: int = 200, noise: float = 35.0
) -> NDArray[np.int16]:
    """Noise around -28000, in multiples of 4 as the read-out makes them."""
    samples = rng.normal(-28000.0, noise, (n, n_adcs, 64, n_samples))
    return np.asarray(np.clip(np.round(samples / 4) * 4, -32768, 32764), dtype=np.int16)


def with_pulses(
    samples: NDArray[np.int16], events: Any, adc: int, channels: Any, height: float
) -> None:
    """Add a pulse to some channels of some events, in place."""
    shape = np.exp(-np.arange(samples.shape[-1] - 60) / 20.0) * height
    for event in events:
        for channel in channels:
            added = samples[event, adc, channel, 60:] + shape
            samples[event, adc, channel, 60:] = np.clip(added, -32768, 32764).astype(np.int16)


def measured(samples: NDArray[np.int16], window: int, function: Any) -> list[NDArray[Any]]:
    kinds = (np.int32, np.int64, np.int16, np.int16, np.int32, np.int32, np.int32)
    out = [np.empty(len(samples), d) for d in kinds]
    function(samples, window, *out)
    return out


@given(arrays(np.int16, (3, 17)), st.integers(1, 17))
@settings(max_examples=60, deadline=None)
def test_kernel(samples: NDArray[np.int16], window: int) -> None:
    compiled = measured(samples, window, waveform_pass)
    plain = measured(samples, window, waveform_pass.py_func)
    wide = samples.astype(np.int64)
    mean = wide[:, :window].sum(axis=1, keepdims=True) // window
    expected = [
        wide[:, :window].sum(axis=1),
        (wide[:, :window] ** 2).sum(axis=1),
        wide.max(axis=1),
        wide.min(axis=1),
        np.abs(np.diff(wide, axis=1)).max(axis=1),
        np.maximum((wide[:, 1:] - np.maximum(wide[:, :-1], mean)).max(axis=1), 0),
        wide.argmax(axis=1),
    ]
    for one, other, truth in zip(compiled, plain, expected, strict=True):
        assert np.array_equal(one, truth)
        assert np.array_equal(other, truth)


def test_hand_values(write: Any, ask: Any) -> None:
    """Window 4, 8, 4, 8: mean 6, deviation 2. The full step is 65532 counts, not what wraps."""
    samples = np.full((1, 2, 64, 60), 6, np.int16)
    samples[0, 0, 4, :4] = [4, 8, 4, 8]
    samples[0, 0, 4, 50:53] = [-32768, 32764, 32760]
    frame = ask(write(samples, [0]), "waveform_features", noise_samples=4)
    row = frame[(frame["adc"] == 0) & (frame["channel"] == 4)].iloc[0]
    assert (row["baseline_adc16"], row["noise_adc16"]) == (6.0, 2.0)
    assert (row["maximum_adc16"], row["minimum_adc16"]) == (32758.0, -32774.0)
    assert row["spark_step_adc16"] == 65532
    assert row["rise_adc16"] == 32764 - 6  # from the baseline, not from below it
    assert (row["clipped"], row["negative"], row["lit"]) == (True, True, True)
    others = frame[(frame["channel"] != 4)]
    assert not others[["clipped", "negative", "lit"]].to_numpy().any()


@pytest.mark.parametrize(("top", "clipped"), [(32756, False), (32760, True), (32764, True)])
def test_clipping_begins_one_code_below_the_top(
    write: Any, ask: Any, top: int, clipped: bool
) -> None:
    samples = np.zeros((1, 2, 64, 60), np.int16)
    samples[..., 55] = top
    assert (ask(write(samples, [0]), "waveform_features")["clipped"] == clipped).all()


def test_a_threshold_is_exceeded_not_reached(write: Any, ask: Any) -> None:
    samples = np.zeros((2, 2, 64, 60), np.int16)
    samples[0, ..., 55] = 500
    samples[0, ..., 56] = -500
    samples[1, ..., 55] = 504
    samples[1, ..., 56] = -504
    frame = ask(write(samples, [0, 0]), "waveform_features")
    assert frame.groupby("event_row")[["lit", "negative"]].any().to_numpy().tolist() == [
        [False, False],
        [True, True],
    ]


def test_a_noise_window_longer_than_the_waveform(write: Any, ask: Any) -> None:
    samples = np.zeros((1, 2, 64, 40), np.int16)
    with pytest.raises(InputError, match="40 samples a waveform, fewer than the 50"):
        ask(write(samples, [0]), "waveform_features")
    assert len(ask(write(samples, [0]), "waveform_features", noise_samples=40)) == 128


@given(st.integers(0, 9), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_masked_percentiles(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values, used = rng.normal(size=(n, 2, 3)), rng.random((n, 2, 3)) < 0.6
    found = masked_percentiles(values, used, (16.0, 50.0, 84.0))
    for place in np.ndindex(2, 3):
        mine = values[(slice(None), *place)][used[(slice(None), *place)]]
        got = [points[place] for points in found]
        if len(mine):
            assert got == pytest.approx(np.percentile(mine, [16, 50, 84]), rel=1e-12, abs=1e-12)
        else:
            assert np.isnan(got).all()


def test_beam_only_files_fall_back_to_every_event(write: Any, ask: Any, rng: Any) -> None:
    path = write(quiet(rng, 8), [1] * 8)
    frame = ask(path, "baseline_summary")
    assert set(frame["source"]) == {"all"}
    assert (frame["n"] == 8).all()
    assert frame["median_adc16"].between(-28030, -27970).all()


@pytest.mark.parametrize("beam", [[0, 1, 0, 1], [1, 1, 1, 1], [0, 0, 0, 0]])
def test_summarised_waveforms(write: Any, ask: Any, rng: Any, beam: list[int]) -> None:
    valid = np.ones((4, 2, 64), np.uint8)
    valid[0, 1, 9] = valid[2, 0, 3] = 0
    path = write(quiet(rng, 4), beam, valid)
    is_self = 1 - np.asarray(beam)
    of_script = np.broadcast_to(is_self[:, None, None].astype(bool), valid.shape)
    assert np.array_equal(ask(path, "summarised_waveforms", legacy=True), of_script)
    events = of_script if is_self.any() else np.ones_like(of_script)
    found = ask(path, "summarised_waveforms")
    active = ask(path, "active_channels")
    assert np.array_equal(found & active, (valid == 1) & events & active)


def test_a_channel_without_a_valid_waveform_has_no_summary(write: Any, ask: Any, rng: Any) -> None:
    valid = np.ones((4, 2, 64), np.uint8)
    valid[:, 1, 9] = 0
    frame = ask(write(quiet(rng, 4), [0] * 4, valid), "noise_summary")
    row = frame.iloc[64 + 9]
    assert (row["n"], row["source"]) == (0, "none")
    assert np.isnan(row["median_adc16"])
    assert frame.drop(index=64 + 9)["median_adc16"].notna().all()


@pytest.mark.parametrize(("n_samples", "bin_"), [(1000, 200), (600, 17), (101, 7)])
def test_a_sine_has_half_its_amplitude_squared(
    write: Any, ask: Any, n_samples: int, bin_: int
) -> None:
    """400 counts (12.2 mV) in one bin, whatever the length of the waveform."""
    phase = 2.0 * np.pi * bin_ * np.arange(n_samples) / n_samples
    samples = np.zeros((3, 2, 64, n_samples), np.int16)
    samples[:] = np.round(400.0 * np.sin(phase)).astype(np.int16)
    spectra = ask(write(samples, [0] * 3), "power_spectra", ptps16bit=2000.0)
    power = spectra.mean_V2[1, 20]
    assert power[bin_] == pytest.approx((400.0 / 32768.0) ** 2 / 2.0, rel=2e-3)
    assert np.delete(power, bin_).max() < 1e-5 * power[bin_]
    assert spectra.frequency_MHz[bin_] == pytest.approx(bin_ * 62.5 / n_samples)
    assert np.isnan(spectra.mean_V2[1, 2]).all()


def test_light_is_in_no_spectrum(write: Any, ask: Any, rng: Any) -> None:
    samples = quiet(rng, 20)
    before = ask(write(samples[5:], [0] * 15), "power_spectra")
    with_pulses(samples, range(5), 0, range(64), 6000.0)
    spectra = ask(write(samples, [0] * 20), "power_spectra")
    assert (spectra.n_events[0, 4:16] == 15).all()
    assert (spectra.n_events[1, 4:16] == 20).all()
    assert np.array_equal(spectra.mean_V2[0], before.mean_V2[0], equal_nan=True)


def test_white_noise_is_flat_and_its_median_ln2_of_the_mean(write: Any, ask: Any, rng: Any) -> None:
    spectra = ask(write(quiet(rng, 120), [0] * 120), "power_spectra")
    inner = np.s_[:, 4:16, 1:-1]
    mean = spectra.mean_V2[inner]
    assert mean.mean() == pytest.approx((35.0 / 32768) ** 2 * 2 / 200, rel=0.01)
    assert (spectra.median_V2[inner] / mean).mean() == pytest.approx(np.log(2.0), rel=0.01)


def test_boards_leave_known_channels_out(write: Any, ask: Any, rng: Any, tmp_path: Any) -> None:
    samples = quiet(rng, 10)
    samples[:, 0, 5] = quiet(rng, 10, 1, noise=120.0)[:, 0, 5]
    path = write(samples, [0] * 10)
    table = np.zeros((2, 64), int)
    table[0, 5] = 1
    table[0, 10:16] = 2
    status = tmp_path / "s.csv"
    np.savetxt(status, table, "%d", ",")
    found = ask(path, "epcb_spectra", "power_spectra", status=status)
    boards, spectra = found["epcb_spectra"], found["power_spectra"]
    assert boards.n_channels[0, :2].tolist() == [5, 0]
    assert boards.mean_V2[0, 0] == pytest.approx(spectra.mean_V2[0, [4, 6, 7, 8, 9]].mean(axis=0))
    assert np.isnan(boards.mean_V2[0, 1]).all()


@pytest.mark.parametrize("frequency_MHz", [3.0, 12.5, 20.03])
def test_a_tone_is_found(write: Any, ask: Any, rng: Any, frequency_MHz: float) -> None:
    samples = quiet(rng, 40, n_samples=500)
    t = np.arange(500) * 0.016
    for event in range(40):
        wave = 90.0 * np.sin(2 * np.pi * (frequency_MHz * t + rng.random()))
        samples[event, 1] += np.round(wave).astype(np.int16)
    tones = ask(write(samples, [0] * 40), "noise_tones")
    assert len(tones) == 96
    own = tones[tones["adc"] == 1]
    assert own["frequency_MHz"].to_numpy() == pytest.approx(frequency_MHz, abs=0.125)
    assert own["amplitude_adc16"].to_numpy() == pytest.approx(90.0, rel=0.1)
    assert (own["ratio"] > 10).all()
    assert (tones.loc[tones["adc"] == 0, "ratio"] < 5).all()


def test_a_channel_without_dark_waveforms_has_no_tone(write: Any, ask: Any, rng: Any) -> None:
    samples = quiet(rng, 5)
    with_pulses(samples, range(5), 0, [7], 9000.0)
    tones = ask(write(samples, [0] * 5), "noise_tones").set_index(["adc", "channel"])
    assert tones.loc[(0, 7)].isna().all()
    assert tones.drop(index=(0, 7)).notna().all().all()


def test_light_hits_against_neighbours(write: Any, ask: Any, rng: Any) -> None:
    samples = quiet(rng, 30)
    with_pulses(samples, range(25), 0, [c for c in range(4, 10) if c != 6], 5000.0)
    with_pulses(samples, [0], 0, [6], 5000.0)
    hits = ask(write(samples, [0] * 30), "light_hits", least_chances=20)
    hits = hits.set_index(["adc", "channel"])
    assert hits.loc[(0, 6), ["n", "k", "neighbours"]].tolist() == [25, 1, "epcb"]
    assert hits.loc[(0, 4), ["n", "k", "neighbours"]].tolist() == [25, 25, "epcb"]
    # The next board sees no light, but half the ADC does.
    assert hits.loc[(0, 10), ["n", "k", "neighbours"]].tolist() == [25, 0, "side"]
    assert hits.loc[(0, 40), "neighbours"] == "none"
    # The other ADC of the module is dark: what it misses is what this one sees of the TPC.
    assert hits.loc[(1, 5), ["n", "k", "neighbours"]].tolist() == [25, 0, "partner"]
    assert hits.loc[(1, 40), "neighbours"] == "none"


def test_an_adc_without_a_partner_has_no_light_to_miss() -> None:
    marked = np.zeros((1, 3, 64), dtype=bool)
    marked[0, 0, 4:9] = marked[0, 2, 40:42] = True
    seen = partner_side(marked)[0]
    assert seen[1, :32].tolist() == [5] * 32
    assert not seen[0].any()
    assert not seen[1, 32:].any()
    assert not seen[2].any()


def test_sparks_are_not_light(write: Any, ask: Any, rng: Any) -> None:
    samples = quiet(rng, 30)
    with_pulses(samples, range(10), 0, range(4, 16), 30000.0)
    samples[12:18, 1, 21, 100] = 20000
    samples[3, 0, 5, 100] = 32764  # in a lit event: nobody can tell
    rates = ask(write(samples, [0] * 30), "spark_rates").set_index(["adc", "channel"])
    assert rates.loc[(1, 21), ["n", "k"]].tolist() == [30, 6]
    assert rates.loc[(1, 21), "fraction"] == pytest.approx(0.2)
    assert rates.drop(index=(1, 21))["k"].sum() == 0
    assert rates.loc[(0, 5), "n"] == 20
    assert rates.loc[(1, 21), "largest_step_adc16"] > 47000


def test_negative_excursions_are_no_sparks(write: Any, ask: Any, rng: Any) -> None:
    """Neither the way down nor the way back: these belong to the check of negative waveforms."""
    samples = quiet(rng, 30) + np.int16(20000)
    samples[12:18, 1, 21, 100:105] -= 15000
    samples[12:18, 1, 22, 100:105] += 15000
    found = ask(
        write(samples, [0] * 30), "spark_rates", "dqm_verdict", baseline_band_adc16=[-9e3, -7e3]
    )
    rates = found["spark_rates"].set_index(["adc", "channel"])
    assert rates.loc[(1, 21), ["n", "k"]].tolist() == [30, 0]
    assert rates.loc[(1, 22), ["n", "k"]].tolist() == [30, 6]
    verdict = found["dqm_verdict"].set_index("check")["channels"]
    assert (verdict["sparks"], verdict["negative"]) == ("1/22", "1/21")


def test_picks(write: Any, ask: Any, rng: Any) -> None:
    samples = quiet(rng, 12)
    with_pulses(samples, [4, 6], 0, [4, 5, 6], 5000.0)
    with_pulses(samples, [2], 0, [4], 5000.0)  # one channel is not enough
    samples[9, 1, 22, 80] = 10000
    valid = np.ones((12, 2, 64), np.uint8)
    valid[:, 1, 58:] = 0
    picks = ask(write(samples, [0] * 12, valid), "picked_waveforms")
    assert (picks.event_row[0, 0], picks.event_id[0, 0], picks.is_light[0, 0]) == (4, 104, True)
    assert (picks.event_row[1, 2], picks.is_light[1, 2]) == (9, False)
    assert picks.channels[2].tolist() == [20, 21, 22, 23, 24, 25]
    assert np.array_equal(picks.samples[0, 0], samples[4, 0, 4:10])
    assert picks.event_row[1, 7] == -1
    assert not picks.samples[1, 7].any()


def test_what_is_light_in_a_pick_is_a_setting(write: Any, ask: Any, rng: Any) -> None:
    samples = quiet(rng, 12)
    with_pulses(samples, [4], 0, [4, 5], 5000.0)
    path = write(samples, [0] * 12)
    lit = {
        limit: bool(ask(path, "picked_waveforms", dead_adc16=limit).is_light[0, 0])
        for limit in (300.0, 4000.0, 6000.0)
    }
    assert lit == {300.0: True, 4000.0: True, 6000.0: False}


def test_no_waveform_at_all_is_valid(write: Any, ask: Any, rng: Any) -> None:
    path = write(quiet(rng, 3), [0, 0, 1], np.zeros((3, 2, 64), np.uint8))
    found = ask(path, "picked_waveforms", "dqm_verdict", "dqm_fractions")
    assert (found["picked_waveforms"].event_row == -1).all()
    assert set(found["dqm_fractions"]["status"]) == {"no_data"}
    verdict = found["dqm_verdict"].set_index("check")["status"]
    assert verdict["missing_adcs"] == "fail"
    assert verdict["dead"] == "no_data"
