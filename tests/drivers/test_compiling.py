"""The first run of a version: kernels are named while they are compiled, each compiled once."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from radiograph.drivers import compiling
from radiograph.drivers.screen import Screen

pytestmark = pytest.mark.slow

# A run as the command line starts it, then how often each function of the kernels was compiled.
RUN = """
import json, sys
from numba.core.dispatcher import Dispatcher
from radiograph.drivers.main import guarded
code = guarded(sys.argv[1:])
modules = [m for name, m in sys.modules.items() if ".kernels." in name and "radiograph." in name]
functions = [f for m in modules for f in vars(m).values() if isinstance(f, Dispatcher)]
print(json.dumps([code, {f.__name__: len(f.signatures) for f in functions}]))
"""
SAID = "compiling kernels, once per version: "


def run(project: Path, compiled: Path, *argv: str) -> tuple[dict[str, int], list[str]]:
    """(how often each function of the kernels was compiled, the kernels said to be compiled)."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, *argv],
        cwd=project, env=os.environ | {"RADIOGRAPH_CACHE": str(compiled)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    code, counts = json.loads(done.stdout.splitlines()[-1])
    assert code == 0
    return counts, [
        line.removeprefix(SAID) for line in done.stderr.splitlines() if "compiling" in line
    ]


def times_of_change(folder: Path) -> dict[Path, int]:
    """When each file was last written."""
    return {p: p.stat().st_mtime_ns for p in folder.rglob("*.nb?")}


def test_a_first_run_names_what_it_compiles_and_compiles_it_once(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    compiled = tmp_path_factory.mktemp("compiled")
    argv = ("run", "run.toml", "--overwrite")
    counts, said = run(project, compiled, *argv)
    kernels = {"event_starts", "upper_bounds", "scan_usrdef", "scan_cones", "first_by_key"}
    assert kernels <= set(said)
    assert len(said) == len(set(said))
    assert set(said) <= {name for name, n in counts.items() if n == 1}
    # A second one is a second time of all that it calls: a literal among its arguments, mostly.
    assert max(counts.values()) == 1, {name: n for name, n in counts.items() if n > 1}

    # Now they stand in the folder: nothing is compiled, and nothing is said.
    written = times_of_change(compiled)
    counts, said = run(project, compiled, *argv)
    assert said == []
    assert kernels <= {name for name, n in counts.items() if n == 1}
    assert times_of_change(compiled) == written


def test_quiet_says_nothing_and_a_command_with_lines_of_its_own_does() -> None:
    Screen(0)
    assert not compiling.log.isEnabledFor(logging.INFO)
    Screen(1).quiet_log()
    assert compiling.log.isEnabledFor(logging.INFO)
