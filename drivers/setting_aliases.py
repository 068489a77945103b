"""Older names of settings: what a file or a command line says under them is meant under the new.

A definition holds the table, old dotted key to new; whoever gives both names is told both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..schemas.errors import SettingProblem
from .overrides import Override, with_overrides

Loc = tuple[str | int, ...]


def renamed_data(
    data: Mapping[str, Any], aliases: Mapping[str, str], file: str
) -> tuple[dict[str, Any], dict[Loc, str], list[SettingProblem]]:
    """A copy of the data with every setting under its new name.

    Beside it by new name how it was written, and a problem for each setting that has both names.
    """
    found, _ = with_overrides(data, [], file)
    written: dict[Loc, str] = {}
    problems = []
    for old, new in aliases.items():
        *tables, name = old.split(".")
        table = _table(found, tables)
        if name not in table:
            continue
        value = table.pop(name)
        *homes, own = new.split(".")
        home = _table(found, homes)
        if own in home:
            problems.append(_both(file, old, new))
            continue
        found, clash = with_overrides(found, [Override(tuple(new.split(".")), value, file)], file)
        # What stands where a table belongs is told of by the check of that table.
        if not clash:
            written[tuple(new.split("."))] = old
    return found, written, problems


def renamed_overrides(
    overrides: Sequence[Override], aliases: Mapping[str, str]
) -> tuple[list[Override], list[SettingProblem]]:
    """Settings of the command line under their new names, and those that are given by both."""
    found = list(overrides)
    problems = []
    for old, new in aliases.items():
        path, to = tuple(old.split(".")), tuple(new.split("."))
        by_old = [o for o in overrides if o.path == path]
        by_new = [o for o in overrides if o.path == to]
        if by_old and by_new:
            problems.append(_both(f"{by_old[0].origin}, {by_new[0].origin}", old, new))
        found = [replace(o, path=to) if o.path == path else o for o in found]
    return found, problems


def _both(where: str, old: str, new: str) -> SettingProblem:
    section = new.rpartition(".")[0]
    text = f"{new} and {old} are two names of one setting, and both are given; keep {new}"
    return SettingProblem(where, section, text, new)


def _table(data: Mapping[str, Any], steps: Sequence[str]) -> dict[str, Any]:
    """The table at some steps; an empty one where there is none."""
    table: Any = data
    for step in steps:
        table = table.get(step) if isinstance(table, dict) else None
    return table if isinstance(table, dict) else {}
