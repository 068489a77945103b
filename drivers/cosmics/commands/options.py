"""Options that the commands of ``radiograph cosmics`` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="TOML file; without one, the defaults of the package."),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Change a setting; repeatable."),
]
CutSetName = Annotated[str | None, typer.Option("--cutset", help="Name of the cut set.")]
CutSetsFile = Annotated[
    Path | None, typer.Option("--cutsets-file", help="YAML file of cut sets; else the shipped one.")
]
OffSpill = Annotated[bool, typer.Option("--off-spill", help="The data are off-spill.")]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Compute everything, keep no results.")]
CacheFolder = Annotated[Path | None, typer.Option("--cache-dir", help="Folder of the cache.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
