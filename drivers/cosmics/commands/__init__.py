"""Commands of cosmic-ray background: this table is all that is imported to list them."""

from __future__ import annotations

from ...command_places import CommandPlace

COMMANDS = {
    "cosmics": CommandPlace(
        f"{__name__}.group",
        "cosmics",
        "Cosmic-ray background: cut flows, cut sets, scans, events.",
    ),
    "simulate cosmics": CommandPlace(f"{__name__}.simulate", "simulate_cosmics", ""),
}
