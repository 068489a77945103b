"""``radiograph cosmics``: what is asked of cosmic-ray data beside a run of settings."""

from __future__ import annotations

import typer

from ...command_places import PlainGroup
from .compare import compare
from .convert import convert
from .cuts import cuts
from .events import events
from .flow import flow
from .notebook import notebook
from .scan import scan
from .workspace import workspace

cosmics = typer.Typer(
    cls=PlainGroup,
    help="Cosmic-ray background: cut flows, cut sets, scans, events.",
)
cosmics.command("flow")(flow)
cosmics.command("cuts")(cuts)
cosmics.command("compare")(compare)
cosmics.command("events")(events)
cosmics.command("notebook")(notebook)
cosmics.command("workspace")(workspace)
cosmics.command("convert")(convert)
cosmics.command("scan")(scan)
