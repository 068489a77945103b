"""What every output file says of its making: software, command, settings, nodes."""

from __future__ import annotations

import json
import platform
import shlex
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from importlib import metadata, resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import h5py

from ..nodes.file_kinds import fault_of_input
from ..nodes.hdf5_content import Content, damaged_file
from ..schemas.errors import InputError
from ..schemas.settings import Section
from .config import config_rows
from .hdf5 import TEXT, write_array, write_text
from .node_execution import Manifest

LIBRARIES: Final = (
    "radiograph",
    "apache-hamilton",
    "numpy",
    "numba",
    "pandas",
    "pandera",
    "pydantic",
    "h5py",
    "scipy",
    "uproot",
    "matplotlib",
)


def versions() -> dict[str, str]:
    """Python and the libraries a result depends on."""
    return dict(_versions())


@cache
def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def command_line() -> list[str]:
    """The command of this process, its first word without the folder."""
    return [Path(sys.argv[0]).name, *sys.argv[1:]]


def write_making(
    file: h5py.File, *, format_version: str, readme: str, docs_url: str, config_text: str | None
) -> None:
    """Root attributes: what the file is, when and how it was made."""
    argv = command_line()
    file.attrs["format_version"] = format_version
    file.attrs["created_utc"] = datetime.now(UTC).isoformat()
    file.attrs["software"] = f"radiograph {versions()['radiograph']}"
    file.attrs["run_command"] = shlex.join(argv)
    file.attrs["run_command_argv_json"] = json.dumps(argv)
    file.attrs["readme"] = readme
    file.attrs["docs_url"] = docs_url
    if config_text is not None:
        file.attrs.create("config_text", config_text, dtype=TEXT)


def write_settings(
    meta: h5py.Group, config: Section, *, readme: str, config_text: str | None
) -> None:
    """README, the settings file and the settings in force."""
    if config_text is not None:
        write_text(meta, "config_toml", config_text, "the settings file, word for word")
    write_text(meta, "README", readme, "layout of this file")
    write_array(meta, "readme", readme.splitlines(), "", "layout of this file, by line")
    write_text(meta, "config_json", config.model_dump_json(), "effective settings, JSON")
    keys, types, values = zip(*config_rows(config), strict=True)
    for name, column in (("keys", keys), ("types", types), ("values", values)):
        text = f"effective settings: {name}"
        write_array(meta, f"config_effective/{name}", list(column), "", text)


def stored_settings(file: Content) -> dict[str, Any]:
    """The settings in force that a file holds, by their dotted keys; none without any."""
    group = "meta/config_effective"
    if group not in file:
        return {}
    keys, values = (file[f"{group}/{name}"].texts() for name in ("keys", "values"))
    try:
        return {key: json.loads(value) for key, value in zip(keys, values, strict=True)}
    except ValueError as reason:
        raise damaged_file(file.path, f"/{group}", reason) from None


def pipeline_of(file: Content) -> str:
    """The pipeline whose run wrote a file; empty where the file does not say it."""
    try:
        return str(stored_settings(file).get("pipeline.name", ""))
    except InputError:
        return ""


def pipeline_of_path(path: Path) -> str:
    """The pipeline whose run wrote the file at a path; empty for anything else."""
    if fault_of_input(path):
        return ""
    try:
        with h5py.File(path, "r") as file:
            return pipeline_of(Content(file, path))
    except OSError:
        return ""


def write_sources(meta: h5py.Group, part: str = "") -> None:
    """The source of the nodes (of one folder of them), with the commit if there is one."""
    bundle = meta.require_group("repo_bundle")
    root = resources.files("radiograph.nodes")
    for path in _python_files(root.joinpath(part), f"{part}/" if part else ""):
        write_text(bundle, path, root.joinpath(path).read_text("utf-8"), "source of the nodes")
    commit = _git_commit(Path(str(root)))
    if commit:
        bundle.attrs["git_commit"] = commit


def write_module_sources(meta: h5py.Group, modules: Iterable[str]) -> None:
    """The source of some modules, by their names as paths."""
    bundle = meta.require_group("repo_bundle")
    for name in modules:
        place = find_spec(name)
        if place is not None and place.origin is not None:
            text = Path(place.origin).read_text("utf-8")
            write_text(bundle, f"{name.replace('.', '/')}.py", text, "source of the nodes")


def _python_files(folder: Any, prefix: str = "") -> list[str]:
    found: list[str] = []
    for item in sorted(folder.iterdir(), key=lambda i: i.name):
        if item.is_dir() and not item.name.startswith((".", "__")):
            found += _python_files(item, f"{prefix}{item.name}/")
        elif item.name.endswith(".py"):
            found.append(f"{prefix}{item.name}")
    return found


def _git_commit(folder: Path) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def write_nodes(
    group: h5py.Group, manifest: Manifest, seconds: float, problems: list[dict[str, Any]]
) -> None:
    """Versions, the record of every node, problems, and how long the run took."""
    found = versions()
    write_array(group, "versions/names", list(found), "", "library")
    write_array(group, "versions/values", list(found.values()), "", "its version")
    records = manifest.nodes
    write_array(group, "nodes/name", list(records), "", "node")
    write_array(group, "nodes/status", [r.status for r in records.values()], "", "what became")
    write_array(group, "nodes/seconds", [r.seconds for r in records.values()], "s", "time it took")
    write_array(group, "nodes/calls", [r.calls for r in records.values()], "", "times executed")
    write_array(group, "nodes/reason", [r.reason for r in records.values()], "", "why it ran")
    write_array(
        group, "nodes/bytes", [r.n_bytes for r in records.values()], "bytes", "size in the cache"
    )
    write_text(group, "problems", json.dumps(problems), "damage and notices, JSON")
    group.attrs["seconds"] = seconds
