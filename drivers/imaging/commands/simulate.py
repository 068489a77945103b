"""``radiograph simulate imaging``: options in, files out. Heavy imports wait for the call."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from ....schemas.errors import UsageError


class SourceShape(StrEnum):
    """Shapes of a source."""

    point = "point"
    line = "line"
    ring = "ring"


class SpectrumKind(StrEnum):
    """Neutron spectra."""

    mono = "mono"
    cf252 = "cf252"


class OutputFormat(StrEnum):
    """Formats of a simulated file."""

    phits = "phits"
    root = "root"


# Settings under the name of the option that sets them, for messages.
_OPTIONS = {
    "n_neutrons": "--events",
    "n_gammas": "--gammas",
    "seed": "--seed",
    "source.at_cm": "--at",
    "source.axis": "--axis",
    "source.length_cm": "--length-cm",
    "source.radius_cm": "--radius-cm",
    "source.second_at_cm": "--second-at",
    "source.second_share": "--second-share",
    "bar_errors.along_cm": "--bar-offset-cm",
    "bar_errors.time_ns": "--bar-time-ns",
    "bar_errors.gain": "--bar-gain",
    "neutron_spectrum.energy_MeV": "--energy-MeV",
    "gamma_spectrum.lines_MeV": "--gamma-energy-MeV",
    "scattering.carbon_fraction": "--carbon-fraction",
    "thresholds.min_light_MeVee": "--min-light-MeVee",
    "thresholds.min_deposit_MeV": "--min-deposit-MeV",
}


Out = Annotated[Path, typer.Argument(help="File to write.", metavar="OUT")]
Shape = Annotated[SourceShape, typer.Option(help="Shape of the source.")]
At = Annotated[str, typer.Option(help="Centre of the source, cm.", metavar="X,Y,Z")]
Axis = Annotated[
    str | None,
    typer.Option(
        help="Direction of a line (default 0,1,0), normal of a ring (default 0,0,1).",
        metavar="X,Y,Z",
    ),
]
Length = Annotated[float | None, typer.Option("--length-cm", help="Length of a line (default 10).")]
Radius = Annotated[float | None, typer.Option("--radius-cm", help="Radius of a ring (default 5).")]
SecondAt = Annotated[
    str | None, typer.Option(help="A second source, a point, cm.", metavar="X,Y,Z")
]
SecondShare = Annotated[
    float | None, typer.Option(help="Share of particles born at --second-at (default 0.5).")
]
BarCentres = Annotated[
    bool, typer.Option("--bar-centres", help="Across a bar its centre is read, as real arrays do.")
]
BarOffset = Annotated[
    float,
    typer.Option("--bar-offset-cm", help="Errors of whole bars: offset along them, rms."),
]
BarTime = Annotated[float, typer.Option("--bar-time-ns", help="Time offset of whole bars, rms.")]
BarGain = Annotated[
    float, typer.Option("--bar-gain", help="Gain of light of whole bars, rms of its logarithm.")
]
Spectrum = Annotated[
    SpectrumKind, typer.Option(help="Neutron energies: one, or Cf-252 spontaneous fission.")
]
Energy = Annotated[
    float | None,
    typer.Option("--energy-MeV", help="Neutron energy with --spectrum mono (default 14.1)."),
]
Events = Annotated[int, typer.Option(help="Accepted neutron events.")]
Gammas = Annotated[
    int | None, typer.Option(help="Accepted gamma events (default: a fifth of --events).")
]
GammaEnergy = Annotated[
    list[float] | None,
    typer.Option("--gamma-energy-MeV", help="Gamma line (default 4.438); may be repeated."),
]
CarbonFraction = Annotated[
    float, typer.Option(help="Share of first scatters on carbon, before the thresholds.")
]
MinLight = Annotated[float, typer.Option("--min-light-MeVee", help="Least light of a hit.")]
MinDeposit = Annotated[
    float, typer.Option("--min-deposit-MeV", help="Least energy deposited in a hit.")
]
NoResolution = Annotated[
    bool, typer.Option("--no-resolution", help="Write the true values, without errors.")
]
Seed = Annotated[int, typer.Option(help="Seed; the same seed gives the same events.")]
FileFormat = Annotated[OutputFormat, typer.Option(help="PHITS usrdef text, or NOVO DDAQ ROOT.")]
Truth = Annotated[
    Path | None,
    typer.Option(help="Write the truth here: CSV, or Parquet for a name in .parquet."),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")]


def simulate_imaging(
    out: Out,
    source: Shape = SourceShape.point,
    at: At = "0,0,0",
    axis: Axis = None,
    length_cm: Length = None,
    radius_cm: Radius = None,
    second_at: SecondAt = None,
    second_share: SecondShare = None,
    spectrum: Spectrum = SpectrumKind.mono,
    energy_MeV: Energy = None,
    events: Events = 10_000,
    gammas: Gammas = None,
    gamma_energy_MeV: GammaEnergy = None,
    carbon_fraction: CarbonFraction = 0.1,
    min_light_MeVee: MinLight = 0.05,
    min_deposit_MeV: MinDeposit = 0.1,
    no_resolution: NoResolution = False,
    bar_centres: BarCentres = False,
    bar_offset_cm: BarOffset = 0.0,
    bar_time_ns: BarTime = 0.0,
    bar_gain: BarGain = 0.0,
    seed: Seed = 1,
    format: FileFormat = OutputFormat.phits,
    truth: Truth = None,
    overwrite: Overwrite = False,
) -> None:
    """Simulate a neutron and gamma source in front of an array of scintillator bars.

    Three crossed layers of four bars (OGS, M600, OGS; detectors 11-14, 21-24, 31-34) stand
    1 m up the z axis. Neutrons scatter twice, gammas three times, with exact kinematics.
    """
    data: dict[str, Any] = {
        "n_neutrons": events,
        "n_gammas": max(events, 0) // 5 if gammas is None else gammas,
        "seed": seed,
        "source": {
            **_source(source, at, axis, length_cm, radius_cm),
            **_second_source(second_at, second_share),
        },
        "neutron_spectrum": _neutron_spectrum(spectrum, energy_MeV),
        "gamma_spectrum": {"lines_MeV": gamma_energy_MeV} if gamma_energy_MeV else {},
        "scattering": {"carbon_fraction": carbon_fraction},
        "thresholds": {"min_light_MeVee": min_light_MeVee, "min_deposit_MeV": min_deposit_MeV},
        "resolution": {"bar_centres": bar_centres},
        "bar_errors": {"along_cm": bar_offset_cm, "time_ns": bar_time_ns, "gain": bar_gain},
    }
    _simulate(data, out, format, truth, perfect=no_resolution, overwrite=overwrite)


def _simulate(
    data: dict[str, Any],
    out: Path,
    format: OutputFormat,
    truth: Path | None,
    *,
    perfect: bool,
    overwrite: bool,
) -> None:
    from ....schemas.simulation import Resolution
    from ..simulation import simulation_settings, write_simulation

    if perfect:
        perfect_hits = Resolution.perfect().model_dump()
        data["resolution"] = {**perfect_hits, **data["resolution"]}
    settings = simulation_settings(data, _OPTIONS, "command line")
    kind: Literal["phits", "root"] = "root" if format == OutputFormat.root else "phits"
    result = write_simulation(settings, out, kind, truth, overwrite=overwrite)
    typer.echo(
        f"{result.out}: {result.n_neutrons} neutron and {result.n_gammas} gamma events "
        f"({result.format}, {result.size_bytes / 1e6:.1f} MB, seed {settings.seed})"
    )
    if result.truth is not None:
        typer.echo(f"{result.truth}: the truth, one row an event")
    if result.bars is not None:
        typer.echo(f"{result.bars}: the errors of the bars, a file for [calibration] path")


def _source(
    shape: SourceShape, at: str, axis: str | None, length_cm: float | None, radius_cm: float | None
) -> dict[str, Any]:
    section: dict[str, Any] = {"shape": str(shape), "at_cm": _point("--at", at)}
    if axis is not None:
        _only_with(shape != SourceShape.point, "--axis", "--source line or --source ring")
        section["axis"] = _point("--axis", axis)
    if length_cm is not None:
        _only_with(shape == SourceShape.line, "--length-cm", "--source line")
        section["length_cm"] = length_cm
    if radius_cm is not None:
        _only_with(shape == SourceShape.ring, "--radius-cm", "--source ring")
        section["radius_cm"] = radius_cm
    return section


def _second_source(at: str | None, share: float | None) -> dict[str, Any]:
    if share is not None:
        _only_with(at is not None, "--second-share", "--second-at")
    if at is None:
        return {}
    section: dict[str, Any] = {"second_at_cm": _point("--second-at", at)}
    return section if share is None else {**section, "second_share": share}


def _neutron_spectrum(kind: SpectrumKind, energy_MeV: float | None) -> dict[str, Any]:
    if energy_MeV is None:
        return {"kind": str(kind)}
    _only_with(kind == SpectrumKind.mono, "--energy-MeV", "--spectrum mono")
    return {"kind": str(kind), "energy_MeV": energy_MeV}


def _only_with(fits: bool, option: str, needed: str) -> None:
    if not fits:
        msg = f"{option} has no effect here: it goes with {needed}; leave it out, or give that"
        raise UsageError(msg, key=option)


def _point(option: str, text: str) -> list[float]:
    """Three numbers from ``x,y,z``."""
    try:
        point = [float(part) for part in text.split(",")]
    except ValueError:
        point = []
    if len(point) != 3:
        msg = f"{option} {text!r} is not a point; give three numbers in cm, e.g. {option} 0,3,4"
        raise UsageError(msg, key=option)
    return point
