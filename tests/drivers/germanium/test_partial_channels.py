"""Channels of which A/E or LQ fails: their energies are written, and what is absent says why."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
import yaml
from germanium_toy import SCALE, toy_channel
from radiograph.drivers.germanium.lh5_writing import columns_of_frame, new_lh5, write_table
from radiograph.drivers.main import guarded
from radiograph.nodes.germanium.hit_operations import AOE_CUTS, AOE_SHAPE, LQ_OUTPUTS

pytestmark = pytest.mark.slow

STEM = "sim-p01-r001-cal-20250101T000000Z"
GOOD, NO_LQ, NO_CUT, NO_AOE = "ch1104000", "ch1104001", "ch1104002", "ch1104003"
EVERY = (*AOE_SHAPE, *AOE_CUTS, *LQ_OUTPUTS)
ABSENT = {GOOD: (), NO_LQ: LQ_OUTPUTS, NO_CUT: (*AOE_CUTS, *LQ_OUTPUTS), NO_AOE: EVERY}
WHY = {
    NO_LQ: ("lq_model", "too_few_events", "0 double-escape events pass A/E, at least 30"),
    NO_CUT: ("aoe_low_cut", "no_double_escape_peak", "double-escape peak at the A/E cut"),
    NO_AOE: ("uncorrected_aoe", "no_current_amplitude", "A_max"),
}
SETTINGS = f"""
[pipeline]
name = "germanium"
[io]
input_path = "{STEM}-tier_dsp.lh5"
output_path = "out"
[run]
workers = 1
[cache]
dir = "cache"
[germanium]
estimators = ["cuspEmax"]
[germanium.aoe]
drift_correction = "off"
"""
BARE = ("--set", "output.report=false")
Ran = Callable[..., dict[str, Any]]


def _channels() -> dict[str, pd.DataFrame]:
    good = toy_channel()
    energy = SCALE * good["cuspEmax"] * (1.0 + 6e-7 * good["dt_eff"])
    near = (energy > 1540.0) & (energy < 1610.0)
    return {
        GOOD: good,
        NO_LQ: good.assign(lq80=good["lq80"].mask(near)),
        NO_CUT: good[(energy < 1540.0) | (energy > 1640.0)],
        NO_AOE: good.drop(columns="A_max"),
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("partial")
    with new_lh5(path / f"{STEM}-tier_dsp.lh5") as file:
        for channel, frame in _channels().items():
            write_table(file, f"{channel}/dsp", columns_of_frame(frame))
    (path / "germanium.toml").write_text(SETTINGS)
    return path


@pytest.fixture
def first(run: Ran, folder: Path) -> dict[str, Any]:
    """The answer of the first run; made once."""
    kept = folder / "answer.json"
    if not kept.is_file():
        kept.write_text(json.dumps(run("run", "germanium.toml")))
    answer: dict[str, Any] = json.loads(kept.read_text())
    return answer


def _hit(folder: Path, out: str, channel: str) -> dict[str, np.ndarray]:
    with h5py.File(folder / out / f"{STEM}-tier_hit.lh5") as file:
        return {name: values[()] for name, values in file[f"{channel}/hit"].items()}


def test_a_channel_has_what_does_not_depend_on_what_failed(
    first: dict[str, Any], folder: Path
) -> None:
    """Energies and flags are, bit by bit, those of the channel in which nothing failed."""
    good = _hit(folder, "out", GOOD)
    assert set(EVERY) < set(good)
    for channel in (NO_LQ, NO_AOE):
        own = _hit(folder, "out", channel)
        assert set(own) == set(good) - set(ABSENT[channel])
        # Bits of flags have an order of their own where there are fewer of them.
        for name in set(own) - {"is_valid_cal_bits"}:
            np.testing.assert_array_equal(own[name], good[name])
    cut = _hit(folder, "out", NO_CUT)
    assert set(cut) == set(good) - set(ABSENT[NO_CUT])
    assert np.isfinite(cut["AoE_Classifier"]).all()
    assert (np.abs(cut["cuspEmax_ctc_cal"] - 2614.511) < 3.0).sum() > 2000


def test_what_failed_is_a_failure_of_that_alone(first: dict[str, Any]) -> None:
    assert first["code"] == 4
    told = {f["at"]["channel"]: f for f in first["failed"]}
    assert len(told) == len(first["failed"]) == 3
    channels = first["summary"]["channels"]
    assert (list(channels)[-1], channels[GOOD]["status"]) == (GOOD, "ok")
    for channel, (node, code, words) in WHY.items():
        assert (told[channel]["node"], told[channel]["code"]) == (node, code)
        assert words in told[channel]["message"]
        assert channels[channel]["status"] == "partial"
        assert channels[channel]["energy"]["cuspEmax"]["qbb_fwhm_keV"]["value"] > 1.0
        assert f"failed: channel {channel}: {node}: " in first["stderr"]
    assert channels[NO_LQ]["aoe"] == channels[GOOD]["aoe"]
    assert "lq" not in channels[NO_LQ]


def test_parameters_tell_what_is_absent(first: dict[str, Any], folder: Path) -> None:
    par_hit = yaml.safe_load((folder / "out" / f"{STEM}-par_hit.yaml").read_text())
    assert list(par_hit) == list(ABSENT)
    for channel, names in ABSENT.items():
        results, pars = par_hit[channel]["results"], par_hit[channel]["pars"]
        assert not {*names} & {*pars["outputs"], *pars["operations"]}
        assert {*EVERY} - {*names} <= {*pars["outputs"]} & {*pars["operations"]}
        told = [(f["node"], f["code"]) for f in results.get("failures", ())]
        assert told == ([WHY[channel][:2]] if channel in WHY else [])
        for name in names:
            assert results["absent"][name].startswith(f"{WHY[channel][0]}: ")
    assert par_hit[NO_LQ]["results"]["aoe"] == par_hit[GOOD]["results"]["aoe"]
    assert par_hit[NO_LQ]["results"]["ecal"] == par_hit[GOOD]["results"]["ecal"]
    assert [par_hit[c]["results"]["lq"] for c in WHY] == [{}, {}, {}]
    assert "cut_value" in par_hit[GOOD]["results"]["lq"]


def test_info_report_and_show_tell_it(
    first: dict[str, Any], folder: Path, run: Ran, capsys: pytest.CaptureFixture[str]
) -> None:
    tier = f"out/{STEM}-tier_hit.lh5"
    tables = {t["channel"]: "\n".join(t["absent"]) for t in run("info", tier)["tables"]}
    assert guarded(["info", tier]) == 0
    text = capsys.readouterr().out
    for channel, (node, _, words) in WHY.items():
        assert f"{', '.join(ABSENT[channel])}: {node}: " in tables[channel]
        assert words in tables[channel]
        assert f"without {', '.join(ABSENT[channel])}: {node}: " in text
    assert "AoE" not in tables[GOOD]
    page = (folder / "out" / "report.html").read_text()
    places = [page.index(f">{channel}<") for channel in (*WHY, GOOD)]
    assert places[-1] == max(places)
    assert all(f"{node}: " in page and words in page for node, _, words in WHY.values())
    assert guarded(["germanium", "show", NO_LQ, "-r", "out"]) == 4
    shown = capsys.readouterr().out
    assert shown.startswith(f"{NO_LQ}: partial, ")
    assert "LQ_Classifier" not in shown
    assert "A/E: low cut at" in shown


def test_the_others_are_as_without_it(first: dict[str, Any], run: Ran, folder: Path) -> None:
    only = ("--set", f'germanium.channels=["{GOOD}"]', *BARE)
    alone = run("run", "germanium.toml", "-o", "alone", "--no-cache", *only)
    assert alone["code"] == 0
    assert alone["summary"]["channels"] == {GOOD: first["summary"]["channels"][GOOD]}
    before, after = _hit(folder, "out", GOOD), _hit(folder, "alone", GOOD)
    assert list(before) == list(after)
    for name, values in after.items():
        np.testing.assert_array_equal(before[name], values)


def test_workers_and_cache_change_no_byte(first: dict[str, Any], run: Ran, folder: Path) -> None:
    """Also what failed is told by other processes, and from the cache."""
    by_two = ("--no-cache", "--set", "run.workers=2", "--set", "run.chunk_events=1000")
    for out, options in (("two", by_two), ("again", ())):
        again = run("run", "germanium.toml", "-o", out, *options, *BARE)
        assert (again["code"], again["failed"]) == (4, first["failed"])
        for ending in ("tier_hit.lh5", "par_hit.yaml"):
            name = f"{STEM}-{ending}"
            assert (folder / "out" / name).read_bytes() == (folder / out / name).read_bytes()


@pytest.mark.parametrize("options", [(), ("--no-cache", "--set", "run.workers=2")])
def test_a_target_tells_what_it_is_without(
    first: dict[str, Any], run: Ran, options: tuple[str, ...]
) -> None:
    """The hit tier alone is asked for: what its columns lack is told all the same."""
    chosen = ("--set", f'germanium.channels=["{GOOD}","{NO_LQ}"]')
    out = f"target{len(options)}"
    answer = run("run", "germanium.toml", "-o", out, "--target", "hit", *chosen, *options)
    assert answer["code"] == 4
    assert [(f["at"]["channel"], f["node"]) for f in answer["failed"]] == [(NO_LQ, "lq_model")]
    asked = run(
        "run", "germanium.toml", "-o", f"{out}_lq", "--target", "lq_survival", *chosen, *options
    )
    assert (asked["code"], asked["failed"]) == (4, answer["failed"])


def test_tiers_of_the_parameters_are_those_of_the_calibration(
    first: dict[str, Any], run: Ran, folder: Path
) -> None:
    """A channel without LQ is no failure of a build, whose tiers say what they lack."""
    made = run(
        "germanium", "build", "hit", f"{STEM}-tier_dsp.lh5",
        f"--parameters=out/{STEM}-par_hit.yaml", "-o", "built", "--set", "run.workers=1",
    )  # fmt: skip
    assert made["code"] == 0
    name = f"{STEM}-tier_hit.lh5"
    assert (folder / "built" / name).read_bytes() == (folder / "out" / name).read_bytes()
