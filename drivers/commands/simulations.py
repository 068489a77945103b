"""``radiograph simulate``: files of simulated detector data."""

from __future__ import annotations

import typer

from .simulate import simulate_imaging
from .simulate_lightdqm import simulate_lightdqm
from .table import PlainGroup

simulate = typer.Typer(cls=PlainGroup, help="Simulate detector data, seeded.")
simulate.command("imaging")(simulate_imaging)
simulate.command("lightdqm")(simulate_lightdqm)
