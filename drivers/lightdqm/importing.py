"""JSON-lines of the near-line script into the store of runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...schemas.errors import UsageError
from ...schemas.lightdqm.config import LightDqm
from ...schemas.lightdqm.stored_runs import RunIdentity, RunRecord
from ..library_versions import installed_version
from .file_names import SUFFIX, run_number
from .inputs import per_adc16
from .json_lines import LinesRead, read_lines
from .records import config_hash
from .store import RunStore


def import_files(
    paths: Sequence[Path], settings: LightDqm, store: Path, prefix: str | None = None
) -> dict[str, Any]:
    """Read JSON-lines into a store; every file is read before anything is written.

    ``prefix`` (default: file_syntax) and the file index make the name of the light file. Returns
    what was read and stored, as plain values.

    Raises
    ------
    UsageError
        If nothing says how the names of the light files begin.
    InputError
        If a file is none of the script, or holds no line that can be used.
    """
    beginning = settings.file_syntax if prefix is None else prefix
    if not beginning:
        msg = (
            "the lines do not say which light files they are of: give --prefix, or set [lightdqm] "
            f"file_syntax; index 7 is then the file PREFIX7{SUFFIX}"
        )
        raise UsageError(msg, key="prefix")
    scale = 1.0 / per_adc16(settings)
    read = [read_lines(path, scale) for path in paths]
    by_index: dict[int, dict[str, Any]] = {}
    for lines in read:
        for index, arrays in lines.arrays.items():
            by_index.setdefault(index, {}).update(arrays)
    n_new = n_merged = n_kept = 0
    with RunStore(store) as opened:
        known = {run.identity.name for run in opened.runs(config_hash(settings))}
        for index, arrays in sorted(by_index.items()):
            identity = _identity(f"{beginning}{index}{SUFFIX}", settings)
            record = RunRecord(
                identity, str(paths[0].parent), installed_version("radiograph"), "json", arrays
            )
            if not opened.merge(record):
                n_kept += 1
            elif identity.name in known:
                n_merged += 1
            else:
                n_new += 1
    return {
        "files": [_as_json(lines) for lines in read],
        "store": str(store),
        "n_runs": len(by_index),
        "n_new": n_new,
        "n_merged": n_merged,
        "n_kept": n_kept,
    }


def _identity(name: str, settings: LightDqm) -> RunIdentity:
    number = run_number(name)
    return RunIdentity(name, "", number.run, number.subrun, None, None, config_hash(settings))


def _as_json(lines: LinesRead) -> dict[str, Any]:
    return {
        "file": str(lines.path),
        "n_lines": lines.n_lines,
        "n_indices": len(lines.arrays),
        "n_duplicates": lines.n_duplicates,
        "n_bad": lines.n_bad,
        "problems": [{"line": line, "reason": reason} for line, reason in lines.problems],
    }
