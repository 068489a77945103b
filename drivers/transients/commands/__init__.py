"""Commands of transients: this table is all that is imported to list them."""

from __future__ import annotations

from ...command_places import CommandPlace

COMMANDS = {
    "transients": CommandPlace(
        f"{__name__}.group",
        "transients",
        "Campaigns of transients: fetch, verify and unpack archives.",
    ),
    "simulate transients": CommandPlace(f"{__name__}.simulate", "simulate_transients", ""),
}
