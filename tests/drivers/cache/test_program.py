"""Versions of an unchanged program: used only where nothing can have changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import types
from pathlib import Path
from typing import Any

import pytest
from radiograph.drivers.cache import program
from radiograph.drivers.cache.code import CodeVersions
from radiograph.drivers.cache.execution import NodeCache
from radiograph.drivers.cache.opening import WITHOUT_VERSION
from radiograph.drivers.cache.program import program_identity
from radiograph.drivers.cache.store import Store
from radiograph.drivers.main import guarded
from radiograph.nodes.imaging import hits

pytestmark = pytest.mark.slow

LATER = 60.0


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program of one package with a module, its compiled form and a file that is no code."""
    folder = tmp_path / "toy_program"
    (folder / "__pycache__").mkdir(parents=True)
    (folder / "a.py").write_text("x = 1\n")
    (folder / "__pycache__" / "a.pyc").write_bytes(b"1")
    (folder / "notes.txt").write_text("1")
    package = types.ModuleType("toy_program")
    package.__path__ = [str(folder)]
    monkeypatch.setitem(sys.modules, "toy_program", package)
    monkeypatch.setattr(program, "_FOLDERS", ("toy_program",))
    return folder


def test_the_same_files_are_the_same_program(files: Path) -> None:
    begun = time.time() + LATER
    known = program_identity(begun)
    assert known is not None
    (files / "notes.txt").write_text("2")
    assert program_identity(begun + 1) == known


@pytest.mark.parametrize("name", ["a.py", "__pycache__/a.pyc"])
def test_an_edit_that_leaves_size_and_time_is_another_program(files: Path, name: str) -> None:
    path = files / name
    before = path.stat()
    known = program_identity(time.time() + LATER)
    content = path.read_bytes()
    time.sleep(0.02)  # beyond a tick of the clock of the file system
    path.write_bytes(content.replace(b"1", b"2"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert program_identity(time.time() + LATER) != known
    path.write_bytes(content)
    assert program_identity(time.time() + LATER) != known


def test_a_further_file_is_another_program(files: Path) -> None:
    known = program_identity(time.time() + LATER)
    (files / "b.py").write_text("")
    assert program_identity(time.time() + LATER) != known


@pytest.mark.parametrize("is_package", [True, False])
def test_an_edit_of_a_pipeline_of_another_package_is_another_program(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_package: bool
) -> None:
    """Its nodes ran stale: the program was known by the files of this package alone."""
    path = tmp_path / "other" / "nodes.py"
    path.parent.mkdir()
    path.write_text("LAST_KEV = 2000\n")
    module = types.ModuleType("toy_pipeline")
    if is_package:
        module.__path__ = [str(path.parent)]
    else:
        module.__file__ = str(path)
    monkeypatch.setitem(sys.modules, "toy_pipeline", module)
    roots = ("radiograph", "toy_pipeline")
    known = program_identity(time.time() + LATER, roots)
    assert known == program_identity(time.time() + LATER, roots)
    assert known != program_identity(time.time() + LATER)
    time.sleep(0.02)  # beyond a tick of the clock of the file system
    path.write_text("LAST_KEV = 3000\n")
    assert program_identity(time.time() + LATER, roots) != known


def test_a_file_that_may_have_changed_since_the_start_makes_it_unknown(files: Path) -> None:
    assert program_identity(time.time()) is None
    assert program_identity(time.time() - LATER) is None
    assert program_identity(time.time() + LATER) is not None


def node() -> int:
    return 1


def opened(folder: Path, started_s: float | None) -> NodeCache:
    cache = NodeCache(Store(folder, ()), CodeVersions((__name__.split(".")[0],)), salt={})
    if started_s is not None:
        cache.use_program(started_s)
    return cache


def test_versions_are_kept_for_the_same_program(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = time.time() + LATER
    first = opened(tmp_path / "cache", begun)
    found = first.versions.parts(node)
    first.close(1.0)

    def not_again(*_: Any) -> Any:
        pytest.fail("the function was looked at again")

    with monkeypatch.context() as patch:
        patch.setattr(CodeVersions, "_found", not_again)
        again = opened(tmp_path / "cache", begun)
        assert again.versions.parts(node) == found
        again.close(1.0)
    (files / "a.py").write_text("x = 2\n")
    for started_s in (time.time() + LATER, time.time(), None):
        other = opened(tmp_path / "cache", started_s)
        assert other.versions.known == {}
        other.close(1.0)


def test_what_a_name_does_not_lead_to_is_always_looked_at(files: Path, tmp_path: Path) -> None:
    def made(value: int) -> Any:
        def node() -> int:
            return value

        return node

    cache = opened(tmp_path / "cache", time.time() + LATER)
    assert cache.versions.parts(made(1)) != cache.versions.parts(made(2))
    assert cache.versions.found == {}
    cache.close(1.0)


def test_a_command_keeps_versions_and_finds_the_same_keys(tmp_path: Path) -> None:
    code = (
        "import sys, time; from radiograph.drivers import main; "
        "from radiograph.drivers.cache import program; program._SETTLED_S = -1e9; "
        "sys.exit(main.guarded(sys.argv[1:], time.time()))"
    )
    assert guarded(["init", str(tmp_path), "--events", "60", "--overwrite"]) == 0
    run = [sys.executable, "-c", code, "run", str(tmp_path / "phits_edep.toml"), "--json"]
    options = ["--target", "filtered_hits", "--cache-dir", str(tmp_path / "cache"), "--overwrite"]
    for status in ("executed", "hit"):
        done = subprocess.run([*run, *options], capture_output=True, text=True, check=True)
        assert json.loads(done.stdout)["nodes"]["filtered_hits"]["status"] == status
    store = Store(tmp_path / "cache", ())
    (kept,) = [record for _, record in store.records("program:")]
    store.close()
    versions = CodeVersions(("radiograph",), WITHOUT_VERSION)
    name = "radiograph.nodes.imaging.hits:neutron_hit_filter_code"
    assert kept[name] == versions.parts(hits.neutron_hit_filter_code)
