"""``radiograph simulate``: files of simulated detector data, of each pipeline that has some."""

from __future__ import annotations

import importlib
from typing import Final

import typer

from .. import registry
from ..command_places import PlainGroup

_GROUP: Final = "simulate "

simulate = typer.Typer(cls=PlainGroup, help="Simulate detector data, seeded.")
for _name, _place in registry.commands().items():
    if _name.startswith(_GROUP):
        _written = vars(importlib.import_module(_place.module))[_place.name]
        simulate.command(_name.removeprefix(_GROUP))(_written)
