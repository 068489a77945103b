"""The source of the nodes of a run in its file: of this pipeline, and of what it rests on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module, resources
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import h5py

from ..definition import Definition
from ..hdf5 import write_text

_NODES: Final = "radiograph.nodes"
_GIT_S: Final = 5


def write_sources(meta: h5py.Group, flow: Definition) -> None:
    """Each module of nodes that the pipeline reaches, with the commit if there is one.

    A module of radiograph.nodes has its path there as its name, one of another package its whole
    path.
    """
    bundle = meta.require_group("repo_bundle")
    for name, path in sorted(reached_sources(flow).items()):
        short = name.removeprefix(f"{_NODES}.").replace(".", "/")
        write_text(bundle, f"{short}.py", path.read_text("utf-8"), "source of the nodes")
    commit = _git_commit(Path(str(resources.files(_NODES))))
    if commit:
        bundle.attrs["git_commit"] = commit


def reached_sources(flow: Definition) -> dict[str, Path]:
    """The folders of the stages of a pipeline, and modules of nodes whose names they use.

    A folder is taken whole: readers are imported when their format is asked for.
    """
    found: dict[str, Path] = {}
    waiting = list(flow.modules)
    while waiting:
        name = waiting.pop()
        module = import_module(name)
        if name not in found and module.__file__ is not None:
            found[name] = Path(module.__file__)
            waiting += [other for other in _used(module) if other.startswith(f"{_NODES}.")]
    for package in {name.rpartition(".")[0] for name in flow.modules} - {"", _NODES}:
        folder = Path(found[next(n for n in flow.modules if n.startswith(f"{package}."))]).parent
        for path in folder.rglob("*.py"):
            inside = path.relative_to(folder).with_suffix("").parts
            found[".".join((package, *inside))] = path
    return {name: path for name, path in found.items() if path.name != "__init__.py"}


def _used(module: ModuleType) -> Iterator[str]:
    """The names of the modules that a module has names of."""
    for value in vars(module).values():
        name: Any = value.__name__ if isinstance(value, ModuleType) else _home(value)
        if isinstance(name, str) and name in sys.modules:
            yield name


def _home(value: Any) -> Any:
    return getattr(value, "__module__", None)


def _git_commit(folder: Path) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            timeout=_GIT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
