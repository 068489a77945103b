"""``radiograph cache`` and the options of ``run`` that steer the cache, as a user gives them."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from radiograph.drivers.cache import clearing, opening
from radiograph.drivers.cache.code import CodeVersions
from radiograph.drivers.cache.content import fingerprint
from radiograph.drivers.cache.store import Encoded, Store
from radiograph.nodes.imaging import energies, metrics

Run = Callable[..., Any]
pytestmark = pytest.mark.usefixtures("code_looked_at_once")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, simulated: Path, radiograph: Run) -> Path:
    """A project with its own cache, run once."""
    folder = tmp_path_factory.mktemp("base")
    shutil.copy(simulated / "events.out", folder)
    (folder / "run.toml").write_text(
        '[io]\ninput_path = "events.out"\noutput_path = "image.h5"\n'
        "[plane]\norigin = [0, 0, 0]\nnormal = [0, 0, 1]\n"
        "u_min = -30\nu_max = 30\ndu = 2\nv_min = -20\nv_max = 20\ndv = 2\n"
        '[energy]\nstrategy = "Edep"\n[vis]\nexport_png_on_write = false\n'
        '[cache]\ndir = "cache"\n[hdf5]\ninclude_repo_bundle = false\n'
    )
    done = radiograph("run", folder / "run.toml", "--json", "--quiet")
    assert done.code == 0
    return folder


@pytest.fixture
def project(base: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    shutil.copytree(base, folder)
    (folder / "image.h5").unlink()
    return folder


@pytest.fixture
def run(project: Path, radiograph: Run) -> Run:
    """``run`` with options; the names of what was executed."""

    def executed(*options: Any) -> set[str]:
        done = radiograph("run", project / "run.toml", "--quiet", "--overwrite", *options)
        assert (done.code, done.err) == (0, "")
        with h5py.File(project / "image.h5") as file:
            group = file["provenance/nodes"]
            pairs = zip(group["name"][()], group["status"][()], strict=True)
            return {n.decode() for n, status in pairs if status == b"executed"}

    return executed


@pytest.fixture
def cache(project: Path, radiograph: Run) -> Run:
    """``radiograph cache ...`` on the cache of the project."""

    def command(name: str, *options: Any) -> Any:
        return radiograph("cache", name, *options, "--cache-dir", project / "cache")

    return command


def edit_config(project: Path, before: str, after: str) -> None:
    path = project / "run.toml"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def keys(project: Path) -> dict[str, dict[str, Any]]:
    """The record of each known result by node."""
    store = Store(project / "cache", opening.PACKAGES)
    found = {r["node"]: {**r, "key": name} for name, r in store.records("key:")}
    store.close()
    return found


# --- options of run ---------------------------------------------------------------------------


def test_hits_and_no_cache(project: Path, run: Run) -> None:
    assert run() == set()
    everything = run("--no-cache")
    assert len(everything) > 40
    before = {p: p.stat().st_mtime_ns for p in (project / "cache").rglob("*.val")}
    edit_config(project, "[cache]\n", "[cache]\nenabled = false\n")
    assert run() == everything
    assert {p: p.stat().st_mtime_ns for p in (project / "cache").rglob("*.val")} == before


def test_cache_dir_wins(project: Path, run: Run) -> None:
    assert len(run("--cache-dir", project / "other")) > 40
    assert (project / "other" / "cache.db").exists()
    assert run("--cache-dir", project / "other") == set()
    assert run() == set()


def test_user_folder_without_a_name(
    project: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "user" / "results"
    monkeypatch.setattr(opening, "default_folder", lambda: folder)
    edit_config(project, 'dir = "cache"\n', "")
    assert len(run()) > 40
    assert run() == set()
    assert folder.stat().st_mode & 0o777 == 0o700


def test_refresh(run: Run) -> None:
    assert run("--refresh", "neutron_energies") == {"neutron_energies"}
    assert run("--refresh", "neutron_energies", "--refresh", "summed_images") == {
        "neutron_energies",
        "summed_images",
    }


def test_rehash(project: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[Path] = []
    read = opening.file_ref
    monkeypatch.setattr(opening, "file_ref", lambda p: reads.append(p) or read(p))
    monkeypatch.setattr(opening, "_SETTLED_S", -1.0)
    run()
    reads.clear()
    run()
    assert reads == []
    run("--rehash")
    assert reads == [project / "events.out"]


def test_a_named_cache_that_cannot_be_used(project: Path, radiograph: Run) -> None:
    (project / "file").write_text("x")
    for options in (
        ("--cache-dir", project / "file" / "c"),
        ("--set", f'cache.dir="{project}/file"'),
    ):
        done = radiograph("run", project / "run.toml", *options)
        assert done.code == 2
        assert done.err.count("\n") == 1
        assert "cannot be used as a cache" in done.err
        assert not (project / "image.h5").exists()
    done = radiograph("cache", "ls", "--cache-dir", project / "file")
    assert done.code == 2
    assert "cannot be used as a cache" in done.err


def test_an_unusable_user_folder_is_one_warning(
    project: Path, radiograph: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "file").write_text("x")
    monkeypatch.setattr(opening, "default_folder", lambda: project / "file")
    edit_config(project, 'dir = "cache"\n', "")
    done = radiograph("run", project / "run.toml")
    assert done.code == 0
    assert done.err.count("the run goes on without it") == 1
    assert (project / "image.h5").exists()


# --- ls, prune, clear -------------------------------------------------------------------------


def test_ls(project: Path, cache: Run) -> None:
    done = cache("ls")
    assert done.code == 0
    lines = done.out.splitlines()
    assert len(lines) > 40
    assert lines[-1].startswith(f"{len(lines) - 1} results, ")
    assert lines[-1].endswith(str(project / "cache"))
    found = cache("ls", "--json").json
    assert set(found) == {"folder", "bytes", "entries"}
    assert {e["node"] for e in found["entries"]} == set(keys(project))
    assert [e["time"] for e in found["entries"]] == sorted(
        (e["time"] for e in found["entries"]), reverse=True
    )
    for entry in found["entries"]:
        assert set(entry) == {"node", "key", "value", "n_bytes", "seconds", "time"}
        assert entry["n_bytes"] > 0
        assert entry["seconds"] >= 0


def test_ls_of_an_empty_cache(tmp_path: Path, radiograph: Run) -> None:
    done = radiograph("cache", "ls", "--cache-dir", tmp_path / "new")
    assert done.code == 0
    assert done.out.startswith("0 results, ")


def test_prune(project: Path, cache: Run, run: Run) -> None:
    before = cache("ls", "--json").json
    assert cache("prune", "--size", "1G").out.startswith("0 results dropped")
    done = cache("prune", "--size", "300k")
    assert done.code == 0
    after = cache("ls", "--json").json
    assert after["bytes"] <= 300_000
    assert 0 < len(after["entries"]) < len(before["entries"])
    # The newest are left.
    left = [e["key"] for e in after["entries"]]
    newest = [e["key"] for e in before["entries"][: len(left) // 2]]
    assert set(newest) <= set(left)
    assert run() != set()
    assert run() == set()


@pytest.mark.parametrize("size", ["", "G", "1X", "1.2.3M", "-", "many"])
def test_prune_to_no_size(cache: Run, size: str) -> None:
    done = cache("prune", "--size", size)
    assert done.code == 2
    assert "is no size" in done.err


@pytest.mark.parametrize("size", ["-1", "nan", "inf", "-5M"])
def test_prune_to_a_strange_size_drops_nothing(project: Path, cache: Run, size: str) -> None:
    done = cache("prune", f"--size={size}")
    assert done.code == 2
    assert "is no size" in done.err
    assert len(keys(project)) > 40


def test_clear(project: Path, cache: Run, run: Run) -> None:
    done = cache("clear")
    assert done.code == 0
    assert "rows dropped" in done.out
    assert cache("ls", "--json").json["entries"] == []
    assert not list((project / "cache").rglob("*.val"))
    assert len(run()) > 40


def cut_off(database: Path) -> None:
    with database.open("r+b") as stream:
        stream.truncate(6000)


def overwritten(database: Path) -> None:
    size = database.stat().st_size
    with database.open("r+b") as stream:
        stream.seek(8192)
        stream.write(b"\xa5" * (size - 8192))


DAMAGES = {
    "garbage": lambda database: database.write_bytes(b"no database at all" * 500),
    "cut off": cut_off,
    "overwritten": overwritten,
}


@pytest.fixture
def strangers(project: Path) -> list[Path]:
    """Files of somebody else in the folder of the cache."""
    folder = project / "cache"
    paths = [
        folder / "notes.txt",
        folder / "cache.db.copy",
        folder / "ab" / "cd" / "mine.val",
        folder / "ab" / f"{'0' * 28}.val",
        folder / f"{'0' * 28}.val",
        folder / "xy" / "cd" / f"{'0' * 28}.val",
    ]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    return paths


@pytest.mark.parametrize("damage", DAMAGES)
def test_clear_a_cache_that_cannot_be_used(
    project: Path, cache: Run, run: Run, damage: str, strangers: list[Path]
) -> None:
    folder = project / "cache"
    DAMAGES[damage](folder / "cache.db")
    left_behind = folder / "ab" / "cd" / f"{'1' * 28}.4711.tmp"
    left_behind.touch()
    done = cache("ls")
    assert done.code == 2
    assert "radiograph cache clear --cache-dir" in done.err
    done = cache("clear")
    assert done.code == 0, done.err
    assert "files removed from" in done.out
    assert sorted(p for p in folder.rglob("*") if p.is_file()) == sorted(strangers)
    assert len(run()) > 40
    assert run() == set()


def test_clear_a_full_cache(
    project: Path, cache: Run, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        msg = "database or disk is full"
        raise sqlite3.OperationalError(msg)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "set_record", full)
        done = cache("clear")
    assert done.code == 0, done.err
    assert list((project / "cache").iterdir()) == []
    assert len(run()) > 40


def test_clear_a_cache_that_is_read_only(
    project: Path, cache: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "cache" / "cache.db").write_bytes(b"no database at all" * 500)

    def refused(_: Path) -> None:
        raise OSError(30, "Read-only file system")

    before = sorted((project / "cache").rglob("*"))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refused)
        patch.setattr(Path, "rmdir", refused)
        done = cache("clear")
    assert done.code == 2
    (line,) = done.err.splitlines()
    assert "(Read-only file system)" in line
    assert "cannot be removed" in line
    assert sorted((project / "cache").rglob("*")) == before


def test_clear_removes_no_pipe(project: Path, cache: Run) -> None:
    database = project / "cache" / "cache.db"
    database.unlink()
    os.mkfifo(database)
    done = cache("clear")
    assert done.code == 2
    assert "(is no regular file)" in done.err
    assert database.is_fifo()


def test_clear_what_is_no_cache(project: Path, radiograph: Run) -> None:
    done = radiograph("cache", "clear", "--cache-dir", project / "run.toml")
    assert done.code == 2
    assert "holds nothing of one" in done.err
    assert (project / "run.toml").is_file()


def test_clear_makes_no_folder(tmp_path: Path, radiograph: Run) -> None:
    done = radiograph("cache", "clear", "--cache-dir", tmp_path / "none")
    assert (done.code, done.out) == (0, f"0 rows dropped: {tmp_path / 'none'} is not there\n")
    assert not (tmp_path / "none").exists()


def test_clear_waits_for_no_writer(
    project: Path, cache: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clearing, "_PATIENCE_S", 0.1)
    values = sorted((project / "cache").rglob("*.val"))
    with closing(sqlite3.connect(project / "cache" / "cache.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        done = cache("clear")
    assert done.code == 2
    assert "another process writes to this cache" in done.err
    assert values
    assert sorted((project / "cache").rglob("*.val")) == values
    assert len(keys(project)) > 40


def test_refresh_knows_names_and_aliases(project: Path, run: Run, radiograph: Run) -> None:
    done = radiograph("run", project / "run.toml", "--quiet", "--refresh", "sumed_images")
    assert done.code == 2
    assert "summed_images" in done.err
    assert "summed_images" in run("--refresh", "image")


# --- why --------------------------------------------------------------------------------------


@pytest.fixture
def why(project: Path, cache: Run) -> Run:
    def asked(node: str, *options: Any) -> dict[str, Any]:
        before = keys(project)
        done = cache("why", node, project / "run.toml", "--json", *options)
        assert done.code == 0, done.err
        assert keys(project) == before  # nothing was executed or kept
        return dict(done.json)

    return asked


def test_why_nothing_runs(project: Path, why: Run, cache: Run) -> None:
    assert why("summed_images") == {
        "node": "summed_images",
        "verdict": "known, nothing runs",
        "because": [],
    }
    assert why("image")["node"] == "summed_images"
    done = cache("why", "summed_images", project / "run.toml")
    assert done.out == "summed_images: known, nothing runs\n"


def test_why_names_the_setting(why: Run) -> None:
    found = why("summed_images", "--set", "plane.du=1.0")
    assert found["verdict"] == "would run"
    assert found["because"] == [
        "gamma_back_projection runs: input pixel_grid changed",
        "neutron_back_projection runs: input pixel_grid changed",
        "setting plane.du: 2.0 -> 1.0",
    ]
    # What does not depend on it is known.
    found = why("neutron_selected_cones", "--set", "plane.du=1.0")
    assert found["verdict"] == "known, nothing runs"


def test_why_names_several_settings(project: Path, why: Run) -> None:
    edit_config(project, "[plane]\n", "[cones]\nnappe = 'both'\n[plane]\n")
    found = why("neutron_image", "--set", "filters.hits.min_light_MeVee=0.1")
    assert 'setting cones.nappe: "forward" -> "both"' in found["because"]
    assert "setting filters.hits.min_light_MeVee: 0.0 -> 0.1" in found["because"]
    assert any("neutron_hit_filters changed" in line for line in found["because"])


def test_why_names_the_file(project: Path, why: Run) -> None:
    path = project / "events.out"
    data = path.read_bytes()
    place = data.rindex(b"E+0") - 8
    path.write_bytes(data[:place] + (b"1" if data[place] != 49 else b"2") + data[place + 1 :])
    found = why("summed_images")
    assert found["verdict"] == "would run"
    assert any(line.startswith("setting content of the input file: ") for line in found["because"])


@pytest.fixture
def code_looked_at_anew(code_looked_at_once: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the fixture of the module, which it undoes."""
    monkeypatch.setattr(opening, "CodeVersions", CodeVersions)


@pytest.mark.usefixtures("code_looked_at_anew")
def test_why_names_the_function(why: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def other(image: Any, grid: Any, roi: Any) -> Any:
        return None

    other.__module__, other.__qualname__ = metrics.__name__, "_projected"
    monkeypatch.setattr(metrics, "_projected", other)
    assert why("projections")["because"] == [
        f"projections runs: code {metrics.__name__}:_projected changed"
    ]


@pytest.mark.usefixtures("code_looked_at_anew")
def test_why_names_the_constant(why: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(energies, "_NOT_POSITIVE", np.uint8(99))
    name = f"{energies.__name__}:_NOT_POSITIVE"
    assert why("neutron_energies")["because"] == [f"neutron_energies runs: code {name} changed"]
    # What follows is not a cause of its own.
    assert why("summed_images")["because"] == [f"neutron_energies runs: code {name} changed"]


def test_why_in_a_new_cache(project: Path, radiograph: Run) -> None:
    argv = ("cache", "why", "summed_images", project / "run.toml")
    done = radiograph(*argv, "--json", "--cache-dir", project / "new")
    assert done.json["verdict"] == "would run"
    assert any("never computed here before" in line for line in done.json["because"])


def test_why_of_the_folder_in_the_config(project: Path, radiograph: Run) -> None:
    done = radiograph("cache", "why", "summed_images", project / "run.toml", "--json")
    assert done.json["verdict"] == "known, nothing runs"


def test_why_of_an_unknown_node(project: Path, cache: Run) -> None:
    done = cache("why", "sumed_images", project / "run.toml")
    assert done.code == 2
    assert "Did you mean" in done.err


def test_why_does_not_execute_for_a_damaged_value(project: Path, why: Run) -> None:
    damage(project, keys(project)["record_counters"]["value"])
    assert why("summed_images")["verdict"] in ("would run", "known, nothing runs")


# --- verify -----------------------------------------------------------------------------------


def damage(project: Path, known: str) -> None:
    """Flip one bit of a stored value."""
    with sqlite3.connect(project / "cache" / "cache.db") as connection:
        rows = connection.execute("SELECT value, filename FROM Cache WHERE key = ?", [f"v:{known}"])
        value, filename = rows.fetchone()
        path = project / "cache" / (filename or "")
        data = value if filename is None else path.read_bytes()
        data = data[:-1] + bytes([data[-1] ^ 4])
        if filename is None:
            connection.execute("UPDATE Cache SET value = ? WHERE key = ?", [data, f"v:{known}"])
        else:
            path.write_bytes(data)
    connection.close()


def test_verify_a_whole_cache(project: Path, cache: Run) -> None:
    done = cache("verify", project / "run.toml", "--sample", "4")
    assert done.code == 0
    lines = done.out.splitlines()
    assert [line.split()[1] for line in lines[:-1]] == ["equal"] * 4
    assert lines[-1].endswith("0 damaged; 4 nodes computed again, 0 differ")
    found = cache("verify", "--json").json
    assert found["damaged"] == []
    assert found["recomputed"] == []
    assert found["values"] > 20


@pytest.mark.parametrize("node", ["neutron_selected_cones", "cone_counters"])
def test_verify_finds_damage(project: Path, cache: Run, node: str) -> None:
    known = keys(project)[node]["value"]
    damage(project, known)
    done = cache("verify")
    assert done.code == 4
    assert f"damaged: {known}: the checksum differs" in done.out
    found = cache("verify", "--json")
    assert found.code == 4
    assert [d["value"] for d in found.json["damaged"]] == [known]


def test_verify_finds_a_missing_file(project: Path, cache: Run) -> None:
    next((project / "cache").rglob("*.val")).unlink()
    done = cache("verify")
    assert done.code == 4
    assert "1 damaged" in done.out


def test_verify_finds_a_planted_value(project: Path, cache: Run) -> None:
    """A whole value, a whole record, and yet not what the node gives."""
    sample = ("verify", project / "run.toml", "--sample", "6", "--json")
    nodes = [found["node"] for found in cache(*sample).json["recomputed"]]
    records = keys(project)
    store = Store(project / "cache", opening.PACKAGES)
    values = {node: store.value(records[node]["value"]) for node in nodes}
    node = next(n for n, v in values.items() if isinstance(v, np.ndarray) and v.size)
    record = records[node]
    wrong = values[node] + np.ones_like(values[node])
    known = fingerprint(wrong)
    store.add_value(known, Encoded(wrong, known))
    name = record.pop("key")
    store.set_record(name, {**record, "value": known})
    store.close()
    assert cache("verify").code == 0  # its bytes are whole
    done = cache(*sample)
    assert done.code == 4
    assert [r["node"] for r in done.json["recomputed"] if not r["equal"]] == [node]


def test_verify_looks_where_the_config_says(project: Path, radiograph: Run) -> None:
    damage(project, keys(project)["neutron_selected_cones"]["value"])
    done = radiograph("cache", "verify", project / "run.toml", "--sample", "1", "--json")
    assert done.code == 4
    assert len(done.json["damaged"]) == 1


def test_json_is_one_object(cache: Run) -> None:
    for name in ("ls", "verify"):
        out = cache(name, "--json").out
        assert out.count("\n") == 1
        json.loads(out)
