"""``radiograph report``: an output file as one HTML page, and as a PDF."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..options import AsJson, Overwrite


def report(
    file: Annotated[Path, typer.Argument(help="HDF5 file that radiograph run wrote.")],
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
    """Write a report that needs no network: pictures, losses, spectra, graph, settings."""
    from ...schemas.errors import UsageError

    page = output_path or file.with_suffix(".html")
    if page.suffix.lower() not in (".html", ".htm"):
        msg = f"{page}: the report is HTML; name a file that ends in .html"
        raise UsageError(msg, file=page, key="output")
    from ..provenance import pipeline_of_path
    from ..registry import DEFAULT, definition, names

    name = pipeline_of_path(file)
    flow = definition(name if name in names() else DEFAULT)
    written = [str(p) for p in flow.report(file, page, pdf=pdf, overwrite=overwrite)]
    if as_json:
        from ..answers import print_json

        print_json({"input": str(file), "outputs": written})
        return
    for path in written:
        typer.echo(path)
