"""A toy project in a folder of its own, each run of it in a process that has not seen it before.

A process that has the libraries waits and forks for each run: none of them knows the toy, and
none imports the libraries again.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

RUNNER = """
import json, sys, types
sys.path.insert(0, sys.argv[1])
import importlib
from pathlib import Path
from radiograph.drivers.cache.code import CodeVersions
from radiograph.drivers.cache.execution import NodeCache
from radiograph.drivers.cache.lazy import resolved
from radiograph.drivers.cache.store import Store
from radiograph.drivers.definition import Definition
from radiograph.drivers.graph import build_driver
from radiograph.drivers.node_execution import Manifest

request = json.loads(sys.argv[3])
cache = NodeCache(Store(Path(sys.argv[2]), ("toy",)), CodeVersions(("toy",)),
                  refreshed=tuple(request.get("refresh", ())))
manifest = Manifest()
pipeline = Definition("toy", modules=tuple(request["modules"]))
inputs = dict(request["inputs"])
if request.get("setup"):
    exec(request["setup"])
dr = build_driver(pipeline, request.get("config", {}), manifest, cache)
found = dr.execute(request["targets"], inputs=inputs)
plain = build_driver(pipeline, request.get("config", {}))
truth = plain.execute(request["targets"], inputs=inputs) if request.get("truth") else {}
print(json.dumps({
    "truth": {n: repr(v) for n, v in truth.items()},
    "values": {n: repr(resolved(v)) for n, v in found.items()},
    "status": {n: r.status for n, r in manifest.nodes.items()},
    "reason": {n: r.reason for n, r in manifest.nodes.items()},
}))
"""

# Forks for each line of its input: arguments, working folder, files for what the child says.
# The answer is the exit code.
FORKS = """
import gc, json, os, sys, traceback, warnings
import numba, numpy, pandas
import radiograph.drivers.cache.execution, radiograph.drivers.cache.lazy
import radiograph.drivers.graph, radiograph.drivers.node_execution
warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
script = compile(sys.argv[1], "runner", "exec")
# What numba loads when it compiles for the first time.
numba.vectorize(["float64(float64)"])(lambda x: x)
numba.njit("float64(float64)")(lambda x: x)
gc.freeze()


def child(request):
    for name, stream in (("out", 1), ("err", 2)):
        os.dup2(os.open(request[name], os.O_WRONLY | os.O_CREAT), stream)
    os.chdir(request["cwd"])
    sys.argv = ["runner", *request["argv"]]
    code = 1
    try:
        exec(script, {"__name__": "__main__"})
        code = 0
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush(), sys.stderr.flush()
    os._exit(code)


for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        child(json.loads(line))
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


@dataclass(frozen=True)
class Forks:
    """The process that forks, and a folder for what its children say."""

    process: subprocess.Popen[str]
    folder: Path

    def run(self, argv: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        said = {name: self.folder / name for name in ("out", "err")}
        for path in said.values():
            path.unlink(missing_ok=True)
        request = {"argv": argv, "cwd": str(cwd), **{k: str(p) for k, p in said.items()}}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        code = int(self.process.stdout.readline())
        out, err = (path.read_text() for path in said.values())
        return subprocess.CompletedProcess(argv, code, out, err)


@dataclass
class Toy:
    """A project whose modules are texts; ``run`` evaluates nodes in a new process."""

    folder: Path
    cache: Path
    forks: Forks

    def write(self, modules: Mapping[str, str]) -> None:
        """Write modules of the package ``toy``."""
        package = self.folder / "toy"
        package.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").touch()
        for name, text in modules.items():
            (package / f"{name}.py").write_text(text)

    def edit(self, module: str, before: str, after: str) -> None:
        """Replace a text that stands in a module exactly once."""
        path = self.folder / "toy" / f"{module}.py"
        text = path.read_text()
        assert text.count(before) == 1, f"{before!r} stands {text.count(before)} times"
        path.write_text(text.replace(before, after))

    def run(self, *targets: str, **options: Any) -> dict[str, Any]:
        """{values, status, reason} of a run of some nodes."""
        request = {
            "modules": options.pop("modules", ["toy.nodes"]),
            "targets": targets,
            "inputs": options.pop("inputs", {"x": 3}),
        }
        env = options.pop("env", None)
        cwd = options.pop("cwd", self.folder)
        request |= options
        argv = [str(self.folder), str(self.cache), json.dumps(request)]
        if env is None:
            done = self.forks.run(argv, cwd)
        else:  # what an interpreter asks for when it starts
            done = subprocess.run(
                [sys.executable, "-c", RUNNER, *argv],
                capture_output=True, text=True, env={**os.environ, **env}, cwd=cwd, check=False,
            )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        result = json.loads(done.stdout.splitlines()[-1])
        result["stderr"] = done.stderr
        return result


@pytest.fixture(autouse=True)
def _no_code_changes() -> None:
    """Code changes here."""


@pytest.fixture(scope="session")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    """The process that forks, for the time of the tests."""
    with subprocess.Popen(
        [sys.executable, "-c", FORKS, RUNNER],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        yield Forks(process, tmp_path_factory.mktemp("forks"))
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture(scope="session")
def new_toy(forks: Forks) -> Callable[[Path], Toy]:
    """Makes a toy project in a folder."""
    return lambda root: Toy(root / "project", root / "cache", forks)


@pytest.fixture
def toy(tmp_path: Path, new_toy: Callable[[Path], Toy]) -> Toy:
    return new_toy(tmp_path)
