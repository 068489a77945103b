"""What ``run --json`` answers: the same keys in every pipeline, the values that were asked for."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from radiograph.drivers import pipeline
from radiograph.drivers.config import load_config
from radiograph.drivers.engine.plain_values import MOST, Elsewhere, FewRows, plain_value
from radiograph.drivers.engine.report import RunReport
from radiograph.drivers.imaging.simulation import write_simulation
from radiograph.drivers.lightdqm.simulation import write_light_simulation
from radiograph.schemas.failures import Failure
from radiograph.schemas.light_simulation import LightSimulationSettings
from radiograph.schemas.simulation import SimulationSettings

Run = Callable[..., Any]
KEYS = [
    "pipeline", "status", "exit_code", "input", "output", "files", "targets", "start", "counters",
    "seconds", "nodes", "problems", "warnings", "failed", "verdict", "summary", "values",
]  # fmt: skip
TARGETS = (
    "hits", "cones", "filtered_events", "candidate_cones", "cone_scores", "direction_ok",
    "raw_event_ranges", "neutron_selected_cones", "gamma_event_hit_rows", "typed_events",
    "summed_images", "projection_metrics", "counters", "source_metadata",
)  # fmt: skip


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Settings and two files, of which one has a dead ADC."""
    folder = tmp_path_factory.mktemp("light")
    for k in (0, 1):
        settings = LightSimulationSettings(n_events=30, n_adcs=2, n_samples=200, subrun=k, seed=k)
        write_light_simulation(settings, folder / "data")
    (folder / "light.toml").write_text(
        '[pipeline]\nname = "lightdqm"\n[io]\ninput_path = "data"\noutput_path = "out"\n'
        "[lightdqm]\nnfiles = -1\n[cache]\nenabled = false\n"
    )
    return folder


def assert_envelope(answer: dict[str, Any], code: int) -> None:
    assert list(answer) == KEYS
    assert answer["exit_code"] == code
    assert answer["status"] in ("ok", "warn", "fail")
    assert (answer["status"] == "fail") == bool(code)
    assert isinstance(answer["input"], list)
    assert all(Path(path).is_file() for path in answer["files"])
    assert Path(answer["output"]).exists()
    for node in answer["nodes"].values():
        assert list(node) == ["status", "seconds", "parts"]
        assert node["status"] in ("executed", "hit", "skipped", "failed")
        assert (node["parts"] == 0) == (node["status"] == "skipped")


def test_imaging(project: Path, radiograph: Run) -> None:
    done = radiograph("run", project / "run.toml", "--set", "run.chunk_events=60", "--json")
    assert_envelope(done.json, 0)
    assert done.json["pipeline"] == "imaging"
    assert done.json["files"] == [done.json["output"]] == [str(project / "image.h5")]
    assert done.json["nodes"]["hits"]["parts"] == 5
    assert done.json["nodes"]["summed_images"]["parts"] == 1
    assert done.json["values"] == {}
    graph = pipeline("imaging", load_config(project / "run.toml"))
    metrics = graph.run(["projection_metrics"])["projection_metrics"]
    assert done.json["summary"] == json.loads(json.dumps(plain_value(metrics)))
    less = radiograph("run", project / "run.toml", "--until", "hits", "--json", "--overwrite")
    assert_envelope(less.json, 0)
    assert less.json["summary"] is None


@pytest.fixture(scope="module")
def of_graph(simulated: Path, settings: str) -> dict[str, Any]:
    """The values of TARGETS as the graph gives them, as they are told."""
    path = simulated / "of_graph.toml"
    path.write_text(settings, encoding="utf-8")
    found = pipeline("imaging", load_config(path)).run(TARGETS)
    assert len(found) == len(TARGETS)
    told = (json.loads(json.dumps(plain_value(value))) for value in found.values())
    return dict(zip(TARGETS, told, strict=True))


@pytest.mark.parametrize("chunk_events", [10**6, 33])
def test_values_are_those_of_the_graph(
    project: Path, radiograph: Run, of_graph: dict[str, Any], chunk_events: int
) -> None:
    """Rows that went to the file range by range, and those of both species, are put together."""
    chunks = ("--set", f"run.chunk_events={chunk_events}")
    argv = [a for t in TARGETS for a in ("--target", t)]
    done = radiograph("run", project / "run.toml", *chunks, *argv, "--json")
    assert done.code == 0, done.err
    assert list(done.json["values"]) == list(TARGETS)
    for name, told in of_graph.items():
        if name == "raw_event_ranges" and chunk_events == 33:
            continue
        assert done.json["values"][name] == told, name
    assert len(done.json["values"]["cones"]) == done.json["counters"]["cones_kept"]


def test_what_is_large_is_told_by_its_place(project: Path, radiograph: Run, tmp_path: Path) -> None:
    settings = SimulationSettings(n_neutrons=5200, n_gammas=300, seed=3)
    write_simulation(settings, tmp_path / "many.out", "phits")
    asked = ("hits", "neutron_filtered_events", "candidate_cones", "footprints")
    argv = [a for t in asked for a in ("--target", t)]
    more = ("--list", "--set", "run.chunk_events=1000", "--json")
    done = radiograph("run", project / "run.toml", tmp_path / "many.out", *argv, *more)
    values, counters = done.json["values"], done.json["counters"]
    with h5py.File(project / "image.h5") as file:
        for name in ("hits", "candidate_cones", "footprints"):
            assert set(values[name]) == {"shape", "dtype", "path"}
            assert values[name]["path"] in file
    assert values["hits"]["shape"][0] == counters["hits_total"] > MOST
    assert values["hits"]["dtype"]["x_cm"] == "float64"
    assert values["candidate_cones"]["shape"][0] == counters["candidates_total"] > MOST
    assert len(values["neutron_filtered_events"]) == counters["events_after_filters_n"] < MOST


def test_a_file_that_failed_is_a_failure(project: Path, radiograph: Run, simulated: Path) -> None:
    good = (simulated / "events.out").read_text()
    (project / "bad.out").write_text(good + "ne 1 1 1 1 1 ; nonsense\n" * 90)
    argv = ("run", project / "run.toml", project / "bad.out", project / "events.out")
    targets = ("--target", "hits", "--target", "counters")
    done = radiograph(*argv, *targets, "--set", "run.chunk_events=40", "--json")
    assert done.code == 3
    assert_envelope(done.json, 3)
    (failed,) = done.json["failed"]
    assert list(failed) == ["at", "node", "code", "message", "numbers"]
    assert done.json["input"][failed["at"]["file"]].endswith("bad.out")
    # What the file had given before it failed is in no value.
    assert len(done.json["values"]["hits"]) == done.json["counters"]["hits_total"]


def test_light(light: Path, tmp_path: Path, radiograph: Run) -> None:
    argv = ("run", light / "light.toml", "--json", "-o")
    done = radiograph(*argv, tmp_path / "a", "--target", "fractions", "--target", "verdict")
    assert_envelope(done.json, done.code)
    told = done.json
    assert told["pipeline"] == "lightdqm"
    assert len(told["input"]) == len(told["files"]) == 2
    assert told["output"] == str(tmp_path / "a")
    assert list(told["values"]) == ["fractions", "verdict"]
    assert list(told["values"]["fractions"]) == ["0", "1"]
    for number, source in enumerate(told["input"]):
        of_file = [c for c in told["verdict"] if c["file"] == source]
        rows = told["values"]["verdict"][str(number)]
        assert [c["check"] for c in of_file] == [row["check"] for row in rows]
    one = radiograph(*argv, tmp_path / "b", "--set", "lightdqm.nfiles=1")
    assert_envelope(one.json, one.code)
    (output,) = (tmp_path / "b").glob("*.h5")
    assert one.json["output"] == str(output)
    assert len(one.json["summary"]["0"]) == 128
    assert one.json["values"] == {}
    assert {Path(p) for p in one.json["files"]} == {
        p for p in (tmp_path / "b").iterdir() if "sqlite" not in p.name
    }


def test_light_goes_on_without_a_file(light: Path, tmp_path: Path, radiograph: Run) -> None:
    good = sorted((light / "data").glob("*.hdf5"))
    argv = ("run", light / "light.toml", tmp_path / "none.FLOW.hdf5", *good, "--json")
    done = radiograph(*argv, "-o", tmp_path / "out", "--target", "verdict")
    assert done.code == 3
    assert_envelope(done.json, 3)
    (failed,) = done.json["failed"]
    assert failed["at"] == {"file": 0}
    assert list(done.json["values"]["verdict"]) == ["1", "2"]
    assert "none.FLOW.hdf5" in done.err


@dataclass(frozen=True)
class Peak:
    """A value with fields."""

    mean_cm: float
    counts: np.ndarray


def test_plain_values() -> None:
    frame = pd.DataFrame({"x_cm": [1.5, math.nan, math.inf], "name": pd.Categorical(list("aba"))})
    assert plain_value(frame) == [
        {"x_cm": 1.5, "name": "a"}, {"x_cm": None, "name": "b"}, {"x_cm": None, "name": "a"},
    ]  # fmt: skip
    assert plain_value(frame.iloc[:0]) == []
    peak = Peak(np.float64(2.0), np.array([[1, 2], [3, 4]]))
    assert plain_value(peak) == {"mean_cm": 2.0, "counts": [[1, 2], [3, 4]]}
    assert plain_value({("V02", 3): -math.inf, 4: True}) == {"V02/3": None, "4": True}
    failure = Failure({"channel": "V02"}, "gain", "unfit", "too few", {"n": math.nan})
    assert plain_value(failure)["numbers"] == {"n": None}
    assert plain_value(np.zeros(MOST)) == [0.0] * MOST
    large = {"shape": [MOST + 1], "dtype": "float64", "path": "/a/counts"}
    told = plain_value(Peak(1.0, np.zeros(MOST + 1)), "/a")["counts"]
    assert {**told, "shape": list(told["shape"])} == large
    assert plain_value(np.zeros(MOST + 1))["path"] is None
    assert plain_value(b"PNG")["shape"] == (3,)
    json.dumps(plain_value([peak, failure, frame, {1, 2}, None, "a"]), allow_nan=False)


def test_few_rows_forget_a_file() -> None:
    rows = FewRows(["a"])
    shifts = {"a": {"": 10}}
    rows.begin_file()
    rows.take({"a": np.array([0, -1])}, {"a": {"": 0}})
    rows.begin_file()
    rows.take({"a": np.zeros(MOST), "b": 1}, shifts)
    assert rows.value("a") == Elsewhere((MOST + 2,), "int64")
    rows.drop_file()
    rows.begin_file()
    rows.take({"a": np.array([0, -1])}, shifts)
    assert rows.value("a").tolist() == [0, -1, 10, -1]
    rows.begin_again()
    assert rows.value("a") is None


@pytest.mark.parametrize(
    ("failed", "status", "code"),
    [
        ((), "pass", 0),
        ((), "fail", 4),
        (("gain",), "pass", 4),
        (("",), "pass", 3),
        (("gain", ""), "fail", 3),
    ],
)
def test_an_unread_input_is_worse_than_a_failed_check(
    failed: tuple[str, ...], status: str, code: int
) -> None:
    failures = [Failure({"file": 0}, node, "unfit", "why") for node in failed]
    report = RunReport("toy", ["a"], failed=failures, verdict=[{"status": status}])
    assert (report.exit_code, report.status) == (code, "fail" if code else "ok")


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({}, "ok"),
        ({"warnings": ["old"]}, "warn"),
        ({"problems": [{"message": "damaged"}]}, "warn"),
        ({"verdict": [{"status": "no_data"}]}, "warn"),
        ({"verdict": [{"status": "no_data"}, {"status": "pass"}]}, "ok"),
    ],
)
def test_the_status_of_a_run_that_is_done(told: dict[str, Any], status: str) -> None:
    assert RunReport("toy", ["a"], **told).status == status
