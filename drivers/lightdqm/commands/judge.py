"""``radiograph lightdqm judge``: a verdict on light files, with an exit code."""

from __future__ import annotations

from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ...options import AsJson, CacheFolder, NoCache, Overrides, Overwrite, Quiet
from .light_options import Config, Files, NoStore, Reference, StoreFile

if TYPE_CHECKING:
    from ..checking import FileCheck

_KEY: Final = "output_path"
_NEW_NAME: Final = "note: `radiograph lightdqm check` is now called `radiograph lightdqm judge`"


def judge(
    files: Files,
    config: Config = None,
    overrides: Overrides = None,
    output_path: Annotated[
        Path | None, typer.Option("--output-path", "-o", help="JSON file of the verdicts.")
    ] = None,
    store: StoreFile = None,
    no_store: NoStore = False,
    reference: Reference = None,
    no_cache: NoCache = False,
    cache_dir: CacheFolder = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Say of each light file whether it is fine, and if not, which channel and why.

    Exit code 0: fine; 4: a check failed; 3: a file cannot be read. Of several files the worst
    decides. Of a folder those files are taken that file_syntax, start_run and nfiles of the
    settings select, in the natural order of their names.
    """
    from ...config import config_of_command
    from ...files import check_new_files
    from ...files_of_settings import files_of_settings
    from ..checking import answer_of
    from ..file_names import chosen_files
    from ..opening import file_selection, store_path
    from .files import asked, finish, verdicts

    loaded = config_of_command("lightdqm", config, overrides or ())
    options = asked(
        store,
        store_path(loaded, store),
        files=files,
        no_store=no_store,
        reference=reference,
        no_cache=no_cache,
        cache_dir=cache_dir,
        quiet=quiet,
    )
    if output_path is not None:
        chosen = chosen_files(files, file_selection(loaded.config.lightdqm))
        read = [*chosen, options.store, *files_of_settings(loaded)]
        check_new_files([output_path], read, overwrite=overwrite, key=_KEY)
    checks = []
    for found in verdicts(loaded, options):
        checks.append(found)
        if not as_json:
            _show(found, loaded.config.lightdqm.time_zone)
    if output_path is not None:
        _write(output_path, answer_of(checks))
    finish(checks, as_json=as_json)


@wraps(judge)
def check(**options: Any) -> None:
    """The name of `judge` before `radiograph check` was of settings alone."""
    if not options["quiet"]:
        typer.echo(_NEW_NAME, err=True)
    judge(**options)


def _show(found: FileCheck, time_zone: str) -> None:
    """The verdict on a file as a table."""
    from ..overview import failing_text
    from ..verdict_text import verdict_lines
    from .files import headline

    typer.echo(headline(found, time_zone))
    if found.error is not None:
        return
    for line in verdict_lines(found.verdict):
        typer.echo(line)
    if found.status == "fail" and found.compared_with.runs:
        new = failing_text({check: list(c) for check, c in found.new.items()})
        typer.echo(f"  new since {found.compared_with.label}: {new or 'nothing'}")
    for path in found.written:
        typer.echo(f"  {path}")


def _write(path: Path, answer: dict[str, Any]) -> None:
    import json

    from ...files import new_output

    with new_output(path, key=_KEY) as temporary:
        text = json.dumps(answer, ensure_ascii=False, indent=1)
        temporary.write_text(text + "\n", encoding="utf-8")
