"""``radiograph lightdqm trend``: what the store of runs says over files."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ....schemas.errors import EXIT_GATE
from ...options import AsJson, Overrides, Overwrite
from .light_options import Config, Reference, StoreFile

if TYPE_CHECKING:
    from ....nodes.lightdqm.figure_trend import TrendPanel
    from ..overview import Overview


class Quantity(StrEnum):
    """What can be followed over files."""

    baseline = "baseline"
    noise = "noise"
    clipped = "clipped"
    negative = "negative"
    power = "power"


class Trigger(StrEnum):
    """Which events a fraction is of."""

    beam = "beam"
    self = "self"


class Light(StrEnum):
    """Whose light puts an event into the denominator of a fraction."""

    channel = "channel"
    epcb = "epcb"
    tpc = "tpc"
    total = "total"


def trend(
    config: Config = None,
    overrides: Overrides = None,
    store: StoreFile = None,
    quantity: Annotated[
        list[Quantity] | None, typer.Option(help="What to follow over the files; repeatable.")
    ] = None,
    channel: Annotated[
        list[str] | None, typer.Option(metavar="ADC/CHANNEL", help="A channel; repeatable.")
    ] = None,
    epcb: Annotated[
        list[str] | None, typer.Option(metavar="ADC/EPCB", help="A board; repeatable.")
    ] = None,
    tpc: Annotated[list[int] | None, typer.Option(help="A TPC; repeatable.")] = None,
    trigger: Annotated[Trigger, typer.Option(help="Events of clipped, negative.")] = Trigger.self,
    granularity: Annotated[
        Light | None,
        typer.Option(
            help="Whose light an event of clipped, negative must have: default that of the channel "
            "or group, for all channels any event."
        ),
    ] = None,
    roi_MHz: Annotated[
        float, typer.Option("--roi-MHz", help="Frequency of power (0.5, 1.8, 4.6 ... 30).")
    ] = 0.5,
    reference: Reference = None,
    last: Annotated[int, typer.Option(min=0, help="Only the last so many files; 0 = all.")] = 0,
    latest: Annotated[
        bool, typer.Option("--latest", help="Only the file with the newest data, by its time.")
    ] = False,
    output_path: Annotated[
        list[Path] | None,
        typer.Option("--output-path", "-o", help="File to write: .png, .html or .csv; repeatable."),
    ] = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Show the files of the store with their verdicts and alarms, or quantities over the files.

    Without --quantity the exit code is 4 while an alarm is raised (with --latest: if a check of
    that file fails). An alarm is raised and cleared by several files in a row, as
    lightdqm.hysteresis says.
    """
    from ...config import config_of_command
    from ..opening import store_path
    from ..store import RunStore
    from ..trend_output import check_places, write_trends
    from ..trend_request import asked_trends, history_of, trend_requests

    requests = trend_requests(
        quantity or (),
        channels=channel or (),
        epcbs=epcb or (),
        tpcs=tpc or (),
        trigger=trigger,
        granularity=granularity,
        roi_MHz=roi_MHz,
    )
    loaded = config_of_command("lightdqm", config, overrides or ())
    settings = loaded.config.lightdqm
    outputs = output_path or []
    place = store_path(loaded, store)
    check_places(outputs, [place], overwrite=overwrite, has_trends=bool(requests))
    with RunStore(place, create=False) as opened:
        history = history_of(opened, settings, any_settings=config is None)
        panels = asked_trends(opened, history, requests, settings, reference, last)
    shown = 1 if latest else last
    write_trends(outputs, panels, history, shown, settings.time_zone)
    if as_json:
        from ...answers import print_json
        from ..trend_output import trends_as_json

        values = trends_as_json(panels, history, shown, settings.time_zone)
        written = [str(path) for path in outputs]
        print_json({"store": str(opened.path), "outputs": written, **values})
    else:
        _show(history, panels, shown, settings.time_zone, latest=latest)
        for path in outputs:
            typer.echo(path)
    if latest:
        raise typer.Exit(EXIT_GATE if history.files[-1].status == "fail" else 0)
    raise typer.Exit(EXIT_GATE if history.raised and not panels else 0)


def _show(
    history: Overview,
    panels: Sequence[TrendPanel],
    shown: int,
    time_zone: str,
    *,
    latest: bool,
) -> None:
    from ..overview import alarm_lines, file_lines
    from ..trend_output import panel_lines
    from ..verdict_text import verdict_lines

    lines = [line for panel in panels for line in panel_lines(panel, time_zone)]
    if not panels:
        lines = file_lines(history.files[-shown:], time_zone)
        if latest:
            newest = history.files[-1]
            lines += [newest.run.path, *verdict_lines(newest.verdict)]
        else:
            lines += alarm_lines(history)
    for line in lines:
        typer.echo(line)
