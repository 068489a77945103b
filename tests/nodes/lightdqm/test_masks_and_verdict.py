"""Masks and verdict: each fault is named by its check, units change nothing, limits bite."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from radiograph.nodes.lightdqm.finding import ACTIONS, Numbers
from radiograph.nodes.lightdqm.findings import CHECK_FUNCTIONS, dead, noise, overall_status
from radiograph.schemas.lightdqm.frames import CHECKS, DQM_VERDICT, EARLIER_RUNS
from radiograph.schemas.lightdqm.settings import MaskLimits, VerdictLimits

N = 120


@pytest.fixture(scope="module")
def healthy() -> NDArray[np.int16]:
    """Noise, and light on all boards of one TPC in a third of the events."""
    rng = np.random.default_rng(7)
    samples = rng.normal(-28000.0, 35.0, (N, 2, 64, 150))
    shape = np.exp(-np.arange(90) / 15.0)
    for event in range(N):
        for half in (0, 1):
            if rng.random() < 0.4:
                height = rng.uniform(2000.0, 20000.0, (2, 32, 1))
                samples[event, :, 32 * half : 32 * half + 32, 60:] += height * shape
    samples[:, :, np.arange(64) % 16 < 4] = rng.normal(-28000.0, 35.0, (N, 2, 16, 150))
    codes = np.clip(np.round(samples / 4) * 4, -32768, 32764).astype(np.int16)
    codes.flags.writeable = False
    return codes


TRIGGERS = np.arange(N) % 2


def failing(verdict: pd.DataFrame) -> dict[str, str]:
    rows = verdict[verdict["status"] == "fail"]
    return dict(zip(rows["check"], rows["channels"], strict=True))


def earlier(value: float, sigma: float = 3.0, quantity: str = "baseline") -> pd.DataFrame:
    """The same for every channel of two ADCs."""
    n = 128
    return EARLIER_RUNS.frame(
        {
            "quantity": [quantity] * n,
            "trigger": ["self"] * n,
            "granularity": ["channel"] * n,
            "adc": np.repeat([0, 1], 64),
            "channel": np.tile(np.arange(64), 2),
            "value": [value] * n,
            "sigma": [sigma] * n,
            "lower": [value - 40.0] * n,
            "upper": [value + 40.0] * n,
            "n": [100] * n,
            "k": [0] * n,
            "n_files": [4] * n,
        }
    )


def test_a_healthy_file_is_green(healthy: Any, write: Any, ask: Any) -> None:
    found = ask(write(healthy, TRIGGERS), "dqm_verdict", "channel_masks")
    verdict = found["dqm_verdict"]
    assert verdict["check"].tolist() == list(CHECKS)
    status = verdict.set_index("check")["status"].to_dict()
    # Both are against earlier files.
    assert status.pop("arrival") == status.pop("baseline_move") == "no_data"
    assert set(status.values()) == {"pass"}
    assert overall_status(verdict) == "pass"
    assert set(verdict["action"]) == {""}
    masks = found["channel_masks"]
    assert masks["flatline_state"].value_counts()["good"] == 96
    assert masks["baseline_state"].value_counts()["inactive"] == 32


def _dead(s: Any) -> None:
    s[:, 0, 5] = s[:, 0, 1]


def _flat(s: Any) -> None:
    s[:, 0, 5] = -28000


def _top(s: Any) -> None:
    s[:, 0, 5] = 32764


def _bottom(s: Any) -> None:
    s[:, 0, 5] = -32768


def _band(s: Any) -> None:
    s[:, 0, 5] = np.minimum(s[:, 0, 5].astype(int) + 3000, 32764)


def _spread(s: Any) -> None:
    s[: N // 3, 0, 5] -= 1000


def _noise(s: Any) -> None:
    s[:, 0, 5] += 300 * (np.arange(150) % 2).astype(np.int16)


def _spark(s: Any) -> None:
    s[::6, 0, 5, 140] = 20000


def _clip(s: Any) -> None:
    s[:, 0, 5][s[:, 0, 5] > -26000] = 32764


def _negative(s: Any) -> None:
    s[::6, 0, 5, 130:] -= 900


@pytest.mark.parametrize(
    ("check", "plant", "also"),
    [
        ("dead", _dead, ()),
        ("flat", _flat, ()),
        ("railed", _top, ()),
        ("railed", _bottom, ()),
        ("baseline_band", _band, ()),
        # What changes from event to event, large enough to be the state of the file.
        ("baseline_change", _spread, ()),
        # Every second sample moved: a tone at 31.25 MHz, too.
        ("noise", _noise, ("tones",)),
        ("sparks", _spark, ()),
        ("clipped", _clip, ()),
        ("negative", _negative, ()),
    ],
)
def test_each_fault_is_named(
    healthy: Any, write: Any, ask: Any, check: str, plant: Any, also: tuple[str, ...]
) -> None:
    samples = healthy.copy()
    plant(samples)
    verdict = ask(write(samples, TRIGGERS), "dqm_verdict")
    assert failing(verdict) == dict.fromkeys((check, *also), "0/5")
    row = verdict.set_index("check").loc[check]
    assert row["n_channels"] == 1
    assert row["reason"].startswith("1 channel ")
    assert row["action"] == ACTIONS[check]


def test_units_change_no_verdict(healthy: Any, write: Any, ask: Any) -> None:
    samples = healthy.copy()
    for plant in (_dead, _spread):
        plant(samples)
    path = write(samples, TRIGGERS)
    found = [ask(path, "dqm_verdict", "channel_masks", units=u) for u in ("ADC16", "ADC14", "V")]
    for name in ("dqm_verdict", "channel_masks"):
        for other in found[1:]:
            pd.testing.assert_frame_equal(found[0][name], other[name])


def test_known_channels_are_ignored(healthy: Any, write: Any, ask: Any, tmp_path: Any) -> None:
    samples = healthy.copy()
    _dead(samples)
    samples[:, 1, 20] = np.minimum(samples[:, 1, 20].astype(int) + 3000, 32764)
    path = write(samples, TRIGGERS)
    assert failing(ask(path, "dqm_verdict")) == {"dead": "0/5", "baseline_band": "1/20"}
    table = np.zeros((2, 64), int)
    table[0, 5], table[1, 20] = 1, 2
    status = tmp_path / "status.csv"
    np.savetxt(status, table, "%d", ",")
    found = ask(path, "dqm_verdict", "channel_masks", status=status)
    assert failing(found["dqm_verdict"]) == {}
    masks = found["channel_masks"].set_index(["adc", "channel"])
    assert masks.loc[(0, 5), ["flatline_state", "baseline_state"]].tolist() == ["known", "good"]
    assert masks.loc[(1, 20), ["flatline_state", "baseline_state"]].tolist() == ["known", "known"]
    assert masks.loc[(0, 5), "dead"]


def test_a_baseline_that_moved(healthy: Any, write: Any, ask: Any) -> None:
    path = write(healthy, TRIGGERS)
    near = ask(path, "dqm_verdict", earlier_runs=earlier(-28060.0)).set_index("check")
    assert near.loc["baseline_move", "status"] == "pass"
    assert near.loc["baseline_move", "value"] == pytest.approx(60.0, abs=15.0)
    far = ask(path, "dqm_verdict", "channel_masks", earlier_runs=earlier(-28150.0))
    row = far["dqm_verdict"].set_index("check").loc["baseline_move"]
    assert (row["status"], row["n_channels"]) == ("fail", 96)
    masks = far["channel_masks"]
    assert (masks.loc[masks["active"], "baseline_code"] == 4).all()
    # What is known of earlier files is too uncertain.
    vague = ask(path, "dqm_verdict", earlier_runs=earlier(-28150.0, sigma=60.0))
    assert vague.set_index("check").loc["baseline_move", "status"] == "pass"


def test_a_channel_without_earlier_files_is_not_compared(
    healthy: Any, write: Any, ask: Any
) -> None:
    path = write(healthy, TRIGGERS)
    frame = earlier(-28000.0)
    some = frame[frame["channel"] != 5]
    row = ask(path, "dqm_verdict", earlier_runs=some).set_index("check").loc["baseline_move"]
    assert (row["status"], row["n_channels"]) == ("pass", 0)
    assert row["reason"].endswith("94 channels; nothing to compare 2 with")
    others = earlier(35.0, quantity="noise")
    row = ask(path, "dqm_verdict", earlier_runs=others).set_index("check").loc["baseline_move"]
    assert row["status"] == "no_data"
    assert "no earlier file in which a baseline failed no check" in row["reason"]


def test_bits_of_the_baseline_code(healthy: Any, write: Any, ask: Any) -> None:
    samples = healthy.copy()
    _band(samples)
    samples[: N // 3, 0, 5] -= 1000
    masks = ask(write(samples, TRIGGERS), "channel_masks", earlier_runs=earlier(-28000.0))
    codes = masks.set_index(["adc", "channel"])["baseline_code"]
    assert codes[(0, 5)] == 1 + 2 + 4
    assert codes[(0, 4)] == 0


def test_moves_of_the_script(healthy: Any, write: Any, ask: Any) -> None:
    """|c - c_prev| > 3 hypot(l, u_prev) if c > c_prev, else 3 hypot(u, l_prev)."""
    path = write(healthy, TRIGGERS)
    for value, moved in ((-28150.0, True), (-28060.0, False)):
        masks = ask(path, "channel_masks", legacy=True, earlier_runs=earlier(value))
        assert (masks.loc[masks["active"], "baseline_code"] == (4 if moved else 0)).all()


def test_bands_of_each_adc(healthy: Any, write: Any, ask: Any) -> None:
    path = write(healthy, TRIGGERS)
    bands = [[-30000.0, -26000.0], [-27000.0, -20000.0]]
    verdict = ask(path, "dqm_verdict", baseline_band_adc16=bands)
    assert {c.split("/")[0] for c in failing(verdict)["baseline_band"].split()} == {"1"}


def test_noise_against_earlier_files(healthy: Any, write: Any, ask: Any) -> None:
    """A file whose channels are all louder than before is not saved by being alike."""
    path = write(healthy, TRIGGERS)
    verdict = ask(path, "dqm_verdict", earlier_runs=earlier(10.0, quantity="noise"))
    assert verdict.set_index("check").loc["noise", "n_channels"] == 96
    verdict = ask(path, "dqm_verdict", earlier_runs=earlier(200.0, quantity="noise"))
    row = verdict.set_index("check").loc["noise"]
    assert (row["n_channels"], row["limit"]) == (96, 0.333)
    assert row["value"] == pytest.approx(35.0 / 200.0, rel=0.15)


def test_noise_of_all_channels_at_once(healthy: Any, write: Any, ask: Any) -> None:
    """Alike and without earlier files: only the limit by itself can tell."""
    path = write(healthy, TRIGGERS)
    limits = VerdictLimits(noise_adc16=20.0)
    row = ask(path, "dqm_verdict", verdict_limits=limits).set_index("check").loc["noise"]
    assert (row["status"], row["n_channels"], row["limit"]) == ("fail", 96, 20.0)
    assert row["value"] == pytest.approx(35.0, rel=0.15)
    assert row["reason"] == "96 channels with noise above 20 adc16"
    samples = healthy.copy()
    _noise(samples)
    both = ask(write(samples, TRIGGERS), "dqm_verdict", verdict_limits=limits).set_index("check")
    assert both.loc["noise", "n_channels"] == 96
    assert "times the usual noise, or above 20 adc16; usual: " in both.loc["noise", "reason"]


def test_a_very_loud_channel_makes_no_other_one_quiet() -> None:
    """The median of 35, 35 and 3500 is 35: 100 times that, and the two others as usual."""
    masks = pd.DataFrame({"adc": 0, "channel": range(3), "active": True, "known_status": 0,
                          "flat": False, "railed": 0})  # fmt: skip
    frames: dict[str, Any] = {f.name: pd.DataFrame() for f in fields(Numbers)}
    frames |= {
        "channel_masks": masks,
        "noise_summary": masks[["adc", "channel"]].assign(median_adc16=[35.0, 35.0, 3500.0]),
        "earlier_runs": earlier(35.0)[:0],
        "limits": VerdictLimits(noise_adc16=1e6),
    }
    row = noise(Numbers(**frames))
    assert (row.failing, row.value, row.limit) == (("0/2",), 100.0, 3.0)
    assert row.reason.endswith("; usual: 35.0 adc16")


def test_the_script_tells_no_tones(healthy: Any, write: Any, ask: Any) -> None:
    verdict = ask(write(healthy, TRIGGERS), "dqm_verdict", legacy=True).set_index("check")
    assert verdict.loc["tones", "status"] == "no_data"
    assert "contain the light" in verdict.loc["tones", "reason"]


def test_a_missing_adc_and_a_silent_channel(healthy: Any, write: Any, ask: Any) -> None:
    valid = np.ones((N, 2, 64), np.uint8)
    valid[:30, 1] = 0
    valid[:, 0, 44] = 0
    verdict = ask(write(healthy, TRIGGERS, valid), "dqm_verdict")
    assert failing(verdict) == {"missing_adcs": "0 1"}
    row = verdict.set_index("check").loc["missing_adcs"]
    assert row["value"] == 0.25
    assert "ADC 1 is absent from 30 of 120 events" in row["reason"]
    assert "1 of its channels from all" in row["reason"]


def test_times_that_run_backwards(healthy: Any, write: Any, ask: Any) -> None:
    path = write(healthy[:20], TRIGGERS[:20])
    with h5py.File(path, "r+") as file:
        rows = file["light/events/data"][:]
        rows["utime_ms"][5] -= 10_000
        file["light/events/data"][:] = rows
    row = ask(path, "dqm_verdict").set_index("check").loc["timestamps"]
    assert row["status"] == "fail"
    assert "backwards" in row["reason"]


@pytest.mark.parametrize(
    ("triggers", "window", "status"),
    [
        (TRIGGERS, None, "pass"),
        (TRIGGERS, (0.9, 1.1), "pass"),
        (TRIGGERS, (1.5, 2.0), "fail"),
        (np.zeros(N), None, "pass"),
        (np.ones(N), None, "pass"),
        (np.zeros(N), (0.9, 1.1), "warn"),
        (np.ones(N), (0.9, 1.1), "warn"),
        (np.full(N, 9), None, "no_data"),
    ],
)
def test_triggers(
    healthy: Any, write: Any, ask: Any, triggers: Any, window: Any, status: str
) -> None:
    limits = {"limits": VerdictLimits(beam_self_ratio=window)}
    verdict = ask(write(healthy, triggers), "dqm_verdict", verdict_limits=limits["limits"])
    assert verdict.set_index("check").loc["triggers", "status"] == status


@pytest.mark.parametrize("inputs", [slice(0, 64), slice(0, 32), slice(32, 64)])
def test_a_dark_adc_beside_a_lit_one_is_dead(
    healthy: Any, write: Any, ask: Any, inputs: slice
) -> None:
    """All of ADC 0, or half of it, without light: its own neighbours see none either."""
    samples = healthy.copy()
    noise = np.random.default_rng(3).normal(-28000.0, 35.0, samples[:, 0, inputs].shape)
    samples[:, 0, inputs] = (np.round(noise / 4) * 4).astype(np.int16)
    verdict = ask(write(samples, TRIGGERS), "dqm_verdict")
    dark = [c for c in range(64)[inputs] if c % 16 >= 4]
    assert failing(verdict) == {"dead": " ".join(f"0/{c}" for c in dark)}


def lit_earlier(n_lit: int, n: int) -> pd.DataFrame:
    """Earlier files in which every channel of two ADCs was lit in n_lit of n events a trigger."""
    parts = []
    for trigger in ("self", "beam"):
        for granularity, count in (("channel", n_lit), ("total", n)):
            part = earlier(0.0).astype({"trigger": str, "granularity": str, "quantity": str})
            part[["quantity", "trigger", "granularity"]] = ["clipped", trigger, granularity]
            parts.append(part.assign(n=count))
    return EARLIER_RUNS.frame(pd.concat(parts).to_dict("list"))


def test_a_dark_tpc_is_judged_by_earlier_files(healthy: Any, write: Any, ask: Any) -> None:
    samples = healthy.copy()
    samples[:, :, :32] = samples[:, :, :1]  # an input without a sensor
    path = write(samples, TRIGGERS)
    row = ask(path, "dqm_verdict").set_index("check").loc["dead"]
    assert (row["status"], row["n_channels"]) == ("pass", 0)
    assert "too little light to tell for 48" in row["reason"]
    # 40 of 100 events were lit: 48 of these 120 are expected, none is seen.
    found = ask(path, "dqm_verdict", "light_hits", earlier_runs=lit_earlier(40, 100))
    row = found["dqm_verdict"].set_index("check").loc["dead"]
    assert (row["status"], row["n_channels"]) == ("fail", 48)
    assert row["reason"].endswith("; 48 judged by their light in earlier files")
    hits = found["light_hits"].set_index(["adc", "channel"])
    assert hits.loc[(1, 5), ["n", "k", "neighbours"]].tolist() == [48, 0, "earlier"]
    assert hits.loc[(1, 40), "neighbours"] == "epcb"
    # Too little was seen before to miss it now.
    rare = ask(path, "dqm_verdict", earlier_runs=lit_earlier(10, 100)).set_index("check")
    assert rare.loc["dead", "status"] == "pass"


def test_a_file_without_light_is_not_judged_by_earlier_ones(
    healthy: Any, write: Any, ask: Any
) -> None:
    samples = np.repeat(healthy[:, :, :1], 64, axis=2)
    path = write(samples, TRIGGERS)
    row = ask(path, "dqm_verdict", earlier_runs=lit_earlier(40, 100)).set_index("check")
    assert row.loc["dead", "status"] == "no_data"


@pytest.mark.parametrize(("n_dark", "status"), [(60, "no_data"), (20, "pass")])
def test_few_judged_channels_are_no_pass(
    healthy: Any, write: Any, ask: Any, n_dark: int, status: str
) -> None:
    """Where most channels have no light to judge them by, "pass" would speak for all."""
    found = ask(write(healthy, TRIGGERS), "light_hits", "channel_masks")
    masks, hits = found["channel_masks"], found["light_hits"].copy()
    watched = np.flatnonzero(masks["active"])
    at = hits["adc"] * 64 + hits["channel"]
    hits.loc[at.isin(watched[:n_dark]), "neighbours"] = "none"
    frames: dict[str, Any] = {f.name: pd.DataFrame() for f in fields(Numbers)}
    of_masks = MaskLimits(
        baseline_band_adc16=((-30000.0, -26000.0),), spread_adc16=900, dead_adc16=300,
        dead_fraction=0.2, flat_adc16=2, rail_adc16=100, move_sigma=3, move_adc16=100,
    )  # fmt: skip
    limits = {"mask_limits": of_masks, "limits": VerdictLimits()}
    numbers = Numbers(**{**frames, "light_hits": hits, "channel_masks": masks, **limits})
    row = dead(numbers)
    assert row.status == status
    assert row.reason.endswith(f"; too little light to tell for {n_dark}")
    if status == "no_data":
        assert row.reason.startswith("only 36 channels of 96 could be judged")


def test_too_little_light_is_told(write: Any, ask: Any) -> None:
    samples = np.random.default_rng(1).normal(-28000, 35, (20, 2, 64, 100)).astype(np.int16)
    found = ask(write(samples, np.arange(20) % 2), "dqm_verdict", "channel_masks")
    row = found["dqm_verdict"].set_index("check").loc["dead"]
    assert (row["status"], row["n_channels"]) == ("no_data", 0)
    assert "too little light" in row["reason"]
    assert (found["channel_masks"]["flatline_state"] == "no_data").sum() == 96


def test_every_check_has_a_function_and_an_action() -> None:
    assert tuple(f.__name__ for f in CHECK_FUNCTIONS) == CHECKS
    assert set(ACTIONS) == set(CHECKS)


@pytest.mark.parametrize(
    ("statuses", "overall"),
    [
        (["pass", "no_data"], "pass"),
        (["pass", "warn", "no_data"], "warn"),
        (["warn", "fail"], "fail"),
        (["no_data"], "no_data"),
        ([], "no_data"),
    ],
)
def test_overall_status(statuses: list[str], overall: str) -> None:
    n = len(statuses)
    columns: dict[str, Any] = {c.name: [0.0] * n for c in DQM_VERDICT.columns}
    frame = DQM_VERDICT.frame(
        columns
        | {c: [""] * n for c in ("unit", "channels", "reason", "action")}
        | {"check": [CHECKS[0]] * n, "status": statuses}
    )
    assert overall_status(frame) == overall
