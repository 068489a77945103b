"""Values given on the command line put into the data of a TOML file; the input stays."""

from __future__ import annotations

import tomllib
import types
import typing
from collections import abc
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Union

from ..schemas.errors import SettingProblem
from ..schemas.settings import NamesFile
from .config_fields import Model, field_named, is_section
from .home import path_of_setting


@dataclass(frozen=True)
class Override:
    """A setting of the command line: where it goes, its value, and how it was written."""

    path: tuple[str, ...]
    value: Any
    origin: str


def parsed_override(text: str) -> Override | SettingProblem:
    """``section.key=value`` with a TOML value; what is no TOML value is taken for a string."""
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
    return Override(path, value, origin)


def keyword_override(key: str, value: Any) -> Override:
    """A setting that a flag of the command stands for, e.g. ``run.fast`` for ``--fast``."""
    return Override(tuple(key.split(".")), value, f"command line ({key})")


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


def from_shell(override: Override, root: Model, folder: Path) -> Override:
    """The setting with its relative files taken from ``folder``, that of the shell."""
    kind: Any = root
    for step in override.path:
        kind = _inside(kind, step)
    return replace(override, value=_from_folder(kind, override.value, folder))


def _inside(kind: Any, step: str) -> Any:
    """What an entry of a table is; None where nothing is known of it."""
    for one in alternatives(kind):
        if is_section(one):
            found = field_named(one, step)
            # pydantic takes the marks of a whole annotation off it.
            return None if found is None else (found[1].annotation, *found[1].metadata)
        if typing.get_origin(one) is abc.Mapping:
            return typing.get_args(one)[1]
    return None


def _from_folder(kind: Any, value: Any, folder: Path) -> Any:
    """A value of that kind, in which what names a file begins at ``folder``."""
    if isinstance(value, dict):
        return {k: _from_folder(_inside(kind, k), v, folder) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        inner = [a for one in alternatives(kind) for a in entries_of(one)]
        return [_from_folder(tuple(inner), v, folder) for v in value]
    named = any(isinstance(one, NamesFile) for one in alternatives(kind))
    if named and isinstance(value, (str, Path)) and str(value):
        return str(path_of_setting(folder, str(value)))
    return value


def alternatives(kind: Any) -> Iterator[Any]:
    """What a value may be, and the marks of it: the parts of a union and of Annotated."""
    origin = typing.get_origin(kind)
    parts: tuple[Any, ...] = ()
    if isinstance(kind, tuple) or origin in (Union, types.UnionType):
        parts = kind if isinstance(kind, tuple) else typing.get_args(kind)
    elif origin is Annotated:
        parts = (kind.__origin__, *kind.__metadata__)
    else:
        yield kind
    for part in parts:
        yield from alternatives(part)


def entries_of(kind: Any) -> tuple[Any, ...]:
    """What the entries of an array are; empty for what is no array."""
    args = typing.get_args(kind) if typing.get_origin(kind) is tuple else ()
    return tuple(a for a in args if a is not Ellipsis)


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
