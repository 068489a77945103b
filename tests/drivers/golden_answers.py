"""What the commands answer with --json, as golden records: masked, written and compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import radiograph.nodes

PACKAGE = Path(radiograph.nodes.__path__[0]).parent
# Of a moment, a machine or a version. Words of docstrings are compared with the documentation.
MASKED = {
    "bytes", "content_hash", "created_utc", "description", "line", "meaning", "run_command",
    "seconds", "size", "software", "summary", "versions",
}  # fmt: skip


def masked(value: Any, folder: Path) -> Any:
    """An answer with the keys that it has, and the same on any day, machine and folder."""
    if isinstance(value, dict):
        return {
            k: "..." if k in MASKED and v is not None else masked(v, folder)
            for k, v in value.items()
        }
    if isinstance(value, list):
        return [masked(v, folder) for v in value]
    if isinstance(value, str):
        return value.replace(str(folder), "FOLDER").replace(str(PACKAGE), "PACKAGE")
    return value


def assert_same(found: Any, known: Any, place: str) -> None:
    """Alike but for the last digits of floating-point numbers."""
    if isinstance(known, dict) and isinstance(found, dict):
        assert found.keys() == known.keys(), place
        for key, value in known.items():
            assert_same(found[key], value, f"{place}.{key}")
    elif isinstance(known, list) and isinstance(found, list):
        assert len(found) == len(known), place
        for k, value in enumerate(known):
            assert_same(found[k], value, f"{place}[{k}]")
    elif isinstance(known, float) and isinstance(found, float):
        assert found == pytest.approx(known, rel=1e-9, abs=1e-9), place
    else:
        assert (type(found), found) == (type(known), known), place


def assert_as_answered(
    path: Path, answers: dict[str, dict[str, Any]], folder: Path, renew: bool
) -> None:
    """Compare answers by command with a record, or write them as it."""
    found = {command: masked(answer, folder) for command, answer in answers.items()}
    if renew:
        commands = []
        for command, answer in found.items():
            lines = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in answer.items())
            commands.append(f' "{command}": {{\n{lines}\n }}')
        path.write_text("{\n" + ",\n".join(commands) + "\n}\n")
    assert_same(found, json.loads(path.read_text()), path.stem)
