"""``radiograph cosmics events``: the unvetoed events of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ....schemas.errors import UsageError
from .options import AsJson


def events(
    file: Annotated[Path, typer.Argument(help="HDF5 file of a run.")],
    event: Annotated[
        str | None,
        typer.Option(metavar="[RUN,]SUBRUN,EVENT", help="Show this one as a page."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the unvetoed events, or show one: its times on a line, segments, coincidences."""
    from ...answers import print_json
    from ...engine.plain_values import plain_value
    from ..event_page import list_lines, page_lines, survivors

    found = survivors(file)
    if as_json:
        tables = {"unvetoed_events": found.tracks, "unvetoed_coincidences": found.coincidences}
        print_json({name: plain_value(table) for name, table in tables.items()})
        return
    lines = list_lines(found) if event is None else page_lines(found, _numbers(event))
    for line in lines:
        typer.echo(line)


def _numbers(text: str) -> tuple[int, ...]:
    parts = text.split(",")
    if len(parts) not in (2, 3) or not all(part.strip().isdecimal() for part in parts):
        msg = f"--event {text}: is no event; write SUBRUN,EVENT or RUN,SUBRUN,EVENT"
        raise UsageError(msg, key="event")
    return tuple(int(part) for part in parts)
