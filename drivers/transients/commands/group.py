"""``radiograph transients``: the archives of a campaign, before a run reads them."""

from __future__ import annotations

import typer

from ...command_places import PlainGroup
from .retrieval import extract, fetch, status, verify

transients = typer.Typer(
    cls=PlainGroup,
    help="Campaigns of transients: fetch, verify and unpack archives.",
)
transients.command("fetch")(fetch)
transients.command("verify")(verify)
transients.command("extract")(extract)
transients.command("status")(status)
