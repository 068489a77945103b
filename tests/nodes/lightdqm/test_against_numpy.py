"""The formulas of the specification, read again in plain numpy, channel by channel.

Section 2 of the light DQM specification: with its corrections, and (legacy) as the near-line
script has them. Source of every formula there.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from radiograph.schemas.lightdqm.units import LEGACY_V_PER_ADC16
from scipy.stats import beta

N, ADCS, SAMPLES = 60, 4, 120
RWM = (0, 18)
ACTIVE = [c for c in range(64) if c % 16 >= 4]


def board(channel: int) -> int:
    return 2 * (channel // 16) + (channel % 16 - 4) // 6


def inputs_of_tpc(tpc: int) -> list[tuple[int, int]]:
    adcs = (2 * (tpc // 2), 2 * (tpc // 2) + 1)
    return [(a, c) for a in adcs for c in range(64) if (c >= 32) == bool(tpc % 2)]


@pytest.fixture
def data(rng: np.random.Generator) -> dict[str, Any]:
    """Pulses, clipping, undershoot, sparks and invalid waveforms, at random."""
    samples = rng.normal(-28000.0, 30.0, (N, ADCS, 64, SAMPLES))
    pulse = np.exp(-np.arange(SAMPLES - 60) / 15.0)
    for event in range(N):
        for adc in range(ADCS):
            for half in (0, 1):
                if rng.random() < 0.25:
                    height = rng.lognormal(np.log(15000.0), 1.2)
                    size = rng.uniform(0.0, 2.0, 32) * height
                    place = np.s_[event, adc, 32 * half : 32 * (half + 1), 60:]
                    samples[place] += size[:, np.newaxis] * pulse
    low = rng.random((N, ADCS, 64)) < 0.1
    samples[low, 90:95] -= 800.0
    triggers = (rng.random(N) < 0.5).astype(int)
    samples[triggers == 1, RWM[0], RWM[1], 50:70] += 45000.0
    samples[:, 1, 5] = 32764.0
    codes = np.clip(np.round(samples / 4.0) * 4.0, -32768, 32764).astype(np.int16)
    valid = rng.random((N, ADCS, 64)) > 0.03
    codes[:10, 3] = 0
    valid[:10, 3] = False
    return {"samples": codes, "triggers": triggers, "valid": valid}


def numpy_features(samples: NDArray[Any], threshold: float = 500.0) -> dict[str, NDArray[Any]]:
    w = samples.astype(np.float64)
    window = w[..., :50]
    baseline = window.mean(axis=-1)
    return {
        "noise": window.std(axis=-1),
        "baseline": baseline,
        "maximum": w.max(axis=-1) - baseline,
        "minimum": w.min(axis=-1) - baseline,
        "clipped": (samples >= 32760).any(axis=-1),
        "negative": (w - baseline[..., np.newaxis] < -threshold).any(axis=-1),
        "lit": w.max(axis=-1) - baseline > threshold,
        "step": np.abs(np.diff(w, axis=-1)).max(axis=-1),
    }


def test_features(
    data: dict[str, Any], write: Callable[..., Path], ask: Callable[..., Any]
) -> None:
    before = data["samples"].copy()
    frame = ask(write(**data), "waveform_features", max_evts=0)
    expected = numpy_features(before)
    for column, name in (
        ("noise_adc16", "noise"),
        ("baseline_adc16", "baseline"),
        ("maximum_adc16", "maximum"),
        ("minimum_adc16", "minimum"),
        ("spark_step_adc16", "step"),
    ):
        assert frame[column].to_numpy() == pytest.approx(expected[name].ravel(), rel=1e-9, abs=1e-9)
    for name in ("clipped", "negative", "lit"):
        assert np.array_equal(frame[name], expected[name].ravel())
    assert np.array_equal(frame["valid"], data["valid"].ravel())
    assert np.array_equal(frame["event_row"], np.repeat(np.arange(N), ADCS * 64))
    places = frame[["adc", "channel"]].to_numpy().reshape(N, ADCS, 64, 2)
    assert np.array_equal(places[0, 2, 17], [2, 17])


def numpy_fractions(
    data: dict[str, Any], *, legacy: bool = False
) -> dict[tuple[str, str, str, int, int], tuple[int, int]]:
    """{(quantity, trigger, granularity, adc, channel): (k, n)}, channel by channel."""
    f = numpy_features(data["samples"])
    found = {}
    for adc in range(ADCS):
        for channel in range(64) if legacy else ACTIVE:
            for granularity in ("channel", "epcb", "tpc", "total"):
                lit, counted = _lit(f, data["valid"], granularity, adc, channel, legacy=legacy)
                for quantity in ("clipped", "negative"):
                    flagged = f[quantity][:, adc, channel] & counted
                    for trigger, code in (("self", 0), ("beam", 1)):
                        own = data["triggers"] == code
                        key = (quantity, trigger, granularity, adc, channel)
                        found[key] = (int((flagged & own).sum()), int((lit & own).sum()))
    return found


def _lit(
    f: Any, valid: Any, granularity: str, a: int, c: int, *, legacy: bool
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Events of the denominator, and those whose flags count.

    The script lets inactive inputs light a TPC and counts flags of dark events (EPCB aside).
    """
    group = {
        "channel": [(a, c)],
        "epcb": [(a, x) for x in ACTIVE if c in ACTIVE and board(x) == board(c)],
        "tpc": inputs_of_tpc(2 * (a // 2) + (c >= 32)),
    }.get(granularity)
    everything = np.ones(N, dtype=bool)
    if legacy:
        lit = everything if group is None else np.any([f["lit"][:, x, y] for x, y in group], axis=0)
        lit = np.broadcast_to(lit, N)
        return lit, lit if granularity == "epcb" else everything
    there = valid[:, a, c]
    if group is None:
        return there, there
    seen = [f["lit"][:, x, y] & valid[:, x, y] for x, y in group if y in ACTIVE]
    lit = np.any(seen, axis=0) & there
    return lit, lit


def by_key(frame: pd.DataFrame) -> dict[Any, Any]:
    keys = ["quantity", "trigger", "granularity", "adc", "channel"]
    rows = frame.astype(dict.fromkeys(keys[:3], str))
    return {tuple(getattr(r, k) for k in keys): r for r in rows.itertuples(index=False)}


def test_fractions(data: dict[str, Any], write: Any, ask: Any) -> None:
    found = by_key(ask(write(**data), "dqm_fractions", max_evts=0))
    expected = numpy_fractions(data)
    assert found.keys() == expected.keys()
    assert {key: (row.k, row.n) for key, row in found.items()} == expected
    for row in found.values():
        if row.n == 0:
            assert (row.status, row.lower, row.upper) == ("no_data", 0.0, 1.0)
            assert np.isnan(row.fraction)
            continue
        lower = beta.ppf(0.16, row.k, row.n - row.k + 1) if row.k else 0.0
        upper = beta.ppf(0.84, row.k + 1, row.n - row.k) if row.k < row.n else 1.0
        assert row.fraction == pytest.approx(row.k / row.n, abs=1e-12)
        assert (row.lower, row.upper) == pytest.approx((lower, upper), abs=1e-12)
    groups = {(r.granularity, r.adc, r.channel): r.group for r in found.values()}
    assert groups["epcb", 1, 63] == 7
    assert groups["tpc", 3, 40] == 3
    assert groups["channel", 0, 9] == 9


def test_fractions_of_the_script(data: dict[str, Any], write: Any, ask: Any) -> None:
    found = by_key(ask(write(**data), "dqm_fractions", max_evts=0, legacy=True))
    expected = numpy_fractions(data, legacy=True)
    assert {key: (row.k, row.n) for key, row in found.items()} == expected
    # The railed channel has more clipped waveforms than lit ones: there the script fails.
    assert {(r.adc, r.channel) for r in found.values() if r.status == "k_above_n"} >= {(1, 5)}
    for row in found.values():
        if row.status == "k_above_n":
            assert np.isnan([row.lower, row.upper]).all()
            continue
        if row.n == 0:
            assert (row.fraction, row.lower, row.upper) == (0.0, 0.0, 1.0)
            continue
        lower = beta.ppf(0.16, row.k, row.n - row.k + 1) if row.k else 0.0
        upper = beta.ppf(0.84, row.k + 1, row.n - row.k) if 0 < row.k < row.n else 1.0
        assert (row.lower, row.upper) == pytest.approx((lower, upper), abs=1e-12)


def test_the_beam_monitor_lights_no_tpc(data: dict[str, Any], write: Any, ask: Any) -> None:
    """It is lit in every beam event: the script counts all of them for TPC 0."""
    path = write(**data)
    n_beam = int(data["triggers"].sum())
    for legacy, expected in ((True, n_beam), (False, None)):
        frame = ask(path, "dqm_fractions", max_evts=0, legacy=legacy)
        rows = frame[(frame["granularity"] == "tpc") & (frame["trigger"] == "beam")]
        n = rows.loc[rows["group"] == 0, "n"]
        assert (n == expected).all() if legacy else (n < n_beam).all()
    silent = data | {"samples": data["samples"].copy()}
    silent["samples"][:, RWM[0], RWM[1]] = -28000
    pd.testing.assert_frame_equal(
        ask(write(**silent), "dqm_fractions", max_evts=0),
        ask(write(**data), "dqm_fractions", max_evts=0),
    )


def test_summaries(data: dict[str, Any], write: Any, ask: Any) -> None:
    f = numpy_features(data["samples"])
    own = data["triggers"] == 0
    for node, name in (("noise_summary", "noise"), ("baseline_summary", "baseline")):
        frame = ask(write(**data), node, max_evts=0)
        legacy = ask(write(**data), node, max_evts=0, legacy=True)
        assert set(frame["source"]) == {"self"}
        for adc in range(ADCS):
            for channel in range(64):
                row = frame.iloc[64 * adc + channel]
                used = f[name][own & data["valid"][:, adc, channel], adc, channel]
                points = np.percentile(used, [16, 50, 84])
                assert row["n"] == len(used)
                columns = ["p16_adc16", "median_adc16", "p84_adc16"]
                assert row[columns].to_numpy(float) == pytest.approx(points, rel=1e-12, abs=1e-11)
                points = np.percentile(f[name][own, adc, channel], [16, 50, 84])
                row = legacy.iloc[64 * adc + channel]
                assert row[columns].to_numpy(float) == pytest.approx(points, rel=1e-12, abs=1e-11)


def test_spectra(data: dict[str, Any], write: Any, ask: Any) -> None:
    spectra = ask(write(**data), "power_spectra", max_evts=0, powspec_nevts=20)
    f = numpy_features(data["samples"])
    dark = (f["maximum"] <= 500.0) & (f["minimum"] >= -500.0) & data["valid"]
    for adc in range(ADCS):
        for channel in range(64):
            rows = np.flatnonzero(dark[:, adc, channel])[:20] if channel in ACTIVE else []
            assert spectra.n_events[adc, channel] == len(rows)
            if not len(rows):
                assert np.isnan(spectra.mean_V2[adc, channel]).all()
                continue
            volts = data["samples"][rows, adc, channel] / 32768.0
            power = 2.0 * np.abs(np.fft.rfft(volts, axis=1)) ** 2 / SAMPLES**2
            power[:, [0, -1]] /= 2.0
            got = (spectra.mean_V2[adc, channel], spectra.median_V2[adc, channel])
            assert got[0] == pytest.approx(power.mean(axis=0), rel=1e-6)
            assert got[1] == pytest.approx(np.median(power, axis=0), rel=1e-6)
    # Bins add up to the mean square (Parseval).
    total = spectra.mean_V2[0, 4].sum()
    rows = np.flatnonzero(dark[:, 0, 4])[:20]
    assert total == pytest.approx(((data["samples"][rows, 0, 4] / 32768.0) ** 2).mean(), rel=1e-9)
    assert spectra.frequency_MHz == pytest.approx(np.arange(61) / (SAMPLES * 0.016))


@pytest.mark.parametrize(
    ("units", "per_count"),
    [
        ("ADC16", LEGACY_V_PER_ADC16),
        ("ADC14", LEGACY_V_PER_ADC16 / 4),
        ("V", LEGACY_V_PER_ADC16**2),
    ],
)
def test_spectra_of_the_script(
    data: dict[str, Any], write: Any, ask: Any, units: str, per_count: float
) -> None:
    """2 |X / (N // 2 + 1)|^2 in every bin of all events, scaled with the V factor once more."""
    path = write(**data)
    spectra = ask(path, "power_spectra", max_evts=0, powspec_nevts=30, legacy=True, units=units)
    x = np.fft.rfft(data["samples"][:30] * per_count, axis=-1)
    power = 2.0 * np.abs(x / (SAMPLES // 2 + 1)) ** 2
    assert np.array_equal(spectra.n_events, np.full((ADCS, 64), 30))
    # Bins of a few counts beside a pedestal of 28000: its rounding is 1e-12 of it.
    tolerance = 1e-12 * power[..., 0].max()
    assert spectra.mean_V2 == pytest.approx(power.mean(axis=0), rel=1e-12, abs=tolerance)
    assert spectra.median_V2 == pytest.approx(np.median(power, axis=0), rel=1e-12, abs=tolerance)


def test_dead_and_baseline_codes_of_the_script(data: dict[str, Any], write: Any, ask: Any) -> None:
    samples = data["samples"].copy()
    samples[:, 2, 20] = -28000  # nothing at all
    samples[:, 2, 21] += 4000  # outside the band
    samples[::2, 2, 22] += 1500  # upper spread
    samples[: N // 4, 2, 23] -= 1500  # lower spread: the script does not see it
    path = write(samples, data["triggers"])
    f = numpy_features(samples)
    for units, factor in (("ADC16", 1.0), ("ADC14", 0.25), ("V", LEGACY_V_PER_ADC16)):
        masks = ask(path, "channel_masks", max_evts=0, legacy=True, units=units)
        active = np.tile(np.arange(64) % 16 >= 4, ADCS)
        dead = (f["maximum"] * factor).max(axis=0).ravel() < 300.0
        assert np.array_equal(masks["dead"], dead & active)
        own = f["baseline"][data["triggers"] == 0] * factor
        c = np.median(own, axis=0)
        high = np.percentile(own, 84, axis=0) - c
        code = np.where((c < -30000) | (c > -26000), -1, 0)
        code[high > (900.0 / 4 if units == "ADC14" else 900.0)] = 1
        # The bits that the corrected formulas use: band 1 and spread 2 for its codes -1 and 1.
        bits = np.where(code == 0, 0, np.where(code == -1, 1, 2))
        assert np.array_equal(masks["baseline_code"], bits.ravel())


def test_legacy_selection_is_that_of_the_script(data: dict[str, Any], write: Any, ask: Any) -> None:
    events = ask(write(**data), "selected_events", max_evts=23, legacy=True)
    expected = np.unique(np.linspace(0, N - 1, 23).astype(int))
    assert events["event_row"].tolist() == expected.tolist()
