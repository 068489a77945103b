"""A toy project in a folder of its own, run in fresh processes against one cache."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
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


@dataclass
class Toy:
    """A project whose modules are texts; ``run`` evaluates nodes in a new process."""

    folder: Path
    cache: Path

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
        env = {**os.environ, **options.pop("env", {})}
        cwd = options.pop("cwd", self.folder)
        request |= options
        done = subprocess.run(
            [sys.executable, "-c", RUNNER, str(self.folder), str(self.cache), json.dumps(request)],
            capture_output=True,
            text=True,
            env=env,
            cwd=cwd,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        result = json.loads(done.stdout.splitlines()[-1])
        result["stderr"] = done.stderr
        return result


@pytest.fixture(scope="session")
def new_toy() -> Callable[[Path], Toy]:
    """Makes a toy project in a folder."""
    return lambda root: Toy(root / "project", root / "cache")


@pytest.fixture
def toy(tmp_path: Path, new_toy: Callable[[Path], Toy]) -> Toy:
    return new_toy(tmp_path)
