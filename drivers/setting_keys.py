"""Dotted keys of settings, as the inputs of a graph name them: what they cover, how they are shown.

A key is that of a setting, of a section of which everything enters, or ``plane?``: it matters
whether there is a [plane].
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import Any

from .config_fields import Model, bare, field_named, is_section
from .definition import Definition
from .graph_inputs import Input

_THERE = "?"


def covers(key: str, row: str) -> bool:
    """Whether ``key`` is that of a setting or entry ``row``, or of a table around it."""
    return _table(key) in _around(row)


def _table(key: str) -> str:
    return key.removesuffix(_THERE)


def _around(row: str) -> Iterator[str]:
    """A dotted key and those of the tables around it."""
    return accumulate(row.split("."), "{}.{}".format)


def only_there(key: str) -> bool:
    """Whether it only matters that the section is there."""
    return key.endswith(_THERE)


def rows_of_graph(pipeline: Definition) -> tuple[Input, ...]:
    """What a result can depend on: every input and choice that is not untracked."""
    rows = (*pipeline.inputs, *pipeline.choices)
    return tuple(row for row in rows if row.name not in pipeline.untracked)


def in_effect(pipeline: Definition, rows: Mapping[str, Any]) -> dict[str, Any]:
    """Of settings by dotted key those that a result can depend on."""
    tables = {_table(key) for row in rows_of_graph(pipeline) for key in row.keys}
    return {name: value for name, value in rows.items() if tables & set(_around(name))}


def shown_sections(model: Model, row: Input) -> set[str]:
    """The sections in which the settings of an input stand, each only if none around it does."""
    found = {_section_of(model, key) for key in row.keys if not only_there(key)} - {""}
    outer = {s for s in found if not any(covers(other, s) for other in found - {s})}
    return {f"[{section}]" for section in outer} | ({row.file} - {""})


def shown_keys(model: Model, rows: Iterable[Input]) -> tuple[str, ...]:
    """The settings of some inputs as they are explained: ``run.fast``, ``[prior]`` as a whole."""
    keys = {key for row in rows for key in row.keys}
    whole = {key for key in keys if not only_there(key)}
    # What a whole section holds needs no mention of its own.
    keys -= {key for key in keys if any(covers(w, key.removesuffix(_THERE)) for w in whole - {key})}
    files = {row.file for row in rows} - {""}
    return (*sorted(_shown(model, key) for key in keys), *sorted(files))


def _shown(model: Model, key: str) -> str:
    if only_there(key):
        return f"whether there is [{key.removesuffix(_THERE)}]"
    return f"[{key}]" if _section_of(model, key) == key else key


def _section_of(model: Model, key: str) -> str:
    """The innermost section of a key: itself if it is one; "" for a key of none."""
    steps = key.split(".")
    kind: Any = model
    for depth, step in enumerate(steps):
        found = field_named(kind, step)
        if found is None:
            msg = f"{key}: {kind.__name__} has no {step}"
            raise KeyError(msg)
        kind = bare(found[1].annotation)
        if not is_section(kind):
            return ".".join(steps[:depth])
    return key
