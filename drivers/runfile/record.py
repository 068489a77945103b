"""What the file of a run says of its making: settings, inputs, targets, versions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ...nodes.hdf5_content import Content, damaged_file, opened_content
from ...schemas.errors import InputError
from ...schemas.settings import Section
from ..scopes import FILE

CONFIG = "meta/config_json"
FAILURES = "provenance/failures"


@dataclass(frozen=True)
class StoredInput:
    """An input file of the run: path as it was given, size in bytes, xxh3_128 of its content.

    ``failure`` says why it gave nothing; empty for a file that was read. ``axis`` is its role.
    """

    path: str
    size: int
    content_hash: str
    failure: str = ""
    axis: str = FILE


@dataclass(frozen=True)
class StoredRun:
    """How a file was made, enough to make it again."""

    config: Any
    config_text: str
    config_path: Path
    targets: tuple[str, ...]
    inputs: tuple[StoredInput, ...]
    versions: Mapping[str, str]


def stored_run(path: Path, settings: type[Section]) -> StoredRun:
    """What the engine wrote of a run; InputError where the file does not hold it."""
    with opened_content(path) as content:
        if CONFIG not in content:
            msg = f"{path}: holds no settings that the run could be made again with."
            raise InputError(msg, file=path, code="no_config")
        try:
            config = settings.model_validate_json(content[CONFIG].texts()[0])
        except ValidationError as reason:
            raise damaged_file(path, f"/{CONFIG}", reason) from None
        provenance = content.content("provenance")
        return StoredRun(
            config,
            content["meta/config_toml"].texts()[0] if "meta/config_toml" in content else "",
            Path(str(content.attrs.get("config_path", path))),
            tuple(json.loads(provenance.attrs.get("targets_json", "[]"))),
            stored_inputs(content),
            dict(
                zip(
                    provenance["versions/names"].texts(),
                    provenance["versions/values"].texts(),
                    strict=True,
                )
            ),
        )


def stored_inputs(file: Content) -> tuple[StoredInput, ...]:
    """The input files of a run in their order, with those that failed."""
    inputs = file.content("provenance/inputs")
    sizes = inputs["size"][()].tolist()
    failures = inputs["failure"].texts() if "failure" in inputs else [""] * len(sizes)
    axes = inputs["axis"].texts() if "axis" in inputs else [FILE] * len(sizes)
    columns = (inputs["path"].texts(), sizes, inputs["xxh3_128"].texts(), failures, axes)
    return tuple(StoredInput(*row) for row in zip(*columns, strict=True))
