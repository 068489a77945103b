"""Nodes through the cache: hits are read when needed, damage is computed again, errors stay out."""

from __future__ import annotations

import json
import logging
import sqlite3
import subprocess
import sys
import types
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from radiograph.drivers.cache.code import CodeVersions
from radiograph.drivers.cache.content import UnknownTypeError
from radiograph.drivers.cache.execution import NodeCache
from radiograph.drivers.cache.lazy import Lazy, resolved
from radiograph.drivers.cache.store import Store
from radiograph.drivers.definition import Definition
from radiograph.drivers.graph import build_driver
from radiograph.drivers.node_records import Manifest
from radiograph.schemas.errors import OutputCheckError

NODES = """
import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag
from numpy.typing import NDArray

CALLS = []


def first(x: int, n: int) -> NDArray[np.float64]:
    CALLS.append("first")
    return np.full(n, float(x))


def second(first: np.ndarray) -> np.ndarray:
    CALLS.append("second")
    return first + 1


@tag(stored="false")
def view(second: np.ndarray, factor: float) -> np.ndarray:
    CALLS.append("view")
    return second * factor


def last(view: np.ndarray) -> float:
    CALLS.append("last")
    return float(view.sum())


def parity(x: int) -> int:
    CALLS.append("parity")
    return x % 2


def after_parity(parity: int) -> int:
    CALLS.append("after_parity")
    return parity + 1


def with_threads(x: int, threads: int) -> int:
    CALLS.append("with_threads")
    return x + 1


def failing(x: int) -> int:
    CALLS.append("failing")
    if x < 0:
        raise ValueError("negative")
    return x


def wrong(x: int) -> NDArray[np.float32]:
    CALLS.append("wrong")
    return np.zeros(3)


def after_wrong(wrong: np.ndarray) -> int:
    return 1


def uncacheable(x: int) -> object:
    return {"inner": [object()]}


def table(n: int) -> pd.DataFrame:
    CALLS.append("table")
    return pd.DataFrame({"a": np.arange(n), "b": pd.Categorical(["x"] * n)})
"""


class Project:
    """Nodes from a text, evaluated against one cache; every ``run`` is a new driver and cache."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store: Store | None = None
        self.edit(NODES)

    def edit(self, text: str) -> None:
        module = types.ModuleType("toy_lazy")
        sys.modules["toy_lazy"] = module
        exec(compile(text, "toy_lazy.py", "exec"), module.__dict__)
        self.module = module

    def raw(self, *targets: str, inputs: dict[str, Any] | None = None, **options: Any) -> Any:
        self.close()
        self.store = Store(self.folder, ("toy_lazy",))
        self.cache = cache = NodeCache(self.store, CodeVersions(("toy_lazy",)), **options)
        # What the nodes note in it is looked at once, here, where it is empty.
        self.module.CALLS[:] = []
        self.manifest = Manifest()
        dr = build_driver(Definition("toy", modules=("toy_lazy",)), {}, self.manifest, cache)
        given = {"x": 3, "n": 4, "factor": 2.0, "threads": 1} | (inputs or {})
        return dr.execute(list(targets), inputs=given)

    def run(self, *targets: str, **options: Any) -> dict[str, Any]:
        return {n: resolved(v) for n, v in self.raw(*targets, **options).items()}

    @property
    def calls(self) -> list[str]:
        return list(self.module.CALLS)

    @property
    def statuses(self) -> dict[str, str]:
        return {n: r.status for n, r in self.manifest.nodes.items()}

    def close(self) -> None:
        if self.store is not None:
            self.store.close()
            self.store = None


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path / "cache")
    yield made
    made.close()
    sys.modules.pop("toy_lazy", None)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each value row was read."""
    count: Counter[str] = Counter()
    read: Callable[[Store, str], Any] = Store.value

    def noted(self: Store, known: str) -> Any:
        count[known] += 1
        return read(self, known)

    monkeypatch.setattr(Store, "value", noted)
    return count


def test_hits_are_read_only_when_needed(project: Project, reads: Counter[str]) -> None:
    assert project.run("last") == {"last": 32.0}
    assert project.calls == ["first", "second", "view", "last"]
    assert sum(reads.values()) == 0
    assert project.run("last") == {"last": 32.0}
    assert project.calls == []
    assert set(project.statuses.values()) == {"hit"}
    assert sum(reads.values()) == 1
    found = project.raw("first", "last")
    assert sum(reads.values()) == 1
    assert all(isinstance(v, Lazy) for v in found.values())
    assert resolved(found["first"]).tolist() == [3.0] * 4
    assert resolved(found["first"]).tolist() == [3.0] * 4
    assert sum(reads.values()) == 2


def test_only_what_a_running_node_needs_is_read(project: Project, reads: Counter[str]) -> None:
    project.run("last")
    assert project.run("last", inputs={"factor": 3.0}) == {"last": 48.0}
    assert project.calls == ["view", "last"]
    assert sum(reads.values()) == 1  # second; first and the old last stay on disk


def test_a_part_that_is_done_holds_nothing_that_can_be_read_again(
    project: Project, reads: Counter[str]
) -> None:
    for is_known in (False, True):
        # A hit that waits to be read holds its inputs, in case that its entry is damaged.
        waiting = project.raw("second", "last")
        assert resolved(waiting["second"]).tolist() == [4.0] * 4
        assert waiting["second"].is_here
        project.cache.end_part()
        assert not waiting["second"].is_here
        assert resolved(waiting["second"]).tolist() == [4.0] * 4
        assert resolved(waiting["last"]) == 32.0
        assert sum(reads.values()) == (5 if is_known else 2)


CHAIN = """
import json, sys, types
from pathlib import Path
import numpy as np, pandas, diskcache, pydantic, xxhash, hamilton.driver
from radiograph.drivers.cache import code, execution, location, store
from radiograph.drivers import graph, node_execution
from radiograph.drivers.definition import Definition
from radiograph.drivers.cache.lazy import resolved

def most_MB():
    # The most memory of this program alone; ru_maxrss begins with that of its parent.
    (line,) = [t for t in open("/proc/self/status") if t.startswith("VmHWM")]
    return int(line.split()[1]) / 1024

text = "import numpy as np\\ndef a0(x: int) -> np.ndarray:\\n    return np.full(SIZE, float(x))\\n"
for k in range(1, 8):
    text += f"def a{k}(a{k-1}: np.ndarray) -> np.ndarray:\\n    return a{k-1} + 1\\n"
text += "def last(a7: np.ndarray) -> float:\\n    return float(a7[0])\\n"
module = sys.modules["toy_chain"] = types.ModuleType("toy_chain")
exec(text.replace("SIZE", sys.argv[2]), module.__dict__)
floor_MB = most_MB()
reads = []
read = store.Store.value
store.Store.value = lambda self, name: reads.append(name) or read(self, name)
opened = store.Store(Path(sys.argv[1]), ("toy_chain",))
cache = execution.NodeCache(opened, code.CodeVersions(("toy_chain",)))
manifest = node_execution.Manifest()
dr = graph.build_driver(Definition("toy", modules=("toy_chain",)), {}, manifest, cache)
value = resolved(dr.execute(["last"], inputs={"x": 1})["last"])
above_MB = most_MB() - floor_MB
statuses = [r.status for r in manifest.nodes.values()]
print(json.dumps([value, sorted(set(statuses)), len(statuses), len(reads), above_MB]))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc/self/status")
def test_a_chain_of_hits_costs_no_memory(tmp_path: Path) -> None:
    def run() -> Any:
        argv = [sys.executable, "-c", CHAIN, str(tmp_path / "c"), str(5_000_000)]
        done = subprocess.run(argv, capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    value, statuses, n, reads, above_MB = run()
    assert (value, statuses, n, reads) == (8.0, ["executed"], 9, 0)
    assert 60 < above_MB < 200  # arrays of 40 MB: at least two at a time, and not all eight
    value, statuses, n, reads, above_MB = run()
    # One read: the small value that was asked for.
    assert (value, statuses, n, reads) == (8.0, ["hit"], 9, 1)
    assert above_MB < 30


def test_arrays_from_the_cache_are_read_only(project: Project) -> None:
    for _ in range(2):
        value = project.run("first")["first"]
        with pytest.raises(ValueError, match="read-only"):
            value[0] = 7.0
    table = project.run("table")["table"]
    table = project.run("table")["table"]
    with pytest.raises(ValueError, match="read-only"):
        table["a"].to_numpy()[0] = 7
    table["a"] = 7  # a frame of one's own
    assert project.run("table")["table"]["a"].tolist() == [0, 1, 2, 3]


def damage(project: Project, node: str) -> None:
    """Flip a bit of the stored value of a node."""
    project.close()
    with sqlite3.connect(project.folder / "cache.db") as connection:
        (known,) = [
            json.loads(text[16:])["value"]
            for (text,) in connection.execute("SELECT value FROM Cache WHERE key LIKE 'r:key:%'")
            if json.loads(text[16:])["node"] == node
        ]
        rows = connection.execute("SELECT value, filename FROM Cache WHERE key = ?", [f"v:{known}"])
        value, filename = rows.fetchone()
        data = value if filename is None else (project.folder / filename).read_bytes()
        data = data[:-3] + bytes([data[-3] ^ 1]) + data[-2:]
        if filename is None:
            connection.execute("UPDATE Cache SET value = ? WHERE key = ?", [data, f"v:{known}"])
        else:
            (project.folder / filename).write_bytes(data)
    connection.close()


@pytest.mark.parametrize("n", [4, 5000], ids=["inline", "file"])
def test_damage_found_late_is_computed_again(
    project: Project, n: int, caplog: pytest.LogCaptureFixture
) -> None:
    right = project.run("last", "second", inputs={"n": n})
    damage(project, "second")
    damage(project, "first")
    with caplog.at_level(logging.WARNING):
        # Nobody needs the damaged values: nothing is read, nothing is said.
        assert project.run("last", inputs={"n": n})["last"] == right["last"]
        assert project.calls == []
        assert caplog.records == []
        found = project.run("last", inputs={"n": n, "factor": 3.0})
    assert found["last"] == right["last"] * 1.5
    assert project.calls == ["first", "second", "view", "last"]
    assert [r.getMessage().split(" is damaged")[0] for r in caplog.records] == [
        "cache: the entry of second",
        "cache: the entry of first",
    ]
    assert project.manifest.nodes["second"].status == "executed"
    assert project.manifest.nodes["second"].reason == "its entry in the cache is damaged"
    # It was put in order.
    again = project.run("second", inputs={"n": n})["second"]
    assert np.array_equal(again, right["second"])
    assert project.calls == []


def test_a_dropped_value_is_computed_again(project: Project) -> None:
    project.run("last")
    assert project.store is not None
    project.store.prune(0)
    assert project.run("last") == {"last": 32.0}
    assert project.calls == ["first", "second", "view", "last"]
    reasons = {project.manifest.nodes[n].reason for n in ("first", "second", "last")}
    assert reasons == {"its value is no longer in the cache"}


def test_refresh_computes_again_and_replaces(project: Project) -> None:
    project.run("last")
    damage(project, "second")
    assert project.run("last", refreshed=("second",)) == {"last": 32.0}
    assert project.calls == ["second"]  # its value is the same: the rest is known
    assert project.manifest.nodes["second"].reason == "asked to be computed again"
    assert project.run("second")["second"].tolist() == [4.0] * 4
    assert project.calls == []


def test_early_cut_off(project: Project) -> None:
    project.run("after_parity", inputs={"x": 3})
    assert project.run("after_parity", inputs={"x": 5}) == {"after_parity": 2}
    assert project.calls == ["parity"]
    assert project.run("after_parity", inputs={"x": 4}) == {"after_parity": 1}
    assert project.calls == ["parity", "after_parity"]


def test_untracked_inputs(project: Project) -> None:
    options = {"untracked": ("threads",)}
    project.run("with_threads", **options)
    project.run("with_threads", inputs={"threads": 8}, **options)
    assert project.calls == []
    project.run("with_threads", inputs={"x": 4}, **options)
    assert project.calls == ["with_threads"]


def test_equal_values_of_another_type_are_other_values(project: Project) -> None:
    project.run("failing", inputs={"x": 1})
    project.run("failing", inputs={"x": True})
    assert project.calls == ["failing"]
    project.run("last", inputs={"factor": 0.0})
    project.run("last", inputs={"factor": -0.0})
    assert project.calls == ["view", "last"]


def test_deferred_nodes_run_only_when_needed(project: Project) -> None:
    project.run("last", "view")
    assert project.run("last") == {"last": 32.0}
    assert project.calls == []
    assert "view" not in project.manifest.nodes
    assert project.run("view")["view"].tolist() == [8.0] * 4
    assert project.calls == ["view"]
    assert project.manifest.nodes["view"].reason == "not stored"


def test_identity_of_deferred_nodes(project: Project) -> None:
    known = project.raw("view")["view"].fingerprint
    assert project.raw("view")["view"].fingerprint == known
    assert project.raw("view", inputs={"factor": 3.0})["view"].fingerprint != known
    assert project.raw("view", inputs={"x": 4})["view"].fingerprint != known
    assert project.raw("view", inputs={"threads": 4})["view"].fingerprint == known
    project.edit(NODES.replace("second * factor", "second * factor + 1"))
    assert project.raw("view")["view"].fingerprint != known
    assert project.run("last") == {"last": 36.0}
    # What lies behind it counts as well, though by its value alone.
    project.edit(NODES.replace("first + 1", "1 + first"))
    assert project.raw("view")["view"].fingerprint == known


def test_an_error_is_not_stored(project: Project) -> None:
    for _ in range(2):
        with pytest.raises(ValueError, match="negative"):
            project.run("failing", inputs={"x": -1})
        assert project.calls == ["failing"]
    project.run("failing", inputs={"x": 1})
    assert "failing" in project.statuses


def test_a_failed_check_is_not_stored(project: Project) -> None:
    for _ in range(2):
        with pytest.raises(OutputCheckError, match="wrong: expected an array of float32"):
            project.run("after_wrong")
        assert project.calls == ["wrong"]
    assert project.store is not None
    assert list(project.store.values()) == []
    assert dict(project.store.records("key:")) == {}


def test_a_type_that_cannot_be_kept_names_the_node(project: Project) -> None:
    with pytest.raises(UnknownTypeError, match=r"uncacheable: .*value\['inner'\]\[0\]: a builtins"):
        project.run("uncacheable")


def test_another_type_of_a_hidden_field_names_the_node(project: Project) -> None:
    """A field that is no identity is stored as well."""
    project.edit(
        "from dataclasses import dataclass, field\nCALLS = []\n@dataclass(frozen=True)\n"
        "class Kept:\n    a: int\n    b: object = field(compare=False, default=None)\n"
        "def hidden(x: int) -> Kept:\n    return Kept(x, object())\n"
        "def shown(x: int) -> Kept:\n    return Kept(x, 'path')\n"
    )
    with pytest.raises(UnknownTypeError, match="hidden: .*value.b: a builtins.object"):
        project.run("hidden")
    for _ in range(2):
        assert project.run("shown")["shown"].b == "path"
