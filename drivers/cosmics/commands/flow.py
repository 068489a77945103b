"""``radiograph cosmics flow``: the cut flow of files, without settings and without an output."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .options import (
    AsJson,
    CacheFolder,
    Config,
    CutSetName,
    CutSetsFile,
    NoCache,
    OffSpill,
    Overrides,
)


def flow(
    files: Annotated[list[Path], typer.Argument(help="EventNtuple files, or folders of them.")],
    config: Config = None,
    cutset: CutSetName = None,
    cutsets_file: CutSetsFile = None,
    off_spill: OffSpill = False,
    off: Annotated[
        list[str] | None, typer.Option("--off", help="Cut, or group, to leave out; repeatable.")
    ] = None,
    overrides: Overrides = None,
    no_cache: NoCache = False,
    cache_dir: CacheFolder = None,
    as_json: AsJson = False,
) -> None:
    """Print the cut flow of event files.

    Exit code 0: done; 3: a file gave nothing; 4: the files are not complete.
    """
    from ....schemas.cosmics.cuts import GROUPS
    from ...answers import print_json
    from ...cache.opening import cache_options
    from ...config import config_of_command
    from ..answer import answered
    from ..table_text import flow_lines, warning_lines

    settings: dict[str, Any] = {
        "io.input_path": [str(path) for path in files],
        "io.file_list": "",
        "cuts.cutset": cutset,
        "cuts.cutsets_file": None if cutsets_file is None else str(cutsets_file),
        "cuts.on_spill": False if off_spill else None,
    }
    for name in off or ():
        settings[f"cuts.{'toggle_groups' if name in GROUPS else 'toggle_cuts'}.{name}"] = False
    loaded = config_of_command("cosmics", config, overrides or (), settings)
    options = cache_options(loaded, no_cache=no_cache, folder=cache_dir)
    report = answered(loaded, ["cut_flow"], options)
    if as_json:
        print_json(report.as_json())
    else:
        for line in warning_lines(report.verdict):
            typer.secho(line, fg="red")
        for line in flow_lines(report.values["cut_flow"], report.summary):
            typer.echo(line)
    if report.exit_code:
        raise typer.Exit(report.exit_code)
