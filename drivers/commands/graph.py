"""``radiograph graph``: the pipeline as a picture, without any other program."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..registry import DEFAULT

if TYPE_CHECKING:
    from ..protocols import GraphPicture


class ShownSpecies(StrEnum):
    """Whose nodes are drawn."""

    neutron = "neutron"
    gamma = "gamma"
    both = "both"


def graph(
    config: Annotated[
        Path | None,
        typer.Argument(help="TOML file; without one, any legal settings are drawn."),
    ] = None,
    output_path: Annotated[
        Path | None,
        typer.Option("--output-path", "-o", help="SVG file to write; without it, to stdout."),
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(help="Draw only this node and what it needs; repeatable."),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            "--pipeline", help=f"Pipeline to draw (default: that of CONFIG, or {DEFAULT})."
        ),
    ] = None,
    species: Annotated[
        ShownSpecies | None,
        typer.Option(help="Whose nodes are drawn (default: those that are on)."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every node, not only the main quantities.")
    ] = False,
    last_run: Annotated[
        bool,
        typer.Option(
            "--last-run", help="Show what the last run did, from the output file of the settings."
        ),
    ] = False,
    run_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Show what the run did that wrote this HDF5 file."),
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace an existing picture.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object: nodes and edges.")
    ] = False,
) -> None:
    """Draw the graph of a pipeline as SVG."""
    from ...schemas.errors import UsageError
    from ..files import check_new_files, new_output

    if output_path is not None:
        from ..config import load_config
        from ..files_of_settings import files_of_settings

        if output_path.suffix != ".svg":
            msg = f"{output_path}: the picture is SVG; name a file that ends in .svg"
            raise UsageError(msg, file=output_path)
        read = [run_file] if run_file is not None else []
        if config is not None:
            read += files_of_settings(load_config(config))
        check_new_files([output_path], read, overwrite=overwrite)
    picture = _picture(
        name,
        config,
        _file_of_run(config, last_run=last_run, run_file=run_file),
        everything=everything,
        targets=target or (),
        species=None if species is None else species.value,
    )
    if output_path is not None:
        with new_output(output_path) as temporary:
            temporary.write_text(picture.svg, "utf-8")
    if as_json:
        from ..answers import print_json

        path = None if output_path is None else str(output_path)
        print_json({"output": path, **picture.dag.as_json()})
    else:
        typer.echo(output_path or picture.svg, nl=output_path is not None)


def _file_of_run(config: Path | None, *, last_run: bool, run_file: Path | None) -> Path | None:
    """The output file whose run is shown; None without one."""
    from ...schemas.errors import UsageError

    if run_file is not None or not last_run:
        return run_file
    if config is None:
        msg = "--last-run needs a TOML file: its [io] output_path names the file of the run"
        raise UsageError(msg, key="last-run")
    from ..config import load_config
    from ..registry import definition_of

    loaded = load_config(config)
    return definition_of(loaded.config).file_of_run(loaded)


def _picture(
    name: str | None, config: Path | None, run_file: Path | None, **shown: Any
) -> GraphPicture:
    if run_file is None:
        from ..api import pipeline
        from ..config import load_config

        named = None if config is None else load_config(config)
        wanted = name or (DEFAULT if named is None else named.config.pipeline.name)
        return pipeline(wanted, named).graph(**shown)
    from ..provenance import pipeline_of_path
    from ..registry import definition, names

    found = pipeline_of_path(run_file)
    pipeline_shown = definition(found if found in names() else DEFAULT)
    return pipeline_shown.graph_of_run(run_file, config, **shown)
