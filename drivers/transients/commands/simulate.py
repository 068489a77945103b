"""``radiograph simulate transients``: options in, a campaign out, or a server of one."""

from __future__ import annotations

import re
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ....schemas.errors import UsageError


class ServerMode(StrEnum):
    """What a server makes of range requests."""

    ok = "ok"
    no_range = "no_range"
    ignore_range = "ignore_range"
    aligned = "aligned"
    no_length = "no_length"
    redirect = "redirect"


class Oscillator(StrEnum):
    """Types of oscillators."""

    ADPLL = "ADPLL"
    LJPLL = "LJPLL"


class NoiseKind(StrEnum):
    """What is added to white noise."""

    slow = "slow"
    white = "white"
    flicker = "flicker"
    random_walk = "random_walk"


# Settings under the name of the option that sets them, for messages.
_OPTIONS: Final = {
    "seed": "--seed",
    "run": "--run",
    "steps": "--steps",
    "hits": "--hits",
    "half_width_um": "--half-width-um",
    "n_pre": "--pre",
    "n_post": "--post",
    "fs_MHz": "--fs-mhz",
    "cf_MHz": "--cf-mhz",
    "peak_ppm": "--peak-ppm",
    "decay_per_s": "--lambda",
    "fast_share": "--fast-share",
    "spread": "--spread",
    "noise.level_ppm": "--noise-ppm",
    "anomaly_share": "--anomalies",
    "planted": "--plant",
    "damage": "--damage",
    "stray": "--stray",
    "parts": "--parts",
}
_PLANT: Final = re.compile(r"(?P<kind>\w+)(?::(?P<number>\d+))?")

Folder = Annotated[
    Path | None, typer.Argument(metavar="FOLDER", help="Folder to write into; made if absent.")
]


def simulate_transients(
    folder: Folder = None,
    run: Annotated[int, typer.Option(help="Number of the first run.")] = 26,
    runs: Annotated[int, typer.Option(min=1, help="Runs, numbered one after another.")] = 1,
    steps: Annotated[int, typer.Option(help="Positions of the beam in x and in y.")] = 9,
    hits: Annotated[int, typer.Option(help="Recordings a position.")] = 5,
    half_width_um: Annotated[float, typer.Option(help="The scan goes so far.")] = 20.0,
    pre: Annotated[int, typer.Option(help="Samples before the trigger.")] = 3000,
    post: Annotated[int, typer.Option(help="Samples from the trigger on.")] = 9000,
    fs_MHz: Annotated[float, typer.Option("--fs-mhz", help="Sample rate, MHz.")] = 20.0,
    cf_MHz: Annotated[float, typer.Option("--cf-mhz", help="Tuned frequency, MHz.")] = 1275.0,
    dut: Annotated[Oscillator, typer.Option(help="Type of the oscillator.")] = Oscillator.ADPLL,
    peak_ppm: Annotated[
        float, typer.Option("--peak-ppm", help="Amplitude in the middle, signed.")
    ] = 20.0,
    decay_per_s: Annotated[
        float, typer.Option("--lambda", help="Decay constant in the middle, 1/s.")
    ] = 8000.0,
    fast_share: Annotated[
        float, typer.Option(help="Part of the amplitude that decays 9 times faster.")
    ] = 0.3,
    spread: Annotated[
        float, typer.Option(help="Relative spread of amplitude and decay from hit to hit.")
    ] = 0.04,
    noise: Annotated[
        NoiseKind, typer.Option(help="Added to white frequency noise.")
    ] = NoiseKind.slow,
    noise_ppm: Annotated[float, typer.Option("--noise-ppm", help="Its standard deviation.")] = 0.4,
    anomalies: Annotated[
        float, typer.Option(help="Probability of an anomaly, beside those planted.")
    ] = 0.02,
    plant: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND[:NUMBER]",
            help="Plant an anomaly; repeatable. Without this option each kind once; none for none; "
            "--list-kinds tells the kinds.",
        ),
    ] = None,
    damage: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND",
            help="Damage a recording; repeatable. Without this option each kind once; none for "
            "none.",
        ),
    ] = None,
    stray: Annotated[int, typer.Option(help="Recordings without a position.")] = 2,
    parts: Annotated[int, typer.Option(help="Parts of an archive; 1 = whole.")] = 3,
    gz: Annotated[bool, typer.Option(help="Compress the archives.")] = True,
    seed: Annotated[int, typer.Option(help="Seed; the same seed gives the same files.")] = 1,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the server.")] = 8099,
    serve: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Serve the archives of a folder on this machine; write nothing."
        ),
    ] = None,
    mode: Annotated[
        ServerMode, typer.Option(help="What the server makes of range requests.")
    ] = ServerMode.ok,
    cut: Annotated[
        int, typer.Option(min=0, metavar="N", help="It ends a connection after N bytes,")
    ] = 0,
    cuts: Annotated[int, typer.Option(min=0, metavar="K", help="in K answers a file.")] = 1,
    busy: Annotated[int, typer.Option(min=0, metavar="K", help="It is busy K times a file.")] = 0,
    stall: Annotated[
        int, typer.Option(min=0, metavar="K", help="It stops sending K times a file.")
    ] = 0,
    corrupt: Annotated[
        int, typer.Option(min=0, metavar="K", help="It changes a byte in K answers a file.")
    ] = 0,
    list_kinds: Annotated[
        bool, typer.Option("--list-kinds", help="Print the kinds of anomalies and damage.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")] = False,
) -> None:
    """Simulate a campaign of recordings of an oscillator under an ion beam, with the truth.

    Writes download/ (what the server holds), runs_summary.csv (the manifest), logbook.xlsx and
    .csv, and of each run truth_RUN.csv and damage_RUN.csv. With --serve it is the server, one
    that goes wrong as it is told.
    """
    if list_kinds:
        _print_kinds()
        return
    if serve is not None:
        faults = {
            "mode": str(mode),
            "cut_bytes": cut,
            "cuts": cuts,
            "busy": busy,
            "stalls": stall,
            "corrupt": corrupt,
        }
        _serve(serve, port, faults)
        return
    if folder is None:
        msg = "no folder to write into; name one, or --serve a folder that is there"
        raise UsageError(msg, key="folder")
    data: dict[str, Any] = {
        "seed": seed,
        "steps": steps,
        "hits": hits,
        "half_width_um": half_width_um,
        "n_pre": pre,
        "n_post": post,
        "fs_MHz": fs_MHz,
        "cf_MHz": cf_MHz,
        "dut": str(dut),
        "peak_ppm": peak_ppm,
        "decay_per_s": decay_per_s,
        "fast_share": fast_share,
        "spread": spread,
        "noise": {"model": str(noise), "level_ppm": noise_ppm},
        "anomaly_share": anomalies,
        "stray": stray,
        "parts": parts,
        "gz": gz,
    }
    if plant is not None:
        data["planted"] = [_planted(text) for text in plant if text != "none"]
    if damage is not None:
        data["damage"] = [_damage(text) for text in damage if text != "none"]
    several = [data | {"run": number} for number in range(run, run + runs)]
    _write(several, folder, port, overwrite=overwrite)


def _write(several: list[dict[str, Any]], folder: Path, port: int, *, overwrite: bool) -> None:
    from ....schemas.transient_simulation import TransientSimulationSettings
    from ...checked_settings import checked_settings
    from ..simulation import DOWNLOADS, planted_lines, size_text, write_campaign

    wanted = [
        checked_settings(TransientSimulationSettings, data, _OPTIONS, "command line")
        for data in several
    ]
    url = f"http://127.0.0.1:{port}/"
    written = write_campaign(wanted, folder, url=url, overwrite=overwrite)
    for one in written:
        files = ", ".join(path.name for path in one.parts)
        typer.echo(f"run {one.run}: {one.recordings} recordings in {files}")
        for line in planted_lines(one):
            typer.echo(line)
    typer.echo(f"{folder}: {len(written)} runs, {size_text(written)}")
    typer.echo(f"serve it: radiograph simulate transients --serve {folder / DOWNLOADS}")


def _serve(folder: Path, port: int, faults: dict[str, Any]) -> None:
    from ..campaign_server import CampaignServer, Faults

    if not folder.is_dir():
        msg = f"--serve {folder}: is no folder; name the one with the archives."
        raise UsageError(msg, file=folder, key="--serve")
    try:
        server = CampaignServer(folder, Faults(**faults), port)
    except OSError as reason:
        msg = f"--port {port}: cannot be used ({reason.strerror or reason}); name another, 0 = any."
        raise UsageError(msg, key="--port") from None
    with server:
        typer.echo(f"{server.url} serves {folder}; end it with Ctrl-C")
        sys.stdout.flush()
        server.stopping.wait()


def _planted(text: str) -> dict[str, Any]:
    from ....schemas.transient_simulation import ANOMALIES

    found = _PLANT.fullmatch(text)
    if found is None or found["kind"] not in ANOMALIES:
        msg = f"--plant {text!r} is no anomaly; allowed: none, {', '.join(ANOMALIES)}, with :NUMBER"
        raise UsageError(msg, key="--plant")
    return {
        "kind": found["kind"],
        "number": None if found["number"] is None else int(found["number"]),
    }


def _damage(text: str) -> str:
    from ....schemas.transient_simulation import DAMAGES

    if text not in DAMAGES:
        msg = f"--damage {text!r} is no damage; allowed: none, {', '.join(DAMAGES)}"
        raise UsageError(msg, key="--damage")
    return text


def _print_kinds() -> None:
    from ....schemas.transient_simulation import ANOMALY_EFFECTS, DAMAGE_EFFECTS

    for head, effects in (("anomalies", ANOMALY_EFFECTS), ("damage", DAMAGE_EFFECTS)):
        typer.echo(f"{head}:")
        for name, effect in effects.items():
            typer.echo(f"  {name:14} {effect}")
