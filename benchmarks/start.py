"""What it costs to begin: CPU time of ``radiograph --help``."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

from .figures import Figure, best_seconds_of, radiograph_command


def figures() -> Iterator[Figure]:
    """The list of commands against the imports that it cannot do without."""
    help_s, imports_s = best_seconds_of(
        lambda: _run([*radiograph_command(), "--help"]),
        lambda: _run([sys.executable, "-c", "import typer, rich"]),
        repeats=11,
        clock=_children_s,
    )
    yield Figure("radiograph --help, CPU time", help_s, "s")
    yield Figure("the same over import typer, rich", help_s / imports_s, "times", "at most 1.3")


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True)


def _children_s() -> float:
    """CPU seconds of the processes that have ended."""
    used = os.times()
    return used.children_user + used.children_system
