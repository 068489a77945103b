"""Files that arrive in a folder: which are complete, and what a watch makes of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import pytest
from radiograph.drivers.watching import ArrivingFiles, watched

from .test_restart import assert_equal_files

pytestmark = pytest.mark.slow

Run = Callable[..., Any]
NOW = ("--once", "--interval", "0.05", "--settled", "0")


def aged(path: Path, seconds: float, now: float) -> None:
    os.utime(path, (now - seconds, now - seconds))


def test_a_file_is_complete_when_it_has_rested(tmp_path: Path) -> None:
    now = time.time()
    arriving = ArrivingFiles(tmp_path, "*.out", settled_s=5.0)
    path = tmp_path / "run_1.out"
    path.write_text("a")
    aged(path, 2.0, now)
    assert arriving.look(now) == []
    # Unchanged, but not for long enough.
    assert arriving.look(now + 1.0) == []
    assert arriving.look(now + 4.0) == [path]
    assert arriving.look(now + 5.0) == []
    assert arriving.complete == [path]
    # It grows: it is new again when it rests.
    path.write_text("ab")
    aged(path, 0.0, now + 6.0)
    assert arriving.look(now + 6.0) == []
    assert arriving.look(now + 8.0) == []
    assert arriving.look(now + 12.0) == [path]
    path.unlink()
    assert arriving.look(now + 13.0) == []
    assert arriving.complete == []


def test_a_file_that_was_never_seen_twice_is_not_taken(tmp_path: Path) -> None:
    now = time.time()
    arriving = ArrivingFiles(tmp_path, "*.out", settled_s=0.0)
    (tmp_path / "run_1.out").write_text("a")
    aged(tmp_path / "run_1.out", 100.0, now)
    assert arriving.look(now) == []
    assert [p.name for p in arriving.look(now)] == ["run_1.out"]


def test_temporary_and_other_names_are_passed_by(tmp_path: Path) -> None:
    now = time.time()
    names = ["run_10.out", "run_2.out", ".run_3.out", "run_4.out.tmp", "run_5.out.part",
             "run_6.out~", "notes.txt", "empty.out"]  # fmt: skip
    for name in names:
        (tmp_path / name).write_text("" if name == "empty.out" else "x")
        aged(tmp_path / name, 100.0, now)
    (tmp_path / "folder.out").mkdir()
    arriving = ArrivingFiles(tmp_path, "*.out", settled_s=1.0)
    arriving.look(now)
    assert [p.name for p in arriving.look(now)] == ["run_2.out", "run_10.out"]


def test_one_line_a_file_in_the_order_of_arrival(tmp_path: Path) -> None:
    now = time.time()

    class Names:
        pattern = "*.out"

        def update(self, new: Sequence[Path], complete: Sequence[Path]) -> Iterator[str]:
            yield from (f"{p.name} of {len(complete)}" for p in new)

    arrivals = iter([["b.out"], ["a.out", "c.out"], []])

    def wait(_: float) -> None:
        for name in next(arrivals):
            (tmp_path / name).write_text("x")
            aged(tmp_path / name, 100.0, now)

    arriving = ArrivingFiles(tmp_path, "*.out", settled_s=1.0)
    lines = watched(arriving, Names(), interval_s=1.0, once=False, wait=wait, clock=lambda: now)
    assert next(lines) == "b.out of 1"
    assert next(lines) == "a.out of 3"
    assert next(lines) == "c.out of 3"
    with pytest.raises(RuntimeError):  # the arrivals are over
        next(lines)


@pytest.fixture
def arrived(project: Path, simulated: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project, with the events in two files of a folder in/ and settings with a cache."""
    monkeypatch.chdir(project)
    lines = (simulated / "events.out").read_text().splitlines(keepends=True)
    begins = [k for k, line in enumerate(lines) if line.lstrip()[:2] in ("ne", "ge")]
    (project / "in").mkdir()
    for name, (a, b) in {"2": (0, begins[120]), "10": (begins[120], len(lines))}.items():
        (project / "in" / f"run_{name}.out").write_text("".join(lines[a:b]))
    text = (project / "run.toml").read_text().replace("enabled = false", 'dir = "cache"')
    (project / "run.toml").write_text(text)
    return project


def test_watch_images_every_file_and_can_be_started_again(arrived: Path, radiograph: Run) -> None:
    (arrived / "in" / "run_3.out").write_text("ne 1 1 1 1 1 ; nonsense\n" * 9)
    done = radiograph("watch", "in", "run.toml", *NOW)
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["run_2.out", "run_3.out", "run_10.out"]
    assert "120 raw events" in lines[0]
    assert "left out: in/run_3.out: none of its 9 records can be read" in lines[1]
    assert "2 files" in lines[2]
    assert (arrived / "image.html").read_text().lstrip().startswith("<!")
    argv = ("run", "run.toml", "in/run_2.out", "in/run_10.out", "-o", "direct.h5")
    assert radiograph(*argv).code == 0
    with h5py.File("image.h5") as mine, h5py.File("direct.h5") as theirs:
        for name in ("n", "g", "all"):
            assert (mine[f"images/summed/{name}"][()] == theirs[f"images/summed/{name}"][()]).all()
    # The same data under another name do not count twice.
    (arrived / "in" / "run_4.out").write_bytes((arrived / "in" / "run_2.out").read_bytes())
    done = radiograph("watch", "in", "run.toml", *NOW)
    assert "run_4.out: left out: in/run_4.out: has the content of run_2.out" in done.out
    (arrived / "in" / "run_4.out").unlink()
    # Again, with one file more: nothing but that file is computed from its hits on.
    (arrived / "in" / "run_11.out").write_bytes((arrived / "in" / "run_2.out").read_bytes()[:-1])
    done = radiograph("watch", "in", "run.toml", *NOW)
    assert done.code == 0, done.err
    assert [line.split(":")[0] for line in done.out.splitlines()][-1] == "run_11.out"
    assert "3 files" in done.out
    with h5py.File("image.h5") as file:
        assert len(file["provenance/inputs/path"]) == 3


def test_watch_does_not_replace_what_is_not_its_own(arrived: Path, radiograph: Run) -> None:
    assert radiograph("run", "run.toml", "in/run_2.out").code == 0
    content = (arrived / "image.h5").read_bytes()
    done = radiograph("watch", "in", "run.toml", *NOW)
    assert done.code == 2
    assert "exists already" in done.err
    assert (arrived / "image.h5").read_bytes() == content
    assert radiograph("watch", "in", "run.toml", *NOW, "--overwrite").code == 0
    # Now it is: no consent is needed to go on.
    assert radiograph("watch", "in", "run.toml", *NOW).code == 0


def test_watch_of_no_folder_and_without_plane(arrived: Path, radiograph: Run) -> None:
    done = radiograph("watch", "nowhere", "run.toml", *NOW)
    assert (done.code, "nowhere: is no folder" in done.err) == (2, True)
    restart = ("--set", "io.input_format='hdf5_ngimager'")
    done = radiograph("watch", "in", "run.toml", *NOW, *restart)
    assert (done.code, "no format that files arrive in" in done.err) == (2, True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_watch_and_leaves_whole_files(arrived: Path, number: int) -> None:
    code = "import sys; from radiograph.drivers.main import cli; cli()"
    argv = [sys.executable, "-u", "-c", code, "watch", "in", "run.toml", "--interval", "0.1",
            "--settled", "0"]  # fmt: skip
    # A shell lets jobs in the background ignore SIGINT: not this one.
    process = subprocess.Popen(
        argv,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(2)]
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert [line.split(":")[0] for line in lines] == ["run_2.out", "run_10.out"]
    with h5py.File("image.h5") as file:
        assert len(file["provenance/inputs/path"]) == 2
    assert not list(arrived.rglob("*.tmp*"))


def test_the_watched_image_is_that_of_a_run(arrived: Path, radiograph: Run) -> None:
    """Every dataset that both files have is the same."""
    assert radiograph("watch", "in", "run.toml", *NOW).code == 0
    targets = ("summed_images", "projections", "projection_metrics", "counters")
    argv = ("run", "run.toml", "in/run_2.out", "in/run_10.out", "-o", "direct.h5")
    assert radiograph(*argv, *(a for t in targets for a in ("--target", t))).code == 0
    with h5py.File("image.h5", "r+") as file:
        del file["meta/run_meta"]
    assert_equal_files(arrived / "direct.h5", arrived / "image.h5")
