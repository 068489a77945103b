"""Where limits lie, channel by channel: what reaches one, and what exceeds it by a count.

Values by hand. The standard error of a median of 100 normal values of half width w is
sqrt(pi / 2) w / 10 = 0.12533 w; none of 100 lit gives an upper end of 1 - 0.16^(1/100) = 1.8 %.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from radiograph.nodes.lightdqm.masks import channel_masks__by_neighbours, channel_masks__of_script
from radiograph.nodes.lightdqm.rates import light_hits, spark_rates
from radiograph.nodes.lightdqm.spectra import (
    epcb_spectra,
    noise_tones__of_dark,
    power_spectra__dark,
)
from radiograph.schemas.lightdqm.arrays import LightLayout, PowerSpectra, SpectrumWaveforms
from radiograph.schemas.lightdqm.settings import (
    LightHitSettings,
    MaskLimits,
    PulseThreshold,
    SparkSettings,
    SpectrumSettings,
)

LIMITS = MaskLimits(
    baseline_band_adc16=((-30000.0, -26000.0),), spread_adc16=900.0, dead_adc16=300.0,
    dead_fraction=0.2, flat_adc16=2.0, rail_adc16=100.0, move_sigma=3.0, move_adc16=100.0,
)  # fmt: skip

# --- masks ------------------------------------------------------------------------------------

ORDINARY = {
    "median": -28000.0, "low": 10.0, "high": 10.0, "n": 100, "noise": 35.0, "lit": 100,
    "neighbours": "epcb", "earlier": np.nan, "sigma": 0.0, "n_files": 1, "status": 0,
    "active": True,
}  # fmt: skip
GOOD = {
    "dead": False, "flat": False, "railed": 0, "baseline_code": 0, "flatline_state": "good",
    "baseline_state": "good",
}  # fmt: skip
BAD_BASELINE = {"baseline_state": "deviates"}
MASKS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "ordinary": ({}, {}),
    "noise at the limit": ({"noise": 2.0}, {}),
    "flat, so not dead": ({"noise": 1.9, "lit": 0}, {"flat": True, "flatline_state": "dead"}),
    "upper spread at the limit": ({"high": 900.0}, {}),
    "upper spread": ({"high": 901.0}, {"baseline_code": 2, **BAD_BASELINE}),
    "lower spread": ({"low": 901.0}, {"baseline_code": 2, **BAD_BASELINE}),
    "lower edge of the band": ({"median": -30000.0}, {}),
    "below the band": ({"median": -30001.0}, {"baseline_code": 1, **BAD_BASELINE}),
    "upper edge of the band": ({"median": -26000.0}, {}),
    "above the band": ({"median": -25999.0}, {"baseline_code": 1, **BAD_BASELINE}),
    "near the top": ({"median": 32664.0}, {"baseline_code": 1, **BAD_BASELINE}),
    "at the top, so not dead": (
        {"median": 32665.0, "lit": 0},
        {"railed": 1, "baseline_code": 1, "flatline_state": "dead", **BAD_BASELINE},
    ),
    "near the bottom": ({"median": -32668.0}, {"baseline_code": 1, **BAD_BASELINE}),
    "at the bottom": (
        {"median": -32669.0},
        {"railed": -1, "baseline_code": 1, "flatline_state": "dead", **BAD_BASELINE},
    ),
    "dead": ({"lit": 0}, {"dead": True, "flatline_state": "dead"}),
    # 13 of 100: the upper end of the 68 % interval is 17.2 %; 17 of 100: 21.6 %.
    "little light": ({"lit": 13}, {"dead": True, "flatline_state": "dead"}),
    "light enough": ({"lit": 17}, {}),
    "dark without neighbours": ({"lit": 0, "neighbours": "none"}, {"flatline_state": "no_data"}),
    "flat without neighbours": (
        {"noise": 1.9, "neighbours": "none"}, {"flat": True, "flatline_state": "dead"},
    ),
    "moved by the limit": ({"earlier": -28100.0}, {}),
    "moved": ({"earlier": -28101.0}, {"baseline_code": 4, **BAD_BASELINE}),
    # 3 x 40 > 101: too little is known of earlier files.
    "moved within their error": ({"earlier": -28101.0, "sigma": 40.0}, {}),
    # 3 x 0.12533 x 260 = 98 < 101, and x 300 = 113 > 101.
    "moved beyond its own error": (
        {"earlier": -28101.0, "low": 260.0, "high": 260.0}, {"baseline_code": 4, **BAD_BASELINE},
    ),
    "moved within its own error": ({"earlier": -28101.0, "low": 300.0, "high": 300.0}, {}),
    "no earlier file": ({"earlier": -20000.0, "n_files": 0}, {}),
    "no event": (
        {"median": np.nan, "low": np.nan, "high": np.nan, "n": 0}, {"baseline_state": "no_data"},
    ),
    "no sensor": (
        {"active": False, "status": -1, "median": 32700.0, "noise": 0.0, "lit": 0},
        {"flatline_state": "inactive", "baseline_state": "inactive"},
    ),
    "no event and no sensor": (
        {"active": False, "status": -1, "median": np.nan, "n": 0},
        {"flatline_state": "inactive", "baseline_state": "inactive"},
    ),
    "known to be dead": ({"status": 1}, {"flatline_state": "known"}),
    "known baseline": ({"status": 2}, {"flatline_state": "known", "baseline_state": "known"}),
    "known for both": ({"status": 3}, {"flatline_state": "known", "baseline_state": "known"}),
}  # fmt: skip


@pytest.fixture(scope="module")
def masks() -> pd.DataFrame:
    """One channel a case, all of one ADC."""
    c = pd.DataFrame([{**ORDINARY, **given} for given, _ in MASKS.values()])
    place = pd.DataFrame({"adc": 0, "channel": np.arange(len(c))})
    median = c["median"]
    baseline = place.assign(
        median_adc16=median, p16_adc16=median - c["low"], p84_adc16=median + c["high"], n=c["n"]
    )
    noise = place.assign(
        median_adc16=c["noise"], p16_adc16=c["noise"], p84_adc16=c["noise"], n=c["n"]
    )
    hits = place.assign(n=100, k=c["lit"], neighbours=c["neighbours"])[c["active"]]
    earlier = place.assign(
        quantity="baseline", value=c["earlier"], sigma=c["sigma"], lower=np.nan, upper=np.nan,
        n_files=c["n_files"],
    )  # fmt: skip
    beyond = earlier.assign(adc=1, value=0.0)  # another file had an ADC more
    active, status = (c[name].to_numpy()[np.newaxis] for name in ("active", "status"))
    found = channel_masks__by_neighbours(
        hits, noise, baseline, pd.concat([earlier, beyond]), active, status.astype(np.int8), LIMITS
    )
    return found.set_index(pd.Index(list(MASKS)))


@pytest.mark.parametrize("case", MASKS)
def test_what_a_channel_is_taken_for(masks: pd.DataFrame, case: str) -> None:
    expected = {**GOOD, **MASKS[case][1]}
    assert masks.loc[case, list(expected)].to_dict() == expected


# Median -28000, its points 30 below and 70 above; earlier files: 24 below and 40 above theirs.
SCRIPT: dict[str, tuple[dict[str, float], tuple[bool, int]]] = {
    "ordinary": ({}, (False, 0)),
    "light at the limit": ({"largest": 300.0}, (False, 0)),
    "less light": ({"largest": 299.0}, (True, 0)),
    "upper spread at the limit": ({"high": 900.0}, (False, 0)),
    "upper spread": ({"high": 901.0}, (False, 2)),
    "lower spread": ({"low": 901.0}, (False, 0)),
    "below the band": ({"median": -30001.0}, (False, 1)),
    # 3 hypot(30, 40) = 150 upwards, 3 hypot(70, 24) = 222 downwards.
    "up by three sigma": ({"earlier": -28150.0}, (False, 0)),
    "up by more": ({"earlier": -28151.0}, (False, 4)),
    "down by three sigma": ({"earlier": -27778.0}, (False, 0)),
    "down by more": ({"earlier": -27777.0}, (False, 4)),
    "up by more, and out of the band": ({"median": -25000.0, "earlier": -26000.0}, (False, 4)),
}


@pytest.mark.parametrize("case", SCRIPT)
def test_what_the_script_takes_a_channel_for(case: str) -> None:
    ordinary = {"median": -28000.0, "low": 30.0, "high": 70.0, "largest": 900.0, "earlier": np.nan}
    c = {**ordinary, **SCRIPT[case][0]}
    place = pd.DataFrame({"adc": 0, "channel": np.arange(64)})
    baseline = place.assign(
        median_adc16=c["median"], p16_adc16=c["median"] - c["low"],
        p84_adc16=c["median"] + c["high"], n=9,
    )  # fmt: skip
    earlier = place.assign(
        quantity="baseline", value=c["earlier"], sigma=1.0, lower=c["earlier"] - 24.0,
        upper=c["earlier"] + 40.0, n_files=1,
    )  # fmt: skip
    maximum = np.zeros((3, 1, 64))
    maximum[1] = c["largest"]
    found = channel_masks__of_script(
        features_of(maximum), baseline, earlier, np.ones((1, 64), bool),
        np.zeros((1, 64), np.int8), LIMITS,
    )  # fmt: skip
    assert set(zip(found["dead"], found["baseline_code"], strict=True)) == {SCRIPT[case][1]}


# --- rates ------------------------------------------------------------------------------------

EVENTS = 25


def features_of(maximum: np.ndarray, **columns: np.ndarray) -> pd.DataFrame:
    """Features of waveforms (event, ADC, channel), lit above 500 counts."""
    event, adc, channel = (i.ravel() for i in np.indices(maximum.shape))
    data = {"valid": np.ones(maximum.shape, bool), "lit": maximum > 500.0, **columns}
    return pd.DataFrame(
        {"event_row": event, "adc": adc, "channel": channel, "maximum_adc16": maximum.ravel(),
         **{name: values.ravel() for name, values in data.items()}}
    )  # fmt: skip


def hits_of(
    maximum: np.ndarray, *, least_chances: int = EVENTS, earlier: tuple[int, int] | None = None
) -> pd.DataFrame:
    """light_hits by ADC and channel; ``earlier``: lit waveforms of so many, of two ADCs."""
    place = pd.DataFrame({"adc": np.repeat([0, 1], 64), "channel": np.tile(np.arange(64), 2)})
    some = [
        place.assign(quantity="clipped", trigger="self", granularity=g, n=n)
        for g, n in zip(("channel", "total"), earlier or (), strict=False)
    ]
    runs = (
        pd.concat(some)
        if some
        else place.assign(quantity="none", trigger="", granularity="", n=0)[:0]
    )
    selected = pd.DataFrame({"trigger": ["self"] * len(maximum)})
    settings = LightHitSettings(least_adc16=500.0, least_chances=least_chances)
    active = np.ones(maximum.shape[1:], bool)
    found = light_hits(features_of(maximum), selected, runs, active, settings)
    return found.set_index(["adc", "channel"])[["n", "k", "neighbours"]]


def dark(n_adcs: int = 1) -> np.ndarray:
    return np.zeros((EVENTS, n_adcs, 64))


def test_light_exceeds_its_limit_and_chances_reach_theirs() -> None:
    maximum = dark()
    maximum[:, 0, [4, 5]] = 501.0
    maximum[:, 0, 6] = 500.0
    hits = hits_of(maximum)
    assert hits.loc[(0, 6)].tolist() == [25, 0, "epcb"]
    # One other of its board is lit: too few. The same two light no other board.
    assert hits.loc[(0, 4), "neighbours"] == "none"
    assert hits.loc[(0, 10), "neighbours"] == "none"
    assert hits_of(maximum, least_chances=EVENTS + 1).loc[(0, 6), "neighbours"] == "none"


@pytest.mark.parametrize(("n_lit", "neighbours"), [(3, "none"), (4, "side")])
def test_four_inputs_speak_for_half_an_adc(n_lit: int, neighbours: str) -> None:
    maximum = dark()
    maximum[:, 0, 4 : 4 + n_lit] = 900.0
    assert hits_of(maximum).loc[(0, 20), "neighbours"] == neighbours
    assert hits_of(maximum).loc[(0, 40), "neighbours"] == "none"


def test_earlier_files_speak_for_a_dark_tpc() -> None:
    maximum = dark()
    maximum[:, 0, 4:10] = 900.0
    maximum[:10, 0, 40] = 900.0
    # 25 waveforms, a fifth of them lit before: 5 expected, more cannot be counted.
    hits = hits_of(maximum, least_chances=5, earlier=(20, 100))
    assert hits.loc[(0, 40)].tolist() == [5, 5, "earlier"]
    assert hits.loc[(0, 41)].tolist() == [5, 0, "earlier"]
    # 5.75 are 5; and 4.75 are too few.
    assert hits_of(maximum, least_chances=5, earlier=(23, 100)).loc[(0, 41), "n"] == 5
    few = hits_of(maximum, least_chances=5, earlier=(19, 100))
    assert few.loc[(0, 41), "neighbours"] == "none"


def test_the_greatest_pulse_is_that_of_a_valid_waveform() -> None:
    maximum = dark()
    maximum[:2, 0, 4] = [30.0, 9999.0]
    valid = np.ones(maximum.shape, bool)
    valid[1, 0, 4] = valid[:, 0, 5] = False
    none = pd.DataFrame(
        {name: [] for name in ("quantity", "trigger", "granularity", "adc", "channel", "n")}
    )
    found = light_hits(
        features_of(maximum, valid=valid), pd.DataFrame({"trigger": ["self"] * EVENTS}), none,
        np.ones((1, 64), bool), LightHitSettings(least_adc16=500.0, least_chances=20),
    )  # fmt: skip
    assert found.loc[4, "largest_adc16"] == 30.0
    assert np.isnan(found.loc[5, "largest_adc16"])


@pytest.mark.parametrize(
    ("lit", "n"), [([5], 25), ([5, 6], 0), ([10, 11], 25), ([5, 10, 11], 0), ([40, 41, 42], 25)]
)
def test_a_spark_is_alone(lit: list[int], n: int) -> None:
    """At most one other of its board and two of its half are lit; channel 4 steps by the limit."""
    maximum, rise = dark(), dark()
    maximum[:, 0, lit] = 900.0
    rise[:, 0, 4] = 700.0
    rise[:3, 0, 4] = 701.0
    valid = np.ones(maximum.shape, bool)
    valid[-1, 0, 60], rise[-1, 0, 60] = False, 9999.0
    features = features_of(maximum, rise_adc16=rise, valid=valid)
    rates = spark_rates(features, np.ones((1, 64), bool), SparkSettings(step_adc16=700.0))
    rates = rates.set_index(["adc", "channel"])
    assert rates.loc[(0, 4), ["n", "k"]].tolist() == [n, min(n, 3)]
    assert rates["largest_step_adc16"].max() == 701


# --- spectra ----------------------------------------------------------------------------------


def tone_of(mean: np.ndarray, median: np.ndarray | float = 1.0) -> list[float]:
    """[MHz, ratio, amplitude] of the tone in a spectrum of one channel, 500 or 2000 samples."""
    bins = len(mean)
    frequency = np.arange(bins) / ((2 * bins - 2) * 0.016)
    # The median of an exponential distribution is ln 2 of its mean.
    level = np.full(bins, np.log(2.0)) * median
    spectra = PowerSpectra(
        frequency, mean[None, None], level[None, None], np.ones((1, 1), np.int32), 0.5
    )
    row = noise_tones__of_dark(spectra, np.ones((1, 1), bool)).iloc[0]
    return [float(row[n]) for n in ("frequency_MHz", "ratio", "amplitude_adc16")]


@pytest.mark.parametrize(
    ("bins", "too_low", "first"),
    [
        (1001, 15, 16),  # 31.25 kHz each: 0.5 MHz is bin 16
        (251, 7, 8),  # 125 kHz each: eight cycles
    ],
)
def test_a_tone_has_eight_cycles_and_half_a_megahertz(bins: int, too_low: int, first: int) -> None:
    mean = np.ones(bins)
    mean[too_low] = 1e6
    mean[first] = 100.0
    frequency, ratio, _ = tone_of(mean)
    assert frequency == pytest.approx(first * 62.5 / (2 * bins - 2))
    assert ratio == pytest.approx(100.0)


def test_a_tone_is_the_power_of_five_bins_beyond_that_of_forty() -> None:
    mean = np.ones(251)
    mean[97:104] = [31.0, 51.0, 71.0, 101.0, 71.0, 51.0, 31.0]
    # A bump of 19 bins is no background of 41.
    median = np.ones(251)
    median[91:110] = 5.0
    frequency, ratio, amplitude = tone_of(mean, median)
    assert frequency == pytest.approx(12.5)
    assert ratio == pytest.approx(101.0)
    # A sine has half the square of its amplitude: sqrt(2 (50 + 70 + 100 + 70 + 50)) / 0.5.
    assert amplitude == pytest.approx(2.0 * np.sqrt(2.0 * 340.0))


def test_a_tone_in_the_last_bin_is_no_background_of_its_own() -> None:
    mean, median = np.ones(251), np.ones(251)
    mean[-1] = median[-1] = 100.0
    assert tone_of(mean, median)[:2] == pytest.approx([31.25, 100.0])


def test_a_channel_without_a_spectrum_is_no_part_of_its_boards() -> None:
    """Board 0 is channels 4 to 9: 4 and 5 have spectra, 6 is known to be bad, the others none."""
    mean = np.full((1, 64, 3), np.nan)
    mean[0, 4:7] = [[1.0, 2.0, 3.0], [3.0, 4.0, 5.0], [900.0, 900.0, 900.0]]
    n = np.zeros((1, 64), np.int32)
    n[0, 4:7] = 8
    status = np.zeros((1, 64), np.int8)
    status[0, 6] = 1
    boards = epcb_spectra(PowerSpectra(np.arange(3.0), mean, 0.5 * mean, n, 1.0), status)
    assert boards.n_channels[0].tolist() == [2] + [0] * 7
    assert boards.mean_V2[0, 0].tolist() == [2.0, 3.0, 4.0]
    assert boards.median_V2[0, 0].tolist() == [1.0, 1.5, 2.0]
    assert np.isnan(boards.mean_V2[0, 1:]).all()


def test_dark_reaches_the_threshold_up_and_down() -> None:
    maximum = np.zeros((4, 1, 64))
    minimum = np.zeros((4, 1, 64))
    valid = np.ones((4, 1, 64), bool)
    # Input 4 reaches 500 in two events, 5 exceeds it up and down, 6 is absent twice.
    maximum[0, 0, 4], minimum[1, 0, 4] = 500.0, -500.0
    maximum[0, 0, 5], minimum[1, 0, 5] = 501.0, -501.0
    valid[:2, 0, 6] = False
    samples = np.arange(4 * 64 * 8, dtype=np.int16).reshape(4, 1, 64, 8)
    spectra = power_spectra__dark(
        SpectrumWaveforms(np.arange(4), samples),
        features_of(maximum, minimum_adc16=minimum, valid=valid),
        np.ones((1, 64), bool),
        PulseThreshold(adc16=500.0),
        SpectrumSettings(powspec_nevts=9, V_per_adc16=1.0),
        LightLayout(4, 1, 64, 8, -1, -1, 16.0, ()),
    )
    assert spectra.n_events[0, 4:7].tolist() == [4, 2, 2]
