"""Values given on the command line put into the data of a TOML file; the input stays."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..schemas.errors import SettingProblem
from .home import path_of_setting

# Settings that name files: given on the command line, they are relative to the shell.
PATH_KEYS: Final = (
    ("io", "input_path"),
    ("io", "output_path"),
    ("io", "restart_path"),
    ("io", "extra_text_files"),
    ("energy", "lut_paths"),
    ("cache", "dir"),
    ("vis", "png_dir"),
    ("lightdqm", "input_path"),
    ("lightdqm", "output_dir"),
    ("lightdqm", "channel_status_csv"),
    ("lightdqm", "store"),
)


@dataclass(frozen=True)
class Override:
    """A setting of the command line: where it goes, its value, and how it was written."""

    path: tuple[str, ...]
    value: Any
    origin: str


def parsed_override(text: str, folder: Path) -> Override | SettingProblem:
    """``section.key=value`` with a TOML value; what is no TOML value is taken for a string.

    ``folder`` is that of the shell: relative files are taken from there.
    """
    origin = f"--set {text}"
    key_text, equals, value_text = (part.strip() for part in text.partition("="))
    path = _dotted(key_text)
    if not equals or len(path) < 2:
        repair = "write --set section.key=value, e.g. --set plane.du=0.5"
        return SettingProblem(origin, "", f"no setting of a section is named; {repair}")
    value = _toml_value(value_text)
    if value is None:
        if value_text[:1] in ("[", "{", '"', "'"):
            fault = f"{value_text} is no complete TOML value; close its brackets or quotes"
            return SettingProblem(origin, ".".join(path[:-1]), fault)
        value = value_text
    return Override(path, _from_folder(path, value, folder), origin)


def keyword_override(key: str, value: Any, folder: Path) -> Override:
    """A setting that a flag of the command stands for, e.g. ``run.fast`` for ``--fast``."""
    path = tuple(key.split("."))
    return Override(path, _from_folder(path, value, folder), f"command line ({key})")


def _dotted(key_text: str) -> tuple[str, ...]:
    try:
        table: Any = tomllib.loads(f"{key_text} = 0") if "\n" not in key_text else {}
    except tomllib.TOMLDecodeError:
        return ()
    path: list[str] = []
    while isinstance(table, dict) and table:
        path.append(next(iter(table)))
        table = table[path[-1]]
    return tuple(path)


def _toml_value(text: str) -> Any:
    try:
        table = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return None
    return table["value"] if len(table) == 1 else None


def _from_folder(path: tuple[str, ...], value: Any, folder: Path) -> Any:
    if not any(path[: len(key)] == key for key in PATH_KEYS):
        return value
    if isinstance(value, dict):
        return {k: _from_folder(path, v, folder) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_from_folder(path, v, folder) for v in value]
    if isinstance(value, (str, Path)) and str(value):
        return str(path_of_setting(folder, str(value)))
    return value


def with_overrides(
    data: Mapping[str, Any], overrides: Sequence[Override], file: str
) -> tuple[dict[str, Any], list[SettingProblem]]:
    """A copy of ``data`` with each override in turn, and those that find no table."""
    changed = {k: _copied(v) for k, v in data.items()}
    problems = []
    for override in overrides:
        table: Any = changed
        for depth, step in enumerate(override.path[:-1]):
            table = table.setdefault(step, {})
            if not isinstance(table, dict):
                where = ".".join(override.path[: depth + 1])
                fault = f"{where} is no table in {file}; set {where} as a whole"
                problems.append(SettingProblem(override.origin, "", fault))
                break
        else:
            table[override.path[-1]] = _copied(override.value)
    return changed, problems


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _copied(v) for k, v in value.items()}
    return [_copied(v) for v in value] if isinstance(value, list) else value
