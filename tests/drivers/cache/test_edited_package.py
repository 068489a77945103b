"""The command of an edited copy of the package, on the cache of the unedited one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import radiograph.nodes
from radiograph.drivers.imaging.simulation import write_simulation
from radiograph.schemas.simulation import SimulationSettings

pytestmark = pytest.mark.slow

ROOT = Path(radiograph.nodes.__path__[0]).parent
# The copy stands in a folder of the path, before the package that is installed.
COMMAND = "import sys; from radiograph.drivers.main import guarded; sys.exit(guarded(sys.argv[1:]))"


@pytest.fixture
def command(tmp_path: Path, settings: str) -> Callable[..., str]:
    """Runs the command of a copy of the package in tmp_path; kernels are not compiled."""
    for name in ("configs", "drivers", "nodes", "schemas"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tmp_path / "radiograph" / name, ignore=ignored)
    few = SimulationSettings(n_neutrons=20, n_gammas=10, seed=3)
    write_simulation(few, tmp_path / "events.out", "phits")
    cached = settings.replace("enabled = false", 'dir = "cache"')
    (tmp_path / "run.toml").write_text(cached + '\n[pipeline]\nuntil = "cones"\n')

    def run(*argv: str) -> str:
        env = {**os.environ, "PYTHONPATH": str(tmp_path), "NUMBA_DISABLE_JIT": "1"}
        done = subprocess.run(
            [sys.executable, "-c", COMMAND, *argv],
            cwd=tmp_path, env=env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_exchanged_keyword_arguments_make_the_cones_run_again(
    tmp_path: Path, command: Callable[..., str]
) -> None:
    """Incident energy for recoil energy: everything after them would be wrong, nothing before."""
    command("run", "run.toml", "-q")
    cones = tmp_path / "radiograph" / "nodes" / "imaging" / "cones.py"
    call = "        incident_MeV=incident.ravel(),\n        recoil_MeV=recoil.ravel(),\n"
    text = cones.read_text()
    assert text.count(call) == 2, "neutrons and gammas"
    exchanged = "        recoil_MeV=incident.ravel(),\n        incident_MeV=recoil.ravel(),\n"
    cones.write_text(text.replace(call, exchanged, 1))
    said = command("cache", "why", "selected_cones", "run.toml")
    name = "neutron_candidate_cones"
    assert said.splitlines() == [
        "selected_cones: would run",
        f"  {name} runs: code radiograph.nodes.imaging.cones:{name} changed",
    ]
