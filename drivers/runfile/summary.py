"""What is in the file of a run, and how it was made, as plain values and as text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ...nodes.hdf5_content import Content, opened_content
from .datasets import Datasets
from .record import RunRecord, run_record

OF_MAKING: Final = frozenset({"meta", "provenance"})


def described(path: Path) -> tuple[dict[str, Any], str]:
    """Inputs, settings, versions, rows and failures of a file, as plain values and as text.

    Raises
    ------
    InputError
        If something of the file is absent or damaged.
    """
    with opened_content(path) as content:
        record = run_record(Datasets(content.group, path))
        summary = {
            **facts_of_making(record, path),
            "failed": [dict(failure) for failure in record.failed],
            "rows": rows_of(content),
        }
    return summary, _text(summary)


def facts_of_making(record: RunRecord, path: Path) -> dict[str, Any]:
    """Pipeline, software, command, inputs, settings and versions of a file, as plain values."""
    return {
        "file": str(path),
        "bytes": path.stat().st_size,
        "pipeline": record.pipeline,
        "software": record.software,
        "created_utc": record.created_utc,
        "run_command": record.run_command,
        "seconds": record.seconds,
        "inputs": [
            {"path": source.path, "size": source.size, "content_hash": source.content_hash}
            for source in record.inputs
        ],
        "settings": dict(record.settings),
        "versions": dict(record.versions),
    }


def lines_of_making(summary: Mapping[str, Any], name: str) -> list[str]:
    """The file, when and by what it was made, and of which inputs, as lines of text."""
    size = f"{summary['bytes'] / 1e6:.1f} MB"
    lines = [f"{summary['file']}: {name}, {size}, {summary['software']}"]
    made = f"{summary['created_utc'][:19].replace('T', ' ')} UTC, {summary['seconds']:.2f} s"
    lines += [f"  made      {made}", f"  command   {summary['run_command']}"]
    for source in summary["inputs"]:
        where = f"{source['path']} ({source['size'] / 1e6:.1f} MB, xxh3_128"
        lines.append(f"  input     {where} {source['content_hash']})")
    return lines


def line_of_versions(summary: Mapping[str, Any]) -> str:
    """What the result was computed with, as a line of text."""
    versions = ", ".join(f"{name} {value}" for name, value in summary["versions"].items())
    return f"  versions  {versions}"


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
    lines = [*lines_of_making(summary, summary["pipeline"]), line_of_versions(summary)]
    lines += [f"  rows      {name}: {n}" for name, n in summary["rows"].items()]
    for failure in summary["failed"]:
        where = ", ".join(f"{axis} {value}" for axis, value in failure["at"].items())
        lines.append(f"  failed    {where}: {failure['message']}")
    return "\n".join(lines)
