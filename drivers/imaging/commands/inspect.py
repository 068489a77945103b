"""``radiograph inspect``: where a cone, an event or a part of the picture comes from."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...command_places import BareOptions
from ...options import AsJson

if TYPE_CHECKING:
    from ..saved import SavedRun


class InspectCommand(BareOptions):
    """``--prior-leakage`` alone is that of priors 20 cm away."""

    bare = MappingProxyType({"--prior-leakage": "20"})


def inspect(
    file: Annotated[Path, typer.Argument(help="HDF5 file of a run, or of ngimager.")],
    cone: Annotated[int | None, typer.Option(help="Trace this cone (row of /cones).")] = None,
    event: Annotated[int | None, typer.Option(help="Trace this event (row of /lm).")] = None,
    pixel: Annotated[
        str | None, typer.Option(metavar="U,V", help="Trace the pixel at this place, cm.")
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(
            metavar="U0,U1,V0,V1", help="Trace the pixels whose centres lie in there, cm."
        ),
    ] = None,
    budget: Annotated[
        bool, typer.Option("--budget", help="What the place of a source may be wrong by.")
    ] = False,
    pulls: Annotated[
        bool, typer.Option("--pulls", help="Whether cones are as wide as they say.")
    ] = False,
    prior_leakage: Annotated[
        float | None,
        typer.Option(
            "--prior-leakage",
            metavar="[CM]",
            help="How far priors at this distance pull the thin image; 20 if not told.",
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="PNG", help="Draw the cones over the image, or what is told."),
    ] = None,
    limit: Annotated[
        int,
        typer.Option(min=1, help="Most cones of a region listed; 12 are drawn."),
    ] = 20,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the picture.")] = False,
    as_json: AsJson = False,
) -> None:
    """Follow hits, events, hypotheses, cones and pixels into each other, in a file."""
    from ....schemas.errors import UsageError

    asked = {"--cone": cone, "--event": event, "--pixel": pixel, "--region": region}
    asked_of = prior_leakage is not None
    shown = {"--budget": budget, "--pulls": pulls, "--prior-leakage": asked_of}
    given = [name for name, value in asked.items() if value is not None]
    given += [name for name, wanted in shown.items() if wanted]
    if len(given) != 1:
        seen = " and ".join(given) if given else "none of them"
        *names, last = (*asked, *shown)
        msg = f"give exactly one of {', '.join(names)} and {last}; given: {seen}"
        raise UsageError(msg)
    if plot is not None:
        _check_picture(plot, overwrite=overwrite)
    if given[0] in shown:
        _tell(file, given[0][2:], prior_leakage, plot, as_json=as_json)
        return
    from ..inspection import cone_trace, event_trace, plain, region_trace
    from ..saved import open_run

    with open_run(file) as saved:
        area = None
        if cone is not None:
            trace = cone_trace(saved, cone)
        elif event is not None:
            trace = event_trace(saved, event)
        else:
            area = _area(saved, pixel, region)
            trace = region_trace(saved, area)
        if plot is not None:
            _draw(saved, trace, area, "Pixel" if pixel else "Region", plot, limit)
    if as_json:
        from ...answers import print_json

        print_json(plain({"file": str(file), **trace, "plot": str(plot) if plot else None}))
        return
    from ..inspection_text import event_text, region_text

    typer.echo(event_text(trace) if area is None else region_text(trace, limit))
    if plot is not None:
        typer.echo(plot)


def _tell(
    file: Path, option: str, shift_cm: float | None, plot: Path | None, *, as_json: bool
) -> None:
    """Show what the file holds of the reconstruction, or how far priors ``shift_cm`` away pull."""
    from ...files import new_output
    from ..inspection import plain
    from ..inspection_reconstruction import (
        leakage_of,
        picture_of,
        records_of,
        stored_frame,
        text_of,
    )
    from ..saved import open_run

    with open_run(file) as saved:
        frame = stored_frame(saved, option) if shift_cm is None else leakage_of(saved, shift_cm)
    records = records_of(frame, option)
    if plot is not None:
        with new_output(plot) as temporary:
            temporary.write_bytes(picture_of(frame, option))
    if as_json:
        from ...answers import print_json

        told = {"file": str(file), option.replace("-", "_"): records}
        print_json(plain({**told, "plot": str(plot) if plot else None}))
        return
    typer.echo(text_of(records))
    if plot is not None:
        typer.echo(plot)


def _area(saved: SavedRun, pixel: str | None, region: str | None) -> Any:
    from ..inspection import pixel_region
    from ..tracing import pixel_at, region_of

    if pixel is not None:
        return pixel_region(saved.grid, *pixel_at(saved, *_numbers("--pixel", pixel, "U,V")))
    return region_of(saved, _numbers("--region", region or "", "U0,U1,V0,V1"))


def _numbers(option: str, text: str, form: str) -> Any:
    from ....schemas.errors import UsageError

    parts = text.split(",")
    try:
        numbers = tuple(float(part) for part in parts)
    except ValueError:
        numbers = ()
    if len(numbers) != form.count(",") + 1 or any(x != x or abs(x) > 1e9 for x in numbers):
        msg = f"{option} {text}: give {form}, numbers in cm with commas between and no spaces"
        raise UsageError(msg, key=option.lstrip("-"))
    return numbers


def _check_picture(path: Path, *, overwrite: bool) -> None:
    from ....schemas.errors import UsageError
    from ...files import check_new_files

    if path.suffix != ".png":
        msg = f"{path}: the picture is PNG; name a file that ends in .png"
        raise UsageError(msg, file=path, key="plot")
    check_new_files([path], (), overwrite=overwrite, elsewhere="another with --plot")


def _draw(
    saved: SavedRun, trace: dict[str, Any], area: Any, words: str, path: Path, limit: int
) -> None:
    from ...files import new_output
    from ..inspection_picture import picture_of_trace

    content = picture_of_trace(saved, trace, area, words, limit)
    with new_output(path) as temporary:
        temporary.write_bytes(content)
