"""What a file says of its own making: settings, inputs, versions, nodes, counters, problems."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from ...nodes.hdf5_content import damaged_file
from ...schemas.errors import InputError
from ...schemas.imaging.config import ImagingConfig
from ..registry import definition
from ..runfile.record import StoredInput
from .saved_datasets import Datasets

_STEP: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[^.]+')
_COUNTER: Final = re.compile(r"[sS](\d)_(.+)")


@dataclass(frozen=True)
class SavedNode:
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
    counters
        By number of the stage (1 hits, 2 events, 3 cones, 4 images), then by name.
    seconds
        How long the run took; NaN if unknown.
    restarted_from
        The stage that an earlier file gave as it was (hits, events, cones, image) and that file;
        empty for a run from the start.
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
    nodes: tuple[SavedNode, ...] = ()
    problems: tuple[Mapping[str, Any], ...] = ()
    counters: Mapping[int, Mapping[str, int]] = field(default_factory=dict)
    run_meta: Mapping[str, str] = field(default_factory=dict)
    extra_texts: Mapping[str, str] = field(default_factory=dict)
    seconds: float = float("nan")
    restarted_from: tuple[str, ...] = ()

    @property
    def is_ours(self) -> bool:
        """Whether radiograph wrote the file."""
        return self.software.startswith("radiograph")

    @property
    def all_counters(self) -> dict[str, int]:
        """The counters of all stages by name."""
        return {n: v for counts in self.counters.values() for n, v in counts.items()}


def run_record(data: Datasets) -> RunRecord:
    """Everything about the making of a file; what is absent stays empty."""
    root = data.attributes("/")
    provenance = data.attributes("/provenance")
    inputs = _inputs(data)
    config_text = data.text("/meta/config_toml") or root.get("config_text")
    return RunRecord(
        software=str(root.get("software", "")),
        created_utc=str(root.get("created_utc", "")),
        format_version=str(root.get("format_version", "")),
        run_command=str(root.get("run_command", "")),
        argv=tuple(str(a) for a in _json(data, root.get("run_command_argv_json", "[]"))),
        config_text=config_text,
        config_path=str(root.get("config_path", "")),
        targets=tuple(str(t) for t in _json(data, provenance.get("targets_json", "[]"))),
        settings=_settings(data),
        versions=dict(
            zip(
                data.texts("/provenance/versions/names"),
                data.texts("/provenance/versions/values"),
                strict=False,
            )
        ),
        inputs=inputs,
        nodes=_nodes(data),
        problems=_problems(data),
        counters=_counters(data),
        run_meta={k: data.text(f"/meta/run_meta/{k}") or "" for k in _names(data, "run_meta")},
        extra_texts={
            k: data.text(f"/meta/extra_text/{k}") or "" for k in _names(data, "extra_text")
        },
        seconds=float(provenance.get("seconds", "nan")),
        restarted_from=_restarted_from(provenance, inputs),
    )


def effective_config(record: RunRecord, path: Path) -> ImagingConfig:
    """The effective settings as the model that runs; InputError where they do not fit it."""
    if not record.settings:
        msg = f"{path}: holds no settings (/meta/config_effective)."
        raise InputError(msg, file=path, code="not_in_file")
    tables: dict[str, Any] = {}
    aliases = definition("imaging").setting_aliases
    for key, value in record.settings.items():
        *sections, name = [_unquoted(step) for step in _STEP.findall(aliases.get(key, key))]
        table = tables
        for section in sections:
            table = table.setdefault(section, {})
        table[name] = value
    try:
        return ImagingConfig.model_validate(tables)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        msg = (
            f"{path}: its settings are not those of this version of radiograph ({where}: "
            f"{first['msg']}). Use the version that wrote it: {record.software or 'unknown'}."
        )
        raise InputError(msg, file=path, key=where, code="foreign_settings") from None


def _unquoted(step: str) -> str:
    return str(json.loads(step)) if step.startswith('"') else step


def _names(data: Datasets, group: str) -> list[str]:
    return data.children(f"/meta/{group}")


def _settings(data: Datasets) -> dict[str, Any]:
    keys, values = (data.texts(f"/meta/config_effective/{n}") for n in ("keys", "values"))
    return {key: _json(data, value) for key, value in zip(keys, values, strict=False)}


def _inputs(data: Datasets) -> tuple[StoredInput, ...]:
    group = "/provenance/inputs"
    if group not in data:
        return ()
    sizes = data.rows(f"{group}/size")
    hashes = data.texts(f"{group}/xxh3_128")
    paths = data.texts(f"{group}/path")
    failures = data.texts(f"{group}/failure") or [""] * len(paths)
    return tuple(
        # The message names the file, as do all who show it.
        StoredInput(path, int(size), digest, failure.removeprefix(f"{path}: "))
        for path, size, digest, failure in zip(paths, sizes, hashes, failures, strict=True)
    )


def _nodes(data: Datasets) -> tuple[SavedNode, ...]:
    group = "/provenance/nodes"
    if group not in data:
        return ()
    names, statuses, reasons = (
        data.texts(f"{group}/{column}") for column in ("name", "status", "reason")
    )
    seconds, calls, sizes = (
        data.rows(f"{group}/{column}") for column in ("seconds", "calls", "bytes")
    )
    return tuple(
        SavedNode(name, status, float(s), int(c), reason, int(b))
        for name, status, s, c, reason, b in zip(
            names, statuses, seconds, calls, reasons, sizes, strict=True
        )
    )


def _restarted_from(
    provenance: Mapping[str, Any], inputs: tuple[StoredInput, ...]
) -> tuple[str, ...]:
    if "restart_stage" not in provenance:
        return ()
    return (str(provenance["restart_stage"]), inputs[0].path if inputs else "")


def _counters(data: Datasets) -> dict[int, dict[str, int]]:
    """From the datasets, or from the attributes where there is nothing else (ngimager)."""
    group = "/meta/counters"
    stored = {name: data.rows(f"{group}/{name}")[()] for name in data.children(group)}
    by_stage: dict[int, dict[str, int]] = {}
    for name, value in (stored or data.attributes(group)).items():
        match = _COUNTER.fullmatch(name)
        if match is not None and str(value).lstrip("-").isdigit():
            by_stage.setdefault(int(match[1]), {})[match[2]] = int(value)
    return dict(sorted(by_stage.items()))


def _problems(data: Datasets) -> tuple[Mapping[str, Any], ...]:
    name = "/provenance/problems"
    found = _json(data, data.text(name) or "[]")
    if not isinstance(found, list) or not all(isinstance(p, dict) for p in found):
        raise damaged_file(data.path, name, "it is no list of problems")
    return tuple(found)


def _json(data: Datasets, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        msg = f"{data.path}: {text[:40]!r} is no JSON: the file is damaged or of another kind."
        raise InputError(msg, file=data.path, code="damaged_file") from None
