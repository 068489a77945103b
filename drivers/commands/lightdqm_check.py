"""``radiograph lightdqm check``: a verdict on light files, with an exit code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .lightdqm_options import (
    AsJson,
    Config,
    Overrides,
    Overwrite,
    Quiet,
    Reference,
    StoreFile,
)

if TYPE_CHECKING:
    from ..lightdqm.checking import FileCheck

_WORDS = {"unreadable": "UNREADABLE"}


def check(
    files: Annotated[
        list[Path], typer.Argument(help="Light files (.FLOW.hdf5), or folders of them.")
    ],
    config: Config = None,
    overrides: Overrides = None,
    output_path: Annotated[
        Path | None, typer.Option("--output-path", "-o", help="JSON file of the verdicts.")
    ] = None,
    store: StoreFile = None,
    no_store: Annotated[
        bool, typer.Option("--no-store", help="Compare with no earlier file, keep nothing.")
    ] = False,
    reference: Reference = None,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Compute everything, keep no results.")
    ] = False,
    cache_dir: Annotated[Path | None, typer.Option(help="Folder of the cache.")] = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Say of each light file whether it is fine, and if not, which channel and why.

    Exit code 0: fine; 4: a check failed; 3: a file cannot be read. Of several files the worst
    decides. Of a folder those files are taken that [lightdqm] file_syntax, start_run and nfiles
    select, in the natural order of their names.
    """
    from contextlib import nullcontext

    from ...schemas.errors import UsageError
    from ..lightdqm.checking import checked_or_unreadable, worst_exit_code
    from ..lightdqm.file_names import chosen_files
    from ..lightdqm.opening import file_selection, light_config, store_path
    from ..lightdqm.store import RunStore
    from ..screen import Screen
    from .run import cache_options

    if no_store and (reference is not None or store is not None):
        msg = "--no-store excludes --store and --reference: there would be nothing to compare with"
        raise UsageError(msg, key="no_store")
    loaded = light_config(config, overrides or ())
    if output_path is not None:
        _check_place(output_path, overwrite=overwrite)
    screen = Screen(0 if quiet else 1)
    for notice in loaded.notices:
        screen.note(notice)
    paths = chosen_files(files, file_selection(loaded.config.lightdqm))
    options: dict[str, Any] = {
        "reference": reference,
        "cache": cache_options(loaded, no_cache=no_cache, folder=cache_dir),
    }
    checks = []
    with nullcontext() if no_store else RunStore(store_path(loaded, store)) as opened:
        for path in paths:
            found = checked_or_unreadable(loaded, path, opened, **options)
            checks.append(found)
            if not as_json:
                show_check(found, loaded.config.lightdqm.time_zone)
    code = worst_exit_code(checks)
    answer = {"exit_code": code, "files": [found.as_json() for found in checks]}
    if not as_json and len(checks) > 1:
        _show_summary(checks)
    if output_path is not None:
        _write(output_path, answer)
    if as_json:
        from ..main import print_json

        print_json(answer)
    raise typer.Exit(code)


def show_check(found: FileCheck, time_zone: str) -> None:
    """The verdict on a file as a table."""
    from ...nodes.lightdqm.figure_times import local_time
    from ..lightdqm.overview import failing_text
    from ..lightdqm.verdict_text import status_word, verdict_lines

    if found.error is not None:
        typer.echo(f"{found.path}: UNREADABLE: {found.error.message}")
        return
    assert found.identity is not None
    start = found.identity.start_ms
    when = "" if start is None else f", data from {local_time(start, time_zone)}"
    typer.echo(f"{found.path}: {status_word(found.status)}{when}")
    for line in verdict_lines(found.verdict):
        typer.echo(line)
    if found.status == "fail" and found.compared_with.runs:
        new = failing_text({check: list(c) for check, c in found.new.items()})
        typer.echo(f"  new since {found.compared_with.label}: {new or 'nothing'}")


def _show_summary(checks: list[FileCheck]) -> None:
    words = [found.status for found in checks]
    parts = [f"{words.count(word)} {_WORDS.get(word, word)}" for word in dict.fromkeys(words)]
    typer.echo(f"{len(checks)} files: {', '.join(parts)}".replace("no_data", "no data"))


def _check_place(path: Path, *, overwrite: bool) -> None:
    from ...schemas.errors import UsageError

    if path.is_dir():
        msg = f"{path}: is a folder. Name another output with -o."
        raise UsageError(msg, file=path, key="output_path")
    if path.exists() and not overwrite:
        msg = f"{path}: exists already. Give --overwrite, or name another output with -o."
        raise UsageError(msg, file=path, key="output_path", code="output_exists")


def _write(path: Path, answer: dict[str, Any]) -> None:
    import json

    from ..files import replaced_file, writable

    with writable(path), replaced_file(path) as temporary:
        text = json.dumps(answer, ensure_ascii=False, indent=1)
        temporary.write_text(text + "\n", encoding="utf-8")
