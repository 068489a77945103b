"""Killed while writing, and several processes on one cache: absent or right, never else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")

# A program of its own that forks: the children share its imports, so that 25 kills take seconds.
COMMON = """
import json, logging, os, random, signal, sys, time
from pathlib import Path
import numpy as np
from radiograph.drivers.cache.code import CodeVersions
from radiograph.drivers.cache.content import fingerprint
from radiograph.drivers.cache.execution import NodeCache, NodeCall
from radiograph.drivers.cache.lazy import resolved
from radiograph.drivers.cache.store import Store

folder, size = Path(sys.argv[1]), int(sys.argv[2])
logging.basicConfig(level=logging.WARNING, stream=sys.stderr)


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

KILLS = (
    COMMON
    + """
def writes_for_ever():
    step = 0
    while True:
        evaluated(1000 * k + step)
        step += 1


random.seed(5)
found = {"killed": 0, "whole": 0, "left": 0}
for k in range(25):
    pid = child(writes_for_ever)
    time.sleep(0.03 + 0.3 * random.random())
    os.kill(pid, signal.SIGKILL)
    found["killed"] += os.WIFSIGNALED(ended(pid))
    # The next process: every value that is there is right, and the node gives the right one.
    store = Store(folder, ())
    for known in list(store.values()):
        assert fingerprint(store.value(known)) == known
        found["whole"] += 1
    found["left"] += any(folder.rglob("*.tmp"))
    step = 0
    while evaluated(1000 * k + step):
        step += 1
    assert evaluated(1000 * k + step)
    # What a killed process leaves is dropped once it is old.
    for path in [*folder.rglob("*.tmp"), *folder.rglob("*.val")]:
        os.utime(path, (0, 0))
    store.prune(0)
    assert not [*folder.rglob("*.tmp"), *folder.rglob("*.val")]
    store.close()
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


def run(script: str, folder: Path, size: int) -> tuple[dict[str, Any], str]:
    argv = [sys.executable, "-c", script, str(folder), str(size)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found, done.stderr


def test_killed_while_writing(tmp_path: Path) -> None:
    found, warnings = run(KILLS, tmp_path / "cache", 3_000_000)
    assert found["killed"] == 25
    # Some of the 24 MB files were whole, and of some a part was left.
    assert found["whole"] >= 1
    assert found["left"] >= 1
    assert warnings == ""


def test_four_processes_share_a_cache(tmp_path: Path) -> None:
    found, warnings = run(SHARED, tmp_path / "cache", 50_000)
    assert found == {"hits": 32, "values": 32, "left": [], "files": 32}
    assert warnings == ""
