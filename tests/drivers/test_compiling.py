"""The first run of a version: kernels are named while they are compiled, each compiled once."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import numba
import pytest
from numba.core import event
from radiograph.drivers import compiling
from radiograph.drivers.definition import CompiledAhead
from radiograph.drivers.imaging.definition import IMAGING
from radiograph.drivers.screen import Screen
from radiograph.schemas.imaging.config import ImagingConfig

# A run as the command line starts it, then how often each function of the kernels was compiled
# and which modules were run in other processes meanwhile.
RUN = """
import json, sys
from numba.core.dispatcher import Dispatcher
from radiograph.drivers.main import guarded
begun = []
sys.addaudithook(lambda name, what: name == "subprocess.Popen" and begun.append(what[1]))
code = guarded(sys.argv[1:])
modules = [m for name, m in sys.modules.items() if ".kernels." in name and "radiograph." in name]
functions = [f for m in modules for f in vars(m).values() if isinstance(f, Dispatcher)]
beside = [arguments[3] for arguments in begun if "-m" in arguments]
print(json.dumps([code, {f.__name__: len(f.signatures) for f in functions}, beside]))
"""
SAID = "compiling kernels, once per version: "
BESIDE = " (in a second process)"
AHEAD = IMAGING.compiled_ahead(
    ImagingConfig.model_validate(
        {
            "plane": {
                "origin": (0, 0, 0), "normal": (0, 0, 1),
                "u_min": 0, "u_max": 1, "du": 1, "v_min": 0, "v_max": 1, "dv": 1,
            },
            "energy": {"strategy": "Edep"},
        }
    )
)  # fmt: skip


class Ran(NamedTuple):
    """What a run of the command did about its kernels."""

    counts: dict[str, int]
    said: list[str]
    said_of_second: list[str]
    second: list[str]


def run(project: Path, compiled: Path) -> Ran:
    """Run with compiled kernels in a folder: what was compiled, said and begun beside it."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, "run", "run.toml", "--overwrite"],
        cwd=project, env=os.environ | {"RADIOGRAPH_CACHE": str(compiled)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    code, counts, second = json.loads(done.stdout.splitlines()[-1])
    assert code == 0
    said = [line.removeprefix(SAID) for line in done.stderr.splitlines() if "compiling" in line]
    of_second = [text.removesuffix(BESIDE) for text in said if text.endswith(BESIDE)]
    return Ran(counts, [text for text in said if not text.endswith(BESIDE)], of_second, second)


def times_of_change(folder: Path) -> dict[Path, int]:
    """When each file was last written."""
    return {p: p.stat().st_mtime_ns for p in folder.rglob("*.nb?")}


def code_of(kernel: str, folder: Path) -> list[Path]:
    """The files of compiled code of a kernel: one for each set of types."""
    return list(folder.rglob(f"*.{kernel}-*.nbc"))


@pytest.mark.slow
def test_a_first_run_names_what_it_compiles_and_compiles_it_once(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert AHEAD is not None
    compiled = tmp_path_factory.mktemp("compiled")
    first = run(project, compiled)
    here = {"event_starts", "upper_bounds", "scan_usrdef"}
    assert here <= set(first.said)
    if len(os.sched_getaffinity(0)) > 1:
        assert first.second == [AHEAD.module]
        assert first.said_of_second == [", ".join(AHEAD.kernels)]
    assert here | set(AHEAD.kernels) <= {name for name, n in first.counts.items() if n == 1}
    assert len(first.said) == len(set(first.said))
    assert set(first.said) <= {name for name, n in first.counts.items() if n == 1}
    # A second one is a second time of all that it calls: a literal among its arguments, mostly.
    several = {name: n for name, n in first.counts.items() if n > 1}
    assert not several

    # Now they stand in the folder: nothing is compiled, nothing is said, and no process begins.
    written = times_of_change(compiled)
    again = run(project, compiled)
    assert again.said == again.said_of_second == again.second == []
    assert here | set(AHEAD.kernels) <= {name for name, n in again.counts.items() if n == 1}
    assert times_of_change(compiled) == written

    # What the second process compiles has the types of a run: made by it alone, it is all found.
    for kernel in AHEAD.kernels:
        assert len(code_of(kernel, compiled)) == 1
        for path in compiled.rglob(f"*.{kernel}-*.nb?"):
            path.unlink()
    (folder,) = compiled.glob("kernels-*")
    subprocess.run(
        [sys.executable, "-m", AHEAD.module, folder],
        env=os.environ | {"RADIOGRAPH_CACHE": str(compiled)}, check=True,
    )  # fmt: skip
    written = times_of_change(compiled)
    again = run(project, compiled)
    assert again.said == again.second == []
    assert times_of_change(compiled) == written


def test_quiet_says_nothing_and_a_command_with_lines_of_its_own_does() -> None:
    Screen(0)
    assert not compiling.log.isEnabledFor(logging.INFO)
    Screen(1).quiet_log()
    assert compiling.log.isEnabledFor(logging.INFO)


class TestSecondProcess:
    """compiled_beside with a module that notes its number and then takes for ever."""

    AHEAD = CompiledAhead("takes_for_ever", ("late",))

    @pytest.fixture(autouse=True)
    def _places(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        module = "import os, sys, time\nopen(f'{sys.argv[1]}/{os.getpid()}', 'w')\ntime.sleep(600)"
        (tmp_path / "takes_for_ever.py").write_text(module)
        (tmp_path / "compiled").mkdir()
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "compiled"))
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})

    @pytest.fixture
    def begun(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[subprocess.Popen[bytes]]]:
        """The processes that began."""
        processes: list[subprocess.Popen[bytes]] = []
        begin = subprocess.Popen

        def noted(*args: object, **options: object) -> subprocess.Popen[bytes]:
            processes.append(begin(*args, **options))  # type: ignore[call-overload]
            return processes[-1]

        monkeypatch.setattr(subprocess, "Popen", noted)
        yield processes
        for process in processes:
            assert process.returncode is not None

    def test_one_ends_with_the_block(
        self, tmp_path: Path, begun: list[subprocess.Popen[bytes]]
    ) -> None:
        with pytest.raises(KeyboardInterrupt), compiling.compiled_beside(self.AHEAD):
            compile_kernel("first")
            compile_kernel("next")
            (process,) = begun
            # Told where compiled code is kept.
            while not (tmp_path / "compiled" / str(process.pid)).exists():
                assert process.poll() is None
                time.sleep(0.01)
            raise KeyboardInterrupt
        with pytest.raises(ProcessLookupError):
            os.kill(process.pid, 0)

    @pytest.mark.parametrize("case", ["needed now", "on disk", "one core", "foreign", "none"])
    def test_none_begins(
        self, case: str, begun: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if case == "on disk":
            python = "py{}{}".format(*sys.version_info[:2])
            (tmp_path / "compiled" / f"module.late-17.{python}.nbi").touch()
        if case == "one core":
            monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
        with compiling.compiled_beside(None if case == "none" else self.AHEAD):
            if case == "foreign":
                compile_kernel("first", "somewhere_else")
            else:
                compile_kernel("late" if case == "needed now" else "first")
        assert begun == []

    def test_what_cannot_begin_is_no_fault(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "executable", "/no/such/python")
        with compiling.compiled_beside(self.AHEAD):
            compile_kernel("first")


def compile_kernel(name: str, package: str = "radiograph") -> None:
    """Say what numba says when it compiles a kernel."""
    kernel = SimpleNamespace(__name__=name, __module__=f"{package}.kernels")
    with event.trigger_event("numba:compile", {"dispatcher": SimpleNamespace(py_func=kernel)}):
        pass
