"""What is in the file of a run, and how it was made, as plain values and as text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import h5py

from ...nodes.hdf5_content import Content, damaged_file
from ..provenance import pipeline_of, stored_settings
from .record import FAILURES

OF_MAKING: Final = frozenset({"meta", "provenance"})


def described(path: Path) -> tuple[dict[str, Any], str]:
    """Inputs, settings, versions, rows and failures of a file, as plain values and as text.

    Raises
    ------
    InputError
        If something of the file is absent or damaged.
    """
    try:
        file = h5py.File(path, "r")
    except OSError as reason:
        raise damaged_file(path, "/", reason) from None
    with file:
        summary = {"file": str(path), "bytes": path.stat().st_size, **_facts(Content(file, path))}
    return summary, _text(summary)


def _facts(file: Content) -> dict[str, Any]:
    inputs = file.content("provenance/inputs")
    sizes = inputs["size"][()]
    names, values = (file[f"provenance/versions/{part}"].texts() for part in ("names", "values"))
    return {
        "pipeline": pipeline_of(file),
        "software": str(file.attrs.get("software", "")),
        "created_utc": str(file.attrs.get("created_utc", "")),
        "run_command": str(file.attrs.get("run_command", "")),
        "seconds": float(file.content("provenance").attrs.get("seconds", "nan")),
        "inputs": [
            {"path": path, "size": int(size), "content_hash": digest}
            for path, size, digest in zip(
                inputs["path"].texts(), sizes, inputs["xxh3_128"].texts(), strict=True
            )
        ],
        "settings": stored_settings(file),
        "versions": dict(zip(names, values, strict=True)),
        "failed": json.loads(file[FAILURES].texts()[0]) if FAILURES in file else [],
        "rows": rows_of(file),
    }


def rows_of(file: Content) -> dict[str, int]:
    """How many rows each node has that is written as columns or as one array."""
    found: dict[str, int] = {}
    for stage in file:
        if stage in OF_MAKING or not file.is_group(stage):
            continue
        for node, shape in file.content(stage).shapes().items():
            if shape:
                found.setdefault(f"{stage}/{node.partition('/')[0]}", shape[0])
    return found


def _text(summary: Mapping[str, Any]) -> str:
    size = f"{summary['bytes'] / 1e6:.1f} MB"
    lines = [f"{summary['file']}: {summary['pipeline']}, {size}, {summary['software']}"]
    made = f"{summary['created_utc'][:19].replace('T', ' ')} UTC, {summary['seconds']:.2f} s"
    lines += [f"  made      {made}", f"  command   {summary['run_command']}"]
    for source in summary["inputs"]:
        where = f"{source['path']} ({source['size'] / 1e6:.1f} MB, xxh3_128"
        lines.append(f"  input     {where} {source['content_hash']})")
    versions = ", ".join(f"{name} {value}" for name, value in summary["versions"].items())
    lines.append(f"  versions  {versions}")
    lines += [f"  rows      {name}: {n}" for name, n in summary["rows"].items()]
    for failure in summary["failed"]:
        where = ", ".join(f"{axis} {value}" for axis, value in failure["at"].items())
        lines.append(f"  failed    {where}: {failure['message']}")
    return "\n".join(lines)
