"""Cost and memory against the number of events and of pixels; a large ROOT file."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from .figures import Figure
from .kernels import N_CONES, random_cones, seconds
from .runs import measured, settings_file, simulated, simulated_root

EVENTS = (10_000, 100_000, 1_000_000, 10_000_000)
PIXELS = (200, 400, 800, 1600)
ROOT_EVENTS = 5_000_000
# Text and output of an event, with room to spare.
BYTES_AN_EVENT = 1200


def figures() -> Iterator[Figure]:
    """Exponents and peak memory; sizes that the disk has no room for are left out."""
    yield from _events()
    yield from _pixels()
    yield from _root()


def _events() -> Iterator[Figure]:
    points = []
    for n in EVENTS:
        with tempfile.TemporaryDirectory() as name:
            if shutil.disk_usage(name).free < 2 * n * BYTES_AN_EVENT:
                continue
            run = measured(settings_file(Path(name), simulated(Path(name), n)), 2 if n < 2e6 else 1)
        points.append((n, run.wall_s, run.cpu_s))
        mark = "<= 2000" if n == EVENTS[-1] else ""
        yield Figure(f"whole chain, {n:.0e} events: time", run.wall_s, "s")
        yield Figure(f"whole chain, {n:.0e} events: peak memory", run.peak_MB, "MB", mark)
    above = [p for p in points if p[0] >= 100_000]
    name = f"exponent of time against events, 1e5 to {above[-1][0]:.0e}"
    yield Figure(name, _exponent(above, 1), "", "<= 1.05")
    yield Figure(f"{name}, CPU time", _exponent(above, 2), "")


def _pixels() -> Iterator[Figure]:
    cones, _ = random_cones(N_CONES // 10)
    points = [(n * n, seconds(cones, n, 1)) for n in PIXELS]
    name = f"exponent of back projection against pixels, {PIXELS[0]}^2 to {PIXELS[-1]}^2"
    yield Figure(name, _exponent(points, 1), "")


def _root() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if shutil.disk_usage(folder).free < 2 * ROOT_EVENTS * BYTES_AN_EVENT:
            return
        events = simulated_root(folder, ROOT_EVENTS)
        run = measured(settings_file(folder, events, more='input_format = "root_novo_ddaq"\n'), 1)
    yield Figure("ROOT, 5e6 events: rate", ROOT_EVENTS / run.wall_s, "events/s")
    yield Figure("ROOT, 5e6 events: peak memory", run.peak_MB, "MB", "<= 1500")


def _exponent(points: list[tuple[float, ...]], column: int) -> float:
    logs = np.log([[p[0], p[column]] for p in points])
    return float(np.polyfit(logs[:, 0], logs[:, 1], 1)[0])
