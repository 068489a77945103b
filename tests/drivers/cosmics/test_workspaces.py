"""A workspace for pyhf: its form, scaled counts, samples that do not fit together."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cosmic_runs import SETTINGS
from radiograph.drivers.cosmics.stored_results import stored_results
from radiograph.nodes.cosmics.likelihood import Sample, workspace


def test_a_model_by_hand() -> None:
    signal = Sample("ce", np.asarray([1.0, 4.0]), np.asarray([1.0, 4.0]), is_signal=True)
    cosmic = Sample("cosmic", np.asarray([9.0, 0.0]), np.asarray([9.0, 0.0])).scaled(0.5)
    model = workspace("p", [signal, cosmic])
    assert model["version"] == "1.0.0"
    (channel,) = model["channels"]
    first, second = channel["samples"]
    assert first["data"] == [1.0, 4.0]
    assert first["modifiers"][0] == {"name": "mu", "type": "normfactor", "data": None}
    assert first["modifiers"][1]["data"] == [1.0, 2.0]
    # Half of nine is 4.5 with an error of half of three.
    assert second["data"] == [4.5, 0.0]
    assert second["modifiers"] == [{"name": "staterror_p", "type": "staterror", "data": [1.5, 0.0]}]
    assert model["observations"] == [{"name": "p", "data": [4.5, 0.0]}]
    assert model["measurements"][0]["config"]["poi"] == "mu"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_pyhf_takes_it() -> None:
    pyhf = pytest.importorskip("pyhf", reason="pyhf is not installed")
    signal = Sample("ce", np.asarray([1.0, 4.0]), np.asarray([1.0, 4.0]), is_signal=True)
    cosmic = Sample("cosmic", np.asarray([9.0, 3.0]), np.asarray([9.0, 3.0]))
    model = pyhf.Workspace(workspace("p", [signal, cosmic])).model()
    assert model.config.poi_name == "mu"
    parameters = model.config.suggested_init()
    parameters[model.config.poi_index] = 2.0
    # Twice the signal on the other sample.
    assert list(model.expected_actualdata(parameters)) == [11.0, 11.0]


def test_the_command(runs: dict[str, Path], radiograph: Callable[..., Any], tmp_path: Path) -> None:
    out = tmp_path / "new" / "workspace.json"
    command = ("cosmics", "workspace", f"ce={runs['c']}", f"cosmic={runs['a']}", "--signal", "ce",
               "--scale", "cosmic=0.25", "--histogram", "mom_full", "-o", out)  # fmt: skip
    done = radiograph(*command)
    assert done.code == 0, done.err
    assert "ce: " in done.out
    assert "(signal)" in done.out
    model = json.loads(out.read_text())
    ce, cosmic = model["channels"][0]["samples"]
    expected = stored_results(runs["a"]).histograms["mom_full"].counts[:, 3]
    assert expected.sum() > 0
    assert cosmic["data"] == (0.25 * expected).tolist()
    assert cosmic["modifiers"][0]["data"] == (0.25 * np.sqrt(expected)).tolist()
    assert ce["modifiers"][0]["type"] == "normfactor"
    assert model["observations"][0]["data"] == cosmic["data"]
    again = radiograph(*command)
    assert again.code == 2
    assert "exists already" in again.err


@pytest.mark.parametrize(
    ("samples", "options", "message"),
    [
        (["ce=c", "x=b"], ["--signal", "ce"], "x was run with other cuts (dev, "),
        (["ce=c", "x=a"], ["--signal", "cee"], "--signal cee: is no sample. Did you mean ce?"),
        (["ce=c", "x=a"], ["--signal", "ce", "--scale", "y=2"], "--scale y: is no sample"),
        (["ce=c", "x=a"], ["--signal", "ce", "--scale", "x=-2"], "is no factor above zero"),
        (["ce=c", "x=a"], ["--signal", "ce", "--scale", "x"], "x: write NAME=FACTOR"),
        (["ce=c", "ce=a"], ["--signal", "ce"], "the name ce stands twice"),
        (["ce=c"], ["--signal", "ce"], "needs a signal and a background"),
        (["ce=c", "x=a"], ["--signal", "ce", "--histogram", "mom_extt"], "Did you mean mom_ext"),
        (["ce=c", "x=a"], ["--signal", "ce", "--selection", "Al"], "no selection 'Al'"),
    ],
)
def test_samples_that_do_not_fit(
    runs: dict[str, Path],
    radiograph: Callable[..., Any],
    tmp_path: Path,
    samples: list[str],
    options: list[str],
    message: str,
) -> None:
    named = [f"{s.partition('=')[0]}={runs[s.partition('=')[2]]}" for s in samples]
    out = tmp_path / "w.json"
    done = radiograph("cosmics", "workspace", *named, *options, "-o", out)
    assert done.code == 2
    assert message in done.err
    assert not out.exists()


def settings_of(folder: Path, tmp_path: Path, workspace: str) -> Path:
    """A run over the events of "c" whose settings ask for a workspace."""
    text = SETTINGS.format(
        files=folder / "nts.*_00000010.root", name="mine", cutset="SU2020e", lo_veto_dt_ns=-150.0
    )
    (tmp_path / "mine.toml").write_text(f"{text}\n[workspace]\n{workspace}")
    return tmp_path / "mine.toml"


def test_settings_ask_for_one_beside_the_run(
    runs: dict[str, Path], radiograph: Callable[..., Any], tmp_path: Path
) -> None:
    shutil.copy(runs["a"], tmp_path / "ce.h5")
    asked = 'samples = {ce = "ce.h5"}\nsignal = "ce"\nscales = {ce = 0.5}\nhistogram = "mom_full"'
    settings = settings_of(runs["a"].parent, tmp_path, asked)
    assert radiograph("run", settings).code == 0
    found = json.loads((tmp_path / "mine_workspace.json").read_text())
    out, both = tmp_path / "w.json", (f"cosmic={tmp_path / 'mine.h5'}", f"ce={runs['a']}")
    command = ("cosmics", "workspace", *both, "--signal", "ce", "--scale", "ce=0.5")
    assert radiograph(*command, "--histogram", "mom_full", "-o", out).code == 0
    assert found == json.loads(out.read_text())
    # Nothing of it is read or written where it names no samples.
    assert (
        radiograph("run", settings, "--set", "workspace.samples={}", "-o", tmp_path / "b.h5").code
        == 0
    )
    assert not (tmp_path / "b_workspace.json").exists()


@pytest.mark.parametrize(
    ("workspace", "said"),
    [
        ('samples = {ce = "no.h5"}\nsignal = "ce"', "no such file; run that data set first"),
        ('samples = {ce = "mine.toml"}\nsignal = "c"', "Did you mean ce"),
        ('samples = {cosmic = "mine.toml"}\nsignal = "cosmic"', "is one of the samples"),
        ('samples = {ce = "mine.toml"}\nsignal = "ce"\nscales = {ce = 0}', "no factor above zero"),
        ('samples = {ce = "mine.toml"}\nsignal = "ce"\nscales = {x = 1}', "'x' is no sample"),
    ],
)
def test_settings_that_ask_for_what_cannot_be(
    runs: dict[str, Path],
    radiograph: Callable[..., Any],
    tmp_path: Path,
    workspace: str,
    said: str,
) -> None:
    done = radiograph("run", settings_of(runs["a"].parent, tmp_path, workspace))
    assert done.code == 2
    assert said in done.err
    assert not (tmp_path / "mine.h5").exists()
