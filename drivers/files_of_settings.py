"""The files that settings name to be read: no output of a run may take the place of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, get_args, get_origin

from ..schemas.settings import NamesFile, Section
from .files import is_pattern, matching
from .home import path_of_setting
from .loaded_config import LoadedConfig
from .overrides import alternatives, entries_of
from .registry import definition_of

# Stands for the number of a run in the name of a file of each run.
_EACH_RUN: Final = "{run}"


def files_of_settings(loaded: LoadedConfig[Any]) -> list[Path]:
    """The settings themselves and every file that they name to be read, as far as it is there.

    A pattern stands for the files that it finds. Folders are left out: what is in them is an
    input only where a pipeline reads it (``Definition.files_read``).
    """
    folder = loaded.path.parent
    found = [loaded.path]
    for value in dict.fromkeys(_read_in(loaded.config)):
        path = path_of_setting(folder, value.replace(_EACH_RUN, "*"))
        found += matching(path) if is_pattern(path) and not path.exists() else [path]
    found += definition_of(loaded.config).files_read(loaded.config, folder)
    return [path for path in dict.fromkeys(found) if path.is_file()]


def _read_in(section: Section) -> Iterator[str]:
    """Every text of a section that names what is read."""
    for name, field in type(section).model_fields.items():
        # pydantic takes the marks of a whole annotation off it.
        yield from _read_of((field.annotation, *field.metadata), getattr(section, name))


def _read_of(kind: Any, value: Any) -> Iterator[str]:
    if isinstance(value, Section):
        yield from _read_in(value)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _read_of(_values_of(kind), item)
    elif isinstance(value, (list, tuple)):
        inner = tuple(a for one in alternatives(kind) for a in entries_of(one))
        for item in value:
            yield from _read_of(inner, item)
    elif isinstance(value, str) and value:
        marks = [one for one in alternatives(kind) if isinstance(one, NamesFile)]
        if any(mark.is_read for mark in marks):
            yield value


def _values_of(kind: Any) -> tuple[Any, ...]:
    """What the values of a table may be."""
    tables = (a for a in alternatives(kind) if get_origin(a) in (dict, Mapping))
    return tuple(get_args(table)[1] for table in tables)
