"""Options that the commands of ``radiograph lightdqm`` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Files = Annotated[list[Path], typer.Argument(help="Light files (.FLOW.hdf5), or folders of them.")]
Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="TOML file; without one, the defaults of the package."),
]
StoreFile = Annotated[
    Path | None,
    typer.Option(
        "--store", help="SQLite file of the runs; else lightdqm.store, or in the output folder."
    ),
]
Reference = Annotated[
    str | None,
    typer.Option(
        "--reference",
        metavar="RUN",
        help="Run number, or file name, to compare with; else lightdqm.reference_run.",
    ),
]
NoStore = Annotated[
    bool, typer.Option("--no-store", help="Compare with no earlier file, keep nothing.")
]
