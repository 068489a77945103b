"""A pipeline of another package, by the command: everything that the engine offers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
import toy
import uproot
from radiograph.drivers import registry
from radiograph.drivers.main import guarded
from radiograph.drivers.runfile.verifying import dataset_hashes

N_PULSES = 250
SETTINGS = """
[pipeline]
name = "toy"
[io]
input_path = "p*.txt"
output_path = "out.h5"
[cache]
dir = "cache"
"""


@pytest.fixture(autouse=True)
def _no_code_changes() -> None:
    """A constant of the toy does."""


@pytest.fixture(scope="module", autouse=True)
def toy_is_installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The toy as a package that names it in an entry point."""
    site = tmp_path_factory.mktemp("site")
    about = site / "toy-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[radiograph.pipelines]\ntoy = toy:TOY\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(site))
        registry.homes.cache_clear()
        yield
    registry.homes.cache_clear()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rng = np.random.default_rng(1)
    for k in range(3):
        rows = np.column_stack([rng.integers(0, 4, N_PULSES), rng.normal(1000, 5, N_PULSES)])
        np.savetxt(tmp_path / f"p{k}.txt", rows, delimiter=",", fmt=["%d", "%.6f"])
    (tmp_path / "toy.toml").write_text(SETTINGS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


Ran = Callable[..., dict[str, Any]]


@pytest.fixture
def run(folder: Path, capsys: pytest.CaptureFixture[str]) -> Ran:
    """Run a command with --json; its exit code beside the answer."""

    def ran(*argv: str) -> dict[str, Any]:
        code = guarded([*argv, "--json"])
        answer: dict[str, Any] = json.loads(capsys.readouterr().out)
        return {**answer, "code": code}

    return ran


def statuses(done: dict[str, Any]) -> dict[str, str]:
    return {name: node["status"] for name, node in done["nodes"].items()}


def test_a_run_and_what_is_in_its_file(run: Ran, folder: Path) -> None:
    done = run("run", "toy.toml")
    assert done["code"] == 0
    with h5py.File(folder / "out.h5") as file:
        assert file["load/pulses/height_adc"].shape == (750,)
        assert file["load/pulses/height_adc"].attrs["units"] == "adc"
        assert file["apply/energies/pulse_row"][()].tolist() == list(range(750))
        assert abs(file["apply/energies/energy_keV"][()].mean() - 662.0) < 1e-6
        assert file["apply/spectrum"][()].sum() == 750
        assert file["judge/peak_bin"][()] == file["apply/spectrum"][()].argmax()
        assert file["calibrate/gains/channel"][()].tolist() == [0, 1, 2, 3]
    again = run("run", "toy.toml", "--overwrite")
    assert set(statuses(again).values()) == {"hit"}
    changed = run("run", "toy.toml", "--overwrite", "--set", "toy.n_bins=50")
    assert {n for n, s in statuses(changed).items() if s == "executed"} == {"spectrum", "peak_bin"}
    assert run("run", "toy.toml")["error"]["code"] == "output_exists"


def test_until_and_target(run: Ran, folder: Path) -> None:
    run("run", "toy.toml", "--until", "calibrate")
    with h5py.File(folder / "out.h5") as file:
        assert "apply" not in file
        assert file["calibrate/gains/channel"].shape == (4,)
    done = run("run", "toy.toml", "--target", "gains", "-o", "gains.h5", "--no-cache")
    assert {n for n, s in statuses(done).items() if s == "executed"} == {"pulses", "gains"}
    with h5py.File(folder / "gains.h5") as file:
        assert "load" not in file


def test_a_broken_file_is_left_out_and_told(run: Ran, folder: Path) -> None:
    (folder / "p1.txt").write_text("0,1\nx,y\n")
    done = run("run", "toy.toml")
    assert (done["code"], done["exit_code"]) == (3, 3)
    assert [(f["at"], f["code"]) for f in done["failed"]] == [({"file": 1}, "input")]
    told = run("info", "out.h5")
    assert told["rows"]["load/pulses"] == 500
    assert told["failed"] == done["failed"]
    assert told["pipeline"] == "toy"
    with h5py.File("out.h5") as file:
        kept = file["meta/log"][()].decode().splitlines()
    assert any(line.startswith("error: left out: ") and "p1.txt" in line for line in kept)
    assert run("run", "toy.toml", "--overwrite", "--set", "io.on_bad_file=fail")["code"] == 3


def test_graph_explain_nodes_check(run: Ran) -> None:
    edges = run("graph", "toy.toml")["edges"]
    assert ["gains", "energies"] in edges
    assert run("explain", "spectrum", "toy.toml")["settings"] == ["toy.n_bins"]
    assert run("check", "toy.toml")["code"] == 0


def test_verify_names_what_was_altered(run: Ran, folder: Path) -> None:
    run("run", "toy.toml")
    found = run("verify", "out.h5")
    assert found["equal"]
    assert found["compared"] == 8
    with h5py.File(folder / "out.h5", "r+") as file:
        file["apply/spectrum"][3] += 1
    found = run("verify", "out.h5")
    assert (found["code"], found["differing"]) == (4, ["/apply/spectrum"])
    with (folder / "p2.txt").open("a") as file:
        file.write("1,1000\n")
    assert run("verify", "out.h5")["error"]["code"] == "other_content"


def test_export_as_tables(run: Ran, folder: Path) -> None:
    run("run", "toy.toml")
    written = [Path(p) for p in run("export", "out.h5", "--to", "csv")["outputs"]]
    assert [p.name for p in written] == ["out_energies.csv", "out_gains.csv", "out_pulses.csv"]
    energies = pd.read_csv(written[0])
    assert energies["pulse_row"].tolist() == list(range(750))
    (table,) = run("export", "out.h5", "--to", "parquet", "--table", "gains")["outputs"]
    assert len(pd.read_parquet(table)) == 4
    (trees,) = run("export", "out.h5", "--to", "root")["outputs"]
    with uproot.open(trees) as file:
        assert file["energies"].num_entries == 750
        assert file["energies"]["pulse_row"].array(library="np").tolist() == list(range(750))
        assert "toy" in str(file["meta/config_toml"])
    assert run("export", "out.h5", "--to", "csv", "--table", "x")["error"]["code"] == "not_in_file"
    assert run("export", "out.h5", "--to", "png")["code"] == 2


def test_report_and_the_graph_of_a_run(run: Ran, folder: Path) -> None:
    run("run", "toy.toml")
    assert run("report", "out.h5")["outputs"] == ["out.html"]
    page = (folder / "out.html").read_text("utf-8")
    for part in ("peak_bin", "toy.n_bins", "<svg", "keV_per_adc", "ran "):
        assert part in page, part
    nodes = {n["name"]: n["status"] for n in run("graph", "toy.toml", "--last-run")["nodes"]}
    assert nodes["gains"] == "executed"
    assert run("report", "out.h5", "--pdf", "--overwrite")["code"] == 2


@pytest.mark.parametrize("output", ["out.h5", "outs"])
def test_files_that_arrive(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    output: str,
) -> None:
    """One that cannot be read is left out; started again, the watch goes on with its output."""
    (folder / "p2.txt").rename(folder / "later")
    (folder / "p3.txt").write_text("no number\n")
    argv = ["watch", ".", "toy.toml", "--once", "--settled", "0", "--pattern", "p*.txt"]
    argv += ["--set", "io.on_bad_file='fail'", "-o", output]
    monkeypatch.setattr("sys.argv", ["radiograph", *argv])
    out = Path(output, "p0.h5") if output == "outs" else Path(output)
    for n, later in ((2, False), (3, True)):
        if later:
            (folder / "later").rename(folder / "p2.txt")
        assert guarded(argv) == 0
        *told, bad = capsys.readouterr().out.splitlines()
        assert told == [f"p{k}.txt: {n} files in {out.name}" for k in range(n)]
        assert bad.startswith("p3.txt: left out: ")
        with h5py.File(folder / out) as file:
            assert file["load/pulses/channel"].shape == (n * 250,)


def test_a_watch_replaces_no_output_of_a_run(
    run: Ran, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor that of a watch of another folder."""
    run("run", "toy.toml", "p0.txt")
    before = (folder / "out.h5").read_bytes()
    argv = ["watch", ".", "toy.toml", "--once", "--settled", "0", "--pattern", "p*.txt"]
    assert guarded(argv) == 2
    assert "out.h5: exists already. Give --overwrite" in capsys.readouterr().err
    assert (folder / "out.h5").read_bytes() == before
    monkeypatch.setattr("sys.argv", ["radiograph", *argv])
    assert guarded([*argv, "--overwrite"]) == 0
    (folder / "elsewhere").mkdir()
    assert guarded(["watch", "elsewhere", *argv[2:]]) == 2


def test_an_edited_node_of_the_other_package_is_noticed(
    run: Ran, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("run", "toy.toml")
    monkeypatch.setattr(toy, "LAST_KEV", 3000)
    changed = run("run", "toy.toml", "--overwrite")
    assert {n for n, s in statuses(changed).items() if s == "executed"} == {"spectrum", "peak_bin"}


@pytest.mark.slow
def test_dask_and_processes_give_the_same(run: Ran, folder: Path) -> None:
    run("run", "toy.toml", "--no-cache")
    run("run", "toy.toml", "--no-cache", "-o", "dask.h5", "--executor", "dask", "--workers", "1")
    several = ("-o", "several.h5", "--set", "run.workers=2")
    done = run("run", "toy.toml", "--no-cache", *several)
    assert statuses(done) == dict.fromkeys(done["nodes"], "executed")
    for other in ("dask.h5", "several.h5"):
        with h5py.File(folder / "out.h5") as a, h5py.File(folder / other) as b:
            assert dataset_hashes(a) == dataset_hashes(b)
