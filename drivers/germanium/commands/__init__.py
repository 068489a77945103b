"""Commands of the germanium pipeline: this table is all that is imported to list them."""

from __future__ import annotations

from ...command_places import CommandPlace

COMMANDS = {
    "germanium": CommandPlace(
        f"{__name__}.group", "germanium", "Germanium detectors: tiers and their constants."
    ),
    "simulate germanium": CommandPlace(f"{__name__}.simulate", "simulate_germanium", ""),
}
