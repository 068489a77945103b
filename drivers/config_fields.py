"""Where a setting stands: a location in the data, resolved against the settings models.

In: a settings model and the location of an error. Out: the section as a user writes it, the
key, what the key accepts in words, and names that resemble a misspelt one.
"""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union

import annotated_types
from pydantic import AliasChoices, BaseModel
from pydantic.fields import FieldInfo

Loc = tuple[str | int, ...]
Model = type[BaseModel]

_WORDS: Mapping[object, tuple[str, str]] = {
    bool: ("true or false", "booleans"),
    int: ("a whole number", "whole numbers"),
    float: ("a number", "numbers"),
    str: ("a string", "strings"),
}


@dataclass(frozen=True)
class Place:
    """A setting (or, with an empty key, a whole section) of the file.

    Attributes
    ----------
    section, key
        As a user writes them: ``detectors.geometry.bars, entry 2`` and ``center``.
    path
        Keys and indices that lead to the value in the data.
    model
        The model of the section, None inside a free table.
    field
        The setting in its model; None for an unknown key, an entry of a table, a section.
    accepts
        The annotation of the value; None for an unknown key.
    is_table_key
        The location is a key of a free table, not its value.
    """

    section: str
    key: str
    path: Loc
    model: Model | None
    field: FieldInfo | None
    accepts: Any
    is_table_key: bool = False


def bare(annotation: Any) -> Any:
    """``annotation`` without Annotated and without ``| None``."""
    origin = typing.get_origin(annotation)
    if origin is Annotated:
        return bare(typing.get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        rest = [a for a in typing.get_args(annotation) if a is not types.NoneType]
        if len(rest) == 1:
            return bare(rest[0])
    return annotation


def is_section(annotation: Any) -> bool:
    """Whether values of this annotation are tables with known keys."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def field_named(model: Model, name: object) -> tuple[str, FieldInfo] | None:
    """The field that a user calls ``name``, other spellings included."""
    for own, field in model.model_fields.items():
        if name == own or name in other_spellings(field):
            return own, field
    return None


def other_spellings(field: FieldInfo) -> tuple[str, ...]:
    """Every spelling of a key that has more than one."""
    alias = field.validation_alias
    if not isinstance(alias, AliasChoices):
        return ()
    return tuple(str(choice) for choice in alias.choices)


def place_of(root: Model, loc: Loc) -> Place:
    """The setting to which an error of pydantic at ``loc`` belongs.

    Indices into an array of fixed length and the branches of a union are no settings of
    their own: the place is that of the whole value.
    """
    kind: Any = root
    model: Model | None = root
    section: Loc = ()
    key = ""
    field: FieldInfo | None = None
    path: Loc = ()
    for step in loc:
        if is_section(kind):
            model, section = kind, path
            found = field_named(kind, step)
            path = (*path, step)
            if found is None:
                return Place(shown(section), str(step), path, model, None, None)
            key, field = str(step), found[1]
            kind = bare(field.annotation)
        elif typing.get_origin(kind) in (dict, Mapping, typing.get_origin(Mapping[str, str])):
            if step == "[key]":
                break
            model, section, field = None, path, None
            path, key = (*path, step), str(step)
            key_kind, kind = typing.get_args(kind)
            if loc[len(path) :] == ("[key]",):
                return Place(shown(section), key, path, None, None, key_kind, is_table_key=True)
            kind = bare(kind)
        elif is_open_tuple(kind) and isinstance(step, int):
            path, key, field = (*path, step), f"{key}[{step}]", None
            kind = bare(typing.get_args(kind)[0])
        else:
            break
    if is_section(kind):
        return Place(shown(path), "", path, kind, None, kind)
    return Place(shown(section), key, path, model, field, kind)


def is_open_tuple(kind: Any) -> bool:
    """Whether values are arrays of any length."""
    return typing.get_origin(kind) is tuple and typing.get_args(kind)[-1:] == (Ellipsis,)


def shown(path: Loc) -> str:
    """A section as a user writes it: tables of an array are counted from 1."""
    text = ""
    for step in path:
        text += f", entry {step + 1}" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")


def allowed_text(annotation: Any, field: FieldInfo | None = None) -> str:
    """What a value may be, in words: ``a number above 0``, ``"scan" or "poly"``."""
    kind = bare(annotation)
    bounds = _bounds(field)
    if is_section(kind):
        return f"a table with {', '.join(kind.model_fields)}"
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        return _either([f'"{a}"' for a in args])
    if origin in (Union, types.UnionType):
        parts = [allowed_text(a) for a in args if a is not types.NoneType]
        return _either(list(dict.fromkeys(parts))) + bounds
    if origin is tuple:
        return _array_text(args)
    if kind in _WORDS:
        return _WORDS[kind][0] + bounds
    return "a table" if origin is not None else "any value"


def _either(words: list[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)


def _array_text(args: tuple[Any, ...]) -> str:
    inner = bare(args[0])
    if is_section(inner):
        return "an array of tables, each under a header in double brackets"
    if typing.get_origin(inner) is Literal:
        plural = "the strings " + ", ".join(f'"{a}"' for a in typing.get_args(inner))
    else:
        plural = _WORDS.get(inner, ("", "values"))[1]
    return f"an array of {plural}" if args[-1] is Ellipsis else f"an array of {len(args)} {plural}"


def _bounds(field: FieldInfo | None) -> str:
    low = high = ""
    for item in field.metadata if field is not None else ():
        if isinstance(item, annotated_types.Ge):
            low = f"at least {item.ge:g}"
        elif isinstance(item, annotated_types.Gt):
            low = f"above {item.gt:g}"
        elif isinstance(item, annotated_types.Le):
            high = f"at most {item.le:g}"
        elif isinstance(item, annotated_types.Lt):
            high = f"below {item.lt:g}"
    words = [w for w in (low, high) if w]
    return " " + " and ".join(words) if words else ""


def choices_of(annotation: Any) -> list[str]:
    """The strings that a value is chosen from, if it is."""
    kind = bare(annotation)
    if typing.get_origin(kind) is Literal:
        return [str(a) for a in typing.get_args(kind)]
    if typing.get_origin(kind) in (Union, types.UnionType):
        return [c for a in typing.get_args(kind) for c in choices_of(a)]
    return []


def nearest(name: str, names: list[str], *, at_least: float = 0.6) -> str | None:
    """The one of ``names`` that resembles ``name`` most, the case of letters aside."""
    folded: dict[str, str] = {}
    for n in names:
        folded.setdefault(n.casefold(), n)
    found = difflib.get_close_matches(name.casefold(), list(folded), n=1, cutoff=at_least)
    return folded[found[0]] if found else None


def known_keys(model: Model) -> list[str]:
    """The keys of a section, other spellings included."""
    keys: list[str] = []
    for name, field in model.model_fields.items():
        keys += [name, *(s for s in other_spellings(field) if s != name)]
    return keys


def sections(model: Model, path: Loc = ()) -> Iterator[tuple[str, Model]]:
    """Every section of a settings model with its name; free tables and arrays left out."""
    yield shown(path), model
    for name, field in model.model_fields.items():
        kind = bare(field.annotation)
        if is_section(kind):
            yield from sections(kind, (*path, name))


def sections_with(root: Model, key: str) -> list[str]:
    """The sections that have a key of this name; case aside if none has it exactly."""
    exact, folded = [], []
    for name, model in sections(root):
        for own in known_keys(model):
            if own == key:
                exact.append(name)
            elif own.casefold() == key.casefold():
                folded.append(name)
    return exact or folded
