"""``radiograph imaging``: what only images have."""

from __future__ import annotations

import typer

from ...command_places import PlainGroup
from .inspect import InspectCommand, inspect

imaging = typer.Typer(
    cls=PlainGroup,
    help="Neutron and gamma imaging: what a picture is made of.",
)
# With a callback a single command stays one of a group.
imaging.callback()(lambda: None)
imaging.command("inspect", cls=InspectCommand)(inspect)
