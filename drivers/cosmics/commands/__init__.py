"""Commands of cosmic rays: this table is all that is imported to list them."""

from __future__ import annotations

from ...command_places import CommandPlace

COMMANDS = {
    "simulate cosmics": CommandPlace(f"{__name__}.simulate", "simulate_cosmics", ""),
}
