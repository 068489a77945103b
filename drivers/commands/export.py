"""``radiograph export``: an output file in the formats of other programs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ..imaging.redrawing import Redraw


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


class ColorScale(StrEnum):
    """How counts become colours."""

    linear = "linear"
    sqrt = "sqrt"
    log = "log"


_FIGURES = "Figures (png, pdf)"


def export(
    file: Annotated[Path, typer.Argument(help="HDF5 file that radiograph run wrote.")],
    to: Annotated[ExportFormat, typer.Option("--to", help="Format to write.")],
    output_path: Annotated[
        Path | None,
        typer.Option(
            "--output-path",
            "-o",
            help="File to write, or the folder of several; without it, beside the HDF5 file.",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")] = False,
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
    ] = 200,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write an output file as ROOT, tables, arrays or figures, or add its pair table."""
    from ..imaging.exporting import ExportRequest
    from ..imaging.exporting import export as exported

    wish = _redraw(
        species=species or (),
        limits=(vmin, vmax),
        scale=scale.value,
        view=view,
        dpi=dpi,
        keys={"colormap": cmap, "axis_units": axis_units},
        projected={
            **_roi_keys(roi),
            **({} if projections is None else {"enabled": projections}),
            **({} if metrics is None else {"metrics": metrics}),
        },
    )
    request = ExportRequest(file, to.value, output_path, overwrite, tuple(table or ()), wish)
    written = [str(path) for path in exported(request)]
    if as_json:
        from ..answers import print_json

        print_json({"input": str(file), "format": to.value, "outputs": written})
        return
    for path in written:
        typer.echo(path)


def _redraw(
    *,
    species: Any,
    limits: tuple[float | None, str | None],
    scale: Any,
    view: str | None,
    dpi: int,
    keys: dict[str, Any],
    projected: dict[str, Any],
) -> Redraw:
    from ...nodes.imaging.figure_picture import View
    from ..imaging.redrawing import Redraw

    vis = {key: value for key, value in keys.items() if value is not None}
    low, high = limits[0], None
    if limits[1] == "max":
        vis["color_range"] = "full"
    elif limits[1] is not None:
        high = _number(limits[1], "vmax")
    if low is not None and high is not None and low >= high:
        _refuse("vmin", f"{low:g} is not below --vmax {high:g}")
    edges = None if view is None else _rectangle(view, "view")
    shown = View(
        u_limits_cm=None if edges is None else edges[:2],
        v_limits_cm=None if edges is None else edges[2:],
        count_limits=(low, high),
        scale=scale,
        dpi=dpi,
    )
    return Redraw(tuple(species), {**vis, "projections": projected} if projected else vis, shown)


def _roi_keys(roi: str | None) -> dict[str, float | None]:
    if roi is None:
        return {}
    names = [f"roi_{axis}_{end}_cm" for axis in "uv" for end in ("min", "max")]
    edges = (None,) * 4 if roi == "none" else _rectangle(roi, "roi")
    return dict(zip(names, edges, strict=True))


def _rectangle(text: str, option: str) -> Any:
    parts = text.split(",")
    if len(parts) != 4:
        _refuse(option, f"{text!r} is no rectangle; write U0,U1,V0,V1 in cm")
    u0, u1, v0, v1 = (_number(part, option) for part in parts)
    if u0 >= u1 or v0 >= v1:
        _refuse(option, f"{text!r}: each lower edge must be below the upper one")
    return u0, u1, v0, v1


def _number(text: str, option: str) -> float:
    import math

    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        _refuse(option, f"{text!r} is no number")
    return value


def _refuse(option: str, text: str) -> None:
    from ...schemas.errors import UsageError

    msg = f"--{option}: {text}"
    raise UsageError(msg, key=option)
