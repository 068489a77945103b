"""``radiograph run``: a TOML file in, an HDF5 file, figures and counters out."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..options import AsJson, CacheFolder, Overrides, Overwrite, Quiet

if TYPE_CHECKING:
    from ..cache.opening import CacheOptions
    from ..config import LoadedConfig
    from ..engine.executors import Executor
    from ..engine.report import RunReport


def run(
    context: typer.Context,
    config: Annotated[Path, typer.Argument(help="TOML file with the settings.")],
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Files to read in place of io.input_path.", show_default=False),
    ] = None,
    output_path: Annotated[
        Path | None, typer.Option("--output-path", "-o", help="HDF5 file to write, or a folder.")
    ] = None,
    input_path: Annotated[
        list[Path] | None,
        typer.Option(help="File or folder to read, or a pattern in quotes; repeatable."),
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(help="Compute what this node needs, write it alone; repeatable."),
    ] = None,
    overrides: Overrides = None,
    fast: Annotated[bool | None, typer.Option("--fast/--no-fast", help="Fast mode.")] = None,
    list_mode: Annotated[
        bool | None, typer.Option("--list/--no-list", help="Write the pixels of each cone.")
    ] = None,
    neutrons: Annotated[
        bool | None, typer.Option("--neutrons/--no-neutrons", help="Image neutrons.")
    ] = None,
    gammas: Annotated[
        bool | None, typer.Option("--gammas/--no-gammas", help="Image gamma rays.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="STAGE", help="Last stage: hits, events, cones, image.")
    ] = None,
    overwrite: Overwrite = False,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Compute everything, keep nothing.")
    ] = False,
    cache_dir: CacheFolder = None,
    refresh: Annotated[
        list[str] | None, typer.Option(help="Compute this node again; repeatable.")
    ] = None,
    rehash: Annotated[
        bool, typer.Option("--rehash", help="Read the input even if it seems unchanged.")
    ] = False,
    executor: Annotated[
        str, typer.Option(help="Where parts of the data are computed: local or dask.")
    ] = "local",
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler, e.g. tcp://host:8786.")
    ] = None,
    workers: Annotated[int, typer.Option(min=0, help="Local Dask processes; 0 = one a core.")] = 0,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Reader notes and first rows of each frame.")
    ] = False,
) -> None:
    """Run the pipeline of a TOML file.

    Exit code 0: done; 3: an input gave nothing; 4: a check of the data, or a channel, failed.
    """
    from ...schemas.errors import UsageError

    if target and until:
        msg = "--target and --until exclude each other: a target says itself what it needs"
        raise UsageError(msg, key="until")
    from ..cache.opening import cache_options
    from ..config import load_config

    inputs = [str(p) for p in (*(files or ()), *(input_path or ()))]
    loaded = load_config(
        config,
        overrides=overrides or (),
        settings={
            "run.fast": fast,
            "run.list": list_mode,
            "run.neutrons": neutrons,
            "run.gammas": gammas,
            "pipeline.until": until,
            "io.input_path": inputs or None,
            # What the command names stands in the place of all that the file does.
            "io.file_list": "" if inputs else None,
            "io.output_path": None if output_path is None else str(output_path),
        },
    )
    options = cache_options(
        loaded,
        no_cache=no_cache,
        folder=cache_dir,
        refresh=refresh or (),
        rehash=rehash,
        started_s=context.obj,
    )
    with _executor(executor, scheduler, workers, options) as where:
        report = run_and_show(
            loaded,
            targets=target or (),
            overwrite=overwrite,
            cache=options,
            executor=where,
            quiet=quiet,
            verbose=verbose,
            to_stdout=not as_json,
        )
    if as_json:
        from ..answers import print_json

        print_json(report.as_json())
    if report.exit_code:
        raise typer.Exit(report.exit_code)


def _executor(
    name: str, scheduler: str | None, workers: int, cache: CacheOptions
) -> AbstractContextManager[Executor | None]:
    """Where parts are evaluated; None = in this process."""
    from ...schemas.errors import UsageError

    if name not in ("local", "dask"):
        msg = f"--executor {name}: allowed are local and dask"
        raise UsageError(msg, key="executor")
    if name == "local":
        if scheduler or workers:
            msg = "--scheduler and --workers belong to --executor dask; add it or leave them out"
            raise UsageError(msg, key="executor")
        return nullcontext()
    from ..engine.executors import DaskExecutor

    return DaskExecutor(scheduler, workers, cache).lasting()


def run_and_show(
    loaded: LoadedConfig,
    *,
    targets: list[str] | tuple[str, ...] = (),
    overwrite: bool = False,
    cache: CacheOptions,
    executor: Executor | None = None,
    quiet: bool = False,
    verbose: bool = False,
    to_stdout: bool = True,
) -> RunReport:
    """Run, with stage lines and a progress bar on stderr and the results on stdout."""
    from ..compiling import compiled_beside, without_extensions_of_numba
    from ..registry import definition_of
    from ..screen import Screen

    without_extensions_of_numba()
    pipeline = definition_of(loaded.config)
    settings = pipeline.screen(loaded.config)
    level = settings.level
    if quiet:
        level = 0
    elif verbose:
        level = 2
    screen = Screen(level)
    for notice in loaded.notices:
        screen.note(notice)
    if loaded.replaced:
        screen.note(f"fast mode replaces {', '.join(loaded.replaced)}")
    # Workers of Dask compile for themselves, at the same time.
    ahead = pipeline.compiled_ahead(loaded.config) if executor is None else None
    with compiled_beside(ahead), screen.progress(show=settings.progress) as advance:
        report = pipeline.run(
            loaded,
            targets=targets,
            overwrite=overwrite,
            cache=cache,
            progress=advance,
            executor=executor,
        )
    screen.summary(report, pipeline.stage_lines)
    if to_stdout:
        for line in (*report.said, *report.files):
            typer.echo(line)
    return report
