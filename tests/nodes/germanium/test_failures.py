"""Channels that cannot be calibrated: each a typed failure with its numbers, and no other error."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from germanium_channel import Channel
from germanium_toy import SCALE, toy_channel
from radiograph.nodes.germanium.aoe import aoe_low_cut
from radiograph.nodes.germanium.peak_fits import FitLimits
from radiograph.nodes.germanium.scales import start_scale
from radiograph.nodes.germanium.trapping import trapping
from radiograph.schemas.errors import Unfit
from radiograph.schemas.germanium.aoe import LowCut
from radiograph.schemas.germanium.calibration_settings import AoESettings, EnergySettings
from scipy.stats import norm


def channel(frame: pd.DataFrame, **inputs: object) -> Channel:
    return Channel(frame, estimators=("cuspEmax", "trapEmax"), **inputs)


def test_a_good_channel() -> None:
    """Truth: scale 0.15 keV/ADC, FWHM 2.355 x 0.9 keV, alpha 6e-7 per ns."""
    good = channel(toy_channel())
    kept = toy_channel().copy()
    scale = good["energy_scale_keV_per_adc"].set_index(["estimator", "corrected"])
    row = scale.loc[("cuspEmax", True)]
    # An alpha that is off by its error moves the scale by that times 650 ns.
    assert row["scale_keV_per_adc"] == pytest.approx(SCALE, rel=5e-5)
    alpha = good["trapping_alpha_per_ns"].set_index("estimator").loc["cuspEmax"]
    assert alpha["alpha_per_ns"] == pytest.approx(6e-7, rel=0.15)
    peaks = good["energy_peaks"].set_index(["estimator", "corrected", "line"])
    assert peaks.loc[("cuspEmax", True, "2614.511"), "fwhm_keV"] == pytest.approx(2.12, abs=0.1)
    survival = good["aoe_survival"].set_index(["cut", "sample"])["survival"]
    assert survival["AoE_Low_Cut", "DEP"] == pytest.approx(0.9, abs=0.01)
    assert 0.3 < survival["AoE_Low_Cut", "FEP"] < 0.6
    assert good["lq_survival"].set_index("sample").loc["DEP", "survival"] > 0.85
    pd.testing.assert_frame_equal(toy_channel(), kept)


def test_a_gain_ten_times_as_large_changes_nothing_but_the_scale() -> None:
    one, ten = channel(toy_channel()), channel(toy_channel(gain=10.0))
    scales = [c["energy_scale_keV_per_adc"]["scale_keV_per_adc"][0] for c in (one, ten)]
    assert scales[1] == pytest.approx(0.1 * scales[0], rel=1e-5)
    widths = [c["qbb_fwhm_keV"]["fwhm_keV"][0] for c in (one, ten)]
    assert widths[1] == pytest.approx(widths[0], rel=0.01)


@pytest.mark.parametrize("n", [0, 1, 10])
def test_few_events(n: int) -> None:
    with pytest.raises(Unfit) as caught:
        channel(toy_channel().head(n))["energy_peaks"]
    assert caught.value.code == "too_few_events"
    assert caught.value.numbers == {"n_events": n}
    assert "at least 100" in caught.value.message


def test_a_dead_channel() -> None:
    """Noise about zero: no peak, said with the reason of its fit."""
    rng = np.random.default_rng(3)
    names = toy_channel().columns
    noise = pd.DataFrame({name: rng.normal(0.0, 5.0, 4000) for name in names})
    with pytest.raises(Unfit) as caught:
        channel(noise)["energy_peaks"]
    assert caught.value.code == "no_energy_scale"
    assert "2614.5 keV" in caught.value.message


def test_without_the_2614_line() -> None:
    """What is then taken for the line is none, or has no other line where it should be."""
    with pytest.raises(Unfit) as caught:
        channel(toy_channel(fep=False))["energy_peaks"]
    assert caught.value.code == "no_energy_scale"


def test_nan_throughout() -> None:
    frame = toy_channel().assign(cuspEmax=np.nan)
    with pytest.raises(Unfit, match="cuspEmax is NaN in all") as caught:
        channel(frame)["energy_peaks"]
    assert caught.value.code == "no_energy_scale"


def test_some_nan_rows_are_left_out() -> None:
    frame = toy_channel().copy()
    frame.loc[::50, ["cuspEmax", "A_max", "lq80", "dt_eff"]] = np.nan
    found = channel(frame)
    assert found["energy_scale_keV_per_adc"]["reason"][0] == ""
    survival = found["aoe_survival"].set_index(["cut", "sample"])["survival"]
    assert survival["AoE_Low_Cut", "DEP"] == pytest.approx(0.9, abs=0.01)
    assert found["lq_model"].n_missing > 0


def test_a_primary_that_is_not_calibrated() -> None:
    with pytest.raises(Unfit, match="not among the estimators"):
        channel(toy_channel(), primary_estimator="zacEmax")["energy_peaks"]


def test_without_drift_times_nothing_is_corrected() -> None:
    found = channel(toy_channel().drop(columns="dt_eff"))
    assert found["trapping_alpha_per_ns"]["reason"][0] == "the dsp tier has no column dt_eff"
    assert not found["energy_scale_keV_per_adc"]["corrected"].any()
    with pytest.raises(Unfit) as caught:
        found["lq_survival"]
    assert caught.value.code == "no_late_charge"
    off = channel(toy_channel(), energy_settings=EnergySettings(trapping=False))
    assert off["trapping_alpha_per_ns"]["reason"][0] == "trapping = false"


@pytest.mark.parametrize("seed", [0, 5, 7])
def test_an_alpha_that_gains_less_than_its_error_is_not_kept(seed: int) -> None:
    """Truth: 2e-8 per ns where its error is 3e-8; the regressions are above 0."""
    rng = np.random.default_rng(seed)
    dt_eff = rng.uniform(300.0, 1000.0, 4000)
    line = np.concatenate([rng.normal(2614.511, 1.0, 3800), rng.uniform(2570.0, 2660.0, 200)])
    found = trapping(line / (1.0 + 2e-8 * (dt_eff - 650.0)), dt_eff, 3.5e-6, FitLimits())
    assert found.alpha_per_ns == 0.0
    assert found.seed_per_ns > 0.0
    assert found.alpha_err_per_ns == pytest.approx(3e-8, rel=0.05)
    assert "the width gains 0.00" in found.reason


def test_without_a_current_amplitude_there_is_no_aoe() -> None:
    with pytest.raises(Unfit) as caught:
        channel(toy_channel().drop(columns="A_max"))["aoe_survival"]
    assert caught.value.code == "no_current_amplitude"


def test_a_double_escape_peak_that_no_cut_keeps() -> None:
    """Multi-site throughout: the acceptance lies beyond the loosest cut."""
    frame = toy_channel().copy()
    energy = SCALE * frame["cuspEmax"] * (1.0 + 6e-7 * frame["dt_eff"])
    dep = np.abs(energy - 1592.511) < 6.0
    frame.loc[dep, "A_max"] *= 0.7
    with pytest.raises(Unfit) as caught:
        channel(frame)["aoe_low_cut"]
    assert caught.value.code == "cut_at_border"
    assert caught.value.numbers["cut"] == -10.0


def low_cut_of(classifier: np.ndarray) -> LowCut:
    """The cut of so many events in a Gaussian double-escape peak, without a background."""
    n = len(classifier)
    quantile = (np.arange(n) * 7 % n + 0.5) / n
    energy = 1592.511 + 0.9 * norm.ppf(quantile)
    return aoe_low_cut(classifier, energy, np.ones(n, bool), AoESettings())


def test_a_cut_comes_as_near_to_the_acceptance_as_the_events_let_it() -> None:
    """22 or 21 of 24 events pass: 0.90 +- 0.01 lies between, and 0.917 is what there is."""
    found = low_cut_of(np.linspace(-4.0, 2.0, 24))
    assert found.survival == pytest.approx(22 / 24, abs=2e-3)
    assert -4.0 + 6.0 / 23.0 < found.value < -4.0 + 12.0 / 23.0


def test_events_of_one_classifier_let_no_cut_near_the_acceptance() -> None:
    """A fifth of the peak at one value: it passes as a whole, or fails."""
    with pytest.raises(
        Unfit, match=r"0\.8\d+ \+- 0\.0\d+ \(\d+ counts\), 0\.90 \+- 0\.0"
    ) as caught:
        low_cut_of(np.concatenate([np.full(20, -1.3), np.linspace(0.1, 2.0, 80)]))
    assert caught.value.code == "acceptance_not_reached"


def test_a_slope_in_drift_time_is_found_and_kept_only_if_it_helps() -> None:
    frame = toy_channel().copy()
    frame["A_max"] /= 1.0 + 4e-5 * frame["dt_eff"]
    found = channel(frame, aoe_settings=AoESettings())["aoe_drift_correction"]
    assert found.slope_per_ns == pytest.approx(4e-5, rel=0.15)
    assert found.dep_width_after < found.dep_width_before
    none = channel(toy_channel(), aoe_settings=AoESettings())["aoe_drift_correction"]
    assert none.slope_per_ns == 0.0
    assert "within 3 errors" in none.reason
    on = channel(toy_channel(), aoe_settings=AoESettings(drift_correction="on"))
    assert on["aoe_drift_correction"].slope_per_ns == none.seen_per_ns


def test_the_line_does_not_move() -> None:
    table = channel(toy_channel())["time_stability"]
    assert len(table) == 6
    assert table["p_value"][0] > 1e-3
    assert abs(table["drift_keV_per_h"][0]) < 4.0 * table["drift_err_keV_per_h"][0]


def test_the_scale_begins_at_the_top_of_the_spectrum() -> None:
    assert start_scale(toy_channel()["cuspEmax"].to_numpy()) == pytest.approx(SCALE, rel=2e-3)
    assert np.isnan(start_scale(np.array([np.nan, -1.0])))


def test_only_a_pulser() -> None:
    """One narrow line: it is none of the source, since no other is where it should be."""
    rng = np.random.default_rng(5)
    frame = toy_channel().head(3000).copy()
    for name in ("cuspEmax", "trapEmax"):
        frame[name] = rng.normal(9000.0, 3.0, len(frame))
    with pytest.raises(Unfit) as caught:
        channel(frame)["energy_peaks"]
    assert caught.value.code == "no_energy_scale"
    assert "is it a pulser?" in caught.value.message


def test_times_that_are_not_sorted_change_nothing() -> None:
    frame = toy_channel().copy()
    frame["timestamp"] = np.random.default_rng(6).permutation(frame["timestamp"].to_numpy())
    one, other = channel(toy_channel()), channel(frame)
    for node in ("energy_peaks", "aoe_survival", "quality_survival"):
        pd.testing.assert_frame_equal(one[node], other[node])


def test_half_of_the_pulses_piled_up() -> None:
    """The top of the spectrum is no line then: told so, with the counts that are in its place."""
    rng = np.random.default_rng(7)
    frame = toy_channel().copy()
    piled = rng.random(len(frame)) < 0.5
    for name in ("cuspEmax", "trapEmax"):
        frame.loc[piled, name] *= rng.uniform(1.0, 1.4, piled.sum())
    frame.loc[piled, "pz_std"] += rng.uniform(50.0, 500.0, piled.sum())
    with pytest.raises(Unfit, match=r"2614.5 keV: .* counts in the peak") as caught:
        channel(frame)["energy_peaks"]
    assert caught.value.code == "no_energy_scale"
