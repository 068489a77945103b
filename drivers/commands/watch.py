"""``radiograph watch``: a quick look at files while they arrive."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..options import CacheFolder, Overrides, Overwrite, Quiet


def watch(
    folder: Annotated[Path, typer.Argument(help="Folder that files arrive in.")],
    config: Annotated[Path, typer.Argument(help="TOML file with the settings.")],
    output_path: Annotated[
        Path | None, typer.Option("--output-path", "-o", help="HDF5 file to write, or a folder.")
    ] = None,
    pattern: Annotated[
        str | None, typer.Option(help="Names of the files; by default those of the format.")
    ] = None,
    interval: Annotated[float, typer.Option(min=0.05, help="Seconds between two looks.")] = 10.0,
    settled: Annotated[
        float, typer.Option(min=0.0, help="Seconds that a file must have rested.")
    ] = 5.0,
    once: Annotated[
        bool, typer.Option("--once", help="Take what is complete now, then end.")
    ] = False,
    overrides: Overrides = None,
    overwrite: Overwrite = False,
    cache_dir: CacheFolder = None,
    quiet: Quiet = False,
) -> None:
    """Take each file of a folder when it is complete; one line a file.

    The output is that of a run over all files that are there, made anew whenever one arrives; of a
    pipeline that judges each file by itself, that of each file. Started again, it goes on where it
    was; Ctrl-C ends it, and what was written stays whole.
    """
    from ...schemas.errors import UsageError
    from ..cache.opening import cache_options
    from ..config import load_config
    from ..registry import definition_of
    from ..screen import Screen
    from ..watching import ArrivingFiles, watched

    if not folder.is_dir():
        msg = f"{folder}: is no folder. Name the folder that the files arrive in."
        raise UsageError(msg, file=folder, key="folder")
    named = None if output_path is None else str(output_path)
    loaded = load_config(config, overrides=overrides or (), settings={"io.output_path": named})
    screen = Screen(0 if quiet else 1)
    for notice in loaded.notices:
        screen.note(notice)
    cache = cache_options(loaded, folder=cache_dir)
    if not cache.enabled:
        screen.warn("[cache] is off: every file is computed anew whenever one arrives")
    quick_look = definition_of(loaded.config).quick_look(loaded, folder, cache, overwrite)
    arriving = ArrivingFiles(folder, pattern or quick_look.pattern, settled)
    screen.quiet_log()
    for line in watched(arriving, quick_look, interval_s=interval, once=once):
        typer.echo(line)
