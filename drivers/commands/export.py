"""``radiograph export``: an output file in the formats of other programs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ..options import AsJson, Overwrite


class ExportFormat(StrEnum):
    """Formats that an output file can be exported to."""

    root = "root"
    csv = "csv"
    parquet = "parquet"
    png = "png"
    pdf = "pdf"
    npz = "npz"
    pairs = "pairs"
    list = "list"
    no_list = "no-list"
    ml4see = "ml4see"
    sigmf = "sigmf"
    rntuple = "rntuple"


class ColorScale(StrEnum):
    """How counts become colours."""

    linear = "linear"
    sqrt = "sqrt"
    log = "log"


_FIGURES = "Figures (png, pdf)"
_DPI = 200


def export(
    file: Annotated[
        Path,
        typer.Argument(
            help="HDF5 file that radiograph run wrote; rntuple: a ROOT file of events; csv, "
            "parquet: also an LH5 file."
        ),
    ],
    to: Annotated[ExportFormat, typer.Option("--to", help="Format to write.")],
    output_path: Annotated[
        Path | None,
        typer.Option(
            "--output-path",
            "-o",
            help="File to write, or the folder of several; without it, beside the HDF5 file.",
        ),
    ] = None,
    overwrite: Overwrite = False,
    table: Annotated[
        list[str] | None,
        typer.Option(help="root, csv, parquet: only this table; repeatable."),
    ] = None,
    species: Annotated[
        list[str] | None,
        typer.Option(help="Only this image (n, g, all); repeatable.", rich_help_panel=_FIGURES),
    ] = None,
    cmap: Annotated[
        str | None, typer.Option(help="Colour map of matplotlib.", rich_help_panel=_FIGURES)
    ] = None,
    vmin: Annotated[
        float | None, typer.Option(help="Counts of the first colour.", rich_help_panel=_FIGURES)
    ] = None,
    vmax: Annotated[
        str | None,
        typer.Option(
            metavar="COUNTS|max",
            help="Counts of the last colour; max = the largest, also of one hot pixel.",
            rich_help_panel=_FIGURES,
        ),
    ] = None,
    scale: Annotated[
        ColorScale, typer.Option(help="Colours over counts.", rich_help_panel=_FIGURES)
    ] = ColorScale.linear,
    axis_units: Annotated[
        str | None, typer.Option(metavar="cm|mm", rich_help_panel=_FIGURES)
    ] = None,
    roi: Annotated[
        str | None,
        typer.Option(
            metavar="U0,U1,V0,V1",
            help="Region of interest in cm, for projections and numbers; none = the whole plane.",
            rich_help_panel=_FIGURES,
        ),
    ] = None,
    view: Annotated[
        str | None,
        typer.Option(
            metavar="U0,U1,V0,V1", help="Show this part, in cm.", rich_help_panel=_FIGURES
        ),
    ] = None,
    metrics: Annotated[
        bool | None,
        typer.Option(
            "--metrics/--no-metrics",
            help="Numbers of the projections, fitted peak included.",
            rich_help_panel=_FIGURES,
        ),
    ] = None,
    projections: Annotated[
        bool | None,
        typer.Option("--projections/--no-projections", rich_help_panel=_FIGURES),
    ] = None,
    dpi: Annotated[
        int, typer.Option(min=20, max=2000, help="Pixels an inch.", rich_help_panel=_FIGURES)
    ] = _DPI,
    as_json: AsJson = False,
) -> None:
    """Write an output file as ROOT, tables, arrays or figures, or add its pair table."""
    from ..runfile.export_request import ExportRequest
    from ..runfile.exporting import export as exported

    figure = {
        "species": tuple(species or ()),
        "cmap": cmap,
        "vmin": vmin,
        "vmax": vmax,
        "scale": None if scale is ColorScale.linear else scale.value,
        "axis_units": axis_units,
        "roi": roi,
        "view": view,
        "metrics": metrics,
        "projections": projections,
        "dpi": None if dpi == _DPI else dpi,
    }
    wished = {name: value for name, value in figure.items() if value not in (None, ())}
    request = ExportRequest(file, to.value, output_path, overwrite, tuple(table or ()), wished)
    written = [str(path) for path in exported(request)]
    if as_json:
        from ..answers import print_json

        print_json({"input": str(file), "format": to.value, "outputs": written})
        return
    for path in written:
        typer.echo(path)
