"""``radiograph report``: an output file as one HTML page, and as a PDF."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..options import AsJson, Overwrite


def report(
    file: Annotated[
        Path, typer.Argument(help="HDF5 file that radiograph run wrote, or a folder of such files.")
    ],
    output_path: Annotated[
        Path | None,
        typer.Option(
            "--output-path", "-o", help="Page to write (.html); without it, beside the file."
        ),
    ] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Write a PDF of the same beside it.")] = False,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Write a report that needs no network: pictures, losses, spectra, graph, settings.

    Of a folder of runs, one page over all of them, where the pipeline has one.
    """
    from ...schemas.errors import UsageError

    is_folder = file.is_dir()
    page = output_path or (file / "overview.html" if is_folder else file.with_suffix(".html"))
    if page.suffix.lower() not in (".html", ".htm"):
        msg = f"{page}: the report is HTML; name a file that ends in .html"
        raise UsageError(msg, file=page, key="output")
    from ..provenance import pipeline_of_path
    from ..registry import DEFAULT, definition, names

    of_runs = map(pipeline_of_path, sorted(file.glob("*.h5")) if is_folder else [file])
    name = next((found for found in of_runs if found in names()), "")
    if is_folder and (pdf or not name):
        why = "holds no HDF5 file of a run" if not pdf else "the page over several runs has no PDF"
        msg = f"{file}: {why}; name one file"
        raise UsageError(msg, file=file, key="file")
    flow = definition(name or DEFAULT)
    made = (
        flow.overview(file, page, overwrite=overwrite)
        if is_folder
        else flow.report(file, page, pdf=pdf, overwrite=overwrite)
    )
    written = [str(path) for path in made]
    if as_json:
        from ..answers import print_json

        print_json({"input": str(file), "outputs": written})
        return
    for path in written:
        typer.echo(path)
