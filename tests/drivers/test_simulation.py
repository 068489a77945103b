"""Files of the simulation, as another program reads them, and the command that writes them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import typer
import uproot
from radiograph.drivers.imaging import simulation
from radiograph.drivers.imaging.commands.simulate import simulate_imaging
from radiograph.drivers.imaging.simulation import (
    run_simulation,
    simulation_settings,
    write_simulation,
    write_truth,
)
from radiograph.schemas.errors import ConfigError, UsageError
from radiograph.schemas.simulation import Resolution, SimulationSettings
from typer.testing import CliRunner

SMALL = SimulationSettings(n_neutrons=60, n_gammas=12)
PERFECT = SMALL.model_copy(update={"resolution": Resolution.perfect()})

Event = tuple[str, list[int], np.ndarray]


def _phits_events(path: Path) -> list[Event]:
    """Name, five integers and (n, 6) hits of each event line, by splitting text."""
    events = []
    for line in path.read_text().splitlines():
        if not line or line.startswith("!"):
            continue
        head, hits = line.split(";")
        name, *integers = head.split()
        numbers = [[float(v) for v in hit.split()] for hit in hits.split(",") if hit.strip()]
        events.append((name, [int(i) for i in integers], np.array(numbers)))
    return events


def _exact(path: Path) -> pd.DataFrame:
    """A CSV file with every number to the last bit, whatever pandas' own parser does."""
    text = pd.read_csv(path, dtype=str, keep_default_na=False)
    numbers = {
        name: [float(v) if v else np.nan for v in text[name]]
        for name in text.columns
        if name != "species"
    }
    return text.assign(**numbers)


def test_phits_text_holds_every_hit_exactly(tmp_path: Path) -> None:
    out, truth_path = tmp_path / "a.out", tmp_path / "truth.csv"
    result = write_simulation(PERFECT, out, "phits", truth_path)
    assert (result.n_neutrons, result.n_gammas) == (60, 12)
    assert result.size_bytes == out.stat().st_size
    truth = _exact(truth_path)
    events = _phits_events(out)
    assert len(events) == len(truth) == 72
    for i, (name, integers, hits) in enumerate(events):
        row = truth.iloc[i]
        k = 2 if name == "ne" else 3
        assert name[0] == row["species"]
        assert integers[:3] == [0, 1, i + 1]
        assert hits.shape == (k, 6)
        for s in range(1, k + 1):
            names = [f"det_id{s}", f"energy_deposited{s}_MeV", f"x{s}_cm", f"y{s}_cm", f"z{s}_cm"]
            expected = [row[name] for name in [*names, f"t{s}_ns"]]
            assert hits[int(row[f"hit_of_scatter{s}"])].tolist() == expected


def test_cones_of_the_written_hits_hold_the_source(tmp_path: Path) -> None:
    """Only what stands in the file: exact kinematics on hydrogen from two hits."""
    from radiograph.nodes.constants import (
        NEUTRON_MASS_MEV,
        PROTON_MASS_MEV,
        SPEED_OF_LIGHT_CM_PER_NS,
    )

    data = {"n_neutrons": 200, "n_gammas": 0, "scattering": {"carbon_fraction": 0.0}}
    data["source"] = {"at_cm": [1.0, 2.0, 3.0]}
    settings = simulation_settings({**data, "resolution": Resolution.perfect()})
    write_simulation(settings, tmp_path / "a.out")
    hits = np.array([h for _, _, h in _phits_events(tmp_path / "a.out")])
    x1, x2 = hits[:, 0, 2:5], hits[:, 1, 2:5]
    d, dt = np.sqrt(((x2 - x1) ** 2).sum(axis=1)), hits[:, 1, 5] - hits[:, 0, 5]
    beta = d / (dt * SPEED_OF_LIGHT_CM_PER_NS)
    after = NEUTRON_MASS_MEV * beta**2 / (1 - beta**2 + np.sqrt(1 - beta**2))
    recoil = hits[:, 0, 1]
    p2 = (recoil + after) * (recoil + after + 2 * NEUTRON_MASS_MEV)
    q2 = after * (after + 2 * NEUTRON_MASS_MEV)
    cosine = (p2 + q2 - recoil * (recoil + 2 * PROTON_MASS_MEV)) / (2 * np.sqrt(p2 * q2))
    axis, back = (x1 - x2) / d[:, None], np.array([1.0, 2.0, 3.0]) - x1
    phi = np.arctan2(np.sqrt((np.cross(axis, back) ** 2).sum(axis=1)), (axis * back).sum(axis=1))
    assert np.abs(phi - np.arccos(cosine)).max() < 1e-9


def test_root_trees_have_the_branches_of_the_acquisition(tmp_path: Path) -> None:
    out = tmp_path / "a.root"
    write_simulation(PERFECT, out, "root")
    run = run_simulation(PERFECT, ["simulated_events", "simulation_truth"])
    events = run["simulated_events"]
    with uproot.open(out) as file:
        assert file.classnames() == {"image_tree;1": "TTree", "meta;1": "TTree"}
        tree = file["image_tree"].arrays(library="np")
        meta = file["meta"].arrays(library="np")
    neutron = events.species == 0
    assert tree["multi"].tolist() == np.where(neutron, 2, 3).tolist()
    for i in (1, 2, 3):
        used = np.ones(72, dtype=bool) if i < 3 else ~neutron
        assert np.array_equal(tree[f"x{i}"], 10.0 * events.position_cm[:, i - 1, 0])
        assert np.array_equal(tree[f"dE{i}"], events.light_MeVee[:, i - 1])
        assert np.array_equal(tree[f"det{i}"], events.det_id[:, i - 1])
        expected = np.where(used, np.where(neutron, 1, 2), 0)
        assert np.array_equal(tree[f"particle{i}"], expected)
        assert not tree[f"clipped{i}"].any()
        assert {tree[f"{b}{i}"].dtype.str[1:] for b in ("x", "t", "dE")} == {"f8"}
        assert {tree[f"{b}{i}"].dtype.str[1:] for b in ("det", "particle", "clipped")} == {"i4"}
    assert np.array_equal(tree["t1"], events.start_ns + events.time_ns[:, 0])
    assert 1e9 < tree["t1"][-1] < 1.1e10
    assert np.all(tree["t3"][neutron] == 0.0)
    assert meta["SampleRate"].tolist() == [5e9]
    assert meta["NumDet"].tolist() == [12]
    assert meta["DetID"][0, :4].tolist() == [11, 12, 13, 14]
    assert meta["BarZ"][0, 0] == 1000.0


@pytest.mark.parametrize("format", ["phits", "root"])
def test_blocks_do_not_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: simulation.Format
) -> None:
    write_simulation(SMALL, tmp_path / "one", format)
    monkeypatch.setattr(simulation, "BLOCK_EVENTS", 7)
    write_simulation(SMALL, tmp_path / "many", format)
    if format == "phits":
        assert (tmp_path / "one").read_bytes() == (tmp_path / "many").read_bytes()
        return
    with uproot.open(tmp_path / "one") as one, uproot.open(tmp_path / "many") as many:
        for name in ("image_tree", "meta"):
            a, b = one[name].arrays(library="np"), many[name].arrays(library="np")
            assert all(np.array_equal(a[k], b[k]) for k in a)


@pytest.mark.parametrize("format", ["phits", "root"])
def test_no_events_give_a_valid_file(tmp_path: Path, format: simulation.Format) -> None:
    out, truth = tmp_path / "a", tmp_path / "t.csv"
    write_simulation(SimulationSettings(n_neutrons=0, n_gammas=0), out, format, truth)
    assert len(pd.read_csv(truth)) == 0
    if format == "phits":
        assert _phits_events(out) == []
        return
    with uproot.open(out) as file:
        assert file["image_tree"].num_entries == 0
        assert "multi" in file["image_tree"].keys()  # noqa: SIM118 (a TTree is no mapping)
        assert file["meta"].num_entries == 1


def test_the_seed_decides_every_byte(tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        settings = SMALL.model_copy(update={"seed": seed})
        write_simulation(settings, tmp_path / f"{name}.out", truth=tmp_path / f"{name}.csv")
    a, b, c = ((tmp_path / f"{n}.out").read_bytes() for n in "abc")
    assert a == b != c
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_the_truth_as_parquet(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    truth = run_simulation(SMALL, ["simulation_truth"])["simulation_truth"]
    write_truth(truth, tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "t.parquet"), truth)


def test_parquet_without_pyarrow_is_an_error_before_computing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulation, "_has_pyarrow", lambda: False)
    with pytest.raises(UsageError, match="Parquet needs pyarrow"):
        write_simulation(SMALL, tmp_path / "a.out", truth=tmp_path / "t.parquet")


def test_nothing_is_overwritten_without_consent(tmp_path: Path) -> None:
    out = tmp_path / "a.out"
    out.write_text("precious")
    with pytest.raises(UsageError, match="--overwrite"):
        write_simulation(SMALL, out)
    assert out.read_text() == "precious"
    with pytest.raises(UsageError, match="--overwrite"):
        write_simulation(SMALL, tmp_path / "b.out", truth=out)
    assert not (tmp_path / "b.out").exists()
    write_simulation(SMALL, out, overwrite=True)
    assert len(_phits_events(out)) == 72
    assert [p.name for p in tmp_path.iterdir()] == ["a.out"]


def test_outputs_that_cannot_be_are_usage_errors(tmp_path: Path) -> None:
    bad: Any = "hdf5"
    with pytest.raises(UsageError, match="allowed: phits, root"):
        write_simulation(SMALL, tmp_path / "a", bad)
    with pytest.raises(UsageError, match="is a folder"):
        write_simulation(SMALL, tmp_path)
    with pytest.raises(UsageError, match="is the output itself"):
        write_simulation(SMALL, tmp_path / "a", truth=tmp_path / "a")
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"cannot be made, since .*file is a file"):
        write_simulation(SMALL, tmp_path / "file" / "a.out")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"n_neutrons": -1}, "n_neutrons = -1: should be greater than or equal to 0"),
        ({"source": {"shape": "disk"}}, "source.shape = 'disk'"),
        ({"neutron_spectrum": {"energy_MeV": 300.0}}, "less than or equal to 200"),
        ({"gamma_spectrum": {"lines_MeV": []}}, "at least 1 item"),
        ({"detector": {"bars": []}}, "0 bar; a neutron event needs two"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_wrong_settings_are_named(data: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as failure:
        simulation_settings(data)
    assert message in str(failure.value)


def _bar(det_id: int, x: float) -> dict[str, Any]:
    return {"det_id": det_id, "center_cm": [x, 0.0, 50.0], "size_cm": [2.0, 10.0, 2.0]}


@pytest.mark.parametrize(
    ("bars", "message"),
    [
        ([_bar(1, 0.0), _bar(1, 5.0), _bar(2, 9.0)], "det_id 1 is given twice"),
        ([_bar(1, 0.0), _bar(2, 1.5), _bar(3, 9.0)], "bars 1 and 2 overlap"),
        ([_bar(1, 0.0), _bar(2, 5.0)], "gamma events need three bars, the detector has 2"),
    ],
)
def test_impossible_arrays_are_refused(bars: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        simulation_settings({"detector": {"bars": bars}})


@pytest.fixture(scope="module")
def command() -> typer.Typer:
    app = typer.Typer()
    app.command("imaging")(simulate_imaging)
    app.callback()(lambda: None)
    return app


def test_the_command_writes_what_the_options_say(command: typer.Typer, tmp_path: Path) -> None:
    out, truth = tmp_path / "a.out", tmp_path / "t.csv"
    options = "--source line --at 0,3,-4 --axis 0,1,0 --length-cm 8 --spectrum cf252 --events 40"
    result = CliRunner().invoke(
        command, ["imaging", str(out), *options.split(), "--seed", "7", "--truth", str(truth)]
    )
    assert result.exit_code == 0, result.output
    assert "40 neutron and 8 gamma events" in result.output
    frame = pd.read_csv(truth)
    assert (frame["species"] == "n").sum() == 40
    assert frame["source_z_cm"].unique().tolist() == [-4.0]
    assert frame["source_y_cm"].between(-1.0, 7.0).all()
    assert frame.loc[frame["species"] == "n", "incident_energy_MeV"].nunique() == 40


def test_the_command_with_two_sources_and_errors_of_bars_tells_both(
    command: typer.Typer, tmp_path: Path
) -> None:
    options = "--events 40 --gammas 0 --second-at 20,0,0 --second-share 0.4 --no-resolution"
    options += " --bar-centres --bar-offset-cm 0.4 --bar-time-ns 0.15 --bar-gain 0.12"
    argv = ["imaging", str(tmp_path / "a.root"), "--format", "root", *options.split()]
    argv += ["--truth", str(tmp_path / "t.csv")]
    result = CliRunner().invoke(command, argv)
    assert result.exit_code == 0, result.output
    truth, bars = _exact(tmp_path / "t.csv"), pd.read_csv(tmp_path / "t_bars.csv")
    assert str(tmp_path / "t_bars.csv") in result.output.replace("\n", "")
    assert truth.groupby("source_x_cm").size().min() >= 6
    assert list(bars) == ["det_id", "along_offset_cm", "time_offset_ns", "light_gain"]
    with uproot.open(tmp_path / "a.root") as file:
        x1, z1 = (file["image_tree"][name].array(library="np") / 10 for name in ("x1", "z1"))
    assert set(np.round(z1, 9)) <= {100.0, 110.0, 120.0}
    assert not np.allclose(x1, truth["x1_cm"])
    # The errors of the bars are not overwritten either.
    (tmp_path / "t.csv").unlink()
    again = CliRunner().invoke(command, [*argv[:1], str(tmp_path / "b.root"), *argv[2:]])
    assert isinstance(again.exception, UsageError)
    assert "t_bars.csv" in str(again.exception)
    lonely = CliRunner().invoke(command, ["imaging", "c.out", "--second-share", "0.3"])
    assert isinstance(lonely.exception, UsageError)


def test_the_command_without_resolution_and_with_two_lines(
    command: typer.Typer, tmp_path: Path
) -> None:
    options = "--events 5 --gammas 20 --gamma-energy-MeV 2.2 --gamma-energy-MeV 4.4 --energy-MeV 8"
    options += " --no-resolution --format root"
    result = CliRunner().invoke(
        command,
        ["imaging", str(tmp_path / "a.root"), *options.split(), "--truth", str(tmp_path / "t.csv")],
    )
    assert result.exit_code == 0, result.output
    truth = _exact(tmp_path / "t.csv")
    assert set(truth["incident_energy_MeV"]) == {2.2, 4.4, 8.0}
    with uproot.open(tmp_path / "a.root") as file:
        assert np.array_equal(file["image_tree"]["x1"].array(library="np"), 10 * truth["x1_cm"])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ("--at 1,2", UsageError, "--at '1,2' is not a point"),
        ("--at a,b,c", UsageError, "is not a point"),
        ("--length-cm 3", UsageError, "goes with --source line"),
        ("--radius-cm 3", UsageError, "goes with --source ring"),
        ("--axis 0,0,1", UsageError, "goes with --source line or --source ring"),
        ("--spectrum cf252 --energy-MeV 2", UsageError, "goes with --spectrum mono"),
        ("--events -1", ConfigError, "command line: --events = -1"),
        ("--source ring --axis 0,0,0", ConfigError, "--axis = .*length zero"),
        ("--gamma-energy-MeV -1", ConfigError, "--gamma-energy-MeV = -1.0"),
        ("--energy-MeV nan", ConfigError, "--energy-MeV = nan"),
    ],
)
def test_options_that_make_no_sense(
    command: typer.Typer,
    tmp_path: Path,
    options: str,
    error: type[Exception],
    message: str,
) -> None:
    result = CliRunner().invoke(command, ["imaging", str(tmp_path / "a.out"), *options.split()])
    assert isinstance(result.exception, error)
    assert re.search(message, str(result.exception))
    assert not list(tmp_path.iterdir())
