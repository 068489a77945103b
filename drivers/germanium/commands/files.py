"""``radiograph germanium files`` and ``merge``: what a folder holds, and channels put together."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_SHOWN = ("path", "tier", "rows", "codec", "status", "problem")
_MOST_NAMED = 5


def files(
    folder: Annotated[Path, typer.Argument(help="Folder with LH5 files, at any depth.")],
    output_path: Annotated[
        Path | None, typer.Option("--output-path", "-o", help="CSV or Parquet file of the table.")
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(help="Leave out paths that hold this; repeatable.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Tabulate the LH5 files of a folder, and say which run lacks which tier.

    Exit code 3: a file cannot be read, or its times are not those of its name.
    """
    from ....schemas.errors import EXIT_INPUT, InputError, UsageError
    from ...files import check_new_files, new_output
    from ..file_database import files_table, missing_tiers

    if not folder.is_dir():
        msg = f"{folder}: is no folder. Give one that holds LH5 files."
        raise InputError(msg, file=folder)
    if output_path is not None:
        if output_path.suffix not in (".csv", ".parquet"):
            msg = f"{output_path}: the table is written as .csv or .parquet; name one of these"
            raise UsageError(msg, key="output_path")
        check_new_files([output_path], (), overwrite=overwrite, key="output_path")
    table = files_table(folder, ignore or ())
    missing = missing_tiers(table)
    if output_path is not None:
        with new_output(output_path) as temporary:
            if output_path.suffix == ".csv":
                table.to_csv(temporary, index=False)
            else:
                table.to_parquet(temporary, index=False)
    if as_json:
        from ...answers import print_json
        from ...engine.plain_values import plain_value

        print_json({"files": plain_value(table), "missing": missing})
    else:
        for row in table[list(_SHOWN)].fillna("").astype(str).to_numpy():
            typer.echo("  ".join(text for text in row if text))
        for line in missing:
            typer.echo(line)
    bad = table["path"][table["status"].isin(["unreadable", "left_out"])]
    if len(bad):
        more = ", ..." if len(bad) > _MOST_NAMED else ""
        typer.echo(
            f"error: {len(bad)} of {len(table)} files in {folder} cannot be read, or were taken at "
            f"another time than their name says: {', '.join(bad[:_MOST_NAMED])}{more}. The table "
            "says why, file by file; copy them again, or leave them out (--ignore).",
            err=True,
        )
        raise typer.Exit(EXIT_INPUT)


def merge(
    files: Annotated[list[Path], typer.Argument(help="Parameter files, or LH5 tiers.")],
    output_path: Annotated[Path, typer.Option("--output-path", "-o", help="File to write.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file.")] = False,
) -> None:
    """Put together what was made of channels one by one; the same channel twice is an error."""
    from ..joining import merge_files

    for key in merge_files(files, output_path, overwrite=overwrite):
        typer.echo(key)
