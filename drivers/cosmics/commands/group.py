"""``radiograph cosmics``: what is asked of cosmic-ray data beside a run of settings."""

from __future__ import annotations

import typer

from ...command_places import PlainGroup
from .cuts import cuts
from .flow import flow
from .scan import scan

cosmics = typer.Typer(
    cls=PlainGroup,
    help="Cosmic-ray background: cut flows, cut sets, scans, events.",
)
cosmics.command("flow")(flow)
cosmics.command("cuts")(cuts)
cosmics.command("scan")(scan)
