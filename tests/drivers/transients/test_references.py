"""The shared campaign against its references: two conventions, any cut, archive and folder."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from campaigns import CAMPAIGN, needs_campaign
from radiograph.drivers.cache.opening import NO_CACHE
from radiograph.drivers.config import load_config
from radiograph.drivers.main import guarded
from radiograph.drivers.transients.campaign import opened_campaign, runs_of
from radiograph.drivers.transients.session import run_session

pytestmark = needs_campaign
DIRECT = {
    "trig_val": "trig_val",
    "pretrig_min": "pretrig_min",
    "posttrig_min": "posttrig_min",
    "pretrig_max": "pretrig_max",
    "posttrig_max": "posttrig_max",
    "pretrig_std": "pretrig_std",
    "posttrig_std": "posttrig_std",
    "baseline_mean_Hz": "baseline_freq_mean_hz",
    "baseline_std_Hz": "baseline_freq_std_hz",
    "x_um": "x_um",
    "y_um": "y_um",
    "hw_time_s": "hw_ts_sec",
    "sys_time_s": "sys_ts_sec",
}
OF_SAMPLES = 255
DROPOUT = 8


def features(folder: Path, run: int, **settings: Any) -> pd.DataFrame:
    """The features of a run of the campaign, computed afresh."""
    path = folder / "t.toml"
    path.write_text(f'[pipeline]\nname = "transients"\n[io]\ninput_path = "{CAMPAIGN}"\n')
    loaded = load_config(path, settings={"transients.runs": [run], **settings})
    campaign = opened_campaign(loaded)
    session = run_session(loaded, campaign, runs_of(campaign)[0], NO_CACHE)
    return session.run(["features"])["features"]


def beside_reference(found: pd.DataFrame, run: int, suffix: str) -> pd.DataFrame:
    reference = pd.read_csv(CAMPAIGN / f"reference_{run:03d}{suffix}.csv")
    reference["number"] = reference["transient"].str[5:].astype(int)
    both = found.merge(reference, on=["number", "x_lsb", "y_lsb"], suffixes=("", "_r"))
    assert len(both) == len(found) == len(reference)
    return both


def assert_as_reference(found: pd.DataFrame, run: int, convention: str) -> None:
    both = beside_reference(found, run, "" if convention == "ml4see" else "_physical")
    assert ((both["quality"] & OF_SAMPLES) == both["quality_r"]).all()
    both = both[(both["quality"] & DROPOUT) == 0]
    for name, other in DIRECT.items():
        other = other if other in both and other != name else f"{other}_r"
        values, expected = both[name].to_numpy(), both[other].to_numpy()
        np.testing.assert_allclose(values, expected, rtol=1e-9, atol=1e-12, err_msg=name)
    whole = both[both["trig_val"].notna()]
    # What the explained share is below 1e-4 of, no two optima agree on.
    assert (whole["fit_sse_r"] * (1 + 5e-5) >= whole["fit_sse"]).all()
    span_s = {18: 797, 24: 397, 26: 33}[run] * 250 / 20e6
    known = (whole["posttrig_exp_fit_R2"] > 0.1) & (whole["posttrig_exp_fit_λ"] * span_s > 0.3)
    if convention == "physical":
        known &= whole["fit_N"].notna()
    some = whole[known]
    assert len(some) >= {18: 2, 24: 2, 26: 60}[run]
    np.testing.assert_allclose(some["fit_N"], some["posttrig_exp_fit_N"], rtol=1e-3)
    np.testing.assert_allclose(some["fit_lambda"], some["posttrig_exp_fit_λ"], rtol=1e-3)
    off = np.abs(some["fit_c"] - some["posttrig_exp_fit_c"])
    assert (off <= 1e-3 * np.abs(some["posttrig_exp_fit_N"])).all()


@pytest.mark.parametrize("convention", ["ml4see", "physical"])
@pytest.mark.parametrize(("run", "decimate"), [(18, 5), (24, 1), (26, 10)])
def test_features_and_marks(tmp_path: Path, run: int, decimate: int, convention: str) -> None:
    found = features(
        tmp_path, run,
        **{"transients.convention": convention, "transients.demodulation.decimate": decimate},
    )  # fmt: skip
    assert_as_reference(found, run, convention)


def test_any_cut_any_threads(tmp_path: Path) -> None:
    whole = features(tmp_path, 26)
    for chunk, workers in ((1000, 1), (7, 3)):
        again = features(tmp_path, 26, **{"run.chunk_events": chunk, "run.workers": workers})
        pd.testing.assert_frame_equal(again, whole, check_exact=True)


def test_amplitude_dip_is_that_of_every_sample(tmp_path: Path) -> None:
    settings = {"transients.convention": "ml4see", "transients.demodulation.decimate": 1}
    both = beside_reference(features(tmp_path, 26, **settings), 26, "")
    np.testing.assert_allclose(both["amplitude_dip"], both["amplitude_dip_r"], rtol=1e-9)


def test_a_folder_gives_what_the_archive_gives(tmp_path: Path) -> None:
    archive = features(tmp_path, 26)
    joined = b"".join(
        (CAMPAIGN / "download" / f"run_026.tar.parta{letter}").read_bytes() for letter in "abc"
    )
    with tarfile.open(fileobj=io.BytesIO(joined)) as tar:
        tar.extractall(tmp_path / "campaign", filter="data")
    for name in ("logbook.csv",):
        (tmp_path / "campaign" / name).write_bytes((CAMPAIGN / name).read_bytes())
    folder = features(tmp_path, 26, **{"io.input_path": str(tmp_path / "campaign")})
    # Without the archive of the FPGA nothing is known of hits.
    no_hit = 2048
    for frame in (archive, folder):
        frame["quality"] &= ~np.uint16(no_hit)
    columns = [name for name in archive if name != "source_row"]
    pd.testing.assert_frame_equal(folder[columns], archive[columns], check_exact=True)


@pytest.mark.parametrize("convention", ["ml4see", "physical"])
def test_the_older_hdf5_gives_what_the_archive_gives(tmp_path: Path, convention: str) -> None:
    kept = {"transients.convention": convention}
    path = tmp_path / "t.toml"
    path.write_text(f'[pipeline]\nname = "transients"\n[io]\ninput_path = "{CAMPAIGN}"\n')
    command = ["run", str(path), "--quiet", "--no-cache", "--until", "structure"]
    out = ["-o", str(tmp_path / "out"), "--set", "transients.runs=[24]"]
    assert guarded([*command, *out]) == 0
    older = tmp_path / "older" / "run_024.h5"
    source = str(tmp_path / "out" / "run_024.h5")
    assert guarded(["export", source, "--to", "ml4see", "-o", str(older)]) == 0
    found = features(tmp_path, 24, **{"io.input_path": str(older), **kept})
    # What the FPGA saw is beside the archive only; frequencies have no amplitude.
    assert_as_reference(found, 24, convention)
