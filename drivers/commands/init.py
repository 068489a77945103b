"""``radiograph init``: a commented TOML file and a small simulated input, ready to run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_SETTINGS = "phits_edep.toml"
_EVENTS = "events.out"


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to fill; made if absent.")],
    events: Annotated[int, typer.Option(min=0, help="Simulated neutron events.")] = 4000,
    seed: Annotated[int, typer.Option(help="Seed of the simulation.")] = 1,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")] = False,
) -> None:
    """Make DIR with commented settings and a small simulated file, ready to run."""
    from importlib import resources

    from ...schemas.errors import UsageError
    from ..files import check_new_files, new_output
    from ..simulation import simulation_settings, write_simulation

    if folder.exists() and not folder.is_dir():
        msg = f"{folder}: is a file; name a folder"
        raise UsageError(msg, file=folder)
    settings = folder / _SETTINGS
    paths = [settings, folder / _EVENTS]
    check_new_files(paths, (), overwrite=overwrite, elsewhere="another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as reason:
        msg = f"{folder}: cannot be made ({reason.strerror or reason}); name another folder"
        raise UsageError(msg, file=folder) from None
    simulated = simulation_settings({"n_neutrons": events, "n_gammas": events // 5, "seed": seed})
    write_simulation(simulated, folder / _EVENTS, "phits", overwrite=overwrite)
    text = resources.files("radiograph.configs").joinpath(_SETTINGS).read_text("utf-8")
    with new_output(settings, elsewhere="another folder") as temporary:
        temporary.write_text(text, "utf-8")
    typer.echo(f"{settings}\n{folder / _EVENTS}\n\nNow: radiograph run {settings}")
