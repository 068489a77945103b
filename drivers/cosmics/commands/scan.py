"""``radiograph cosmics scan``: what other thresholds give, without settings and output."""

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


def scan(
    files: Annotated[list[Path], typer.Argument(help="EventNtuple files, or folders of them.")],
    over: Annotated[
        list[str],
        typer.Option("--over", metavar="THRESHOLD=V,V,...", help="One threshold, or two."),
    ],
    config: Config = None,
    cutset: CutSetName = None,
    cutsets_file: CutSetsFile = None,
    off_spill: OffSpill = False,
    overrides: Overrides = None,
    no_cache: NoCache = False,
    cache_dir: CacheFolder = None,
    as_json: AsJson = False,
) -> None:
    """Print what is left at each value of a threshold."""
    from ...answers import print_json
    from ...cache.opening import cache_options
    from ...config import config_of_command
    from ..answer import answered
    from ..scan_settings import parsed_axis
    from ..table_text import scan_lines, warning_lines

    settings: dict[str, Any] = {
        "io.input_path": [str(path) for path in files],
        "io.file_list": "",
        "cuts.cutset": cutset,
        "cuts.cutsets_file": None if cutsets_file is None else str(cutsets_file),
        "cuts.on_spill": False if off_spill else None,
    }
    settings |= {f"scan.{name}": values for name, values in map(parsed_axis, over)}
    loaded = config_of_command("cosmics", config, overrides or (), settings)
    options = cache_options(loaded, no_cache=no_cache, folder=cache_dir)
    report = answered(loaded, ["threshold_scans"], options)
    if as_json:
        print_json(report.as_json())
    else:
        for line in warning_lines(report.verdict):
            typer.secho(line, fg="red")
        for line in scan_lines(report.values["threshold_scans"]):
            typer.echo(line)
    if report.exit_code:
        raise typer.Exit(report.exit_code)
