"""Errors of settings in the words of the file: what failed, the value, the allowed, the repair.

In: the errors of pydantic and the data they are about. Out: one SettingProblem a fault, and
what of the data has to be left aside so that the rest can be checked as well.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import ErrorDetails, PydanticUndefined

from ..schemas.errors import SettingProblem
from ..schemas.settings import meanings
from .config_fields import (
    Loc,
    Model,
    Place,
    allowed_text,
    bare,
    choices_of,
    field_named,
    is_open_tuple,
    is_section,
    known_keys,
    nearest,
    place_of,
    sections_with,
)
from .overrides import Override

_TOML_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "a boolean"),
    (int, "a whole number"),
    (float, "a floating-point number"),
    (str, "a string"),
    ((list, tuple), "an array"),
    (dict, "a table"),
    ((datetime.date, datetime.time), "a date or time"),
)
_YES, _NO = {"true", "yes", "on", "1"}, {"false", "no", "off", "0"}
_MOST_CHARACTERS = 60


@dataclass(frozen=True)
class Source:
    """Where settings come from: the file, and the settings of the command line over it.

    ``missing`` is what the pipeline says where a key or section without a default is missing;
    ``written`` tells of settings that the file has under an older name.
    """

    root: Model
    file: str
    file_data: Mapping[str, Any]
    overrides: Sequence[Override] = ()
    missing: Mapping[str, str] = field(default_factory=dict)
    written: Mapping[Loc, str] = field(default_factory=dict)

    def problem(self, section: str, text: str, path: Loc, *, whole: bool = False) -> SettingProblem:
        """A problem at ``path``, named after the override that set it, if one did.

        With ``whole`` the problem is one of a section: an override below it is mentioned.
        """
        setting = ".".join(str(step) for step in path)
        for override in reversed(self.overrides):
            over = override.path
            sets_it = path[: len(over)] == over
            makes_it = over[: len(path)] == path and not _holds(self.file_data, path)
            if sets_it or makes_it:
                return SettingProblem(override.origin, section, text, setting)
        if path in self.written:
            text += f" (written {self.written[path]})"
        below = [o.origin for o in self.overrides if whole and o.path[: len(path)] == path]
        origins = f" (with {', '.join(below)})" if below else ""
        return SettingProblem(self.file, section, text + origins, setting)


@dataclass
class Report:
    """Problems of one validation, and what to set aside before the next.

    ``unknown`` maps the path of an unknown key to the key that was probably meant, or None;
    ``faulty`` holds the top-level sections with any other fault.
    """

    problems: list[SettingProblem] = field(default_factory=list)
    unknown: dict[Loc, str | None] = field(default_factory=dict)
    faulty: set[str] = field(default_factory=set)


def report_of(errors: Sequence[ErrorDetails], data: Mapping[str, Any], source: Source) -> Report:
    """Every error in the words of the file, one problem a setting."""
    groups: dict[Loc, list[ErrorDetails]] = {}
    places: dict[Loc, Place] = {}
    for error in errors:
        place = place_of(source.root, error["loc"])
        places.setdefault(place.path, place)
        groups.setdefault(place.path, []).append(error)
    report = Report()
    for path, group in groups.items():
        if group[0]["type"] == "extra_forbidden":
            report.unknown[path] = _meant(places[path], data)
    meant = {(*path[:-1], key) for path, key in report.unknown.items() if key is not None}
    for path, group in groups.items():
        place = places[path]
        if path in report.unknown:
            text = _unknown_text(place, data, source.root, report.unknown[path])
            section = place.section if len(path) > 1 else ""
            report.problems.append(source.problem(section, text, path))
        elif path not in meant or group[0]["type"] != "missing":
            report.problems.append(_problem(place, group, data, source))
            report.faulty.add(str(path[0]))
    return report


def value_at(data: Any, path: Loc) -> Any:
    """The value at ``path``, or the last one on the way that is no table any more."""
    return _reached(data, path)[0]


def _holds(data: Any, path: Loc) -> bool:
    return _reached(data, path)[1]


def _reached(data: Any, path: Loc) -> tuple[Any, bool]:
    """How far ``path`` leads into ``data``, and whether that is all the way."""
    for step in path:
        if isinstance(data, Mapping) and step in data:
            data = data[step]
        elif isinstance(data, Mapping) and str(step) in data:
            data = data[str(step)]  # the whole-number keys of a table are text in TOML
        elif isinstance(data, (list, tuple)) and isinstance(step, int) and step < len(data):
            data = data[step]
        else:
            return data, False
    return data, True


def _meant(place: Place, data: Mapping[str, Any]) -> str | None:
    """The key of the same section that an unknown one resembles and that is not set."""
    assert place.model is not None
    if field_named(place.model, place.key) is not None:
        return None
    name = nearest(place.key, known_keys(place.model))
    table = value_at(data, place.path[:-1])
    return name if name is not None and name not in table else None


def _unknown_text(place: Place, data: Mapping[str, Any], root: Model, meant: str | None) -> str:
    assert place.model is not None
    twice = field_named(place.model, place.key)
    if twice is not None:
        return f"{twice[0]} and {place.key} are two spellings of one key; keep one of them"
    is_table = isinstance(value_at(data, place.path), dict)
    at_top = len(place.path) == 1
    own = meant or nearest(place.key, known_keys(place.model))
    # A table at the top is written in brackets, everything else as a key.
    name = f"section [{place.key}]" if at_top and is_table else f"key '{place.key}'"
    hint = f" (did you mean {f'[{own}]' if at_top and is_table else repr(own)}?)" if own else ""
    elsewhere = [s for s in sections_with(root, place.key) if s and s != place.section][:3]
    where = ""
    if elsewhere and is_table:
        where = f"; there is {' and '.join(f'[{s}.{place.key}]' for s in elsewhere)}"
    elif elsewhere:
        where = f"; '{place.key}' is a key of {' and '.join(f'[{s}]' for s in elsewhere)}"
    return f"unknown {name}{hint}{where}. Allowed: {', '.join(place.model.model_fields)}."


def _problem(
    place: Place, group: list[ErrorDetails], data: Mapping[str, Any], source: Source
) -> SettingProblem:
    kinds = {error["type"] for error in group}
    whole = not place.key
    if all(e["type"] == "missing" and len(e["loc"]) == len(place.path) for e in group):
        text, whole = _missing_text(place, source), True
    elif "value_error" in kinds:
        fault = next(str(e["ctx"]["error"]) for e in group if e["type"] == "value_error")
        shown = f"{place.key} = {toml_text(value_at(data, place.path))}: "
        text = fault if whole else shown + fault
    else:
        text = _value_text(place, kinds, value_at(data, place.path))
        if whole and len(place.path) == 1:
            name = str(place.path[0])
            homes = [f"[{s}]" for s in sections_with(source.root, name) if s]
            text += f". Is '{name}' of {' or '.join(homes)} meant?" if homes else ""
    section = place.section
    if kinds == {"missing"} and whole and not place.key:
        section = ""
    return source.problem(section, text, place.path, whole=whole)


def _missing_text(place: Place, source: Source) -> str:
    own = source.missing.get(".".join(str(step) for step in place.path))
    if own is not None:
        lead = f"key '{place.key}'" if place.key else f"section [{place.section}]"
        return f"missing {lead}: there is no default; {own}"
    if not place.key:
        return f"missing section [{place.section}]; allowed: {allowed_text(place.accepts)}"
    meaning = meanings(place.model).get(place.key, "").rstrip(".") if place.model else ""
    about = f" ({meaning})" if meaning else ""
    return (
        f"missing key '{place.key}'{about}; "
        f"add {place.key} = ..., {allowed_text(place.accepts, place.field)}"
    )


def _value_text(place: Place, kinds: set[str], value: Any) -> str:
    """A value of the wrong type, outside its range, or not among the choices."""
    allowed = allowed_text(place.accepts, place.field)
    if place.is_table_key:
        return f"the key {toml_text(place.key)} is no whole number; allowed: {allowed} as key"
    shown = toml_text(value)
    if not place.key:
        return f"is {kind_of(value)}, {shown}; allowed: {allowed}"
    choices = choices_of(place.accepts)
    by_type = all(k.endswith("_type") or k in ("missing", "too_long") for k in kinds)
    if choices and isinstance(value, str):
        close = nearest(value, choices, at_least=0.5)
        hint = f' (did you mean "{close}"?)' if close else ""
        return f"{place.key} = {shown} is not a choice{hint}; allowed: {allowed}"
    if by_type or choices:
        fault = f"is {kind_of(value)}"
        if isinstance(value, (list, tuple)):
            fault += f" of {len(value)}"
        return f"{place.key} = {shown} {fault}; allowed: {allowed}{_repair(place, value)}"
    return f"{place.key} = {shown} is out of range; allowed: {allowed}{_default(place)}"


def _repair(place: Place, value: Any) -> str:
    """What to write instead, where that can be told from the value."""
    kind, key = bare(place.accepts), place.key
    written: str | None = None
    if kind is bool and str(value).casefold() in _YES | _NO:
        written = "true" if str(value).casefold() in _YES else "false"
    elif kind in (int, float) and isinstance(value, str) and _number(value, kind) is not None:
        written = f"{value.strip()} without quotes"
    elif kind is int and isinstance(value, float) and value.is_integer():
        written = str(int(value))
    elif kind is str and isinstance(value, (int, float)) and not isinstance(value, bool):
        written = f'"{toml_text(value)}" in quotes'
    elif is_open_tuple(kind) and isinstance(value, (str, int, float)):
        written = f"[{toml_text(value)}]"
    return f". Write {key} = {written}" if written else _default(place)


def _number(text: str, kind: Any) -> float | None:
    try:
        return float(kind(text))
    except ValueError:
        return None


def _default(place: Place) -> str:
    """The default as a repair, if the key has one worth naming."""
    info = place.field
    if info is None or info.default is PydanticUndefined or info.default in (None, "", (), {}):
        return ""
    if is_section(type(info.default)):
        return ""
    return f". Left out it is {toml_text(info.default)}"


def kind_of(value: object) -> str:
    """The TOML type of a value in words."""
    return next((words for types, words in _TOML_KINDS if isinstance(value, types)), "a value")


def toml_text(value: object) -> str:
    """A value as it stands in the file, shortened."""
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, (list, tuple)):
        text = f"[{', '.join(toml_text(v) for v in value)}]"
    elif isinstance(value, dict):
        text = "{" + ", ".join(f"{k} = {toml_text(v)}" for k, v in value.items()) + "}"
    elif isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False)
    else:
        text = str(value)
    return text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 3] + "..."
