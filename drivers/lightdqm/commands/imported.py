"""``radiograph lightdqm import``: the JSON-lines of the near-line script into the store of runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ...options import AsJson, Overrides
from .light_options import Config, StoreFile

_MOST_SHOWN = 5


def import_lines(
    files: Annotated[
        list[Path], typer.Argument(help="noises.json, baselines.json, clipped_epcb_beam.json ...")
    ],
    config: Config = None,
    overrides: Overrides = None,
    prefix: Annotated[
        str | None,
        typer.Option(
            help="How the light files' names begin; else lightdqm.file_syntax. The file of "
            "index 7 is PREFIX7.FLOW.hdf5."
        ),
    ] = None,
    store: StoreFile = None,
    as_json: AsJson = False,
) -> None:
    """Read the JSON-lines of the light DQM script into the store of runs.

    The lines do not say how they were measured: they count as measured with these settings. The
    last line of a file index counts; lines never replace what was measured from a light file.
    """
    from ...config import config_of_command
    from ..importing import import_files
    from ..opening import store_path

    loaded = config_of_command("lightdqm", config, overrides or ())
    report = import_files(files, loaded.config.lightdqm, store_path(loaded, store), prefix)
    if as_json:
        from ...answers import print_json

        print_json(report)
        return
    for file in report["files"]:
        _show(file)
    typer.echo(
        f"{report['n_runs']} file indices in {report['store']}: {report['n_new']} new, "
        f"{report['n_merged']} known, {report['n_kept']} left as measured from the light file"
    )


def _show(file: dict[str, Any]) -> None:
    typer.echo(
        f"{file['file']}: {file['n_lines']} lines, {file['n_duplicates']} replaced by later ones, "
        f"{file['n_bad']} bad"
    )
    problems = file["problems"]
    for problem in problems[:_MOST_SHOWN]:
        typer.echo(f"  line {problem['line']}: {problem['reason']}", err=True)
    if len(problems) > _MOST_SHOWN:
        typer.echo(f"  {len(problems) - _MOST_SHOWN} problems more; see --json", err=True)
