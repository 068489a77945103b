"""Commands of light data quality: this table is all that is imported to list them."""

from __future__ import annotations

from ...command_places import CommandPlace

COMMANDS = {
    "lightdqm": CommandPlace(
        f"{__name__}.group",
        "lightdqm",
        "Light read-out data quality: verdicts, reports, trends.",
    ),
    "simulate lightdqm": CommandPlace(f"{__name__}.simulate", "simulate_lightdqm", ""),
}
