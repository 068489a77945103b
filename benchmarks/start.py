"""What it costs to begin: CPU time of ``radiograph --help``, and of compiling the kernels."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from .figures import Figure, best_seconds_of, radiograph_command

_FIRST_RUNS = 3


def figures() -> Iterator[Figure]:
    """The list of commands against its imports; a first run against the same run again."""
    help_s, imports_s = best_seconds_of(
        lambda: _run([*radiograph_command(), "--help"]),
        lambda: _run([sys.executable, "-c", "import typer, rich"]),
        repeats=11,
        clock=_children_s,
    )
    yield Figure("radiograph --help, CPU time", help_s, "s")
    yield Figure("the same over import typer, rich", help_s / imports_s, "times", "at most 1.3")
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        _run([*radiograph_command(), "init", str(folder / "demo"), "--events", "2000"])
        pairs = [_cold_and_warm(folder, k) for k in range(_FIRST_RUNS)]
    for name, which, mark in (("CPU time", 0, ""), ("wall time", 1, "at most 10")):
        cold = median(cold[which] for cold, _ in pairs)
        warm = median(warm[which] for _, warm in pairs)
        more = median(cold[which] - warm[which] for cold, warm in pairs)
        yield Figure(f"first run of a version less the second, {name}", more, "s", mark)
        yield Figure(f"first run over the second, {name}", cold / warm, "times")


def _cold_and_warm(folder: Path, k: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """(CPU, wall) seconds of a PHITS run without compiled kernels, and of the same one with."""
    compiled = str(folder / f"compiled{k}")
    return _measured(folder, compiled), _measured(folder, compiled)


def _measured(folder: Path, compiled: str) -> tuple[float, float]:
    config = folder / "demo/phits_edep.toml"
    used_s, started_s = _children_s(), time.perf_counter()
    _run(
        [*radiograph_command(), "run", str(config), "--no-cache", "--overwrite"],
        RADIOGRAPH_CACHE=compiled,
    )
    return _children_s() - used_s, time.perf_counter() - started_s


def _run(command: list[str], **variables: str) -> None:
    subprocess.run(command, check=True, capture_output=True, env=os.environ | variables)


def _children_s() -> float:
    """CPU seconds of the processes that have ended."""
    used = os.times()
    return used.children_user + used.children_system
