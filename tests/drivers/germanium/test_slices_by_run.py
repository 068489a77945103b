"""A/E in slices of time that follow the runs of the input, as a user asks for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
import yaml
from germanium_toy import toy_channel
from radiograph.drivers.germanium.lh5_writing import columns_of_frame, new_lh5, write_table
from radiograph.drivers.germanium.tables import _run_of
from radiograph.drivers.main import guarded
from radiograph.schemas.germanium.lh5 import InputRun
from radiograph.schemas.sources import FileRef

CHANNEL = "ch1104000"
STEMS = ("l200-p03-r000-cal-20010909T014640Z", "l200-p03-r001-cal-20010909T021640Z")
STEP = 1.02
SETTINGS = """
[pipeline]
name = "germanium"
[io]
input_path = ["{0}-tier_dsp.lh5", "{1}-tier_dsp.lh5"]
output_path = "out"
[output]
report = false
[run]
workers = 1
[germanium]
estimators = ["cuspEmax"]
tiers = ["hit"]
[germanium.aoe]
drift_correction = "off"
slice_by = "run"
"""


def _write(path: Path, frame: pd.DataFrame) -> None:
    with new_lh5(path) as file:
        write_table(file, f"{CHANNEL}/dsp", columns_of_frame(frame))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two runs, the second with 2 % more current."""
    frame = toy_channel(n=12_000)
    halves = np.array_split(np.arange(len(frame)), 2)
    for k, (stem, part) in enumerate(zip(STEMS, halves, strict=True)):
        own = frame.iloc[part]
        _write(tmp_path / f"{stem}-tier_dsp.lh5", own.assign(A_max=own["A_max"] * STEP**k))
    (tmp_path / "germanium.toml").write_text(SETTINGS.format(*STEMS))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _run(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    code = guarded(["run", "germanium.toml", "--json", "--no-cache", *options])
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return {**answer, "code": code}


@pytest.mark.slow
def test_a_step_between_two_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    second = toy_channel(n=12_000)["timestamp"].to_numpy()
    begin = second[len(np.array_split(second, 2)[0])]
    assert _run(capsys)["code"] == 0
    par = yaml.safe_load((folder / "out" / f"{STEMS[0]}-par_hit.yaml").read_text())
    median = par[CHANNEL]["pars"]["operations"]["AoE_Median_0"]
    assert median["expression"] == "where(timestamp<t0,m0,last)"
    assert median["parameters"]["t0"] == begin
    # Medians of some 400 single-site events of 1 % each.
    ratio = median["parameters"]["last"] / median["parameters"]["m0"]
    assert ratio == pytest.approx(STEP, abs=3e-3)
    by_two = ("--set", "run.workers=2", "--set", "run.chunk_events=1000", "-o", "two")
    assert _run(capsys, *by_two)["code"] == 0
    name = f"{STEMS[0]}-tier_hit.lh5"
    assert (folder / "out" / name).read_bytes() == (folder / "two" / name).read_bytes()
    with h5py.File(folder / "out" / name) as file:
        late = file[f"{CHANNEL}/hit/timestamp"][()] >= begin
        corrected = file[f"{CHANNEL}/hit/AoE_Corrected"][()]
    assert 0.0 < late.mean() < 1.0
    assert np.median(corrected[late]) / np.median(corrected[~late]) == pytest.approx(1.0, abs=4e-3)
    told = _run(capsys, "--target", "aoe_times", "-o", "target")["values"]["aoe_times"][CHANNEL]
    assert [row["of"] for row in told] == ["l200-p03-r000", "l200-p03-r001"]
    assert told[1]["begin_s"] == begin


@pytest.mark.slow
def test_runs_of_one_time_end_aoe_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The second run again under the time of the first: energies stay."""
    frame = toy_channel(n=12_000)
    _write(
        folder / f"{STEMS[1]}-tier_dsp.lh5",
        frame.tail(6000).assign(timestamp=frame["timestamp"][:6000].to_numpy()),
    )
    answer = _run(capsys)
    assert answer["code"] == 4
    (failure,) = answer["failed"]
    assert (failure["node"], failure["code"]) == ("aoe_slice_starts", "slices_overlap")
    assert answer["summary"]["channels"][CHANNEL]["status"] == "partial"
    with h5py.File(folder / "out" / f"{STEMS[0]}-tier_hit.lh5") as file:
        hit = file[f"{CHANNEL}/hit"]
        assert "cuspEmax_ctc_cal" in hit
        assert "AoE_Classifier" not in hit
        assert "slice_by" in hit.attrs["absent"]


def test_the_run_of_a_file() -> None:
    """By its name; one of another name is a run of its own, also beside one of the same name."""

    def of(path: str, number: int = 0) -> InputRun:
        return _run_of(number, FileRef(path, 1, "0"))

    first, again, other = (of(f"a/l200-p03-{name}-tier_raw.lh5") for name in (
        "r000-cal-20230311T235840Z", "r000-cal-20230312T005840Z", "r001-cal-20230318T012144Z",
    ))  # fmt: skip
    assert first.run == again.run == "l200-p03-r000"
    assert first.file == "l200-p03-r000-cal-20230311T235840Z"
    assert first.file != again.file
    assert other.run == "l200-p03-r001"
    assert of("a/data.lh5") == InputRun("data (1)", "data (1)")
    assert of("b/data.lh5", 1) != of("a/data.lh5")
