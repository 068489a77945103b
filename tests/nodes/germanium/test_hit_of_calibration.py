"""The hit tier of a calibration: its expressions give what the nodes give, and both the truth."""

from __future__ import annotations

import inspect
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from germanium_channel import Channel
from germanium_toy import SCALE, toy_channel
from radiograph.nodes.germanium.dsp_frames import absent_column
from radiograph.nodes.germanium.hit import hit_columns, hit_parameters__calibrated
from radiograph.nodes.germanium.lq import lq_model
from radiograph.schemas.errors import Unfit
from radiograph.schemas.germanium.aoe import LowCut
from radiograph.schemas.germanium.calibration_settings import AoESettings, LQSettings
from radiograph.schemas.germanium.frames import DSP_COLUMNS

DEP, FEP, QBB = 1592.511, 2614.511, 2039.061
AOE_SLOPE, LQ_SLOPE = 4e-5, 2e-4
SATURATED, DISCHARGE, NEGATIVE = (np.arange(k, k + 40) for k in (100, 200, 300))
BURST, RISING, FALLING, BELOW, LATE, CUT_OFF, NO_ENERGY = (
    np.arange(k, k + 20) for k in (400, 500, 600, 700, 800, 900, 1000)
)


def _true_keV(frame: pd.DataFrame) -> np.ndarray:
    return np.asarray(SCALE * frame["cuspEmax"] * (1.0 + 6e-7 * frame["dt_eff"]))


@cache
def _frame() -> pd.DataFrame:
    """Trapped charge, A/E and LQ that go with drift time, three kinds of bad pulses, lost LQ.

    A/E is the wider the lower the energy.
    """
    frame = toy_channel(n=12_000).copy()
    noise = np.random.default_rng(2).normal(size=len(frame))
    frame["A_max"] *= 1.0 + 12.0 / _true_keV(frame) * noise
    frame["A_max"] /= 1.0 + AOE_SLOPE * frame["dt_eff"]
    frame["lq80"] *= 1.0 + LQ_SLOPE * frame["dt_eff"]
    # Every other event of 2614.5 keV has no late charge.
    line = np.flatnonzero(np.abs(_true_keV(frame) - FEP) < 10.0)[::2]
    frame.loc[line, "lq80"] = np.nan
    frame["trapTmax"] = frame["trapEmax"]
    frame["trapTmax_invert"] = 0.0
    for name in ("t_sat_lo", "t_sat_hi"):
        frame[name] = np.zeros(len(frame))
    frame.loc[SATURATED, "t_sat_hi"] = 16.0
    frame.loc[DISCHARGE, "t_sat_lo"] = 16.0
    # Half of what discharges goes below the baseline too.
    frame.loc[[*NEGATIVE, *DISCHARGE[::2]], "trapTmax_invert"] = 2.0 * frame["trapTmax"]
    # Bands of energy have modes of their own.
    frame["pz_std"] *= 1.0 + 1e-4 * frame["trapEmax"]
    frame["tp_0_est"], frame["tp_max"] = 46_000.0, 48_000.0
    frame["trapEftp"] = frame["trapEmax"]
    frame.loc[BURST, "bl_std"] = 20.0
    frame.loc[RISING, "bl_slope"] = 1.0
    frame.loc[FALLING, "bl_slope"] = -1.0
    frame.loc[BELOW, "cuspEmax"] = -50.0
    frame.loc[LATE, "tp_max"] = 45_000.0
    frame.loc[CUT_OFF, "trapEftp"] *= 0.8
    frame.loc[NO_ENERGY, "trapEmax"] = np.nan
    more = {n: absent_column(n, len(frame)) for n in DSP_COLUMNS.names if n not in frame}
    return frame.assign(**more)


@cache
def _channel() -> Channel:
    settings = AoESettings(drift_correction="on")
    return Channel(_frame(), estimators=("cuspEmax", "trapEmax"), aoe_settings=settings)


@cache
def _hit() -> pd.DataFrame:
    own = _channel()
    needs: dict[str, Any] = {
        name: own[name] for name in inspect.signature(hit_parameters__calibrated).parameters
    }
    return hit_columns(_frame(), hit_parameters__calibrated(**needs))


def test_expressions_give_what_the_nodes_give() -> None:
    own, hit = _channel(), _hit()
    energy, aoe, lq = (own[n] for n in ("primary_energy_keV", "aoe_classifier", "lq_classifier"))
    np.testing.assert_allclose(hit["cuspEmax_ctc_cal"], energy, rtol=1e-12)
    np.testing.assert_allclose(hit["AoE_Classifier"], aoe, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(hit["LQ_Classifier"], lq, rtol=1e-9, atol=1e-9)
    # Without a term in 1 / E^2 its expression would say nothing.
    assert own["aoe_model"].trend.q[1] > 0.0
    low, high = own["aoe_low_cut"].value, own["aoe_settings"].high_cut
    np.testing.assert_array_equal(hit["AoE_Low_Cut"], aoe > low)
    np.testing.assert_array_equal(hit["AoE_Double_Sided_Cut"], (aoe > low) & (aoe < high))
    np.testing.assert_array_equal(hit["LQ_Cut"], lq < own["lq_model"].cut)
    flags = own["quality_flags"]
    there = [name for name in flags.columns if name in hit]
    assert len(there) > 5
    for name in there:
        np.testing.assert_array_equal(hit[name], flags[name], err_msg=name)


def test_survivals_are_those_of_the_flags() -> None:
    """Events of Q_bb +- 35 keV are counted: the same by the flags of the tier."""
    own, hit = _channel(), _hit()
    near = own["calibration_rows"] & (np.abs(own["primary_energy_keV"] - QBB) <= 35.0)
    tables = pd.concat([own["aoe_survival"], own["lq_survival"]]).set_index(["cut", "sample"])
    for cut in ("AoE_Low_Cut", "AoE_Double_Sided_Cut", "LQ_Cut"):
        share = tables.loc[(cut, "Qbb35"), "survival"]
        assert share == pytest.approx(hit[cut][near].mean(), rel=1e-12)
        assert 0.2 < share < 0.9
    low, both = (
        tables.loc[(c, "Qbb35"), "survival"] for c in ("AoE_Low_Cut", "AoE_Double_Sided_Cut")
    )
    assert both <= low


def test_energies_and_classifiers_are_those_of_the_truth() -> None:
    """Lines of 0.9 keV, and of the double-escape peak classifiers of width 1 without a slope."""
    own, hit = _channel(), _hit()
    good, true = own["calibration_rows"], _true_keV(_frame())
    dt_eff = _frame()["dt_eff"].to_numpy()
    line = good & (np.abs(true - FEP) < 4.0)
    energy = hit["cuspEmax_ctc_cal"].to_numpy()
    assert energy[line].std() == pytest.approx(0.9, rel=0.05)
    assert np.median(energy[line]) == pytest.approx(FEP, abs=0.1)
    assert abs(np.polyfit(dt_eff[line], energy[line], 1)[0]) < 2e-4
    dep = good & (np.abs(true - DEP) < 2.5)
    for name in ("AoE_Classifier", "LQ_Classifier"):
        x = hit[name].to_numpy()
        single = dep & (np.abs(x) < 3.0)
        assert single.sum() > 150
        assert x[single].mean() == pytest.approx(0.0, abs=0.25)
        assert x[single].std() == pytest.approx(1.0, abs=0.15)
        # Uncorrected it is 2.6 widths of A/E and 3.5 of LQ over 700 ns.
        assert abs(np.polyfit(dt_eff[single], x[single], 1)[0]) * 700.0 < 0.8


def test_bad_pulses_are_flagged_and_not_valid() -> None:
    hit = _hit()
    kinds = (("is_saturated", SATURATED), ("is_discharge", DISCHARGE), ("is_negative", NEGATIVE))
    for name, rows in kinds:
        there = rows if name != "is_negative" else np.sort([*rows, *DISCHARGE[::2]])
        assert np.flatnonzero(hit[name]).tolist() == there.tolist()
        assert not hit["is_valid_cal"][rows].any()
        assert not _channel()["calibration_rows"][rows].any()
    assert hit["is_valid_cal"].mean() > 0.95
    crosstalk = np.flatnonzero(hit["is_negative_crosstalk"])
    assert crosstalk.tolist() == NEGATIVE.tolist()
    for name, rows in (("is_neg_energy", BELOW), ("is_valid_tmax", LATE)):
        assert np.flatnonzero(hit[name] == (name == "is_neg_energy")).tolist() == rows.tolist()
    # No energy has no share of its own either.
    bad = np.flatnonzero(~hit["is_valid_efrac"])
    assert bad.tolist() == [*CUT_OFF, *NO_ENERGY]


def test_baselines_beyond_the_cuts_are_flagged_by_their_side() -> None:
    """Of 12,000 Gaussian ones some 0.4 are beyond 4 widths of one side."""
    hit = _hit()
    kinds = (
        ("is_noise_burst", BURST),
        ("is_upgoing_baseline", RISING),
        ("is_downgoing_baseline", FALLING),
    )
    for name, rows in kinds:
        flagged = np.flatnonzero(hit[name])
        assert set(rows) <= set(flagged)
        assert len(flagged) < len(rows) + 8
        assert not hit["is_valid_baseline"][rows].any()
        assert not hit["is_valid_cal"][rows].any()


def test_the_long_trapezoid_has_the_scale_of_the_energy() -> None:
    energy, scaled = (_hit()[name] for name in ("cuspEmax_ctc_cal", "trapTmax_cal"))
    # Its own charge is not corrected: 7e-7 per ns of some 350 ns about the mean.
    line = np.abs(energy - FEP) < 3.0
    np.testing.assert_allclose(scaled[line], energy[line], rtol=6e-4)


def test_events_without_late_charge_fail_lq() -> None:
    """Of 2614.5 keV every other one: at most a half survives, of all lines else what did."""
    hit, own = _hit(), _channel()
    lost = _frame()["lq80"].isna().to_numpy()
    assert not hit["LQ_Cut"][lost].any()
    assert own["lq_model"].n_missing == (lost & own["calibration_rows"]).sum() > 1000
    table = own["lq_survival"].set_index("sample")["survival"]
    assert table["FEP"] == pytest.approx(0.5 * table["SEP"], abs=0.06)


def test_what_lies_beside_a_peak_is_subtracted() -> None:
    """2000 events of LQ 1.0 on 1000 of 1.2 in the peak, twice as many of these beside it."""
    rng = np.random.default_rng(4)
    fwhm = 2.0
    away = np.concatenate([rng.uniform(0.0, 4.0, 3000), rng.uniform(8.0, 16.0, 2000)])
    lq = np.concatenate([rng.normal(1.0, 0.05, 2000), rng.normal(1.2, 0.05, 3000)])
    n = len(away)
    found = lq_model(
        pd.DataFrame({"dt_eff": rng.uniform(300.0, 1000.0, n)}), lq, DEP + away,
        SimpleNamespace(linear=SimpleNamespace(fwhm_keV=lambda _: fwhm)),
        np.ones(n, bool), np.ones(n),
        LowCut(0.0, 0.1, 0.9, 0.01, np.zeros(0), np.zeros(0)), LQSettings(),
    )  # fmt: skip
    assert (found.n_dep, found.n_missing) == (3000, 0)
    assert found.n_signal == pytest.approx(2000.0, rel=0.05)
    centre = found.median * (found.offset + found.slope_per_ns * 650.0 + found.mean)
    assert centre == pytest.approx(1.0, abs=0.01)
    assert found.median * found.sigma == pytest.approx(0.05, rel=0.1)
    with pytest.raises(Unfit, match="29 double-escape events pass A/E") as raised:
        lq_model(
            pd.DataFrame({"dt_eff": np.full(29, 600.0)}), lq[:29], np.full(29, DEP),
            SimpleNamespace(linear=SimpleNamespace(fwhm_keV=lambda _: fwhm)),
            np.ones(29, bool), np.ones(29),
            LowCut(0.0, 0.1, 0.9, 0.01, np.zeros(0), np.zeros(0)), LQSettings(),
        )  # fmt: skip
    assert raised.value.numbers == {"n_events": 29}
