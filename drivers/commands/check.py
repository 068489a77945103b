"""``radiograph check``: is this TOML file right? Nothing is computed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ..config import LoadedConfig


def check(
    config: Annotated[Path | None, typer.Argument(help="TOML file to check.")] = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of the file and stop.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Change a setting; repeatable."),
    ] = None,
) -> None:
    """Check a TOML file: every unknown key, wrong value and missing part at once."""
    from ...schemas.errors import UsageError
    from ..config import json_schema, load_config

    if schema:
        typer.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
        return
    if config is None:
        msg = "no file to check; give a TOML file, or --schema for the list of every key"
        raise UsageError(msg)
    summary = check_summary(load_config(config, overrides=overrides or ()))
    if as_json:
        typer.echo(json.dumps(summary, ensure_ascii=False))
        return
    typer.echo(f"{summary['file']}: OK")
    for key in ("sections", "until", "species", "strategy", "input", "plane"):
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

    from ..config import resolved_path

    config = loaded.config
    plane = config.plane
    paths = config.io.input_path
    inputs = [paths] if isinstance(paths, str) and paths else list(paths)
    missing = [p for p in inputs if not resolved_path(loaded, p).exists()]
    return {
        "ok": True,
        "file": str(loaded.path),
        "sections": list(tomllib.loads(loaded.text)),
        "until": config.pipeline.until,
        "species": [s for s in ("neutrons", "gammas") if getattr(config.run, s)],
        "strategy": config.energy.strategy,
        "input": [f"{p} (not there yet)" if p in missing else p for p in inputs],
        "plane": None if plane is None else plane_text(plane),
        "replaced": list(loaded.replaced),
        "overrides": list(loaded.overrides),
        "notices": list(loaded.notices),
    }


def plane_text(plane: Any) -> str:
    """Pixels and ranges of the imaging plane in one line."""
    nu = round((plane.u_max - plane.u_min) / plane.du)
    nv = round((plane.v_max - plane.v_min) / plane.dv)
    return (
        f"{nu} x {nv} pixels of {plane.du:g} x {plane.dv:g} cm, "
        f"u {plane.u_min:g} to {plane.u_max:g}, v {plane.v_min:g} to {plane.v_max:g} cm"
    )
