"""What the file of a run says of its making: settings, inputs, versions, nodes, problems."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from ...nodes.hdf5_content import Content, damaged_file, opened_content
from ...schemas.errors import InputError
from ...schemas.settings import Section
from ..config import LoadedConfig
from ..registry import DEFAULT, definition, names
from .datasets import Datasets

FAILURES: Final = "provenance/failures"
_SETTINGS: Final = "/meta/config_effective"
_STEP: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[^.]+')


@dataclass(frozen=True)
class StoredInput:
    """An input file of the run: path as it was given, size in bytes, xxh3_128 of its content.

    ``failure`` says why it gave nothing; empty for a file that was read. ``role`` is what it was
    to the graph; empty where the file does not say it.
    """

    path: str
    size: int
    content_hash: str
    failure: str = ""
    role: str = ""


@dataclass(frozen=True)
class StoredNode:
    """What became of a node: status (executed, hit, skipped), seconds, calls, why, bytes."""

    name: str
    status: str
    seconds: float
    calls: int
    reason: str
    n_bytes: int


@dataclass(frozen=True)
class RunRecord:
    """How a file was made.

    Attributes
    ----------
    software, created_utc, format_version, run_command
        As the root attributes say; empty where a file does not say it.
    argv
        The command, word by word.
    config_text
        The TOML file word for word; None where it was left out.
    config_path
        Where that file was; empty if unknown.
    targets
        Nodes that were asked for by name; empty for a run up to a stage.
    settings
        Every effective setting by its dotted key, as a JSON value.
    failed
        Files and keys that gave nothing, as plain values.
    seconds
        How long the run took; NaN if unknown.
    """

    software: str = ""
    created_utc: str = ""
    format_version: str = ""
    run_command: str = ""
    argv: tuple[str, ...] = ()
    config_text: str | None = None
    config_path: str = ""
    targets: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[StoredInput, ...] = ()
    nodes: tuple[StoredNode, ...] = ()
    problems: tuple[Mapping[str, Any], ...] = ()
    failed: tuple[Mapping[str, Any], ...] = ()
    seconds: float = float("nan")

    @property
    def is_ours(self) -> bool:
        """Whether radiograph wrote the file."""
        return self.software.startswith("radiograph")

    @property
    def pipeline(self) -> str:
        """[pipeline] name; empty where the file does not say it."""
        return str(self.settings.get("pipeline.name", ""))

    def loaded(self, path: Path, settings: type[Section]) -> LoadedConfig[Any]:
        """The settings of the file at ``path`` as they ran; InputError where they do not fit."""
        where = Path(self.config_path) if self.config_path else path
        return LoadedConfig(effective_config(self, path, settings), self.config_text or "", where)


def run_record(data: Datasets) -> RunRecord:
    """Everything about the making of a file; what is absent stays empty."""
    root, provenance = data.attributes("/"), data.attributes("/provenance")
    names, values = (data.texts(f"/provenance/versions/{part}") for part in ("names", "values"))
    return RunRecord(
        software=str(root.get("software", "")),
        created_utc=str(root.get("created_utc", "")),
        format_version=str(root.get("format_version", "")),
        run_command=str(root.get("run_command", "")),
        argv=tuple(str(a) for a in _json(data, root.get("run_command_argv_json", "[]"))),
        config_text=data.text("/meta/config_toml") or root.get("config_text"),
        config_path=str(root.get("config_path", "")),
        targets=tuple(str(t) for t in _json(data, provenance.get("targets_json", "[]"))),
        settings=_settings(data),
        versions=dict(zip(names, values, strict=False)),
        inputs=stored_inputs(data),
        nodes=_nodes(data),
        problems=_list_of_tables(data, "/provenance/problems"),
        failed=_list_of_tables(data, f"/{FAILURES}"),
        seconds=float(provenance.get("seconds", "nan")),
    )


def record_at(path: Path) -> RunRecord:
    """The record of the file at a path; InputError if it cannot be read."""
    with opened_content(path) as content:
        return run_record(Datasets(content.group, path))


def effective_config(record: RunRecord, path: Path, settings: type[Section]) -> Any:
    """The effective settings as the model that runs; InputError where they do not fit it."""
    if not record.settings:
        msg = f"{path}: holds no settings ({_SETTINGS})."
        raise InputError(msg, file=path, code="not_in_file")
    flow = definition(record.pipeline if record.pipeline in names() else DEFAULT)
    tables: dict[str, Any] = {}
    for key, value in record.settings.items():
        steps = _STEP.findall(flow.setting_aliases.get(key, key))
        *sections, name = [json.loads(s) if s.startswith('"') else s for s in steps]
        table = tables
        for section in sections:
            table = table.setdefault(section, {})
        table[name] = value
    try:
        return settings.model_validate(tables)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        msg = (
            f"{path}: its settings are not those of this version of radiograph ({where}: "
            f"{first['msg']}). Use the version that wrote it: {record.software or 'unknown'}."
        )
        raise InputError(msg, file=path, key=where, code="foreign_settings") from None


def stored_inputs(file: Content) -> tuple[StoredInput, ...]:
    """The input files of a run in their order, with those that failed; () where none are named."""
    if "provenance/inputs" not in file:
        return ()
    inputs = file.content("provenance/inputs")
    paths, sizes = inputs["path"].texts(), inputs["size"][()].tolist()
    failures, roles = (
        inputs[name].texts() if name in inputs else [""] * len(sizes)
        for name in ("failure", "role")
    )
    return tuple(
        # The message names the file, as do all who show it.
        StoredInput(path, size, digest, failure.removeprefix(f"{path}: "), role)
        for path, size, digest, failure, role in zip(
            paths, sizes, inputs["xxh3_128"].texts(), failures, roles, strict=True
        )
    )


def _settings(data: Datasets) -> dict[str, Any]:
    keys, values = (data.texts(f"{_SETTINGS}/{part}") for part in ("keys", "values"))
    return {key: _json(data, value) for key, value in zip(keys, values, strict=False)}


def _nodes(data: Datasets) -> tuple[StoredNode, ...]:
    group = "/provenance/nodes"
    if group not in data:
        return ()
    names, statuses, reasons = (data.texts(f"{group}/{c}") for c in ("name", "status", "reason"))
    seconds, calls, sizes = (
        data.rows(f"{group}/{column}").tolist() for column in ("seconds", "calls", "bytes")
    )
    rows = zip(names, statuses, seconds, calls, reasons, sizes, strict=True)
    return tuple(StoredNode(*row) for row in rows)


def _list_of_tables(data: Datasets, name: str) -> tuple[Mapping[str, Any], ...]:
    found = _json(data, data.text(name) or "[]")
    if not isinstance(found, list) or not all(isinstance(p, dict) for p in found):
        raise damaged_file(data.path, name, f"it is no list of {name.rpartition('/')[2]}")
    return tuple(found)


def _json(data: Datasets, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        msg = f"{data.path}: {text[:40]!r} is no JSON: the file is damaged or of another kind."
        raise InputError(msg, file=data.path, code="damaged_file") from None
