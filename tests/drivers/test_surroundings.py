"""What a process is started in: no home folder, no room for what it says, a folder that is gone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from radiograph.drivers import home
from radiograph.drivers.home import path_of_setting
from radiograph.nodes import own_folders
from radiograph.nodes.own_folders import need_own_folder
from radiograph.schemas.errors import UsageError

pytestmark = pytest.mark.slow

Run = Callable[..., Any]
FULL = Path("/dev/full")
COMMAND = "from radiograph.drivers.main import cli; cli()"
# A user id without a name, as a container gives it.
NAMELESS = """
import pwd

def unknown(number):
    raise KeyError(number)

pwd.getpwuid = unknown
"""


def child(
    *argv: object, code: str = COMMAND, env: dict[str, str] | None = None, **options: Any
) -> subprocess.CompletedProcess[str]:
    """A command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, argv)],
        env=dict(os.environ) if env is None else env,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        **{"stdout": subprocess.PIPE, **options},
    )


@pytest.fixture
def homeless(tmp_path: Path) -> dict[str, str]:
    """The environment of a process without a home folder, with temporary files of its own."""
    named = ("HOME", "XDG_CACHE_HOME", "RADIOGRAPH_CACHE", "MPLCONFIGDIR")
    rest = {name: value for name, value in os.environ.items() if name not in named}
    folder = tmp_path / "temporary"
    folder.mkdir()
    return {**rest, "TMPDIR": str(folder)}


# --- no home folder -----------------------------------------------------------------------------


def test_a_run_without_a_home_folder(project: Path, homeless: dict[str, str]) -> None:
    settings = project / "run.toml"
    text = settings.read_text("utf-8").replace("enabled = false", "enabled = true")
    settings.write_text(text.replace("_write = false", "_write = true"), "utf-8")
    few = ("--set", "run.max_events=10", "--set", 'vis.species=["n"]')
    # To compile every kernel for ten events would be the longest part by far.
    env = {**homeless, "NUMBA_DISABLE_JIT": "1"}
    done = child("run", settings, "-q", *few, code=NAMELESS + COMMAND, env=env)
    assert done.returncode == 0, done.stderr
    kept = Path(homeless["TMPDIR"]) / f"radiograph-{os.geteuid()}"
    (line,) = done.stderr.splitlines()
    assert "no home folder" in line
    assert str(kept) in line
    assert kept.stat().st_mode & 0o777 == 0o700
    assert (kept / ".cache" / "radiograph" / "results" / "cache.db").is_file()
    assert (project / "n_image.png").is_file()


def test_no_home_and_somebody_else_in_its_place(project: Path, homeless: dict[str, str]) -> None:
    folder = Path(homeless["TMPDIR"])
    (folder / "other").mkdir()
    (folder / f"radiograph-{os.geteuid()}").symlink_to(folder / "other")
    done = child("info", project / "events.out", code=NAMELESS + COMMAND, env=homeless)
    assert "Traceback" not in done.stderr
    # Nothing went into it, and what this process had instead is gone with it.
    assert list((folder / "other").iterdir()) == []
    assert sorted(p.name for p in folder.iterdir()) == ["other", f"radiograph-{os.geteuid()}"]


def test_no_home_and_no_place_for_temporary_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def nowhere() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)
    monkeypatch.setattr("tempfile.gettempdir", nowhere)
    monkeypatch.setattr("tempfile.mkdtemp", lambda **_: nowhere())
    with pytest.raises(UsageError, match="Set HOME to a folder of your own"):
        home.need_home()


def test_a_home_in_a_setting_that_is_not_there(project: Path, homeless: dict[str, str]) -> None:
    settings = project / "run.toml"
    settings.write_text(settings.read_text("utf-8").replace("image.h5", "~/a.h5"), "utf-8")
    done = child(
        "run", project / "run.toml",
        code=NAMELESS + COMMAND, env=homeless,
    )  # fmt: skip
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert '"~/a.h5"' in line
    assert "no home folder" in line


def test_a_home_of_nobody(project: Path, radiograph: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    done = radiograph("run", project / "run.toml", "--set", 'io.output_path="~nobody77/a.h5"')
    assert done.code == 2
    assert "the home folder of nobody77 is not known" in done.err
    assert len(done.err.splitlines()) == 1


def test_paths_of_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert path_of_setting(Path("d"), "~/a") == tmp_path / "a"
    assert path_of_setting(Path("d"), "a") == Path("d/a")
    assert path_of_setting(Path("d"), "") == Path("d")


# --- folders of compiled code -------------------------------------------------------------------

IMPORT = """
import importlib
from numba import config
importlib.import_module("radiograph.nodes.{package}.kernels")
print(config.CACHE_DIR)
"""
PACKAGES = ("cosmics", "germanium", "imaging", "lightdqm", "simulation", "transients")


def compiled_code(folder: Path, package: str = "imaging") -> tuple[Path, str]:
    """Where a process keeps its kernels if ``folder`` is named, and what it says."""
    temporary = folder.parent / "temporary"
    temporary.mkdir(exist_ok=True)
    env = {**os.environ, "RADIOGRAPH_CACHE": str(folder), "TMPDIR": str(temporary)}
    done = child(code=IMPORT.format(package=package), env=env)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip()), done.stderr


@pytest.mark.parametrize("package", PACKAGES)
def test_compiled_code_lies_in_a_folder_of_ours(tmp_path: Path, package: str) -> None:
    found, said = compiled_code(tmp_path / "cache", package)
    assert found.parent == tmp_path / "cache"
    assert found.stat().st_mode & 0o777 == 0o700
    assert said == ""


def test_compiled_code_is_not_taken_through_a_link(tmp_path: Path) -> None:
    name = compiled_code(tmp_path / "cache")[0].name
    planted = tmp_path / "planted"
    planted.mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / name).symlink_to(planted)
    found, said = compiled_code(tmp_path / "other")
    own = tmp_path / "temporary" / f"radiograph-{os.geteuid()}"
    assert found == own / name
    assert said == ""
    # The place among the temporary files is known to everybody.
    own.rename(planted / "own")
    own.symlink_to(planted / "own")
    found, said = compiled_code(tmp_path / "other")
    assert found.name.startswith("radiograph-kernels-")
    assert not found.exists()
    (line,) = said.splitlines()
    assert "compiled kernels cannot be kept" in line
    assert "symbolic link" in line


def test_a_folder_of_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_folders.os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(PermissionError, match="belongs to another user"):
        need_own_folder(tmp_path / "a")


def test_a_folder_that_a_umask_left_open_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    folder.chmod(0o775)
    (folder / "mine").touch()
    need_own_folder(folder)
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_an_open_folder_with_files_of_others(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    (folder / "deep").mkdir(parents=True)
    planted = folder / "deep" / "planted"
    planted.touch()
    os.chown(planted, 12345, 12345)
    folder.chmod(0o775)
    with pytest.raises(PermissionError, match="holds files of other users"):
        need_own_folder(folder)


# --- standard output, working folder ------------------------------------------------------------

SAYING = ["--help", "nodes", "graph", "graph --json", "check run.toml --json",
          "info none.h5 --json", "cache ls --json", "run run.toml"]  # fmt: skip


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full")
@pytest.mark.parametrize(
    ("line", "unbuffered"),
    [*((line, "") for line in SAYING), ("--help", "1"), ("nodes", "1"),
     ("check run.toml --json", "1")],
)  # fmt: skip
def test_standard_output_is_full(project: Path, line: str, unbuffered: str) -> None:
    with FULL.open("w") as full:
        env = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
        done = child(*line.split(), cwd=project, stdout=full, env=env)
    assert done.returncode == 2, done.stderr
    assert "error: standard output cannot be written (No space left on device)" in done.stderr
    assert "Traceback" not in done.stderr
    assert "bug" not in done.stderr


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full")
def test_standard_error_is_full(project: Path) -> None:
    with FULL.open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", COMMAND, "run", "none.toml"], stderr=full, check=False
        )
    assert done.returncode == 2


# The stream of that number closed, then the code in this process.
CLOSED = """
import os, sys
os.close(int(sys.argv[1]))
os.execv(sys.executable, [sys.executable, "-c", *sys.argv[2:]])
"""


@pytest.mark.parametrize("line", ["nodes", "run run.toml", "check run.toml --json"])
def test_standard_output_is_closed(project: Path, line: str) -> None:
    done = child(1, COMMAND, *line.split(), code=CLOSED, cwd=project)
    assert done.returncode == 2
    assert done.stderr == "error: standard output is closed; give it a place, e.g. > /dev/null\n"
    assert not (project / "image.h5").exists()


def test_standard_error_is_closed(project: Path) -> None:
    assert child(2, COMMAND, "run", "none.toml", code=CLOSED, cwd=project).returncode == 2


def test_a_reader_that_is_gone_is_no_failure() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = child("nodes", "--json", stdout=writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


GONE = """
import os, sys, tempfile
folder = tempfile.mkdtemp()
os.chdir(folder)
os.rmdir(folder)
"""


@pytest.mark.parametrize(
    "line",
    ["run run.toml", "run {0}/run.toml", "check {0}/run.toml --json", "info a.h5", "init p",
     "graph -o a.svg", "cache ls --cache-dir c", "simulate imaging a.out --events 5",
     "report a.h5", "verify a.h5", "lightdqm judge a.hdf5", "watch run.toml d"],
)  # fmt: skip
def test_the_working_folder_is_gone(project: Path, line: str) -> None:
    done = child(*line.format(project).split(), code=GONE + COMMAND)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: the working folder is gone")
    assert len(done.stderr.splitlines()) == 1
