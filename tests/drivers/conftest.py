"""The command as a user gives it: small simulated files, folders with settings, one runner."""

from __future__ import annotations

import io
import json
import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numba
import pytest

# Before RADIOGRAPH_CACHE is set below: compiled kernels stay where the user's are.
import radiograph.nodes.imaging.kernels
from radiograph.drivers.cache import opening
from radiograph.drivers.cache.code import CodeVersions
from radiograph.drivers.imaging.simulation import write_simulation
from radiograph.drivers.main import guarded
from radiograph.schemas.simulation import SimulationSettings

assert radiograph.nodes.imaging.kernels

SETTINGS = """\
[io]
input_path = "events.out"
output_path = "image.h5"

[detectors]
default_material = "OGS"

[plane]
origin = [0.0, 0.0, 0.0]
normal = [0.0, 0.0, 1.0]
u_axis = [1.0, 0.0, 0.0]
v_axis = [0.0, 1.0, 0.0]
u_min = -30.0
u_max = 30.0
du = 2.0
v_min = -20.0
v_max = 20.0
dv = 2.0

[energy]
strategy = "Edep"

[vis]
export_png_on_write = false

[hdf5]
include_repo_bundle = false

[cache]
enabled = false
"""


COMPILING = "compiling kernels, once per version: "


@dataclass(frozen=True)
class Done:
    """What a command left: exit code, standard output and standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Standard output as exactly one JSON object."""
        value = json.loads(self.out)
        assert isinstance(value, dict)
        return value


@contextmanager
def _own_logger() -> Iterator[None]:
    """The logger of the package as it was, since a run sets its level and handlers."""
    logger = logging.getLogger("radiograph")
    before = logger.handlers[:], logger.level, logger.propagate
    try:
        yield
    finally:
        logger.handlers[:], logger.level, logger.propagate = before


@pytest.fixture(scope="session")
def radiograph() -> Callable[..., Done]:
    """Run a command line in this process, as if every kernel had been compiled before."""

    def run(*argv: object) -> Done:
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err), _own_logger():
            code = guarded([str(a) for a in argv])
        said = err.getvalue().splitlines(keepends=True)
        return Done(code, out.getvalue(), "".join(s for s in said if not s.startswith(COMPILING)))

    return run


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Results that other runs of this user kept are not seen, and none are added to them.

    Kernels that are compiled already are there: other processes need not do it again.
    """
    folder = tmp_path_factory.mktemp("cache")
    kernels = Path(numba.config.CACHE_DIR)
    shutil.copytree(kernels, folder / kernels.name)
    (folder / kernels.name).chmod(0o700)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RADIOGRAPH_CACHE", str(folder))
        yield folder


_LOOKED_AT: dict[tuple[str, ...], CodeVersions] = {}


@pytest.fixture
def code_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Caches of this process share what they know of the code."""

    def shared(packages: tuple[str, ...], allowed: frozenset[str]) -> CodeVersions:
        if packages not in _LOOKED_AT:
            _LOOKED_AT[packages] = CodeVersions(packages, allowed)
        return _LOOKED_AT[packages]

    monkeypatch.setattr(opening, "CodeVersions", shared)


@pytest.fixture(autouse=True)
def _no_code_changes(code_looked_at_once: None) -> None:
    """Overridden where a test changes the code of nodes."""


@pytest.fixture
def quickly_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sheets are next to nothing: for tests that count files and do not look into them.

    Nothing of it may be kept in a cache that outlives the test.
    """
    sheets = "radiograph.nodes.lightdqm.figures"
    monkeypatch.setattr(f"{sheets}.sheets_pdf", lambda *_, **__: b"%PDF-1.4")
    monkeypatch.setattr(f"{sheets}.sheet_png", lambda *_, **__: b"\x89PNG\r\n\x1a\n")


@pytest.fixture(scope="session")
def scheduler() -> Iterator[str]:
    """The address of two workers that serve every run that asks."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs="ERROR"
    ) as cluster:
        yield cluster.scheduler_address


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with events.out (PHITS) and events.root: 200 neutron and 60 gamma events."""
    folder = tmp_path_factory.mktemp("simulated")
    settings = SimulationSettings(n_neutrons=200, n_gammas=60, seed=3)
    write_simulation(settings, folder / "events.out", "phits")
    write_simulation(settings, folder / "events.root", "root")
    return folder


@pytest.fixture(scope="session")
def settings() -> str:
    """A short TOML file for events.out beside it: 30 x 20 pixels, no figures, sources or cache."""
    return SETTINGS


@pytest.fixture
def project(tmp_path: Path, simulated: Path) -> Path:
    """A folder with run.toml and its input events.out; what a run writes goes there as well."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "run.toml").write_text(SETTINGS, encoding="utf-8")
    (folder / "events.out").symlink_to(simulated / "events.out")
    return folder


@pytest.fixture
def written(project: Path) -> Callable[[], set[str]]:
    """Names of what was written into the project since it was made, hidden files included."""
    before = {p.relative_to(project) for p in project.rglob("*")}

    def names() -> set[str]:
        return {str(p) for p in {p.relative_to(project) for p in project.rglob("*")} - before}

    return names
