"""Runs that several tests read: made once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cosmic_runs import make_runs


@pytest.fixture(scope="session")
def runs(
    radiograph: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """HDF5 files of three small runs by name; nothing may be changed."""
    return make_runs(radiograph, tmp_path_factory.mktemp("runs"))
