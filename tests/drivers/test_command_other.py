"""``radiograph`` init, check, nodes, simulate, --version, and command lines that are none."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from radiograph.drivers import registry
from radiograph.drivers.graph import visible_nodes
from radiograph.drivers.listing import listed_nodes
from radiograph.drivers.registry import definition

Run = Callable[..., Any]


def test_version(radiograph: Run) -> None:
    done = radiograph("--version")
    assert (done.code, done.out) == (0, f"radiograph {metadata.version('radiograph')}\n")


@pytest.mark.parametrize("argv", [(), ("simulate",)])
def test_a_group_without_a_command_shows_its_help(radiograph: Run, argv: tuple[str, ...]) -> None:
    done = radiograph(*argv)
    assert done.code == 2
    assert "Commands" in done.out + done.err
    assert "error" not in done.err


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("runn", "a.toml"), "no such command 'runn'. did you mean 'run'?"),
        (("run",), "missing argument 'config'"),
        (("run", "a.toml", "--overwrit"), "no such option: --overwrit"),
        (("check", "a.toml", "b.toml"), "unexpected extra argument"),
        (("run", "a.toml", "--target"), "--target"),
        (("simulate", "cosmic"), "no such command 'cosmic'"),
        (("nodes", "--stage"), "no such option: --stage"),
    ],
)
def test_command_lines_that_are_none(radiograph: Run, argv: tuple[str, ...], said: str) -> None:
    done = radiograph(*argv)
    assert done.code == 2
    assert done.err.startswith("error: ")
    # Versions of typer differ in capitals.
    assert said in done.err.lower()
    assert "Traceback" not in done.err
    if argv[0] == "run":
        machine = radiograph(*argv, "--json")
        assert machine.code == 2
        # ``--target --json`` takes --json for the target.
        error = machine.json["error"]
        assert error["code"] in ("usage", "config")


# --- init -----------------------------------------------------------------------------------


def test_init_makes_a_folder_that_runs(tmp_path: Path, radiograph: Run) -> None:
    folder = tmp_path / "new" / "demo"
    done = radiograph("init", folder, "--events", 400)
    assert done.code == 0
    assert done.err == ""
    settings, events = folder / "phits_edep.toml", folder / "events.out"
    assert done.out.splitlines() == [
        str(settings),
        str(events),
        "",
        f"Now: radiograph run {settings}",
    ]
    assert {p.name for p in folder.iterdir()} == {"phits_edep.toml", "events.out"}
    assert "# neutrons = true" in settings.read_text()
    checked = radiograph("check", settings, "--json").json
    assert checked["input"] == ["events.out"]
    report = radiograph("run", settings, "--json").json
    assert report["counters"]["raw_events_total"] == 480
    assert report["counters"]["cones_imaged_n"] > 300
    assert {p.suffix for p in folder.iterdir()} == {".toml", ".out", ".h5", ".png"}


def test_init_is_seeded(tmp_path: Path, radiograph: Run) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert radiograph("init", tmp_path / name, "--events", 5, "--seed", seed).code == 0
    a, b, c = ((tmp_path / n / "events.out").read_bytes() for n in "abc")
    assert a == b != c


def test_init_replaces_nothing_unasked(tmp_path: Path, radiograph: Run) -> None:
    (tmp_path / "phits_edep.toml").write_text("mine")
    done = radiograph("init", tmp_path, "--events", 5)
    assert done.code == 2
    assert "phits_edep.toml: exists already. Give --overwrite" in done.err
    assert [p.name for p in tmp_path.iterdir()] == ["phits_edep.toml"]
    assert (tmp_path / "phits_edep.toml").read_text() == "mine"
    assert radiograph("init", tmp_path, "--events", 5, "--overwrite").code == 0
    assert (tmp_path / "phits_edep.toml").read_text() != "mine"


def test_init_at_a_file(tmp_path: Path, radiograph: Run) -> None:
    (tmp_path / "a").write_text("mine")
    done = radiograph("init", tmp_path / "a")
    assert done.code == 2
    assert "is a file; name a folder" in done.err
    done = radiograph("init", tmp_path / "a" / "b", "--events", 5)
    assert done.code == 2
    assert "Traceback" not in done.err
    assert radiograph("init", tmp_path / "c", "--events", -1).code == 2
    assert not (tmp_path / "c").exists()


# --- check ----------------------------------------------------------------------------------


def test_check_a_good_file(project: Path, radiograph: Run, written: Run) -> None:
    done = radiograph("check", project / "run.toml")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == f"{project / 'run.toml'}: OK"
    values = {line.split()[0]: line.split(maxsplit=1)[1] for line in lines[1:]}
    assert values["species"] == "neutrons, gammas"
    assert values["strategy"] == "Edep"
    assert values["plane"] == "30 x 20 pixels of 2 x 2 cm, u -30 to 30, v -20 to 20 cm"
    assert written() == set()


def test_check_as_json(project: Path, radiograph: Run) -> None:
    argv = ("--set", "run.gammas=false", "--set", 'io.input_path="/none/a.out"', "--json")
    found = radiograph("check", project / "run.toml", *argv).json
    assert found["ok"] is True
    assert found["species"] == ["neutrons"]
    assert found["input"] == ["/none/a.out (not there yet)"]
    assert found["overrides"] == ["--set run.gammas=false", '--set io.input_path="/none/a.out"']


def test_check_lists_every_error_at_once(project: Path, radiograph: Run) -> None:
    text = (project / "run.toml").read_text()
    text = text.replace("du = 2.0", "du = 'wide'").replace('"Edep"', '"Edepp"')
    (project / "run.toml").write_text(text + "[filter.hits]\npsd_min = 0.1\n")
    done = radiograph("check", project / "run.toml")
    assert (done.code, done.out) == (2, "")
    assert done.err.count(f"{project / 'run.toml'}: ") == 3
    for said in ("du = ", 'strategy = "Edepp"', "did you mean", "[filters]"):
        assert said in done.err
    machine = radiograph("check", project / "run.toml", "--json")
    assert machine.code == 2
    error = machine.json["error"]
    assert error["code"] == "config"
    assert error["file"] == str(project / "run.toml")
    assert len(error["problems"]) == 3
    assert {frozenset(p) for p in error["problems"]} == {frozenset({"key", "file", "message"})}


def test_check_schema(radiograph: Run) -> None:
    done = radiograph("check", "--schema")
    assert done.code == 0
    schema = done.json
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert {"run", "io", "plane", "energy", "vis"} <= set(schema["properties"])
    assert schema["additionalProperties"] is False


def test_check_nothing(tmp_path: Path, radiograph: Run) -> None:
    done = radiograph("check")
    assert done.code == 2
    assert "give a TOML file, or --schema" in done.err
    done = radiograph("check", tmp_path / "none.toml")
    assert done.code == 2
    assert "none.toml: there is no such file" in done.err


# --- nodes ----------------------------------------------------------------------------------


def test_nodes_lists_every_node_with_its_line(radiograph: Run) -> None:
    done = radiograph("nodes")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    stages = [line[:-1] for line in lines if not line.startswith(" ")]
    assert stages == ["load", "hits", "events", "calibration", "energies", "cones", "uncertainty",
                      "reconstruction", "images", "metrics", "counters", "figures"]  # fmt: skip
    shown = {line.split()[0]: " ".join(line.split()[1:]) for line in lines if line[:1] == " "}
    rows = listed_nodes("imaging")
    assert list(shown) == [row["name"] for row in rows]
    assert all(shown[row["name"]].startswith(" ".join(row["summary"].split())) for row in rows)
    assert all(row["summary"] for row in rows)
    assert shown["selected_cones"].endswith("(also: cones)")
    for name in ("hits", "filtered_hits", "typed_events", "filtered_events", "energies",
                 "candidate_cones", "selected_cones", "summed_images", "projections",
                 "projection_metrics", "figures", "counters", "light_response"):  # fmt: skip
        assert name in shown
    assert "source_records" not in shown


def test_nodes_as_json(radiograph: Run) -> None:
    done = radiograph("nodes", "imaging", "--json")
    assert (done.code, done.err) == (0, "")
    assert done.json["pipeline"] == "imaging"
    rows = {row["name"]: row for row in done.json["nodes"]}
    assert rows["selected_cones"]["aliases"] == ["cones"]
    assert rows["filtered_hits"]["inputs"] == ["hit_filter_code", "hits"]
    assert rows["hits"]["schema"] == "Hits"
    assert rows["figures"]["stage"] == "figures"


def test_listed_nodes_can_be_targets(project: Path, radiograph: Run) -> None:
    """Every name is one of the graph that this project's settings give, or is told why not."""
    from radiograph.drivers.config import load_config
    from radiograph.drivers.graph import build_driver

    loaded = load_config(project / "run.toml", overrides=["energy.strategy='ELUT'"])
    dr = build_driver(definition("imaging"), definition("imaging").choices_of(loaded.config))
    assert set(visible_nodes(dr)) == {row["name"] for row in listed_nodes("imaging")}


def test_nodes_of_no_pipeline(radiograph: Run) -> None:
    done = radiograph("nodes", "imagin")
    assert done.code == 2
    there = ", ".join(registry.names())
    assert done.err == f"error: No pipeline 'imagin'. There is: {there}; or give a TOML file.\n"
    assert radiograph("nodes", "imagin", "--json").json["error"]["key"] == "pipeline"


# --- simulate -------------------------------------------------------------------------------


def test_simulate_then_run(project: Path, radiograph: Run) -> None:
    out, truth = project / "new.out", project / "truth.csv"
    argv = ("--events", 50, "--gammas", 20, "--at", "5,-5,0", "--seed", 9, "--truth", truth)
    done = radiograph("simulate", "imaging", out, *argv)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"{out}: 50 neutron and 20 gamma events (phits, ")
    assert len(truth.read_text().splitlines()) == 71
    report = radiograph("run", project / "run.toml", "--input-path", out, "--json").json
    assert report["counters"]["events_typed_n"] == 50
    assert report["counters"]["events_typed_g"] == 20


@pytest.mark.parametrize("shape", ["point", "line", "ring"])
@pytest.mark.parametrize("kind", ["phits", "root"])
def test_simulate_every_source_and_format(
    tmp_path: Path, radiograph: Run, shape: str, kind: str
) -> None:
    out = tmp_path / f"a.{kind}"
    argv = ("--source", shape, "--format", kind, "--spectrum", "cf252", "--events", 10)
    assert radiograph("simulate", "imaging", out, *argv).code == 0
    assert (out.read_bytes()[:4] == b"root") == (kind == "root")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("--at", "1,2"), "--at '1,2' is not a point; give three numbers"),
        (("--energy-MeV", "-3"), "--energy-MeV"),
        (("--events", "-1"), "--events"),
        (("--source", "blob"), "--source"),
        (("--length-cm", "3"), "--length-cm has no effect here"),
        (("--spectrum", "cf252", "--energy-MeV", "3"), "--energy-MeV has no effect here"),
    ],
)
def test_simulate_bad_options(
    tmp_path: Path, radiograph: Run, argv: tuple[str, ...], said: str
) -> None:
    done = radiograph("simulate", "imaging", tmp_path / "a.out", *argv)
    assert done.code == 2
    assert said in done.err
    assert "Traceback" not in done.err
    assert list(tmp_path.iterdir()) == []


def test_simulate_replaces_nothing_unasked(tmp_path: Path, radiograph: Run) -> None:
    out = tmp_path / "a.out"
    out.write_text("mine")
    done = radiograph("simulate", "imaging", out, "--events", 5)
    assert done.code == 2
    assert "--overwrite" in done.err
    assert out.read_text() == "mine"
    assert radiograph("simulate", "imaging", out, "--events", 5, "--overwrite").code == 0


def test_the_installed_command(tmp_path: Path) -> None:
    """The entry point that pip made, as a shell finds it."""
    command = Path(sys.executable).with_name("radiograph")
    if not command.exists():
        pytest.skip("radiograph is not installed beside this Python")
    argv = [str(command), "nodes", "--json"]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["pipeline"] == "imaging"
