"""What the file of a run says of its making: software, command, settings, inputs, nodes."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any

import h5py

from ...schemas.failures import Failure
from ..config import LoadedConfig, config_rows
from ..hdf5 import TEXT, write_array, write_text
from ..node_records import Manifest
from ..provenance import command_line, versions
from .record import FAILURES


@dataclass(frozen=True)
class ReadFile:
    """An input file of a run, its raw records, and why it gave nothing (empty: it was read)."""

    path: str
    size: int = 0
    content_hash: str = ""
    n_records: int = 0
    failure: str = ""
    role: str = ""


def write_head(
    file: h5py.File,
    loaded: LoadedConfig[Any],
    *,
    format_version: str,
    readme: str,
    docs_url: str = "docs/formats.md",
    with_config: bool = True,
) -> h5py.Group:
    """What the file is, how it was made, the settings of its run; gives /meta."""
    argv = command_line()
    file.attrs["format_version"] = format_version
    file.attrs["created_utc"] = datetime.now(UTC).isoformat()
    file.attrs["software"] = f"radiograph {versions()['radiograph']}"
    file.attrs["run_command"] = shlex.join(argv)
    file.attrs["run_command_argv_json"] = json.dumps(argv)
    file.attrs["readme"] = readme
    file.attrs["docs_url"] = docs_url
    meta = file.require_group("meta")
    if with_config:
        file.attrs.create("config_text", loaded.text, dtype=TEXT)
        file.attrs["config_path"] = str(loaded.path.absolute())
        write_text(meta, "config_toml", loaded.text, "the settings file, word for word")
    write_text(meta, "README", readme, "layout of this file")
    write_array(meta, "readme", readme.splitlines(), "", "layout of this file, by line")
    keys, types, values = zip(*config_rows(loaded.config), strict=True)
    for name, column in (("keys", keys), ("types", types), ("values", values)):
        text = f"effective settings: {name}"
        write_array(meta, f"config_effective/{name}", list(column), "", text)
    return meta


def write_end(
    file: h5py.File,
    inputs: Sequence[ReadFile],
    manifest: Manifest,
    started: float,
    *,
    targets: Sequence[str] = (),
    problems: Sequence[Mapping[str, Any]] = (),
    failures: Sequence[Failure] = (),
) -> None:
    """/provenance: inputs by content, versions, the record of every node, what went wrong.

    ``started`` is when the run began, by perf_counter().
    """
    group = file.require_group("provenance")
    _write_inputs(group.require_group("inputs"), inputs)
    told = json.dumps([failure.as_json() for failure in failures])
    write_text(group, FAILURES.partition("/")[2], told, "files and keys that gave nothing, JSON")
    _write_nodes(group, manifest)
    write_text(group, "problems", json.dumps(list(problems)), "damage and notices, JSON")
    group.attrs["seconds"] = time.perf_counter() - started
    group.attrs["targets_json"] = json.dumps(list(targets))


def _write_inputs(group: h5py.Group, inputs: Sequence[ReadFile]) -> None:
    counts = [f.n_records for f in inputs]
    first = list(accumulate(counts, initial=0))[:-1]
    reason = "why it gave nothing; empty for a file that was read"
    content = (
        "hash of its content; 'sampled:' = of its size, times and samples of it; 'remote:' = its "
        "content was not hashed: of its address, size and version"
    )
    for name, values, unit, text in (
        ("path", [f.path for f in inputs], "", "input file"),
        ("size", [f.size for f in inputs], "bytes", "its size"),
        ("xxh3_128", [f.content_hash for f in inputs], "", content),
        ("first_event", first, "", "number of its first raw record in the run"),
        ("n_events", counts, "", "its raw records"),
        ("failure", [f.failure for f in inputs], "", reason),
        ("role", [f.role for f in inputs], "", "what it is to the graph"),
    ):
        write_array(group, name, values, unit, text)


def _write_nodes(group: h5py.Group, manifest: Manifest) -> None:
    found, records = versions(), manifest.nodes.values()
    for name, values, unit, text in (
        ("versions/names", list(found), "", "library"),
        ("versions/values", list(found.values()), "", "its version"),
        ("nodes/name", list(manifest.nodes), "", "node"),
        ("nodes/status", [r.status for r in records], "", "what became"),
        ("nodes/seconds", [r.seconds for r in records], "s", "time it took"),
        ("nodes/calls", [r.calls for r in records], "", "times executed"),
        ("nodes/reason", [r.reason for r in records], "", "why it ran"),
        ("nodes/bytes", [r.n_bytes for r in records], "bytes", "size in the cache"),
    ):
        write_array(group, name, values, unit, text)
