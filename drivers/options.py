"""Options that several commands have: the same words everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Change a setting; repeatable."),
]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Compute everything, keep no results.")]
CacheFolder = Annotated[Path | None, typer.Option("--cache-dir", help="Folder of the cache.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="No notes on standard error; results are still printed."),
]
