"""Forced triggers as a second role of input: noise of a channel, and what is said without them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
import yaml
from radiograph.drivers.cache.opening import NO_CACHE
from radiograph.drivers.config import load_config
from radiograph.drivers.engine.artifacts import FAILURES
from radiograph.drivers.engine.running import open_session
from radiograph.drivers.germanium.calibration_report import NOISE_PAGE, report_text
from radiograph.drivers.germanium.lh5_writing import Lh5Column, Lh5Columns, new_lh5, write_table
from radiograph.drivers.germanium.simulation import raw_columns, simulated
from radiograph.drivers.germanium.tier_files import absences, artifacts_of
from radiograph.nodes.germanium.figure_noise import noise_sheet
from radiograph.nodes.germanium.forced import baseline_limits__given
from radiograph.nodes.germanium.noise import noise_curves, noise_spectrum
from radiograph.nodes.germanium.selection import (
    filter_begins_us__of_noise,
)
from radiograph.nodes.sheets.drawing import sheet_png
from radiograph.nodes.simulation.germanium_events import detector_constants
from radiograph.schemas.errors import Unfit
from radiograph.schemas.germanium.config import GermaniumConfig
from radiograph.schemas.germanium.settings import Filters, Germanium, Noise
from radiograph.schemas.germanium_simulation import GermaniumSimulationSettings
from radiograph.schemas.sheets import Words

BOTH, WITHOUT = "ch1104000", "ch1104001"
SETTINGS = """
[pipeline]
name = "germanium"
until = "noise"
[io]
input_path = "x-p01-r001-cal-20250101T000000Z-tier_raw.lh5"
[run]
workers = 1
[cache]
dir = "cache"
[germanium]
fft_path = "fft.lh5"
tiers = []
[germanium.filters]
optimise = false
[germanium.noise]
n_waveforms = 400
"""
Ran = Callable[..., dict[str, Any]]


def _table(index: int, **settings: Any) -> Lh5Columns:
    own = GermaniumSimulationSettings(seed=5, **settings)
    return raw_columns(simulated(own, index, detector_constants(own, index)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two channels with pulses, one of them with forced triggers too."""
    path = tmp_path_factory.mktemp("forced")
    with new_lh5(path / "x-p01-r001-cal-20250101T000000Z-tier_raw.lh5") as file:
        for index, channel in enumerate((BOTH, WITHOUT)):
            write_table(file, f"{channel}/raw", _table(index, n_events=1200, enriched=True))
    with new_lh5(path / "fft.lh5") as file:
        write_table(file, f"{BOTH}/raw", _table(0, n_events=600, baselines=True))
    (path / "germanium.toml").write_text(SETTINGS)
    return path


def test_noise_of_forced_triggers(run: Ran) -> None:
    """The spectrum gives the noise of each filter run on the waveforms within 5 % and its error."""
    answer = run("run", "germanium.toml", "-o", "out")
    assert answer["code"] == 4
    codes = {(f["at"]["channel"], f["code"]) for f in answer["failed"]}
    assert codes == {(WITHOUT, "too_few_baselines")}
    with h5py.File(answer["output"]) as file:
        optimum = file[f"noise/noise_optimum/{BOTH}"]
        assert len(optimum["shaping_us"]) == 3
        check = file[f"noise/noise_check/{BOTH}"]
        seen, of_waves = check["fwhm_adc"][()], check["of_waveforms_adc"][()]
        allowed = 0.05 * of_waves + check["of_waveforms_err_adc"][()]
        assert (np.abs(seen - of_waves) < allowed).all()
        assert WITHOUT not in file["noise/noise_optimum"]


def test_a_filter_of_measured_noise(run: Ran, folder: Path) -> None:
    """The DPLMS filter gives a column, stands beside the parameters, and is taken from there."""
    chosen = ("--set", f'germanium.channels=["{BOTH}"]', "--set", 'germanium.tiers=["dsp"]')
    length = ("--set", "germanium.dplms.length=300")
    until = ("--set", 'pipeline.until="hit"')
    answer = run("run", "germanium.toml", "-o", "filtered", *chosen, *length, *until)
    stem = "x-p01-r001-cal-20250101T000000Z"
    told = yaml.safe_load((folder / "filtered" / f"{stem}-par_dsp.yaml").read_text())[BOTH]
    place = f"loadlh5('$_/{stem}-par_dsp.lh5','{BOTH}/dplms/coefficients')"
    weights = {"nm": 1.0, "za": 1.0, "ft": 1.0, "pl": 0.0}
    assert told["dplms"] == {"length": 300, "coefficients": place, "dp_coeffs": weights}
    with h5py.File(answer["output"]) as file:
        assert len(file[f"filters/dplms_grid/{BOTH}/nm"]) == 1
        least = file[f"noise/noise_optimum/{BOTH}/fwhm_adc"][()]
    assert list(told["nopt_pars"]) == ["trap", "cusp", "zac"]
    assert [told["nopt_pars"][name]["fwhm"] for name in told["nopt_pars"]] == least.tolist()
    assert all(told["nopt_pars"][name]["shaping"].endswith("*us") for name in told["nopt_pars"])
    with h5py.File(folder / "filtered" / f"{stem}-par_dsp.lh5") as file:
        assert file[BOTH].attrs["datatype"] == "struct{dplms}"
        coefficients = file[f"{BOTH}/dplms/coefficients"]
        assert coefficients.attrs["datatype"] == "array<1>{real}"
        assert len(coefficients) == 300
    with h5py.File(folder / "filtered" / f"{stem}-tier_dsp.lh5") as file:
        energies = {n: file[f"{BOTH}/dsp/{n}"][()] for n in ("dplmsEmax", "trapEmax")}
    tall = energies["trapEmax"] > 5000.0
    assert np.median(energies["dplmsEmax"][tall] / energies["trapEmax"][tall]) == pytest.approx(
        1.0, abs=2e-3
    )
    built = run(
        "germanium", "build", "dsp", f"{stem}-tier_raw.lh5", "-o", "built", *chosen[:2],
        "-p", f"filtered/{stem}-par_dsp.yaml",
    )  # fmt: skip
    assert built["code"] == 0
    with h5py.File(folder / "built" / f"{stem}-tier_dsp.lh5") as file:
        np.testing.assert_array_equal(file[f"{BOTH}/dsp/dplmsEmax"][()], energies["dplmsEmax"])
    (folder / "filtered" / f"{stem}-par_dsp.lh5").unlink()
    without = run(
        "germanium", "build", "dsp", f"{stem}-tier_raw.lh5", "-o", "built2", *chosen[:2],
        "-p", f"filtered/{stem}-par_dsp.yaml",
    )  # fmt: skip
    assert without["code"] != 0


def test_ranges_of_forced_triggers_change_nothing(run: Ran) -> None:
    wholes = [
        run("run", "germanium.toml", "-o", name, "--no-cache", "--set", f"run.chunk_events={n}")
        for name, n in (("whole", 4096), ("cut", 130))
    ]
    files = [h5py.File(answer["output"]) for answer in wholes]
    for name in ("shaping_us", "fwhm_adc"):
        one, other = (file[f"noise/noise_curves/{BOTH}/{name}"][()] for file in files)
        np.testing.assert_array_equal(one, other)


def test_the_dsp_columns_of_forced_triggers(folder: Path) -> None:
    """Energies of baselines lie about zero: their greatest output is some widths of the noise."""
    loaded = load_config(folder / "germanium.toml", settings={"germanium.channels": [BOTH]})
    frames = open_session(loaded, NO_CACHE).run(["forced_dsp_columns"])["forced_dsp_columns"]
    frame = frames[BOTH]
    assert len(frame) == 600
    assert 0.0 < np.median(frame["trapEmax"]) < 20.0


def test_files_of_forced_triggers_that_are_none(run: Ran, folder: Path) -> None:
    with new_lh5(folder / "dsp.lh5") as file:
        write_table(file, f"{BOTH}/dsp", {"timestamp": Lh5Column(np.arange(3.0))})
    answer = run("run", "germanium.toml", "-o", "x", "--set", 'germanium.fft_path="dsp.lh5"')
    assert answer["code"] == 3
    assert "Correct germanium.fft_path" in answer["error"]["message"]
    absent = run("run", "germanium.toml", "-o", "x", "--set", 'germanium.fft_path="no.lh5"')
    assert absent["code"] in (2, 3)
    assert "no.lh5" in absent["error"]["message"]
    bad = run("run", "germanium.toml", "--set", "germanium.noise.shaping_us=[4.0, 2.0, 1.0]")
    assert bad["code"] == 2
    assert "first, last, step" in bad["error"]["message"]


def test_the_scan_begins_at_the_least_noise() -> None:
    """Of a filter without a minimum, as it does not fit into the waveforms, at what is set."""
    noise = pd.DataFrame({"filter": ["trap", "zac"], "shaping_us": [6.5, 11.0]})
    begins = filter_begins_us__of_noise(noise, Filters(cusp_sigma_us=9.0))
    assert {name: times[1] for name, times in begins.items()} == {
        "trap": 6.5, "cusp": 9.0, "zac": 11.0,
    }  # fmt: skip
    assert begins["trap"] == pytest.approx((6.5 / 1.5, 6.5, 6.5 * 1.5))


def test_the_report_says_what_is_absent() -> None:
    without = artifacts_of(GermaniumConfig())
    (report,) = [item for item in without if item.name == "report"]
    assert NOISE_PAGE not in report.nodes
    values: dict[str, Any] = {name: {} for name in report.nodes}
    text = report_text({**values, FAILURES: []}, absences(GermaniumConfig()))
    assert "No forced triggers were given" in text
    given = GermaniumConfig(germanium=Germanium(fft_path="fft.lh5"))
    assert absences(given) == []
    (report,) = [item for item in artifacts_of(given) if item.name == "report"]
    assert NOISE_PAGE in report.nodes


def test_the_page_of_the_noise() -> None:
    waves = np.random.default_rng(1).normal(0.0, 2.0, (400, 781))
    spectrum = noise_spectrum(waves, 128.0)
    curves, optimum = noise_curves(spectrum, [2.0, 4.0, 8.0], 2.5, 80.0, 440.0, 44.8)
    check = optimum[["filter", "shaping_us", "fwhm_adc"]].assign(
        of_waveforms_adc=optimum["fwhm_adc"], of_waveforms_err_adc=0.01
    )
    page = noise_sheet(spectrum, curves, check, "ch1")
    assert sheet_png(page, 20.0).startswith(b"\x89PNG")
    words = [shape.text for shape in page.shapes if isinstance(shape, Words)]
    assert "400 baselines of 128 ns a sample" in words


def test_few_baselines_and_those_with_pulses() -> None:
    rng = np.random.default_rng(2)
    n = 150
    shapes = pd.DataFrame(
        {
            "std_adc": rng.normal(5.0, 0.2, n),
            "slope_adc": rng.normal(0.0, 1.0, n),
            "has_pulse": np.arange(n) >= 140,
            "chance": rng.random(n),
            "sample_ns": 128.0,
        }
    )
    shapes.loc[:4, "std_adc"] = 50.0
    kept = shapes.copy()
    limits = baseline_limits__given(shapes, Noise())
    assert (limits.n_triggers, limits.n_within) == (150, 135)
    assert limits.share == 1.0
    pd.testing.assert_frame_equal(shapes, kept)
    for few in (shapes.head(90), shapes.head(0)):
        with pytest.raises(Unfit) as caught:
            baseline_limits__given(few, Noise())
        assert caught.value.code == "too_few_baselines"
