"""``radiograph lightdqm report``: pictures, report and numbers of light files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ...options import AsJson, CacheFolder, NoCache, Overrides, Overwrite, Quiet
from .light_options import Config, Files, NoStore, Reference, StoreFile


def report(
    files: Files,
    config: Config = None,
    overrides: Overrides = None,
    output_path: Annotated[
        Path | None,
        typer.Option("--output-path", "-o", help="Folder to write to; else io.output_path."),
    ] = None,
    store: StoreFile = None,
    no_store: NoStore = False,
    reference: Reference = None,
    no_cache: NoCache = False,
    cache_dir: CacheFolder = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write the masks, the report and all numbers of light files, and print where they are.

    Files are named after the light file: <stem>_light_dqm_flatline.png and so on. The exit code
    is that of the verdict, as of `radiograph lightdqm judge`.
    """
    from ...config import config_of_command
    from ..opening import store_path, with_output_folder
    from ..run import Outputs
    from .files import asked, finish, headline, verdicts

    loaded = config_of_command("lightdqm", config, overrides or ())
    if output_path is not None:
        loaded = with_output_folder(loaded, output_path)
    options = asked(
        store,
        store_path(loaded, store),
        files=files,
        no_store=no_store,
        reference=reference,
        no_cache=no_cache,
        cache_dir=cache_dir,
        quiet=quiet,
    )
    checks = []
    for found in verdicts(loaded, options, Outputs(), overwrite=overwrite):
        checks.append(found)
        if not as_json:
            typer.echo(headline(found, loaded.config.lightdqm.time_zone))
            for path in found.written:
                typer.echo(f"  {path}")
    finish(checks, as_json=as_json)
