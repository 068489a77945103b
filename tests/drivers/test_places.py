"""What stands where an output goes: links are followed, devices and pipes refused, litter swept."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from radiograph.drivers import files, temporary_files
from radiograph.drivers.files import check_new_files, replaced_file
from radiograph.drivers.lightdqm.json_lines import write_lines
from radiograph.drivers.lightdqm.store import RunStore
from radiograph.drivers.main import guarded
from radiograph.schemas.errors import UsageError

from .conftest import SETTINGS

pytestmark = pytest.mark.slow

Run = Callable[..., Any]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def stand(path: Path, what: str) -> str:
    """Something else than a file at ``path``; how a message names it."""
    if what == "pipe":
        os.mkfifo(path)
        return "is a named pipe (FIFO)"
    if what == "socket":
        with socket.socket(socket.AF_UNIX) as listener:
            os.chdir(path.parent)
            listener.bind(path.name)
        return "is a socket"
    path.symlink_to("/dev/null")
    return "is a link to /dev/null, a character device"


@pytest.mark.parametrize("what", ["pipe", "socket", "device"])
def test_no_regular_file_is_refused(
    tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "out.h5"
    said = stand(path, what)
    with pytest.raises(UsageError) as failure:
        check_new_files([path], (), overwrite=True)
    assert said in failure.value.message
    with pytest.raises(UsageError) as failure, replaced_file(path) as temporary:
        temporary.write_text("new")
    assert said in failure.value.message
    assert names(tmp_path) == ["out.h5"]
    assert not path.is_file()


def test_what_appears_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "out.h5"
    with pytest.raises(UsageError), replaced_file(path) as temporary:
        temporary.write_text("new")
        os.mkfifo(path)
    assert path.is_fifo()
    assert names(tmp_path) == ["out.h5"]


@pytest.mark.parametrize("old", ["old", None])
def test_a_link_stays_and_its_target_is_replaced(tmp_path: Path, old: str | None) -> None:
    target, link = tmp_path / "disk" / "data.h5", tmp_path / "out.h5"
    target.parent.mkdir()
    link.symlink_to("disk/data.h5")
    if old is not None:
        target.write_text(old)
    with replaced_file(link) as temporary:
        assert temporary.parent == target.parent
        temporary.write_text("new")
    assert link.readlink() == Path("disk/data.h5")
    assert target.read_text() == "new"
    assert names(target.parent) == ["data.h5"]


def test_two_outputs_in_one_file(tmp_path: Path) -> None:
    link, target = tmp_path / "all.png", tmp_path / "n.png"
    link.symlink_to(target)
    with pytest.raises(UsageError, match="leads to the same file"):
        check_new_files([target, link], (), overwrite=True)


def test_long_names_that_differ_at_their_ends(tmp_path: Path) -> None:
    paths = [tmp_path / f"{'ä' * 110}_{end}.png" for end in ("n", "g")]
    with ExitStack() as stack:
        for path in paths:
            stack.enter_context(replaced_file(path)).write_text(path.name)
    assert [path.read_text() for path in paths] == [path.name for path in paths]
    assert names(tmp_path) == sorted(path.name for path in paths)


def test_links_in_a_circle(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.symlink_to(path)
    with pytest.raises(UsageError, match="cannot be reached"):
        check_new_files([path], (), overwrite=True)


# The name that a command writes, and the command; run.h5 holds a run, hits.h5 one up to its hits.
COMMANDS = {
    "run": ("image.h5", "run run.toml -o image.h5"),
    "figures": ("n_image.png", "run run.toml -o image.h5 --set vis.export_png_on_write=true"),
    "simulation": ("sim.out", "simulate imaging sim.out --events 5"),
    "truth": ("truth.csv", "simulate imaging sim.out --events 5 --truth truth.csv"),
    "light": (
        "new/channel_status.csv",
        "simulate lightdqm new --events 2 --adcs 2 --samples 100",
    ),
    "init": ("new/phits_edep.toml", "init new --events 5"),
    "graph": ("graph.svg", "graph run.toml -o graph.svg"),
    "report": ("hits.html", "report hits.h5"),
    "pdf": ("hits.pdf", "report hits.h5 --pdf"),
    "csv": ("cones.csv", "export run.h5 --to csv --table cones -o cones.csv"),
    "root": ("run.root", "export run.h5 --to root"),
    "npz": ("run.npz", "export run.h5 --to npz"),
    "png": ("a.png", "export run.h5 --to png --species n -o a.png"),
    "list": ("list.h5", "export run.h5 --to list -o list.h5"),
    "pairs": ("pairs.h5", "export run.h5 --to pairs -o pairs.h5"),
    "plot": ("plot.png", "inspect run.h5 --cone 0 --plot plot.png"),
}


@pytest.fixture(scope="module")
def run_file(simulated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An output file with list mode, and hits.h5 beside it: a short page."""
    folder = tmp_path_factory.mktemp("run")
    settings = folder / "run.toml"
    settings.write_text(SETTINGS.replace("events.out", str(simulated / "events.out")), "utf-8")
    assert guarded(["run", str(settings), "--list", "-q"]) == 0
    hits = ["--until", "hits", "-o", str(folder / "hits.h5")]
    assert guarded(["run", str(settings), "-q", *hits]) == 0
    return folder / "image.h5"


@pytest.fixture(params=COMMANDS)
def asked(
    project: Path, run_file: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, list[str]]:
    """Where a command writes, and its words; files of earlier runs are beside."""
    monkeypatch.chdir(project)
    (project / "run.h5").symlink_to(run_file)
    (project / "hits.h5").symlink_to(run_file.with_name("hits.h5"))
    name, line = COMMANDS[request.param]
    path = project / name
    path.parent.mkdir(exist_ok=True)
    return path, line.split()


def test_commands_refuse_a_pipe(asked: tuple[Path, list[str]], radiograph: Run) -> None:
    path, words = asked
    os.mkfifo(path)
    done = radiograph(*words, "--overwrite")
    assert done.code == 2, done.err
    assert "named pipe" in done.err
    assert path.is_fifo()


def test_commands_follow_a_link(
    asked: tuple[Path, list[str]], project: Path, radiograph: Run
) -> None:
    path, words = asked
    target = project / "disk" / "kept"
    target.parent.mkdir()
    target.write_text("old")
    path.symlink_to(target)
    done = radiograph(*words, "--overwrite")
    assert done.code == 0, done.err
    assert path.is_symlink()
    assert target.read_bytes() != b"old"
    assert names(target.parent) == ["kept"]


def test_init_follows_a_link(project: Path, radiograph: Run) -> None:
    (project / "new").mkdir()
    target = project / "kept.toml"
    target.write_text("old")
    (project / "new" / "phits_edep.toml").symlink_to(target)
    done = radiograph("init", project / "new", "--events", "5", "--overwrite")
    assert done.code == 0, done.err
    assert "[plane]" in target.read_text()
    assert (project / "new" / "phits_edep.toml").is_symlink()


def test_the_store_of_runs(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.sqlite"
    os.mkfifo(pipe)
    with pytest.raises(UsageError, match="named pipe"):
        RunStore(pipe)
    link, target = tmp_path / "link.sqlite", tmp_path / "disk" / "store.sqlite"
    link.symlink_to(target)
    with RunStore(link) as store:
        assert store._connection is not None
    assert target.is_file()
    assert link.is_symlink()


def test_json_lines_do_not_wait_for_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.json")
    with pytest.raises(UsageError, match="named pipe"):
        write_lines(tmp_path, {"a.json": {"file_index": 1}})


# --- what killed processes leave ----------------------------------------------------------------

KILLED = """
import os, signal, sys
from pathlib import Path
from radiograph.drivers.files import replaced_file
with replaced_file(Path(sys.argv[1])) as temporary:
    temporary.write_text("half")
    Path(f"{temporary}.side").write_text("half")
    os.kill(os.getpid(), getattr(signal, sys.argv[2]))
"""


def hidden(folder: Path) -> list[str]:
    return [name for name in names(folder) if name.startswith(".")]


def test_leftovers_of_a_killed_process_go(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path / "other.h5"), "SIGKILL"]
    # Nobody has waited for it yet: a number that is still taken.
    killed = subprocess.Popen(command)
    os.waitid(os.P_PID, killed.pid, os.WEXITED | os.WNOWAIT)
    assert len(hidden(tmp_path)) == 2
    with replaced_file(tmp_path / "out.h5") as temporary:
        temporary.write_text("new")
    killed.wait()
    assert names(tmp_path) == ["out.h5"]


def test_files_of_a_living_process_stay(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path / "out.h5"), "SIGSTOP"]
    stopped = subprocess.Popen(command)
    try:
        os.waitid(os.P_PID, stopped.pid, os.WSTOPPED | os.WNOWAIT)
        before = hidden(tmp_path)
        with replaced_file(tmp_path / "out.h5") as temporary:
            temporary.write_text("new")
        assert hidden(tmp_path) == before
        assert len(before) == 2
    finally:
        os.kill(stopped.pid, signal.SIGKILL)
        stopped.wait()


def test_a_number_that_another_process_has_now(tmp_path: Path) -> None:
    mine = temporary_files.temporary_beside(tmp_path / "a.h5").name
    started = mine.split("-")[1]
    older = tmp_path / mine.replace(f"-{started}-", f"-{int(started) - 1}-")
    older.write_text("of one that had my number before")
    (tmp_path / mine).write_text("mine")
    files.remove_leftovers(tmp_path / "out.h5")
    assert hidden(tmp_path) == [mine]


def test_a_list_of_processes_with_other_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container may see the /proc of another one: starts of processes say nothing then."""
    monkeypatch.setattr("os.getpid", lambda: 1)
    assert "a.h5.1-0-" in temporary_files.temporary_beside(tmp_path / "a.h5").name


def test_files_of_other_machines_stay_for_a_day(tmp_path: Path) -> None:
    gone = 2**22 + 1  # more than any process number of Linux
    names = [f".a.h5.{gone}-5-0badc0de.tmp", f".out.h5.{gone}.tmp"]
    for name in (*names, ".out.h5.notes.tmp", f".b.h5.{gone}.tmp"):
        (tmp_path / name).write_text("x")
    before = hidden(tmp_path)
    files.remove_leftovers(tmp_path / "out.h5")
    assert hidden(tmp_path) == before
    old = time.time() - 90000
    for name in before:
        os.utime(tmp_path / name, (old, old))
    files.remove_leftovers(tmp_path / "out.h5")
    # Names that are not ours stay, however old.
    assert hidden(tmp_path) == sorted({*before} - {*names})
