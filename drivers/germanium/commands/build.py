"""``radiograph germanium build``: a tier of data files, from constants that are known."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Tier(StrEnum):
    """What is made."""

    DSP = "dsp"
    HIT = "hit"


def build(
    tier: Annotated[Tier, typer.Argument(help="The tier to make.")],
    files: Annotated[list[Path], typer.Argument(help="LH5 files of an earlier tier.")],
    parameters: Annotated[
        list[Path],
        typer.Option("--parameters", "-p", help="par_dsp or par_hit file; repeatable."),
    ],
    output_path: Annotated[
        Path, typer.Option("--output-path", "-o", help="Folder for what is made.")
    ] = Path(),
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Change a setting; repeatable."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")] = False,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Compute everything, keep nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No notes on stderr.")] = False,
) -> None:
    """Make the dsp or hit tier of files with constants of an earlier calibration.

    Exit code 0: done; 3: a file gave nothing; 4: a channel has no constants.
    """
    from importlib import resources

    from ...cache.opening import cache_options
    from ...commands.run import run_and_show
    from ...config import load_config

    with resources.as_file(resources.files("radiograph.configs") / "germanium_build.toml") as path:
        loaded = load_config(
            path,
            overrides=overrides or (),
            settings={
                "pipeline.until": tier.value,
                "io.input_path": [str(file) for file in files],
                "io.output_path": str(output_path),
                "germanium.parameters_path": [str(file) for file in parameters],
                "germanium.tiers": [tier.value],
            },
        )
    report = run_and_show(
        loaded,
        overwrite=overwrite,
        cache=cache_options(loaded, no_cache=no_cache),
        quiet=quiet,
        to_stdout=not as_json,
    )
    if as_json:
        from ...answers import print_json

        print_json(report.as_json())
    if report.exit_code:
        raise typer.Exit(report.exit_code)
