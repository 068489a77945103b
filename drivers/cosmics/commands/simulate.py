"""``radiograph simulate cosmics``: options in, files out. Heavy imports wait for the call."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer


class EventKind(StrEnum):
    """What is simulated."""

    cosmic = "cosmic"
    signal = "signal"
    mix = "mix"
    edge = "edge"
    odd = "odd"


class NtupleRelease(StrEnum):
    """Layouts."""

    v6_03 = "v6_03"
    v6_06 = "v6_06"


class NtupleFormat(StrEnum):
    """How the events are stored."""

    ttree = "ttree"
    rntuple = "rntuple"


class TotalsPlace(StrEnum):
    """Where generated and processed events and the livetime stand."""

    subruns = "subruns"
    histograms = "histograms"
    both = "both"
    none = "none"


# Settings under the name of the option that sets them, for messages.
_OPTIONS = {
    "kind": "--kind",
    "n_events": "--events",
    "run": "--run",
    "subrun": "--subrun",
    "seed": "--seed",
    "release": "--release",
    "format": "--format",
    "veto_inefficiency": "--veto-inefficiency",
    "pile_up_per_event": "--pile-up",
    "totals": "--totals",
    "basket_events": "--basket-events",
}

Folder = Annotated[
    Path, typer.Argument(metavar="OUT_DIR", help="Folder to write into; made if absent.")
]


def simulate_cosmics(
    folder: Folder = Path(),
    kind: Annotated[
        EventKind,
        typer.Option(
            help="cosmic: cosmic rays; signal: conversion electrons; mix: those with "
            "coincidences of the beam; edge: values on thresholds; odd: what a reader trips over."
        ),
    ] = EventKind.cosmic,
    files: Annotated[int, typer.Option(min=1, help="Sub-runs, one file each.")] = 1,
    events: Annotated[int, typer.Option(min=0, help="Events of a file.")] = 1000,
    seed: Annotated[int, typer.Option(help="Seed; the same seed gives the same events.")] = 1,
    off_spill: Annotated[
        bool, typer.Option("--off-spill", help="Times to 100 microseconds.")
    ] = False,
    release: Annotated[
        NtupleRelease, typer.Option(help="Layout of the files.")
    ] = NtupleRelease.v6_06,
    format: Annotated[
        NtupleFormat, typer.Option(help="How the events are stored.")
    ] = NtupleFormat.ttree,
    run: Annotated[int | None, typer.Option(help="Run number; each kind has its own.")] = None,
    subrun: Annotated[int, typer.Option(help="Number of the first sub-run.")] = 0,
    veto_inefficiency: Annotated[
        float, typer.Option(help="Probability that a cosmic particle leaves no coincidence.")
    ] = 0.04,
    pile_up: Annotated[
        float, typer.Option(help="Mean number of coincidences of the beam (mix, odd).")
    ] = 2.2,
    totals: Annotated[
        TotalsPlace, typer.Option(help="Where events and livetime of the file are told.")
    ] = TotalsPlace.both,
    basket_events: Annotated[int, typer.Option(min=1, help="Events of a basket.")] = 1000,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")] = False,
) -> None:
    """Simulate EventNtuple files of cosmic rays or signal, with the truth beside.

    Writes nts.simulated.KIND-SPILL.RELEASE.RUN_SUBRUN.root and beside it .truth.json: sums of
    what was drawn and what was planted (veto inefficiency, coincidences of the beam).
    """
    data: dict[str, Any] = {
        "kind": str(kind),
        "n_events": events,
        "run": run,
        "seed": seed,
        "on_spill": not off_spill,
        "release": str(release),
        "format": str(format),
        "veto_inefficiency": veto_inefficiency,
        "pile_up_per_event": pile_up,
        "totals": str(totals),
        "basket_events": basket_events,
    }
    numbers = range(subrun, subrun + files)
    _write([data | {"subrun": k} for k in numbers], folder, overwrite=overwrite)


def _write(several: list[dict[str, Any]], folder: Path, *, overwrite: bool) -> None:
    from ....schemas.cosmics_simulation import CosmicsSimulationSettings
    from ...checked_settings import checked_settings
    from ..simulation import check_outputs, write_cosmics_simulation

    wanted = [
        checked_settings(CosmicsSimulationSettings, data, _OPTIONS, "command line")
        for data in several
    ]
    check_outputs(wanted, folder, overwrite=overwrite)
    for settings in wanted:
        result = write_cosmics_simulation(settings, folder, overwrite=overwrite)
        sums = result.sums
        typer.echo(
            f"{result.out}: {sums.n_events} events, {sums.n_fits} fits, {sums.n_segments} "
            f"segments, {sums.n_coincidences} coincidences "
            f"({result.size_bytes / 1e6:.1f} MB, seed {settings.seed})"
        )
