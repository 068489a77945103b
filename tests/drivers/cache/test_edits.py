"""Which edits of the code re-run which nodes, in fresh processes.

The list of edits is that of the project's notes on Hamilton, section 10: each changes one line
and must re-run exactly the nodes that depend on it; comments and the like must change nothing.
"""

from __future__ import annotations

import shutil
from typing import Any

import pytest

pytestmark = pytest.mark.slow

NODES = '''
"""Nodes."""
import functools
from functools import partial
from hamilton.function_modifiers import parameterize, value, pipe_output, step
from numpy.typing import NDArray
import numpy as np
from toy import helpers, kernels
from toy.helpers import by_name, Settings, wrapped_helper, REGISTRY, cached_helper, dispatched
from toy.helpers import by_alias as other_name
from toy.table import TABLE

CONSTANT = 7


class Limits:
    lowest = 2


def settings(x: int) -> Settings:
    return Settings(x)


def body(x: int) -> int:
    return by_name(x)


def alias(x: int) -> int:
    return other_name(x)


def dotted(x: int) -> int:
    return helpers.by_dots(x)


def inside(x: int) -> int:
    from toy.helpers import by_import
    return by_import(x)


def deep(x: int) -> int:
    return helpers.calls_deeper(x)


def constant(x: int) -> int:
    return x * CONSTANT


def class_constant(x: int) -> int:
    return x * Limits.lowest


def method(settings: Settings) -> int:
    return settings.doubled()


def kernel(x: int) -> float:
    return float(kernels.entry(float(x)))


def vectorized(x: int) -> float:
    return float(kernels.halved(float(x)))


def memoised(x: int) -> int:
    return cached_helper(x)


def dispatch(x: int) -> int:
    return dispatched(x)


def registry(x: int) -> int:
    return REGISTRY["a"](x)


def wrapper(x: int) -> int:
    return wrapped_helper(x)


def anonymous(x: int) -> int:
    return helpers.SHIFT(x)


def comprehension(x: int) -> int:
    return sum(helpers.in_comprehension(i) for i in range(x))


def default_argument(x: int, scale: int = 5) -> int:
    return x * scale


def partial_helper(x: int) -> int:
    return BOUND(x)


BOUND = partial(helpers.bound, 10)


@parameterize(**{f"row_{k}": {"factor": value(v)} for k, v in TABLE.items()})
def row(x: int, factor: int) -> int:
    return x * factor


def _step_one(v: int) -> int:
    return v + 100


@pipe_output(step(_step_one))
def piped(x: int) -> int:
    return x


def after(body: int) -> int:
    return body + 1


def unrelated(x: int) -> int:
    return x - 1
'''

HELPERS = '''
"""Helpers."""
from dataclasses import dataclass
from functools import lru_cache, singledispatch, wraps
from toy import deeper


def by_name(x):
    """Docstring of by_name."""
    # A comment of by_name.
    return x + 10


def by_alias(x):
    return x + 11


def by_dots(x):
    return x + 12


def by_import(x):
    return x + 13


def calls_deeper(x):
    return deeper.deepest(x)


@dataclass(frozen=True)
class Settings:
    x: int

    def doubled(self):
        return self.x * 2


@lru_cache
def cached_helper(x):
    return x + 14


@singledispatch
def dispatched(x):
    return -1


@dispatched.register
def _(x: int):
    return x + 15


def first(x):
    return x + 16


REGISTRY = {"a": first}


def decorate(function):
    @wraps(function)
    def inner(x):
        return function(x) + 17
    return inner


@decorate
def wrapped_helper(x):
    return x


SHIFT = lambda v: v + 1


def in_comprehension(i):
    return i + 18


def bound(a, x):
    return a + x


def nobody_calls_this(x):
    return x + 99
'''

DEEPER = """
def deepest(x):
    return x + 20
"""

KERNELS = """
from numba import njit, vectorize
from toy import inner_kernels

FACTOR = 3.0


@njit
def entry(x):
    return inner_kernels.called(x) * FACTOR


@vectorize(["float64(float64)"])
def halved(x):
    return x / 2.0
"""

INNER_KERNELS = """
from numba import njit


@njit
def called(x):
    return x + 1.0
"""

TABLE = """
TABLE = {"a": 1, "b": 2}
"""

MODULES = {
    "nodes": NODES,
    "helpers": HELPERS,
    "deeper": DEEPER,
    "kernels": KERNELS,
    "inner_kernels": INNER_KERNELS,
    "table": TABLE,
}
KERNEL_TARGETS = ("kernel", "vectorized")
TARGETS = [
    "body",
    "after",
    "alias",
    "dotted",
    "inside",
    "deep",
    "constant",
    "class_constant",
    "method",
    "memoised",
    "dispatch",
    "registry",
    "wrapper",
    "anonymous",
    "comprehension",
    "default_argument",
    "partial_helper",
    "row_a",
    "row_b",
    "piped",
    "unrelated",
]

# (module, before, after, the nodes that must run again)
SEEN: list[tuple[str, str, str, set[str]]] = [
    ("helpers", "x + 10", "x + 110", {"body", "after"}),
    ("helpers", "x + 11", "x + 111", {"alias"}),
    ("helpers", "x + 12", "x + 112", {"dotted"}),
    ("helpers", "x + 13", "x + 113", {"inside"}),
    ("deeper", "x + 20", "x + 120", {"deep"}),
    ("nodes", "CONSTANT = 7", "CONSTANT = 8", {"constant"}),
    ("nodes", "lowest = 2", "lowest = 3", {"class_constant"}),
    ("helpers", "self.x * 2", "self.x * 4", {"method", "settings"}),
    ("kernels", "FACTOR = 3.0", "FACTOR = 4.0", {"kernel"}),
    ("kernels", "called(x) * FACTOR", "called(x) + FACTOR", {"kernel"}),
    ("inner_kernels", "x + 1.0", "x + 2.0", {"kernel"}),
    ("kernels", "x / 2.0", "x / 4.0", {"vectorized"}),
    ("helpers", "x + 14", "x + 114", {"memoised"}),
    ("helpers", "x + 15", "x + 115", {"dispatch"}),
    ("helpers", "x + 16", "x + 116", {"registry"}),
    ("helpers", "function(x) + 17", "function(x) + 117", {"wrapper"}),
    ("helpers", "lambda v: v + 1", "lambda v: v + 2", {"anonymous"}),
    ("helpers", "i + 18", "i + 118", {"comprehension"}),
    ("nodes", "scale: int = 5", "scale: int = 6", {"default_argument"}),
    ("nodes", "partial(helpers.bound, 10)", "partial(helpers.bound, 11)", {"partial_helper"}),
    ("helpers", "a + x", "a - x", {"partial_helper"}),
    ("table", '"b": 2', '"b": 3', {"row_b"}),
    ("nodes", "v + 100", "v + 200", {"piped"}),
]
UNSEEN: list[tuple[str, str, str]] = [
    ("helpers", "# A comment of by_name.", "# Another comment, longer than the first."),
    ("helpers", '"""Docstring of by_name."""', '"""Another docstring."""'),
    ("helpers", '    """Docstring of by_name."""\n', ""),
    (
        "helpers",
        "def by_alias(x):\n    return x + 11",
        "def by_alias(x):\n\n    return (\n        x + 11\n    )",
    ),
    ("helpers", "x + 99", "x + 199"),
    ("nodes", '"""Nodes."""', '"""Nodes, described anew."""'),
    ("helpers", "def by_dots(x):", 'def by_dots(x):\n    """Now with a docstring."""'),
]


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory, new_toy: Any) -> Any:
    """The toy project, run once: its folder and cache are copied for each edit."""
    toy = new_toy(tmp_path_factory.mktemp("settled"))
    toy.write(MODULES)
    first = toy.run(*TARGETS, *KERNEL_TARGETS)
    assert set(first["status"].values()) == {"executed"}
    again = toy.run(*TARGETS, *KERNEL_TARGETS)
    assert set(again["status"].values()) == {"hit"}
    assert again["values"] == first["values"]
    return toy


@pytest.fixture
def copied(settled: Any, toy: Any) -> Any:
    shutil.copytree(settled.folder, toy.folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(settled.cache, toy.cache)
    return toy


def executed(result: dict[str, Any]) -> set[str]:
    nodes = {n.replace("_raw", "") for n, s in result["status"].items() if s == "executed"}
    # A pipe's steps are nodes of their own, named after the node they belong to.
    return {n.split(".")[0] for n in nodes}


@pytest.mark.parametrize(
    ("module", "before", "after", "expected"), SEEN, ids=[f"{m}: {b}" for m, b, *_ in SEEN]
)
def test_edit_is_seen(
    copied: Any, module: str, before: str, after: str, expected: set[str]
) -> None:
    copied.edit(module, before, after)
    targets = KERNEL_TARGETS if "kernels" in module else TARGETS
    # The truth is what the same process computes without a cache.
    result = copied.run(*targets, truth=True)
    assert executed(result) == expected
    assert result["values"] == result["truth"]


@pytest.mark.parametrize(("module", "before", "after"), UNSEEN, ids=[b[:30] for _, b, _ in UNSEEN])
def test_edit_without_effect_changes_nothing(
    copied: Any, module: str, before: str, after: str
) -> None:
    copied.edit(module, before, after)
    assert executed(copied.run(*TARGETS)) == set()


def test_hash_seed_and_place_change_nothing(copied: Any, tmp_path: Any) -> None:
    seeded = copied.run(*TARGETS, env={"PYTHONHASHSEED": "12345"}, cwd="/")
    assert executed(seeded) == set()
    moved = tmp_path / "elsewhere"
    shutil.move(copied.folder, moved)
    copied.folder = moved
    assert executed(copied.run(*TARGETS)) == set()


def test_reverted_edit_hits_again(copied: Any) -> None:
    copied.edit("helpers", "x + 10", "x + 110")
    copied.run(*TARGETS)
    copied.edit("helpers", "x + 110", "x + 10")
    assert executed(copied.run(*TARGETS)) == set()


def test_reason_names_what_changed(copied: Any) -> None:
    copied.edit("deeper", "x + 20", "x + 120")
    assert "toy.deeper:deepest" in copied.run(*TARGETS)["reason"]["deep"]
    copied.edit("nodes", "CONSTANT = 7", "CONSTANT = 8")
    assert "toy.nodes:CONSTANT" in copied.run(*TARGETS)["reason"]["constant"]
    changed = copied.run(*TARGETS, inputs={"x": 4})
    assert "input x changed" in changed["reason"]["unrelated"]


def test_early_cut_off(toy: Any) -> None:
    toy.write(
        {
            "nodes": "def a(x: int) -> int:\n    return x % 2\n\n"
            "def b(a: int) -> int:\n    return a + 1\n"
        }
    )
    toy.run("b", inputs={"x": 3})
    assert toy.run("b", inputs={"x": 5})["status"] == {"a": "executed", "b": "hit"}


def test_live_edit_without_reload_does_not_poison(toy: Any) -> None:
    """A source changed under a running process: what ran is what is stored."""
    toy.write({"nodes": "def a(x: int) -> int:\n    return x + 1\n"})
    setup = (
        "import toy.nodes; p = Path(toy.nodes.__file__); "
        "p.write_text(p.read_text().replace('x + 1', 'x + 100'))"
    )
    assert toy.run("a", setup=setup)["values"]["a"] == "4"
    assert toy.run("a")["values"]["a"] == "103"


def test_unknown_name_is_an_error(toy: Any) -> None:
    toy.write({"nodes": "def a(x: int) -> int:\n    return x if x > 0 else not_defined(x)\n"})
    with pytest.raises(AssertionError, match="not_defined"):
        toy.run("a")
