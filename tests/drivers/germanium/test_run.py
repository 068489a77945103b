"""The germanium pipeline as a user runs it: tiers, parameter files, failures, exactness."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
import yaml
from radiograph.drivers.germanium.definition import GERMANIUM
from radiograph.drivers.germanium.lh5_writing import Lh5Columns, new_lh5, write_table
from radiograph.drivers.germanium.simulation import raw_columns, simulated
from radiograph.drivers.main import guarded
from radiograph.nodes.csv_numbers import EXACT
from radiograph.nodes.germanium.hit_flags import BITS
from radiograph.nodes.germanium.hit_operations import ORDER
from radiograph.nodes.peaks.shapes import FWHM_PER_SIGMA
from radiograph.nodes.simulation.germanium_events import detector_constants
from radiograph.nodes.simulation.germanium_waveforms import RawWaveforms
from radiograph.schemas.germanium.config import GermaniumConfig
from radiograph.schemas.germanium_simulation import BAD, GermaniumSimulationSettings

pytestmark = pytest.mark.slow

STEM = "sim-p01-r001-cal-20250101T000000Z"
GOOD, FEW, DEAD = "ch1104000", "ch1104001", "ch1104002"
N_GOOD = 4000
NO_LINE, TWO_DECAYS = "ch1104003", "ch1104004"
REASONS = {
    FEW: ("pole_zero_constants_ns", "too_few_tails", "tails of pulses"),
    DEAD: ("pole_zero_constants_ns", "too_few_tails", "tails of pulses"),
    NO_LINE: ("uncorrected_energies", "no_energy_scale", "2614.5 keV"),
    TWO_DECAYS: ("pole_zero_constants_ns", "two_decays", "has two decays"),
}
SETTINGS = """
[pipeline]
name = "germanium"
[io]
input_path = "{stem}-tier_raw.lh5"
output_path = "out"
[run]
workers = 1
[cache]
dir = "cache"
[germanium]
svm_path = "{train}"
[germanium.pole_zero]
model = "single"
[germanium.filters]
optimise = false
[germanium.aoe]
drift_correction = "off"
"""
BARE = ("--set", "output.report=false")
"""Of runs whose page nobody looks at: its figures take longer than their tiers."""
CLASSED = find_spec("sklearn") is not None
FOLDER_OF_KERNELS = (
    "import radiograph.nodes.germanium.kernels, numba; print(numba.config.CACHE_DIR)"
)
COMMAND = "from radiograph.drivers.main import cli; cli()"
Ran = Callable[..., dict[str, Any]]


def _made(index: int, **settings: Any) -> dict[str, Any]:
    own = GermaniumSimulationSettings(seed=3, **settings)
    return simulated(own, index, detector_constants(own, index))


def _table(index: int, **settings: Any) -> Lh5Columns:
    return raw_columns(_made(index, **settings))


def _without_the_line(made: dict[str, Any]) -> Lh5Columns:
    """Rows that are not of 2614.5 keV."""
    kept = made["germanium_truth"]["line_keV"].to_numpy() < 2600.0
    waves = made["raw_waveforms"]
    return raw_columns(
        {
            "raw_scalars": {name: values[kept] for name, values in made["raw_scalars"].items()},
            "raw_waveforms": RawWaveforms(*(getattr(waves, f.name)[kept] for f in fields(waves))),
        }
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a good channel and four of which each has a fault."""
    path = tmp_path_factory.mktemp("germanium")
    with new_lh5(path / f"{STEM}-tier_raw.lh5") as file:
        good = _made(0, n_events=N_GOOD, enriched=True)
        good["germanium_truth"].to_csv(path / "truth.csv")
        write_table(file, f"{GOOD}/raw", raw_columns(good))
        write_table(file, f"{FEW}/raw", _table(1, n_events=10))
        write_table(file, f"{DEAD}/raw", _table(2, n_events=300, baselines=True))
        write_table(file, f"{NO_LINE}/raw", _without_the_line(_made(3, n_events=1000)))
        write_table(file, f"{TWO_DECAYS}/raw", _table(4, n_events=800, two_poles=True))
    if CLASSED:
        with new_lh5(path / "train.lh5") as file:
            write_table(file, "ch1104000/raw", _table(0, n_events=1500, train=True))
    train = "train.lh5" if CLASSED else ""
    (path / "germanium.toml").write_text(SETTINGS.format(stem=STEM, train=train))
    return path


@pytest.fixture
def first(run: Ran, folder: Path) -> dict[str, Any]:
    """The answer of the first run; made once."""
    kept = folder / "answer.json"
    if not kept.is_file():
        kept.write_text(json.dumps(run("run", "germanium.toml", "-o", "out")))
    answer: dict[str, Any] = json.loads(kept.read_text())
    return answer


def test_failed_channels_are_told_and_left_out(first: dict[str, Any]) -> None:
    assert first["code"] == 4
    channels = first["summary"]["channels"]
    assert list(channels)[-1] == GOOD
    assert channels[GOOD]["status"] == "ok"
    at = [failure["at"]["channel"] for failure in first["failed"]]
    assert sorted(at) == sorted(REASONS)
    for channel, (node, code, words) in REASONS.items():
        assert channels[channel]["status"] == "failed"
        (failure,) = channels[channel]["failures"]
        assert (failure["node"], failure["code"]) == (node, code)
        assert words in failure["reason"]
        assert f"failed: channel {channel}: {node}: " in first["stderr"]


def test_failures_come_first_in_the_report(first: dict[str, Any], folder: Path) -> None:
    text = (folder / "out" / "report.html").read_text()
    places = [text.index(channel) for channel in (*REASONS, GOOD)]
    assert places[-1] == max(places)
    assert all(words in text for _, _, words in REASONS.values())


def test_a_page_of_the_file_tells_the_same_of_each_channel(
    first: dict[str, Any], run: Ran, folder: Path
) -> None:
    """The table of channels and what failed: what figures are made of is not in the file."""
    page = folder / "page.html"
    made = run("report", first["output"], "-o", str(page))
    assert made.get("outputs") == [str(page)], made
    of_run, of_file = (p.read_text() for p in (folder / "out" / "report.html", page))
    rows = [set(re.findall(r"<tr><td>ch\d.*?</tr>", text)) for text in (of_run, of_file)]
    assert len(rows[0]) == len(REASONS) + 1
    assert rows[0] <= rows[1]
    assert of_file.index("<h2>Channels") < of_file.index("<h2>Run")
    assert all(words in of_file for _, _, words in REASONS.values())
    assert run("report", first["output"], "--pdf", "-o", str(page), "--overwrite")["code"] == 2


def test_a_channel_is_as_without_those_that_failed(
    first: dict[str, Any], run: Ran, folder: Path
) -> None:
    only = ("--set", f'germanium.channels=["{GOOD}"]')
    alone = run("run", "germanium.toml", "-o", "alone", *only, *BARE)
    assert alone["code"] == 0
    assert alone["summary"]["channels"] == {GOOD: first["summary"]["channels"][GOOD]}
    for tier in ("dsp", "hit"):
        name = f"{STEM}-tier_{tier}.lh5"
        with h5py.File(folder / "out" / name) as a, h5py.File(folder / "alone" / name) as b:
            assert list(a[f"{GOOD}/{tier}"]) == list(b[f"{GOOD}/{tier}"])
            for column, values in b[f"{GOOD}/{tier}"].items():
                np.testing.assert_array_equal(a[f"{GOOD}/{tier}/{column}"][()], values[()])


def test_constants_are_those_of_the_simulation(first: dict[str, Any]) -> None:
    own = GermaniumSimulationSettings(seed=3, n_events=1)
    truth = detector_constants(own, 0)
    found = first["summary"]["channels"][GOOD]
    assert found["tau1_us"]["value"] == pytest.approx(truth.tau1_ns / 1e3, rel=1e-3)
    energy = found["energy"]["cuspEmax"]["corrected"]
    assert energy["scale_keV_per_adc"]["value"] == pytest.approx(1 / truth.adc_per_keV, rel=5e-4)
    assert found["aoe"]["survival"]["DEP"]["value"] == pytest.approx(0.9, abs=0.02)


@pytest.fixture
def truth(first: dict[str, Any], folder: Path) -> pd.DataFrame:
    """Truth and hit tier of the good channel, a row a trigger."""
    with h5py.File(folder / "out" / f"{STEM}-tier_hit.lh5") as file:
        hit = pd.DataFrame({name: values[()] for name, values in file[f"{GOOD}/hit"].items()})
    with h5py.File(folder / "out" / f"{STEM}-tier_dsp.lh5") as file:
        hit["dt_eff"] = file[f"{GOOD}/dsp/dt_eff"][()]
    found = pd.read_csv(folder / "truth.csv").join(hit)
    return found.assign(kind=np.array(BAD)[found["bad"]])


def test_quality_cuts_keep_good_pulses_and_no_others(truth: pd.DataFrame) -> None:
    kept = truth.groupby("kind")["is_valid_cal"].mean()
    assert kept["good"] >= 0.99
    assert kept["pile_up"] <= 0.2
    assert kept["earlier_tail"] <= 0.01
    assert kept.get("discharge", 0.0) <= 0.01


@pytest.mark.skipif(not CLASSED, reason="training an SVM needs scikit-learn")
def test_pulse_shapes_have_a_class(truth: pd.DataFrame, folder: Path) -> None:
    good = truth.groupby("kind")["is_valid_svm"].mean()
    assert good["good"] > 0.95
    assert good["earlier_tail"] < 0.2
    assert good["pile_up"] < 0.2
    text = (folder / "out" / "report.html").read_text()
    assert "Pulse shapes" in text
    assert "as earlier_tail (%)" in text
    par_dsp = yaml.safe_load((folder / "out" / f"{STEM}-par_dsp.yaml").read_text())
    place = f"loadlh5('$_/{STEM}-par_dsp.lh5','svm')"
    assert par_dsp[GOOD]["svm"] == {"model_file": place}


def test_single_site_events_survive(truth: pd.DataFrame) -> None:
    """Of true single-site events of the double-escape peak 92.6 % (97 % of it are), others not."""
    good = truth[(truth["kind"] == "good") & (truth["is_valid_cal"] == 1)]
    dep = good[np.abs(good["line_keV"] - 1592.5) < 0.1]
    single = dep[dep["n_sites"] == 1]["AoE_Low_Cut"]
    error = float(np.sqrt(0.926 * 0.074 / len(single)))
    assert single.mean() == pytest.approx(0.926, abs=0.02 + 2.0 * error)
    inside = good["cuspEmax_ctc_cal"].between(1000.0, 2350.0)
    survival = good[inside].groupby(good["n_sites"] == 1)["AoE_Low_Cut"].mean()
    assert 0.87 <= survival[True] <= 0.97
    assert survival[False] <= 0.10


def test_the_trapping_is_that_of_the_truth(first: dict[str, Any], truth: pd.DataFrame) -> None:
    """The slope of collected over deposited energy on dt_eff, not that on the drift time."""
    good = truth[(truth["kind"] == "good") & (truth["energy_keV"] > 1000.0)]
    good = good[np.isfinite(good["dt_eff"])]
    slope = -np.polyfit(good["dt_eff"], good["collected_keV"] / good["deposited_keV"], 1)[0]
    alpha = first["summary"]["channels"][GOOD]["energy"]["cuspEmax"]["alpha_per_ns"]
    allowed = 0.15 * slope + 2.0 * alpha["error"]
    assert alpha["value"] == pytest.approx(slope, abs=allowed)


def test_a_channel_in_words(
    first: dict[str, Any], folder: Path, run: Ran, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guarded(["germanium", "show", GOOD, "--run-file", "out"]) == 0
    text = capsys.readouterr().out
    assert text.startswith(f"{GOOD}: ok, {N_GOOD} events\n")
    assert "corrected for trapped charge" in text
    assert guarded(["germanium", "show", FEW, "-r", first["output"]]) == 4
    assert "tails of pulses" in capsys.readouterr().out
    told = run("germanium", "show", str(int(GOOD.removeprefix("ch"))), "-r", "out")
    assert told["energy"] == first["summary"]["channels"][GOOD]["energy"]
    assert told["aoe"] == first["summary"]["channels"][GOOD]["aoe"]
    unknown = run("germanium", "show", "ch1104009", "-r", "out")
    assert unknown["code"] == 3
    assert "did you mean ch110400" in unknown["error"]["message"]
    nothing = run("germanium", "show", GOOD, "-r", "cache")
    assert nothing["code"] == 2
    absent = run("germanium", "show", GOOD, "-r", "nowhere")
    assert absent["code"] == 3
    assert absent["error"]["message"].startswith("nowhere: no such file or folder. Name what")


def test_the_time_of_validity_stands_beside_the_parameters(
    first: dict[str, Any], folder: Path
) -> None:
    (entry,) = yaml.safe_load((folder / "out" / "validity.yaml").read_text())
    assert entry["valid_from"] == "20250101T000000Z"
    assert (entry["category"], entry["mode"]) == ("all", "reset")
    assert entry["apply"] == [f"{STEM}-par_dsp.yaml", f"{STEM}-par_hit.yaml"]
    assert all((folder / "out" / name).is_file() for name in entry["apply"])


def test_a_file_that_is_given_twice(run: Ran, folder: Path) -> None:
    """The verdict says how many rows of the channel repeat others."""
    copy = folder / "twice" / f"{STEM}-tier_dsp.lh5"
    copy.parent.mkdir()
    source = folder / "out" / copy.name
    copy.write_bytes(source.read_bytes())
    answer = run(
        "run", "germanium.toml", "-o", "doubled", "--set",
        f'io.input_path=["out/{copy.name}", "twice/{copy.name}"]', "--set", 'germanium.tiers=[]',
        "--set", "run.max_events=40",
    )  # fmt: skip
    assert answer["code"] == 4
    assert answer["summary"]["channels"][GOOD]["duplicates"] == 40
    checks = {check["check"]: check for check in answer["verdict"]}
    assert checks["n_duplicates"]["status"] == "fail"
    assert f"warning: {GOOD}: 40 rows repeat an earlier one" in answer["stderr"]
    assert "rows repeat an earlier one" in (folder / "doubled" / "report.html").read_text()


def test_kernels_compiled_beside_have_the_types_of_a_run(
    first: dict[str, Any], folder: Path, tmp_path: Path
) -> None:
    """Peaks, made by the second process alone: a calibration from the dsp tier compiles none."""
    ahead = GERMANIUM.compiled_ahead(GermaniumConfig())
    assert ahead is not None
    env = os.environ | {"RADIOGRAPH_CACHE": str(tmp_path)}

    def told(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *words],
            env=env,
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )

    kept = told("-c", FOLDER_OF_KERNELS).stdout.strip()
    told("-m", ahead.module, kept)
    made = {name: len(list(Path(kept).rglob(f"*.{name}-*.nbc"))) for name in ahead.kernels}
    assert made == dict.fromkeys(ahead.kernels, 1)
    said = told(
        "-c", COMMAND, "run", "germanium.toml", "-o", str(tmp_path / "out"), "--no-cache", *BARE,
        "--set", f"io.input_path=out/{STEM}-tier_dsp.lh5", "--set", 'germanium.svm_path=""',
        "--set", f'germanium.channels=["{GOOD}"]', "--set", 'germanium.tiers=["hit"]',
    ).stderr  # fmt: skip
    assert "compiling" not in said


@pytest.mark.parametrize(
    "settings",
    [
        {"pipeline": {"until": "pole_zero"}},
        {"germanium": {"parameters_path": "par_hit.yaml"}},
    ],
)
def test_nothing_is_compiled_beside_where_no_peak_is_fitted(settings: dict[str, Any]) -> None:
    assert GERMANIUM.compiled_ahead(GermaniumConfig.model_validate(settings)) is None


def test_a_run_is_what_its_settings_give(first: dict[str, Any], run: Ran) -> None:
    answer = run("verify", first["output"])
    assert answer["code"] == 0


def test_tiers_have_the_layout_of_legend(first: dict[str, Any], folder: Path) -> None:
    with h5py.File(folder / "out" / f"{STEM}-tier_hit.lh5") as file:
        assert list(file) == [GOOD]
        hit = file[f"{GOOD}/hit"]
        names = hit.attrs["datatype"].removeprefix("table{").rstrip("}").split(",")
        assert [n for n in names if n in ORDER] == [n for n in ORDER if n in names]
        assert set(ORDER) <= set(names)
        assert hit["cuspEmax_ctc_cal"].dtype == np.float64
        assert hit["cuspEmax_ctc_cal"].attrs["units"] == "keV"
        assert hit["is_valid_cal"].attrs["datatype"] == "array<1>{bool}"
        bits, bit_names = hit["is_valid_cal_bits"][()], hit["is_valid_cal_bits"].attrs["bit_names"]
        for k, name in enumerate(bit_names.split(",")):
            assert np.array_equal((bits >> np.uint64(k)) & np.uint64(1), hit[name][()])
        near = np.abs(hit["cuspEmax_ctc_cal"][()] - 2614.5) < 5.0
        assert near.sum() > 350
    with h5py.File(folder / "out" / f"{STEM}-tier_dsp.lh5") as file:
        dsp = file[f"{GOOD}/dsp"]
        assert dsp["A_max"].dtype == np.float32
        assert dsp["A_max"].attrs["units"] == "ADC/sample"
        assert "dplmsEmax" not in dsp


def test_parameter_files_are_plain_yaml(first: dict[str, Any], folder: Path) -> None:
    par_dsp = yaml.safe_load((folder / "out" / f"{STEM}-par_dsp.yaml").read_text())
    assert par_dsp[GOOD]["pz"]["tau1"].endswith("*ns")
    assert par_dsp[GOOD]["cusp"] == {"sigma": "8*us", "flat": "2.5*us"}
    par_hit = yaml.safe_load((folder / "out" / f"{STEM}-par_hit.yaml").read_text())
    assert list(par_hit) == [GOOD]
    operations = par_hit[GOOD]["pars"]["operations"]
    assert operations["cuspEmax_ctc_cal"]["expression"] == "a + b * cuspEmax_ctc"
    results = par_hit[GOOD]["results"]
    peak = results["ecal"]["cuspEmax_cal"]["pk_fits"]["2614.511"]
    assert peak["validity"] is True
    assert 2.0 < peak["fwhm_in_kev"] < 3.0
    assert list(peak["parameters"]) == ["mu", "sigma", "n_sig", "htail", "tau", "n_bkg", "hstep"]
    assert peak["parameters"].keys() == peak["uncertainties"].keys()
    sigma, position = peak["parameters"]["sigma"], peak["position"]
    assert 0.8 < FWHM_PER_SIGMA * sigma / peak["fwhm_in_kev"] <= 1.0 + 1e-9
    assert peak["range"][0] < position - 10.0 * sigma < position + 10.0 * sigma < peak["range"][1]
    # Counts of the line with and without the cuts.
    primary = next(fits for fits in results["ecal"].values() if "total_fep" in fits)
    assert 350.0 < primary["pass_fep"] <= primary["total_fep"] < 1000.0
    for form, n in (("linear", 2), ("quadratic", 3)):
        curve = results["ecal"]["cuspEmax_cal"][f"eres_{form}"]
        errors = np.array(list(curve["uncertainties"].values()))
        assert len(errors) == n
        np.testing.assert_allclose(np.diag(curve["cov"]), errors**2)
        np.testing.assert_array_equal(np.array(curve["cov"]), np.array(curve["cov"]).T)
    assert results["aoe"]["high_cut"] == 3.0


def test_any_cut_and_workers_give_the_same_bytes(
    first: dict[str, Any], run: Ran, folder: Path
) -> None:
    """Ranges of 1000 rows by two processes, without a cache."""
    again = run(
        "run", "germanium.toml", "-o", "other", "--no-cache",
        "--set", "run.chunk_events=1000", "--set", "run.workers=2", *BARE,
    )  # fmt: skip
    assert again["code"] == 4
    for ending in ("tier_dsp.lh5", "tier_hit.lh5", "par_dsp.yaml", "par_hit.yaml"):
        name = f"{STEM}-{ending}"
        assert (folder / "out" / name).read_bytes() == (folder / "other" / name).read_bytes(), name


def test_an_aoe_setting_runs_no_dsp(first: dict[str, Any], run: Ran, folder: Path) -> None:
    """And a page without figures has its tables."""
    higher = ("--set", "germanium.aoe.high_cut=2.5", "--set", "output.figures=false")
    changed = run("run", "germanium.toml", "-o", "third", *higher)
    pages = [(folder / out / "report.html").read_text() for out in ("out", "third")]
    assert [("<svg" in page, GOOD in page, FEW in page) for page in pages] == [
        (True, True, True), (False, True, True),
    ]  # fmt: skip
    nodes = changed["nodes"]
    assert nodes["dsp_columns"]["status"] in ("hit", "skipped")
    assert nodes["pole_zero_constants_ns"]["status"] in ("hit", "skipped")
    assert nodes["aoe_survival"]["status"] == "executed"
    assert nodes["energy_peaks"]["status"] in ("hit", "skipped")


@pytest.mark.parametrize("tier", ["dsp", "hit"])
def test_tiers_from_known_constants(
    first: dict[str, Any], run: Ran, folder: Path, tier: str
) -> None:
    """What a calibration wrote gives the same tier again, also from the files of LEGEND's form."""
    parameters = [f"--parameters=out/{STEM}-par_{part}.yaml" for part in ("dsp", "hit")]
    source = f"{STEM}-tier_raw.lh5"
    alone = ("--set", "run.workers=1")
    made = run("germanium", "build", tier, source, *parameters, "-o", f"built_{tier}", *alone)
    assert made["code"] == 4
    # Where no line was found there is a decay, but no operation.
    without = {"dsp": {"no_parameters"}, "hit": {"no_parameters", "no_operations"}}
    assert {f["code"] for f in made["failed"]} == without[tier]
    # One cause is told once a channel, whatever had need of the constants.
    told = [line for line in made["stderr"].splitlines() if f"failed: channel {FEW}: " in line]
    assert len(told) == 1
    assert "pole_zero_constants_ns, filter_settings" in told[0]
    name = f"{STEM}-tier_{tier}.lh5"
    with (
        h5py.File(folder / "out" / name) as before,
        h5py.File(folder / f"built_{tier}" / name) as after,
    ):
        assert list(after) == ([GOOD, NO_LINE] if tier == "dsp" else [GOOD])
        for column, dataset in before[f"{GOOD}/{tier}"].items():
            np.testing.assert_array_equal(dataset[()], after[f"{GOOD}/{tier}/{column}"][()])


def test_a_run_in_which_every_channel_fails(
    run: Ran, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It leaves tiers without tables, so that none of an earlier run stays; info says so."""
    failing = f'germanium.channels=["{FEW}","{DEAD}"]'
    answer = run("run", "germanium.toml", "-o", "none", "--set", failing, *BARE)
    assert answer["code"] == 4
    assert {f["at"]["channel"] for f in answer["failed"]} == {FEW, DEAD}
    tier = f"none/{STEM}-tier_dsp.lh5"
    told = run("info", tier)
    assert (told["code"], told["tiers"], told["tables"]) == (0, [], [])
    assert guarded(["info", tier]) == 0
    assert "tier dsp\n  no tables: each channel of the run" in capsys.readouterr().out
    taken = run("run", "germanium.toml", "-o", "x", "--set", f"io.input_path={tier}")
    assert taken["code"] == 3
    assert "is a tier without tables" in taken["error"]["message"]


@pytest.mark.parametrize("to", ["csv", "parquet"])
def test_a_tier_as_a_table(first: dict[str, Any], run: Ran, folder: Path, to: str) -> None:
    """A file a channel, each column as it stands; what is none is told of."""
    tier = folder / "out" / f"{STEM}-tier_hit.lh5"
    out = folder / "exported" / f"{STEM}-tier_hit_{GOOD}.{to}"
    assert run("export", str(tier), "--to", to, "-o", str(out.parent))["code"] == 0
    table = pd.read_csv(out, **EXACT) if to == "csv" else pd.read_parquet(out)
    with h5py.File(tier) as file:
        hit = file[f"{GOOD}/hit"]
        assert list(table) == hit.attrs["datatype"][len("table{") : -1].split(",")
        for name, values in table.items():
            np.testing.assert_array_equal(values.to_numpy(), hit[name][()])
        assert table["is_valid_cal"].dtype == bool
    again = run("export", str(tier), "--to", to, "--table", FEW, "-o", str(out.parent))
    assert (again["code"], again["error"]["key"]) == (3, "table")


def test_tables_beside_the_tiers(first: dict[str, Any], run: Ran, folder: Path) -> None:
    """[output] formats: the rows of the hit tier, with the name of their channel."""
    formats = ("--set", 'output.formats=["csv","parquet"]')
    answer = run("run", "germanium.toml", "-o", "tables", *formats, *BARE)
    assert answer["code"] == 4
    with h5py.File(folder / "tables" / f"{STEM}-tier_hit.lh5") as file:
        hit = {name: values[()] for name, values in file[f"{GOOD}/hit"].items()}
    csv, parquet = (folder / "tables" / f"{STEM}-tier_hit.{to}" for to in ("csv", "parquet"))
    assert {str(csv), str(parquet)} <= set(answer["files"])
    for table in (pd.read_csv(csv, **EXACT), pd.read_parquet(parquet)):
        assert set(table) == {"channel", *hit} - {BITS}
        assert table.pop("channel").unique().tolist() == [GOOD]
        for name, values in table.items():
            np.testing.assert_array_equal(values.to_numpy(), hit[name])
    refused = run("run", "germanium.toml", *formats, "--set", 'germanium.tiers=["dsp"]')
    assert (refused["code"], "hit tier" in refused["error"]["message"]) == (2, True)


def test_other_formats_and_raw_tiers(run: Ran, folder: Path) -> None:
    """Waveforms stay where they are; a table that is asked for is the only one."""
    raw = f"{STEM}-tier_raw.lh5"
    assert run("export", raw, "--to", "npz")["code"] == 2
    assert run("export", raw, "--to", "csv", "--table", FEW, "-o", "raw.csv")["code"] == 0
    table = pd.read_csv(folder / "raw.csv")
    assert len(table) == 10
    assert {"timestamp", "daqenergy"} <= set(table)
    assert not [name for name in table if name.startswith("waveform")]


def test_unknown_channel(run: Ran) -> None:
    answer = run("run", "germanium.toml", "-o", "x", "--set", "germanium.channels=[1104009]")
    assert answer["code"] == 2
    assert "1104009" in answer["error"]["message"]
    assert "did you mean ch110400" in answer["error"]["message"]


def test_info_of_an_input(run: Ran) -> None:
    answer = run("info", f"{STEM}-tier_raw.lh5")
    assert answer["tiers"] == ["raw"]
    assert [t["rows"] for t in answer["tables"]][:3] == [N_GOOD, 10, 300]
    assert answer["tables"][0]["waveforms"][0]["codec"] == "uleb128_zigzag_diff"


def test_info_and_verify_of_the_output(first: dict[str, Any], run: Ran) -> None:
    assert run("info", first["output"])["pipeline"] == "germanium"
