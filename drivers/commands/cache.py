"""``radiograph cache``: what is kept, why a node would run, and keeping house."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..command_places import PlainGroup

if TYPE_CHECKING:
    from ..cache.store import Store

cache = typer.Typer(cls=PlainGroup, help="The cache of intermediate results.")

Folder = Annotated[Path | None, typer.Option("--cache-dir", help="Folder of the cache.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Config = Annotated[Path, typer.Argument(help="TOML file with the settings.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Change a setting; repeatable."),
]
_UNITS = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}


@cache.command("ls")
def ls(cache_dir: Folder = None, as_json: AsJson = False) -> None:
    """List what is kept: node, size, seconds it took, when."""
    from datetime import datetime

    from ..cache.report import entries

    with _store(cache_dir) as store:
        found, n_bytes, folder = entries(store), store.volume(), store.folder
    if as_json:
        rows = [vars(entry) for entry in found]
        _print_json({"folder": str(folder), "bytes": n_bytes, "entries": rows})
        return
    for entry in found:
        when = datetime.fromtimestamp(entry.time).astimezone().strftime("%Y-%m-%d %H:%M:%S")
        size = f"{entry.n_bytes / 1e6:.3f} MB"
        typer.echo(f"{entry.node:32} {size:>14} {entry.seconds:9.3f} s  {when}  {entry.key[:12]}")
    typer.echo(f"{len(found)} results, {n_bytes / 1e6:.1f} MB in {folder}")


@cache.command("why")
def why(
    node: Annotated[str, typer.Argument(help="Node to ask about.")],
    config: Config,
    overrides: Overrides = None,
    input_path: Annotated[Path | None, typer.Option(help="File to read.")] = None,
    cache_dir: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Say whether a node would run, and which code, setting or file is the reason."""
    from ..cache.explaining import why_node
    from ..config import load_config

    given = None if input_path is None else str(input_path)
    loaded = load_config(config, overrides=overrides or (), settings={"io.input_path": given})
    answer = why_node(loaded, node, cache_dir)
    if as_json:
        _print_json(answer)
        return
    typer.echo(f"{answer['node']}: {answer['verdict']}")
    for line in answer["because"]:
        typer.echo(f"  {line}")


@cache.command("prune")
def prune(
    size: Annotated[str, typer.Option(help="Keep at most this much, e.g. 500M or 20G.")] = "20G",
    cache_dir: Folder = None,
) -> None:
    """Drop the least recently stored results until the cache is small enough."""
    from ...schemas.errors import UsageError

    try:
        most = float(size[:-1]) * _UNITS[size[-1]] if size[-1:] in _UNITS else float(size)
    except ValueError:
        most = math.nan
    if not 0 <= most < math.inf:
        msg = f"--size {size!r} is no size; give a number with k, M, G or T, e.g. 500M"
        raise UsageError(msg, key="size")
    with _store(cache_dir) as store:
        dropped, n_bytes, folder = store.prune(int(most)), store.volume(), store.folder
    typer.echo(f"{dropped} results dropped, {n_bytes / 1e6:.1f} MB left in {folder}")


@cache.command("clear")
def clear(cache_dir: Folder = None) -> None:
    """Drop everything, also of a cache that cannot be used any more."""
    from ..cache.clearing import emptied
    from ..cache.opening import default_folder

    typer.echo(emptied(cache_dir or default_folder()))


@cache.command("verify")
def verify(
    config: Annotated[
        Path | None, typer.Argument(help="TOML file whose nodes to recompute.")
    ] = None,
    overrides: Overrides = None,
    sample: Annotated[int, typer.Option(min=1, help="Nodes to compute again.")] = 10,
    cache_dir: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Check every stored value, and compute some nodes of a config again to compare bits.

    Exit code 4 if anything differs.
    """
    from ...schemas.errors import EXIT_GATE
    from ..cache.explaining import named_folder, recomputed
    from ..cache.report import damaged_values
    from ..config import load_config

    loaded = None if config is None else load_config(config, overrides=overrides or ())
    with _store(cache_dir if loaded is None else named_folder(loaded, cache_dir)) as store:
        damaged = [vars(d) for d in damaged_values(store)]
        checked = len(list(store.values()))
    compared = [] if loaded is None else recomputed(loaded, cache_dir, sample)
    differing = [c for c in compared if not c["equal"]]
    if as_json:
        _print_json({"values": checked, "damaged": damaged, "recomputed": compared})
    else:
        for damage in damaged:
            typer.echo(f"damaged: {damage['value']}: {damage['reason']}")
        for row in compared:
            typer.echo(f"{row['node']:32} {'equal' if row['equal'] else 'DIFFERS'}")
        typer.echo(
            f"{checked} values read, {len(damaged)} damaged; "
            f"{len(compared)} nodes computed again, {len(differing)} differ"
        )
    if damaged or differing:
        raise typer.Exit(EXIT_GATE)


@contextmanager
def _store(folder: Path | None) -> Iterator[Store]:
    """The store of a folder; UsageError if it cannot be used, at first or later."""
    from ...schemas.errors import UsageError
    from ..cache import opening
    from ..cache.store import STORE_ERRORS

    where = folder or opening.default_folder()
    try:
        with closing(opening.opened_store(where)) as store:
            yield store
    except STORE_ERRORS as reason:
        msg = (
            f"{where}: cannot be used as a cache ({reason}). Name another with --cache-dir, or "
            f"empty it: radiograph cache clear --cache-dir {where}"
        )
        raise UsageError(msg, file=where) from None


def _print_json(value: dict[str, Any]) -> None:
    from ..answers import print_json

    print_json(value)
