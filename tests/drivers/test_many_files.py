"""Several input files as one run: the same as one file, one that fails, other processes."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from radiograph.drivers.files import is_pattern, matching, natural_order

from .test_restart import assert_equal_files, datasets

Run = Callable[..., Any]
FILE_NUMBERS = ("lm/event_meta_file_ix", "lm/event_meta_run_id")


@pytest.fixture
def parts(project: Path, simulated: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with part_1.out, part_2.out and part_10.out, which make events.out together."""
    monkeypatch.chdir(project)
    lines = (simulated / "events.out").read_text().splitlines(keepends=True)
    begins = [k for k, line in enumerate(lines) if line.lstrip()[:2] in ("ne", "ge")]
    cuts = [0, begins[70], begins[150], len(lines)]
    for name, (a, b) in zip(("1", "2", "10"), pairwise(cuts), strict=True):
        (project / f"part_{name}.out").write_text("".join(lines[a:b]))
    return project


NAMES = ("part_1.out", "part_2.out", "part_10.out")


@pytest.fixture(scope="module")
def made() -> dict[Any, bytes]:
    """Run files that several tests compare with, by what they are of."""
    return {}


def compared_with(made: dict[Any, bytes], radiograph: Run, path: Path, *argv: str) -> Path:
    """The file of a run, made by the first test that asks for it."""
    if argv not in made:
        assert radiograph(*argv, "-o", path).code == 0
        made[argv] = path.read_bytes()
    path.write_bytes(made[argv])
    return path


@pytest.mark.parametrize("caps", [(), ("run.max_events=120", "run.max_cones=60")])
@pytest.mark.parametrize("chunk_events", [10**6, 33])
def test_files_in_turn_equal_one_file(
    parts: Path, radiograph: Run, made: Any, caps: tuple[str, ...], chunk_events: int
) -> None:
    settings = [a for c in caps for a in ("--set", c)]
    argv = ("run", "run.toml", "--list", *settings)
    compared_with(made, radiograph, parts / "one.h5", *argv)
    chunks = ("--set", f"run.chunk_events={chunk_events}")
    done = radiograph(*argv, *chunks, *NAMES, "-o", "many.h5", "--json")
    assert done.code == 0
    assert [Path(p).name for p in done.json["input"]] == list(NAMES)
    assert_equal_files(parts / "one.h5", parts / "many.h5", FILE_NUMBERS)
    ids, file_ix = (datasets(parts / "many.h5")[f"lm/event_{n}"] for n in ("id", "meta_file_ix"))
    np.testing.assert_array_equal(file_ix, np.searchsorted([70, 150], ids, "right"))
    with h5py.File(parts / "many.h5") as file:
        inputs = file["provenance/inputs"]
        assert inputs["first_event"][()].tolist() == [0, 70, 150]
        assert inputs["n_events"][()].tolist() == [70, 80, 110]
        assert set(inputs["failure"].asstr()[()]) == {""}


def test_a_pattern_and_a_list_in_the_settings(parts: Path, radiograph: Run) -> None:
    hits = ("--until", "hits", "--json", "-o")
    assert radiograph("run", "run.toml", *NAMES, *hits, "many.h5").code == 0
    for value in (
        '"part_*.out"',
        str(list(NAMES)).replace("'", '"'),
        '["part_?.out", "part_10.out"]',
    ):
        text = (parts / "run.toml").read_text().replace('"events.out"', value)
        (parts / "several.toml").write_text(text)
        done = radiograph("run", "several.toml", *hits, "b.h5", "--overwrite")
        assert (done.code, [Path(p).name for p in done.json["input"]]) == (0, list(NAMES))
        assert_equal_files(parts / "many.h5", parts / "b.h5")
    done = radiograph("run", "run.toml", "--input-path", "party_*.out", "-o", "c.h5")
    assert done.code == 3
    assert "party_*.out: no file has such a name" in done.err
    done = radiograph("run", "run.toml", "part_1.out", "./part_1.out", "-o", "c.h5")
    assert done.code == 2
    assert "twice" in done.err


@pytest.mark.parametrize("pattern", ["day_*/part_*.out", "day_?/*", "**/part_*.out", "d*_[12]*/p*"])
def test_a_pattern_in_any_part_of_a_path(tmp_path: Path, pattern: str) -> None:
    """Folders with brackets in their names that are there stand for themselves."""
    folder = tmp_path / "set[1]"
    names = ["day_2/part_1.out", "day_2/part_10.out", "day_10/part_2.out"]
    if "?" in pattern:
        names = names[:2]
    for name in reversed(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    assert is_pattern(folder / pattern)
    assert [str(p.relative_to(folder)) for p in matching(folder / pattern)] == names
    assert not is_pattern(folder / "day_2" / "other.out")


def test_a_pattern_in_a_folder_is_read(parts: Path, radiograph: Run) -> None:
    for k in (1, 2):
        (parts / f"day_{k}").mkdir()
        (parts / f"part_{k}.out").rename(parts / f"day_{k}" / "events.out")
    argv = ("run", "run.toml", "--until", "hits", "--json", "-o", "c.h5")
    done = radiograph(*argv, "--input-path", "day_*/events.out")
    assert [Path(p).parent.name for p in done.json["input"]] == ["day_1", "day_2"]
    done = radiograph(*argv, "--input-path", "night_*/events.out", "--overwrite")
    assert (done.code, "night_*/events.out: no file has such a name" in done.err) == (3, True)


def test_numbers_in_names_are_ordered_by_value() -> None:
    names = ["r_p10.h5", "r_p2.h5", "a.h5", "r_p2b.h5"]
    assert sorted(names, key=natural_order) == [
        "a.h5", "r_p2.h5", "r_p2b.h5", "r_p10.h5",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["damaged late", "other kind", "empty", "absent", "folder"])
def test_a_file_that_fails_is_told_and_the_others_go_on(
    parts: Path, radiograph: Run, made: Any, kind: str
) -> None:
    bad = parts / "bad.out"
    if kind == "damaged late":
        good = (parts / "part_1.out").read_text()
        bad.write_text(good + "ne 1 1 1 1 1 ; nonsense\n" * 60)
    elif kind == "other kind":
        bad.write_bytes(bytes(range(256)) * 8)
    elif kind == "empty":
        bad.write_bytes(b"")
    elif kind == "folder":
        bad.mkdir()
    argv = ("run", "run.toml", "--list", "--set", "run.chunk_events=40")
    done = radiograph(*argv, "part_1.out", "bad.out", "part_2.out", "-o", "b.h5", "--json")
    assert done.code == 3
    (failed,) = done.json["failed"]
    assert done.json["input"][failed["at"]["file"]].endswith("bad.out")
    assert failed["message"] in done.err
    compared_with(made, radiograph, parts / "good.h5", *argv, "part_1.out", "part_2.out")
    assert_equal_files(parts / "good.h5", parts / "b.h5", FILE_NUMBERS)
    found = datasets(parts / "b.h5")["lm/event_meta_file_ix"]
    assert set(found.tolist()) == {0, 2}
    with h5py.File(parts / "b.h5") as file:
        assert [bool(f) for f in file["provenance/inputs/failure"].asstr()[()]] == [0, 1, 0]


def test_quiet_says_which_file_failed(parts: Path, radiograph: Run) -> None:
    done = radiograph("run", "run.toml", "part_1.out", "none.out", "-o", "b.h5", "-q")
    assert done.code == 3
    assert done.err.count("none.out: no such file") == 1


def test_the_same_content_twice_is_told(parts: Path, radiograph: Run) -> None:
    (parts / "copy.out").write_bytes((parts / "part_1.out").read_bytes())
    done = radiograph("run", "run.toml", "part_1.out", "copy.out", "-o", "b.h5")
    assert done.code == 0
    told = f"copy.out: has the content of {parts / 'part_1.out'}, so its events count twice"
    assert told in done.err
    with h5py.File(parts / "b.h5") as file:
        (stored,) = json.loads(file["provenance/problems"].asstr()[()])
    assert (stored["kind"], stored["file"]) == ("repeated_file", str(parts / "copy.out"))
    assert told in stored["message"]


def test_no_file_that_can_be_read(parts: Path, radiograph: Run) -> None:
    (parts / "bad.out").write_text("ne 1 1 1 1 1 ; nonsense\n" * 5)
    done = radiograph("run", "run.toml", "bad.out", "none.out", "-o", "b.h5")
    assert done.code == 3
    assert "none of the 2 input files can be used" in done.err
    assert "bad.out" in done.err
    assert "none.out: no such file" in done.err
    assert not (parts / "b.h5").exists()


@pytest.mark.usefixtures("code_looked_at_once")
def test_each_file_is_known_to_the_cache_by_itself(parts: Path, radiograph: Run) -> None:
    argv = ("run", "run.toml", "--set", "cache.enabled=true", "--cache-dir", "cache", "--json")
    assert radiograph(*argv, "part_1.out", "-o", "a.h5").code == 0
    done = radiograph(*argv, "part_2.out", "part_1.out", "-o", "b.h5")
    with h5py.File(parts / "b.h5") as file:
        nodes = file["provenance/nodes"]
        calls = dict(zip(nodes["name"].asstr()[()], nodes["calls"][()], strict=True))
    assert calls["hits"] == 1
    assert done.json["nodes"]["summed_images"]["status"] == "executed"
    done = radiograph(*argv, "part_2.out", "part_1.out", "-o", "c.h5")
    assert {n["status"] for n in done.json["nodes"].values()} <= {"hit", "skipped"}


@pytest.mark.slow
def test_dask_gives_the_same(parts: Path, radiograph: Run, scheduler: str) -> None:
    """With a cap, which each part tells the next; without one see the golden records."""
    caps = ("--set", "run.max_cones=60")
    (parts / "bad.out").write_text("ne 1 1 1 1 1 ; nonsense\n" * 5)
    argv = ("run", "run.toml", "--list", "--set", "run.chunk_events=40", *caps, *NAMES, "bad.out")
    here = radiograph(*argv, "-o", "here.h5", "--json")
    argv = (*argv, "--executor", "dask", "--scheduler", scheduler)
    there = radiograph(*argv, "-o", "there.h5", "--json")
    assert here.code == there.code == 3
    assert here.json["counters"] == there.json["counters"]
    assert here.json["failed"] == there.json["failed"]
    assert_equal_files(parts / "here.h5", parts / "there.h5")


@pytest.mark.slow
def test_executors_that_do_not_exist(parts: Path, radiograph: Run) -> None:
    for argv, said in (
        (("--executor", "slurm"), "allowed are local and dask"),
        (("--workers", "2"), "belong to --executor dask"),
    ):
        done = radiograph("run", "run.toml", *argv)
        assert done.code == 2
        assert said in done.err
    pytest.importorskip("distributed")
    done = radiograph(
        "run", "run.toml", "--executor", "dask", "--scheduler", "tcp://127.0.0.1:9", "-o", "b.h5"
    )
    assert done.code == 2
    assert "no Dask scheduler answers" in done.err
    assert not (parts / "b.h5").exists()
