"""What a benchmark returns: a number with its unit and, where there is one, its mark."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One measured number. ``mark`` is what it should be, as a text; empty = none."""

    name: str
    value: float
    unit: str = ""
    mark: str = ""


def best_seconds(call: Callable[[], Any], repeats: int = 5) -> float:
    """The shortest of several calls after one that is not counted."""
    call()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return min(times)


def best_seconds_of(
    *calls: Callable[[], Any], repeats: int = 7, clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    """The shortest time of each call, called in turn: what disturbs one disturbs the others."""
    for call in calls:
        call()
    best = [float("inf")] * len(calls)
    for _ in range(repeats):
        for k, call in enumerate(calls):
            started = clock()
            call()
            best[k] = min(best[k], clock() - started)
    return best


def process_seconds(command: list[str], repeats: int = 3, folder: Path | None = None) -> float:
    """The shortest wall time of a whole process, after one that is not counted."""

    def call() -> None:
        subprocess.run(command, check=True, capture_output=True, cwd=folder)

    return best_seconds(call, repeats)


def radiograph_command() -> list[str]:
    """The command of this environment."""
    return [str(Path(sys.executable).with_name("radiograph"))]


def ngimager_python() -> str | None:
    """The Python of an environment with ngimager, from NGIMAGER_PYTHON; None = no comparison."""
    return os.environ.get("NGIMAGER_PYTHON") or None
