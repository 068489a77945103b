"""``radiograph check``: is this TOML file right? Nothing is computed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..options import AsJson, Overrides
from ..registry import DEFAULT

if TYPE_CHECKING:
    from ..config import LoadedConfig


def check(
    config: Annotated[Path | None, typer.Argument(help="TOML file to check.")] = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of the file and stop.")
    ] = False,
    pipeline: Annotated[str, typer.Option(help="Pipeline whose schema is printed.")] = DEFAULT,
    as_json: AsJson = False,
    overrides: Overrides = None,
) -> None:
    """Check a TOML file: every unknown key, wrong value and missing part at once."""
    from ...schemas.errors import UsageError
    from ..config import json_schema, load_config

    if schema:
        typer.echo(json.dumps(json_schema(pipeline), indent=2, ensure_ascii=False))
        return
    if config is None:
        msg = "no file to check; give a TOML file, or --schema for the list of every key"
        raise UsageError(msg)
    summary = check_summary(load_config(config, overrides=overrides or ()))
    if as_json:
        typer.echo(json.dumps(summary, ensure_ascii=False))
        return
    typer.echo(f"{summary['file']}: OK")
    told = [k for k in summary if k not in ("ok", "file", "replaced", "overrides", "notices")]
    for key in told:
        value = summary[key]
        shown = ", ".join(value) if isinstance(value, list) else value
        typer.echo(f"  {key:9} {shown if shown is not None else 'none'}")
    if summary["replaced"]:
        typer.echo(f"  fast mode replaces {', '.join(summary['replaced'])}")
    for notice in summary["notices"]:
        typer.echo(f"  note: {notice}")


def check_summary(loaded: LoadedConfig) -> dict[str, Any]:
    """What a checked file asks for, as plain values."""
    import tomllib

    from ..registry import definition_of

    return {
        "ok": True,
        "file": str(loaded.path),
        "sections": list(tomllib.loads(loaded.text)),
        **definition_of(loaded.config).summary(loaded),
        "replaced": list(loaded.replaced),
        "overrides": list(loaded.overrides),
        "notices": list(loaded.notices),
    }
