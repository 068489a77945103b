"""``radiograph cosmics cuts``: cut sets as they are in effect, and what differs between two."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import AsJson, Config, CutSetsFile, OffSpill, Overrides


def cuts(
    cutset: Annotated[
        str | None, typer.Argument(help="Cut set; without one, all are listed.")
    ] = None,
    diff: Annotated[
        str | None, typer.Option("--diff", metavar="B", help="Show only what differs in this set.")
    ] = None,
    groups: Annotated[bool, typer.Option("--groups", help="List the groups of cuts.")] = False,
    config: Config = None,
    cutsets_file: CutSetsFile = None,
    off_spill: OffSpill = False,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Show every cut of a set: on or off, its bounds, and where that was decided."""
    from ...answers import print_json
    from ...config import config_of_command
    from ..cut_texts import difference, groups_of, lines_of, listed, told
    from ..cuts_in_effect import cutsets_of, effective

    settings = {
        "cuts.cutset": cutset,
        "cuts.cutsets_file": None if cutsets_file is None else str(cutsets_file),
        "cuts.on_spill": False if off_spill else None,
    }
    loaded = config_of_command("cosmics", config, overrides or (), settings)
    wanted = loaded.config.cuts
    sets = cutsets_of(wanted, loaded.path.parent)
    if cutset is None and config is None and diff is None and not groups:
        answer, lines = listed(sets)
    else:
        chosen = effective(sets[wanted.cutset], wanted, sets)
        if groups:
            answer, lines = groups_of(chosen)
        elif diff is not None:
            answer, lines = difference(chosen, effective(sets[diff], wanted, sets))
        else:
            answer, lines = told(chosen, sets[wanted.cutset]), lines_of(chosen, sets[wanted.cutset])
    if as_json:
        print_json(answer)
        return
    for line in lines:
        typer.echo(line)
