"""``radiograph germanium``: tiers from constants that are known."""

from __future__ import annotations

import typer

from ...command_places import PlainGroup
from .build import build
from .files import files, merge
from .show import show

germanium = typer.Typer(cls=PlainGroup, help="Germanium detectors: tiers and their constants.")
germanium.command("build")(build)
germanium.command("show")(show)
germanium.command("files")(files)
germanium.command("merge")(merge)


@germanium.callback()
def _group() -> None:
    """Germanium detectors: tiers and their constants."""
