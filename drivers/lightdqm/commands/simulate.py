"""``radiograph simulate lightdqm``: options in, files out. Heavy imports wait for the call."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ....schemas.errors import UsageError

if TYPE_CHECKING:
    from ....schemas.light_simulation import LightSimulationSettings
    from ..simulation import LightSimulationResult


class FileLayout(StrEnum):
    """Event builders."""

    mpd = "mpd"
    adc64 = "adc64"


class FileCompression(StrEnum):
    """Filters of h5flow."""

    none = "none"
    gzip = "gzip"
    lzf = "lzf"


# Settings under the name of the option that sets them, for messages.
_OPTIONS = {
    "seed": "--seed",
    "tag": "--tag",
    "run": "--run",
    "subrun": "--subrun",
    "n_events": "--events",
    "n_adcs": "--adcs",
    "n_samples": "--samples",
    "readout.pedestal_adc16": "--pedestal-adc16",
    "readout.noise_adc16": "--noise-adc16",
    "readout.baseline_shift_adc16": "--baseline-shift-adc16",
    "triggers.beam_fraction": "--beam-fraction",
    "tones": "--tone",
    "faults": "--fault",
}
_FAULT = re.compile(
    r"(?P<kind>\w+)(?::(?P<adc>\d+)(?:/(?P<channel>\d+))?)?(?:=(?P<value>[^=@]+))?"
    r"(?:@(?P<begin>[\d.]+)-(?P<end>[\d.]+))?"
)
_FAULT_FORM = (
    "KIND, KIND:ADC, KIND:ADC/CHANNEL, each with =VALUE if the strength is to be another and "
    "@FROM-TO for a span of the events, such as @0.5-1.0"
)
_TONE = re.compile(r"(?P<adc>\d+):(?P<frequency_MHz>[^=]+)(?:=(?P<amplitude_adc16>[^=]+))?")

Folder = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="Folder to write into; made if absent.")
]
FaultOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KIND[:ADC[/CH]][=VALUE][@FROM-TO]",
        help="Plant a fault; repeatable. The seed chooses a place if none is given; FROM and TO "
        "are shares of the events (dead:3/25@0.5-1.0). "
        "--fault all plants each kind of channels and ADCs once; --list-faults tells the kinds.",
    ),
]
KnownFault = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KIND[:ADC[/CH]][=VALUE][@FROM-TO]",
        help="Plant a fault that the channel status file tells of; repeatable.",
    ),
]
ToneOption = Annotated[
    list[str] | None,
    typer.Option(metavar="ADC:MHZ[=ADC16]", help="A coherent tone of the set-up; repeatable."),
]


def simulate_lightdqm(
    folder: Folder = Path(),
    events: Annotated[int, typer.Option(min=1, help="Events of a file.")] = 500,
    files: Annotated[int, typer.Option(min=1, help="Sub-runs, one file each.")] = 1,
    run: Annotated[int, typer.Option(help="Run number.")] = 50014,
    subrun: Annotated[int, typer.Option(help="Number of the first sub-run.")] = 0,
    tag: Annotated[str, typer.Option(help="Tag in the file name.")] = "data",
    adcs: Annotated[int, typer.Option(help="ADCs: 8 (2x2), or 2, 4, 6.")] = 8,
    samples: Annotated[int, typer.Option(help="Samples of a waveform (16 ns each).")] = 1000,
    beam_fraction: Annotated[
        float, typer.Option(help="Share of beam events; the others trigger themselves.")
    ] = 0.5,
    pedestal_adc16: Annotated[
        float, typer.Option("--pedestal-adc16", help="Mean pedestal, 16-bit counts.")
    ] = -28000.0,
    noise_adc16: Annotated[
        float, typer.Option("--noise-adc16", help="White noise, 16-bit counts.")
    ] = 35.0,
    baseline_shift_adc16: Annotated[
        float, typer.Option("--baseline-shift-adc16", help="Moves every pedestal.")
    ] = 0.0,
    tone: ToneOption = None,
    fault: FaultOption = None,
    known_fault: KnownFault = None,
    layout: Annotated[
        FileLayout,
        typer.Option(help="Files of today, or older ones (no trigger type, times a channel)."),
    ] = FileLayout.mpd,
    compression: Annotated[
        FileCompression, typer.Option(help="Filter of the waveforms.")
    ] = FileCompression.none,
    seed: Annotated[int, typer.Option(help="Seed; the same seed gives the same files.")] = 1,
    list_faults: Annotated[
        bool, typer.Option("--list-faults", help="Print the kinds of faults and stop.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")] = False,
) -> None:
    """Simulate files of a light read-out (FLOW.hdf5), with the truth and a channel status file.

    Writes mpd_run_TAG_rctl_RUN_pSUBRUN.FLOW.hdf5 and beside it .truth_events.csv (one row an
    event), .truth_faults.csv (one row a planted fault), and channel_status.csv.
    """
    if list_faults:
        _print_faults()
        return
    data: dict[str, Any] = {
        "seed": seed,
        "tag": tag,
        "run": run,
        "n_events": events,
        "n_adcs": adcs,
        "n_samples": samples,
        "layout": str(layout),
        "readout": {
            "pedestal_adc16": pedestal_adc16,
            "noise_adc16": noise_adc16,
            "baseline_shift_adc16": baseline_shift_adc16,
        },
        "triggers": {"beam_fraction": beam_fraction},
        "tones": [_tone(text) for text in tone or ()],
        "faults": [
            *(f for text in fault or () for f in _faults("--fault", text, known=False)),
            *(f for text in known_fault or () for f in _faults("--known-fault", text, known=True)),
        ],
    }
    chosen = None if compression == FileCompression.none else str(compression)
    numbers = range(subrun, subrun + files)
    _write([data | {"subrun": k} for k in numbers], folder, chosen, overwrite=overwrite)


def _write(
    several: list[dict[str, Any]], folder: Path, compression: Any, *, overwrite: bool
) -> None:
    from ....schemas.light_simulation import LightSimulationSettings
    from ...checked_settings import checked_settings
    from ..simulation import check_outputs, write_light_simulation

    wanted = [
        checked_settings(LightSimulationSettings, data, _OPTIONS, "command line")
        for data in several
    ]
    check_outputs(wanted, folder, overwrite=overwrite)
    for settings in wanted:
        _tell(
            settings,
            write_light_simulation(settings, folder, compression=compression, overwrite=overwrite),
        )


def _tell(settings: LightSimulationSettings, result: LightSimulationResult) -> None:
    from ....schemas.light_faults import EVERY_FAULT_KIND, planted

    typer.echo(
        f"{result.out}: {result.n_beam} beam and {result.n_self} self-triggered events, "
        f"{settings.n_adcs} ADCs, {settings.n_samples} samples "
        f"({result.size_bytes / 1e6:.1f} MB, seed {settings.seed})"
    )
    for row in planted(result.faults):
        place = f"ADC {row.adc}" if row.adc >= 0 else "all ADCs"
        place += f" channel {row.channel}" if row.channel >= 0 else ""
        unit = EVERY_FAULT_KIND[row.kind].unit
        first, end = row.events(settings.n_events)
        when = "" if row.throughout else f", events {first} to {end - 1}"
        typer.echo(
            f"  {row.kind} at {place}: {row.value:g} {unit}{', known' if row.known else ''}{when}"
        )


def _print_faults() -> None:
    from ....schemas.light_faults import EVERY_FAULT_KIND

    for name, kind in EVERY_FAULT_KIND.items():
        head = f"{name:16} {kind.target:8} {kind.value:>8g} {kind.unit:14}"
        typer.echo(f"{head} {kind.effect} (check {kind.check or 'none'})")


def _faults(option: str, text: str, *, known: bool) -> list[dict[str, Any]]:
    """The faults that an option asks for."""
    from ....schemas.light_faults import EVERY_FAULT_KIND, FAULT_KINDS

    if text == "all":
        return [{"kind": kind, "known": known} for kind in FAULT_KINDS]
    found = _FAULT.fullmatch(text)
    if found is None:
        msg = f"{option} {text!r} is no fault; write {_FAULT_FORM}"
        raise UsageError(msg, key=option)
    kind = found["kind"]
    if kind not in EVERY_FAULT_KIND:
        msg = f"{option} {kind!r} is unknown; allowed: all, {', '.join(EVERY_FAULT_KIND)}"
        raise UsageError(msg, key=option)
    return [
        {
            "kind": kind,
            "known": known,
            "adc": None if found["adc"] is None else int(found["adc"]),
            "channel": None if found["channel"] is None else int(found["channel"]),
            "value": None if found["value"] is None else _number(option, text, found["value"]),
            **{
                edge: _number(option, text, found[edge])
                for edge in ("begin", "end")
                if found[edge] is not None
            },
        }
    ]


def _tone(text: str) -> dict[str, Any]:
    found = _TONE.fullmatch(text)
    if found is None:
        msg = f"--tone {text!r} is no tone; write ADC:MHZ or ADC:MHZ=ADC16, e.g. --tone 0:10=40"
        raise UsageError(msg, key="--tone")
    numbers = {
        name: _number("--tone", text, value)
        for name, value in found.groupdict().items()
        if value is not None and name != "adc"
    }
    return {"adc": int(found["adc"]), **numbers}


def _number(option: str, text: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        msg = f"{option} {text!r}: {value!r} is no number"
        raise UsageError(msg, key=option) from None
