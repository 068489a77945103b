"""Files and runs that several tests read: made once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cosmic_events import SETTINGS, written
from cosmic_runs import make_runs
from radiograph.drivers.main import guarded

Ran = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def runs(
    radiograph: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """HDF5 files of three small runs by name; nothing may be changed."""
    return make_runs(radiograph, tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five files of 20 events, one a subrun, and a cache of what is read of them."""
    folder = tmp_path_factory.mktemp("small")
    for subrun in range(5):
        written(folder / f"nts.{subrun}.root", 20, subrun)
    return folder


@pytest.fixture
def folder(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three files and settings, in the working folder."""
    for subrun in range(3):
        shutil.copy(small / f"nts.{subrun}.root", tmp_path)
    (tmp_path / "c.toml").write_text(SETTINGS.format(cache=small / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(folder: Path, capsys: pytest.CaptureFixture[str]) -> Ran:
    """A command in that folder: the object that it prints, with its exit code."""
    assert folder.is_dir()

    def ran(*argv: str) -> dict[str, Any]:
        code = guarded([*argv, "--json"])
        return {**json.loads(capsys.readouterr().out), "code": code}

    return ran
