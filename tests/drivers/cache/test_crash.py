"""Killed while writing, and several processes on one cache: absent or right, never else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")

# A program of its own that forks: the child has its imports, and dies without a trace.
COMMON = """
import json, logging, os, random, signal, sys, time, warnings
from pathlib import Path
import numpy as np
from radiograph.drivers.cache.code import CodeVersions
from radiograph.drivers.cache.content import fingerprint
from radiograph.drivers.cache.execution import NodeCache
from radiograph.drivers.node_execution import NodeCall
from radiograph.drivers.cache.lazy import resolved
from radiograph.drivers.cache.store import Store

folder, size = Path(sys.argv[1]), int(sys.argv[2])
logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
# Threads that numpy and pyarrow keep for themselves: idle here, and the child asks nothing of them.
warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)


def large(x):
    return np.arange(x, x + size, dtype=np.float64)


def evaluated(x, cache=None):
    own = cache or NodeCache(Store(folder, ()), CodeVersions(()))
    call = NodeCall("large", large, {"x": x}, lambda inputs, _: large(**inputs))
    outcome = own.evaluate(call)
    value = resolved(outcome.value)
    assert value.shape == (size,) and value[0] == x and value[-1] == x + size - 1
    assert np.array_equal(value, large(x))
    if cache is None:
        own.store.close()
    return outcome.hit


def child(work):
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return pid


def ended(pid):
    return os.waitpid(pid, 0)[1]
"""

# Where a process dies while its second value is written, and what is there afterwards: whole
# values, which of the two nodes are hits, temporary files, files of values.
POINTS = {
    "before its file": (1, [True, False], 0, 1),
    "half of its file": (1, [True, False], 1, 1),
    "before the sync": (1, [True, False], 1, 1),
    "before the rename": (1, [True, False], 1, 1),
    "before its row": (1, [True, False], 0, 2),
    "before the commit of its row": (1, [True, False], 0, 2),
    "before its key": (2, [True, False], 0, 2),
    "after its key": (2, [True, True], 0, 2),
}

KILLS = (
    COMMON
    + """
import diskcache
from radiograph.drivers.cache import store as storing


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def wrapped(owner, name, before=None, after=None, when=lambda *arguments: True):
    plain = getattr(owner, name)

    def call(*arguments, **options):
        if before and when(*arguments):
            before()
        value = plain(*arguments, **options)
        if after and when(*arguments):
            after()
        return value

    setattr(owner, name, call)


def half(parts):
    *first, last, padding = parts
    yield from first
    yield memoryview(last).cast("B")[: memoryview(last).nbytes // 2]
    die()


def install(point):
    if point == "before its file":
        wrapped(storing, "write_synced", before=die)
    elif point == "half of its file":
        plain = storing.write_synced
        storing.write_synced = lambda path, parts: plain(path, half(parts))
    elif point == "before the sync":
        wrapped(storing.os, "fsync", before=die)
    elif point == "before the rename":
        wrapped(Path, "replace", before=die)
    elif point == "before its row":
        wrapped(storing, "write_synced", after=die)
    elif point == "before the commit of its row":
        wrapped(diskcache.Cache, "_row_insert", after=die)
    else:
        is_key = lambda store, name, record: name.startswith("key:")
        moment = "before" if point == "before its key" else "after"
        wrapped(Store, "set_record", when=is_key, **{moment: die})


def writes_two(point):
    evaluated(0)
    install(point)
    evaluated(1000)


def left_by(point):
    status = ended(child(lambda: writes_two(point)))
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, status
    # The next process: every value that is there is right, and the nodes give the right ones.
    store = Store(folder, ())
    known = list(store.values())
    assert all(fingerprint(store.value(k)) == k for k in known)
    left = [len([*folder.rglob("*.tmp")]), len([*folder.rglob("*.val")])]
    hits = [evaluated(0), evaluated(1000)]
    assert evaluated(0) and evaluated(1000)
    # What a killed process leaves is dropped once it is old.
    for path in [*folder.rglob("*.tmp"), *folder.rglob("*.val")]:
        os.utime(path, (0, 0))
    store.prune(0)
    assert not [*folder.rglob("*.tmp"), *folder.rglob("*.val")]
    store.close()
    return [len(known), hits, *left]


found = {}
for point in sys.argv[3:]:
    folder = Path(sys.argv[1]) / point.replace(" ", "_")
    found[point] = left_by(point)
print(json.dumps(found))
"""
)

SHARED = (
    COMMON
    + """
def work(number):
    random.seed(number)
    cache = NodeCache(Store(folder, ()), CodeVersions(()))
    for step in range(4):
        time.sleep(random.random() * 0.01)
        evaluated(1000 * current + step, cache)
    cache.close(20.0)


hits = 0
for current in range(8):
    staggered = current % 2
    pids = []
    for number in range(4):
        pids.append(child(lambda: work(number)))
        time.sleep(0.02 * staggered)
    assert [ended(p) for p in pids] == [0] * 4
    cache = NodeCache(Store(folder, ()), CodeVersions(()))
    hits += sum(evaluated(1000 * current + step, cache) for step in range(4))
    cache.store.close()
left = [str(p) for p in folder.rglob("*.tmp")]
store = Store(folder, ())
print(json.dumps({"hits": hits, "values": len(list(store.values())), "left": left,
                  "files": len(list(folder.rglob("*.val")))}))
"""
)


def run(script: str, folder: Path, size: int, *more: str) -> tuple[Any, str]:
    argv = [sys.executable, "-c", script, str(folder), str(size), *more]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout), done.stderr


def test_killed_while_writing(tmp_path: Path) -> None:
    found, warnings = run(KILLS, tmp_path / "cache", 50_000, *POINTS)
    assert found == {point: list(left) for point, left in POINTS.items()}
    assert warnings == ""


def test_four_processes_share_a_cache(tmp_path: Path) -> None:
    found, warnings = run(SHARED, tmp_path / "cache", 50_000)
    assert found == {"hits": 32, "values": 32, "left": [], "files": 32}
    assert warnings == ""
