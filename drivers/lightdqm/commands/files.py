"""What `judge` and `report` of light files share: files, store and cache, verdict on the screen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from ....schemas.lightdqm.config import LightDqmConfig
    from ...config import LoadedConfig
    from ..checking import FileCheck
    from ..run import Outputs


@dataclass(frozen=True)
class Asked:
    """Options of a command over light files."""

    files: Sequence[Path]
    store: Path
    no_store: bool
    reference: str | None
    no_cache: bool
    cache_dir: Path | None
    quiet: bool


def asked(store: Path | None, default_store: Path, **options: Any) -> Asked:
    """The options; UsageError if they contradict each other."""
    from ....schemas.errors import UsageError

    if options["no_store"] and (options["reference"] is not None or store is not None):
        msg = "--no-store excludes --store and --reference: there would be nothing to compare with"
        raise UsageError(msg, key="no_store")
    return Asked(store=default_store, **options)


def verdicts(
    loaded: LoadedConfig[LightDqmConfig],
    options: Asked,
    outputs: Outputs | None = None,
    *,
    overwrite: bool = False,
) -> Iterator[FileCheck]:
    """The verdict on each file, as soon as it is known."""
    from ...cache.opening import cache_options
    from ...screen import Screen
    from ..checking import checked_files
    from ..file_names import chosen_files
    from ..opening import file_selection
    from ..store import RunStore

    screen = Screen(0 if options.quiet else 1)
    for notice in loaded.notices:
        screen.note(notice)
    paths = chosen_files(options.files, file_selection(loaded.config.lightdqm), screen.note)
    cache = cache_options(loaded, no_cache=options.no_cache, folder=options.cache_dir)
    with nullcontext() if options.no_store else RunStore(options.store) as store:
        yield from checked_files(
            loaded,
            paths,
            store,
            outputs=outputs,
            overwrite=overwrite,
            reference=options.reference,
            cache=cache,
        )


def headline(found: FileCheck, time_zone: str) -> str:
    """The verdict on a file in one line."""
    from ....nodes.lightdqm.figure_times import local_time
    from ..verdict_text import status_word, unreadable_text

    if found.error is not None:
        return f"{found.path}: {unreadable_text(found.error.message, found.path)}"
    start = None if found.identity is None else found.identity.start_ms
    when = "" if start is None else f", data from {local_time(start, time_zone)}"
    return f"{found.path}: {status_word(found.status)}{when}"


def finish(checks: Sequence[FileCheck], *, as_json: bool) -> None:
    """The last line, or the answer as JSON; leaves with the exit code of the worst file."""
    from ..checking import answer_of
    from ..verdict_text import status_word

    answer = answer_of(checks)
    if as_json:
        from ...answers import print_json

        print_json(answer)
    elif len(checks) > 1:
        words = [status_word(found.status) for found in checks]
        parts = ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))
        typer.echo(f"{len(checks)} files: {parts}")
    raise typer.Exit(answer["exit_code"])
