"""``radiograph simulate germanium``: options in, a file of the raw tier out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def simulate_germanium(
    out: Annotated[Path, typer.Argument(metavar="FILE", help="LH5 file to write.")],
    events: Annotated[int, typer.Option(min=0, help="Triggers a channel.")] = 5000,
    channels: Annotated[int, typer.Option(min=1, help="Detectors.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Of every random choice.")] = 1,
    two_poles: Annotated[bool, typer.Option("--two-poles", help="A second decay.")] = False,
    enriched: Annotated[
        bool, typer.Option("--enriched", help="Ten times the events at 1592.5 and 1620.5 keV.")
    ] = False,
    baselines: Annotated[
        bool, typer.Option("--baselines", help="Forced triggers without pulses.")
    ] = False,
    train: Annotated[
        bool, typer.Option("--train", help="Pulses of all classes, to train an SVM.")
    ] = False,
    bad: Annotated[
        float, typer.Option(help="Fraction of events that something is wrong with.")
    ] = 0.04,
    gain_drift: Annotated[float, typer.Option(help="Change of the gain over the file.")] = 0.0,
    gain_step: Annotated[float, typer.Option(help="Change of the gain at half of the file.")] = 0.0,
    pulser: Annotated[float, typer.Option(min=0.0, help="Rate of a pulser (Hz).")] = 0.0,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an existing file.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make a file of simulated germanium detectors, with the truth beside each table."""
    from ....schemas.germanium_simulation import GermaniumSimulationSettings
    from ...checked_settings import checked_settings
    from ..simulation import write_germanium_simulation

    given = {
        "n_events": events,
        "n_channels": channels,
        "seed": seed,
        "two_poles": two_poles,
        "enriched": enriched,
        "baselines": baselines,
        "train": train,
        "bad_fraction": bad,
        "gain_drift": gain_drift,
        "gain_step": gain_step,
        "pulser_Hz": pulser,
    }
    options = {
        "bad_fraction": "--bad", "gain_drift": "--gain-drift", "gain_step": "--gain-step",
        "n_channels": "--channels", "pulser_Hz": "--pulser",
    }  # fmt: skip
    settings = checked_settings(GermaniumSimulationSettings, given, options, "command line")
    made = write_germanium_simulation(settings, out, overwrite=overwrite)
    if as_json:
        from ...answers import print_json

        print_json(
            {
                "file": str(made.out),
                "bytes": made.size_bytes,
                "n_events": made.n_events,
                "channels": [vars(constants) for constants in made.constants],
            }
        )
        return
    typer.echo(made.out)
