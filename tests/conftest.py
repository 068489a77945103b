"""What every test stands on: no test touches the cache of the user.

Compiled kernels are shared (they are named by their sources); results are not.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import PROGRAMS, Chromium, program
from hypothesis import HealthCheck, settings

# A busy machine is no fault of the code: nothing here is judged by time.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

_LOGGER = logging.getLogger("radiograph")
_UNTOUCHED = (_LOGGER.handlers[:], _LOGGER.level, _LOGGER.propagate)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """The tests of a file go to one worker: what they share is then made once."""
    if config.getvalue("dist") != "load":
        return None
    from xdist.scheduler import LoadFileScheduling

    return LoadFileScheduling(config, log)


def pytest_addoption(parser: pytest.Parser) -> None:
    """What a test of records may be told."""
    parser.addoption("--golden", action="store_true", help="write the golden records anew")


@pytest.fixture(autouse=True, scope="module")
def _earlier_objects_apart() -> None:
    """What is left of imports and of earlier modules stays: no collection looks through it again.

    Runs collect once a part, and every module of tests imports more.
    """
    gc.set_threshold(5_000, 20, 100)
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _own_logging() -> None:
    """The command sets up the logger, also in fixtures of a module: each test undoes it."""
    _LOGGER.handlers[:], _LOGGER.propagate = _UNTOUCHED[0], _UNTOUCHED[2]
    _LOGGER.setLevel(_UNTOUCHED[1])


@pytest.fixture(autouse=True)
def _own_result_cache(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder: list[Path] = []

    def default_folder() -> Path:
        if not folder:
            folder.append(tmp_path_factory.mktemp("default-cache"))
        return folder[0]

    monkeypatch.setattr("radiograph.drivers.cache.opening.default_folder", default_folder)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """A headless browser; the test is skipped where none is installed."""
    path = program()
    if path is None:
        pytest.skip(f"no browser: none of {', '.join(PROGRAMS)} is on the path")
    try:
        browser = Chromium(path, tmp_path_factory.mktemp("chromium"))
    except (OSError, AssertionError) as reason:
        pytest.skip(f"{path} does not start: {reason}")
    yield browser
    browser.close()
