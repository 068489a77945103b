"""What the cache costs and saves: ``python -m benchmarks.cache [--json]``.

Seconds of one machine; the ratios compare with the same work without a cache in the same run.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from radiograph.drivers.cache.code import CodeVersions
from radiograph.drivers.cache.content import fingerprint
from radiograph.drivers.cache.execution import NodeCache
from radiograph.drivers.cache.lazy import resolved
from radiograph.drivers.cache.store import Encoded, Store
from radiograph.drivers.definition import Definition
from radiograph.drivers.graph import build_driver
from radiograph.drivers.node_records import Manifest

from .figures import Figure, best_seconds

_ROWS = 1_000_000
_NODES = 200
_LARGE = 12_500_000  # doubles in 100 MB


def figures() -> Iterator[Figure]:
    """All figures of the cache."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _frame(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        yield from _overhead(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        yield from _chain(Path(folder))


def _frame(folder: Path) -> Iterator[Figure]:
    """A frame of a million rows, as of hits: eight numbers, an integer, a category."""
    random = np.random.default_rng(1)
    columns: dict[str, Any] = {f"c{k}": random.normal(size=_ROWS) for k in range(8)}
    columns["event_id"] = np.arange(_ROWS) // 3
    columns["material"] = pd.Categorical.from_codes(random.integers(0, 3, _ROWS), list("abc"))
    frame = pd.DataFrame(columns)
    store = Store(folder, ())
    known = fingerprint(frame)

    def keep() -> None:
        store.forget_value(known)
        store.add_value(known, Encoded(frame, known))

    name = "frame of a million rows, 10 columns"
    yield Figure(f"{name}: fingerprint", 1e3 * best_seconds(lambda: fingerprint(frame)), "ms", "20")
    yield Figure(f"{name}: store, synced", best_seconds(keep, 3), "s", "0.5")
    yield Figure(f"{name}: load", best_seconds(lambda: store.value(known)), "s", "0.2")
    store.close()


def _toy(name: str, n: int, cache: NodeCache | None, size: int = 1) -> Any:
    """The last value of a chain of ``n`` trivial nodes on arrays of ``size`` numbers."""
    text = "import numpy as np\ndef a0(x: int) -> np.ndarray:\n    return np.full(SIZE, x, 'f8')\n"
    for k in range(1, n):
        text += f"def a{k}(a{k - 1}: np.ndarray) -> np.ndarray:\n    return a{k - 1} + 1\n"
    text += f"def last(a{n - 1}: np.ndarray) -> float:\n    return float(a{n - 1}[0])\n"
    module = sys.modules[name] = types.ModuleType(name)
    exec(text.replace("SIZE", str(size)), module.__dict__)
    return build_driver(Definition("toy", modules=(name,)), {}, Manifest(), cache)


def _seconds(name: str, n: int, folder: Path | None, size: int = 1) -> float:
    """Seconds from an open cache to the last value of a chain."""
    store = None if folder is None else Store(folder, ())
    cache = None if store is None else NodeCache(store, CodeVersions((name,)))
    dr = _toy(name, n, cache, size)
    started = time.perf_counter()
    resolved(dr.execute(["last"], inputs={"x": 1})["last"])
    seconds = time.perf_counter() - started
    if store is not None:
        store.close()
    return seconds


def _overhead(folder: Path) -> Iterator[Figure]:
    plain = min(_seconds("toy_many", _NODES, None) for _ in range(3))
    miss = _seconds("toy_many", _NODES, folder)
    hit = min(_seconds("toy_many", _NODES, folder) for _ in range(3))
    yield Figure(f"{_NODES} trivial nodes: without a cache", 1e3 * plain / _NODES, "ms a node")
    yield Figure(f"{_NODES} trivial nodes: miss", 1e3 * (miss - plain) / _NODES, "ms a node", "15")
    yield Figure(f"{_NODES} trivial nodes: hit", 1e3 * (hit - plain) / _NODES, "ms a node", "2")


def _chain(folder: Path) -> Iterator[Figure]:
    """Eight nodes of 100 MB, only a small last value asked for, each run in a new process."""
    name = "chain of eight 100 MB nodes"
    plain, plain_MB = _process(None)
    miss, miss_MB = _process(folder)
    hit, hit_MB = min(_process(folder) for _ in range(3))
    yield Figure(f"{name}: without a cache", plain, "s")
    yield Figure(f"{name}: first run", miss, "s")
    yield Figure(f"{name}: all hits, after the imports", hit, "s", "0.1")
    yield Figure(f"{name}: all hits, time against no cache", hit / plain, "")
    yield Figure(f"{name}: memory without a cache", plain_MB, "MB")
    yield Figure(f"{name}: memory of the first run", miss_MB, "MB")
    yield Figure(f"{name}: memory of all hits, above the imports", hit_MB, "MB", "30")


def _process(folder: Path | None) -> tuple[float, float]:
    argv = [sys.executable, "-m", "benchmarks.cache", "--chain", str(folder or "")]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    seconds, above_MB = json.loads(done.stdout)
    return seconds, above_MB


def _most_MB() -> float:
    """The most memory this process had; ru_maxrss would begin with its parent's."""
    (line,) = [t for t in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in t]
    return int(line.split()[1]) / 1024


def _one_chain(folder: str) -> None:
    floor_MB, started = _most_MB(), time.perf_counter()
    _seconds("toy_chain", 8, Path(folder) if folder else None, _LARGE)
    print(json.dumps([time.perf_counter() - started, _most_MB() - floor_MB]))


def main() -> None:
    """Print a line a figure, or one JSON object."""
    if "--chain" in sys.argv:
        _one_chain(sys.argv[sys.argv.index("--chain") + 1])
    elif "--json" in sys.argv:
        print(json.dumps({"figures": [vars(f) for f in figures()]}))
    else:
        for figure in figures():
            mark = f"   (mark {figure.mark})" if figure.mark else ""
            print(f"{figure.name:66} {figure.value:12,.3f} {figure.unit}{mark}", flush=True)


if __name__ == "__main__":
    main()
