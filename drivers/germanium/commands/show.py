"""``radiograph germanium show``: a channel of a run in words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def show(
    channel: Annotated[str, typer.Argument(help="A channel by number, table or detector.")],
    run_file: Annotated[
        Path,
        typer.Option("--run-file", "-r", help="HDF5 file of a run, or the folder that holds it."),
    ] = Path("germanium"),
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Tell what a run found of a channel: status, failures, and each number with its error.

    Exit code 4: the channel was not calibrated, or only in part.
    """
    from ....schemas.errors import EXIT_GATE, InputError, UsageError
    from ..showing import channel_told, lines_of
    from ..summary import OK

    path = run_file
    if not path.exists():
        msg = f"{path}: no such file or folder. Name what a run wrote with --run-file."
        raise InputError(msg, file=path, key="run_file")
    if path.is_dir():
        made = [p for p in path.glob("*.h5") if p.is_file()]
        if not made:
            msg = f"{path}: holds no output of a run. Name a file with --run-file."
            raise UsageError(msg, file=path, key="run_file")
        path = max(made, key=lambda p: (p.stat().st_mtime_ns, p.name))
    told = channel_told(path, channel)
    if as_json:
        from ...answers import print_json

        print_json(told)
    else:
        for line in lines_of(told):
            typer.echo(line)
    if told["status"] != OK:
        raise typer.Exit(EXIT_GATE)
