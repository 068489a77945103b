"""Commands of the imaging pipeline: this table is all that is imported to list them."""

from __future__ import annotations

from ...command_places import CommandPlace

COMMANDS = {
    "imaging": CommandPlace(
        f"{__name__}.group", "imaging", "Neutron and gamma imaging: what a picture is made of."
    ),
    "inspect": CommandPlace(
        f"{__name__}.inspect",
        "inspect",
        "Follow hits, events, hypotheses, cones and pixels into each other, in a file.",
        "InspectCommand",
    ),
    "simulate imaging": CommandPlace(f"{__name__}.simulate", "simulate_imaging", ""),
}
