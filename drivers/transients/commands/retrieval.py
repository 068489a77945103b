"""``radiograph transients fetch | verify | extract | status``: options in, files out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ....schemas.transients.manifest import Archive, Manifest
    from ...config import LoadedConfig
    from ..retrieval.places import CampaignPlaces

Config = Annotated[Path, typer.Argument(help="TOML file of the transients pipeline.")]
Runs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[RUN]...",
        help="Numbers (26), ranges (24-26) or names (glasgow_data); none = transients.runs, and "
        "if that is empty all of the manifest.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No notes on standard error; results are printed.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be done; write and fetch nothing.")
]
Keep = Annotated[bool, typer.Option("--keep", help="Keep corrupt files instead of removing them.")]
Processes = Annotated[
    int | None,
    typer.Option(min=0, help="Archives at a time; 0 = as many as processors."),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Change a setting; repeatable."),
]


@dataclass(frozen=True)
class _Opened:
    """A campaign, and which of its archives are meant."""

    loaded: LoadedConfig[Any]
    places: CampaignPlaces
    manifest: Manifest
    chosen: Sequence[Archive]

    @property
    def settings(self) -> Any:
        """[transients.retrieval]."""
        return self.loaded.config.transients.retrieval


def _opened(config: Path, runs: Sequence[str] | None, overrides: Sequence[str] | None) -> _Opened:
    from ....schemas.transients.manifest import read_manifest
    from ...config import config_of_command
    from ..retrieval.places import campaign_places

    loaded = config_of_command("transients", config, overrides or ())
    places = campaign_places(loaded)
    manifest = read_manifest(places.manifest)
    wanted: Sequence[str | int] = list(runs or ()) or loaded.config.transients.runs
    return _Opened(loaded, places, manifest, manifest.selected(wanted))


def _finish(
    rows: Sequence[dict[str, Any]], exit_code: int, *, as_json: bool, what: str = "files"
) -> None:
    """A line a row, or the answer as JSON; leaves with the exit code."""
    if as_json:
        from ...answers import print_json

        print_json({what: list(rows), "exit_code": exit_code})
    else:
        for row in rows:
            typer.echo(_line(row))
    raise typer.Exit(exit_code)


def _line(row: dict[str, Any]) -> str:
    size = f"{row['bytes']:,} bytes" if "bytes" in row else f"{row['files']} files"
    text = f"{row.get('file', row['run'])}: {row['state']} ({size})"
    return f"{text}: {row['message']}" if row["message"] else text


def fetch(
    config: Config,
    runs: Runs = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep what is corrupt twice as NAME.corrupt.")
    ] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
    overrides: Overrides = None,
) -> None:
    """Fetch archives; a transfer that was interrupted goes on where it ended.

    A file has its name when it is whole and its md5 is that of the manifest; until then it is
    NAME.part. Exit code 3 if a file could not be had.
    """
    from ..retrieval import fetching
    from ..retrieval.telling import telling

    opened = _opened(config, runs, overrides)
    archives = fetching.with_fpga_data(opened.manifest, opened.chosen)
    if dry_run:
        rows = fetching.foreseen(archives, opened.places)
        _finish([row.plain() for row in rows], 0, as_json=as_json)
    mirrors = fetching.mirror_urls(opened.settings.mirrors, opened.loaded.path.parent)
    with telling(opened.places.logs, "fetch", quiet=quiet) as told:
        rows = fetching.fetched(archives, opened.places, opened.settings, mirrors, told, keep=keep)
    _finish([row.plain() for row in rows], fetching.exit_code(rows), as_json=as_json)


def verify(
    config: Config,
    runs: Runs = None,
    keep: Keep = False,
    processes: Processes = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
    overrides: Overrides = None,
) -> None:
    """Verify archives: each file against its md5, the joined parts of a run against theirs.

    Corrupt files are removed. Exit code 3 unless all is right; --dry-run reads all the same, and
    removes nothing.
    """
    from ..retrieval import verifying
    from ..retrieval.telling import telling

    opened = _opened(config, runs, overrides)
    at_a_time = opened.settings.processes if processes is None else processes
    with telling(opened.places.logs, "verify", quiet=quiet, dry_run=dry_run) as told:
        rows = verifying.verified(
            opened.chosen, opened.places, at_a_time, told, keep=keep, dry_run=dry_run
        )
    _finish([row.plain() for row in rows], verifying.exit_code(rows), as_json=as_json)


def extract(
    config: Config,
    runs: Runs = None,
    unverified: Annotated[
        bool, typer.Option("--unverified", help="Unpack archives that were not verified, too.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace folders that are there.")
    ] = False,
    processes: Processes = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
    overrides: Overrides = None,
) -> None:
    """Unpack recordings into one folder a run; not needed for a run, which reads archives.

    Only recordings and the files of the FPGA are written, and a folder has its name when it is
    whole. An archive with a path that leads elsewhere, a link or a device gives nothing. Exit
    code 3 if an archive was not unpacked whole.
    """
    from ..retrieval import extracting
    from ..retrieval.telling import telling

    opened = _opened(config, runs, overrides)
    settings = opened.settings
    wishes = extracting.ExtractWishes(
        processes=settings.processes if processes is None else processes,
        largest=round(settings.max_member_MB * 1e6),
        unverified=unverified,
        overwrite=overwrite,
        dry_run=dry_run,
    )
    with telling(opened.places.logs, "extract", quiet=quiet, dry_run=dry_run) as told:
        rows = extracting.extracted(opened.chosen, opened.places, wishes, told)
    code = extracting.exit_code(rows)
    _finish([row.plain() for row in rows], code, as_json=as_json, what="archives")


def status(
    config: Config,
    runs: Runs = None,
    as_json: AsJson = False,
    overrides: Overrides = None,
) -> None:
    """Tell of each run what is fetched, verified, unpacked and computed; nothing is changed."""
    from ..retrieval.status import statuses, table

    opened = _opened(config, runs, overrides)
    found = statuses(opened.chosen, opened.places)
    if as_json:
        from ...answers import print_json

        print_json({"runs": [one.plain() for one in found]})
        return
    typer.echo(table(found))
