"""What is in the HDF5 file of a light run, and how it was made, as plain values and as text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import h5py
import pandas as pd

from ...nodes.hdf5_content import Content, damaged_file
from ..provenance import stored_settings
from .verdict_text import checks_as_json, overall_status, status_word, verdict_lines

_VERDICT: Final = "numbers/dqm_verdict"
# Settings that say how the numbers came about.
_TOLD: Final = (
    "ptps16bit",
    "max_evts",
    "noise_samples",
    "powspec_nevts",
    "channel_status_csv",
    "legacy",
)


def light_summary(path: Path) -> tuple[dict[str, Any], str]:
    """Input, settings, versions, verdict and datasets of a file, as plain values and as text.

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
        content = Content(file, path)
        verdict = _verdict(content)
        summary = {"file": str(path), "bytes": path.stat().st_size, **_facts(content, verdict)}
    return summary, _text(summary, verdict)


def _facts(file: Content, verdict: pd.DataFrame | None) -> dict[str, Any]:
    inputs = file.content("provenance/inputs")
    paths, digests = inputs["path"].texts(), inputs["xxh3_128"].texts()
    names, values = (file[f"provenance/versions/{part}"].texts() for part in ("names", "values"))
    numbers = file.content("numbers")
    return {
        "pipeline": "lightdqm",
        "software": str(file.attrs.get("software", "")),
        "created_utc": str(file.attrs.get("created_utc", "")),
        "run_command": str(file.attrs.get("run_command", "")),
        "seconds": float(file.content("provenance").attrs.get("seconds", "nan")),
        "inputs": [
            {"path": path, "size": int(size), "content_hash": digest}
            for path, size, digest in zip(paths, inputs["size"][()], digests, strict=True)
        ],
        "has_config": "meta/config_toml" in file,
        "settings": stored_settings(file),
        "versions": dict(zip(names, values, strict=True)),
        "status": None if verdict is None else overall_status(verdict),
        "verdict": [] if verdict is None else checks_as_json(verdict),
        "datasets": {name: _shapes(numbers, name) for name in numbers},
    }


def _verdict(file: Content) -> pd.DataFrame | None:
    """The checks of the file in their order; None where they were not asked for."""
    if _VERDICT not in file:
        return None
    table = file.content(_VERDICT)
    columns = {name: table[name] for name in table}
    return pd.DataFrame({n: c.texts() if c.holds_texts else c[()] for n, c in columns.items()})


def _shapes(numbers: Content, name: str) -> dict[str, list[int]]:
    """The datasets of a node with their shapes; the node itself if it is one."""
    if not numbers.is_group(name):
        return {"": list(numbers[name].shape)}
    return {part: list(shape) for part, shape in numbers.content(name).shapes().items()}


def _text(summary: Mapping[str, Any], verdict: pd.DataFrame | None) -> str:
    size = f"{summary['bytes'] / 1e6:.1f} MB"
    lines = [f"{summary['file']}: light DQM, {size}, {summary['software']}"]
    made = f"{summary['created_utc'][:19].replace('T', ' ')} UTC, {summary['seconds']:.2f} s"
    lines += [f"  made      {made}", f"  command   {summary['run_command']}"]
    for source in summary["inputs"]:
        where = f"{source['path']} ({source['size'] / 1e6:.1f} MB, xxh3_128"
        lines.append(f"  input     {where} {source['content_hash']})")
    told = {key: summary["settings"].get(f"lightdqm.{key}") for key in _TOLD}
    lines.append(f"  settings  {', '.join(f'{k} {json.dumps(v)}' for k, v in told.items())}")
    versions = ", ".join(f"{name} {value}" for name, value in summary["versions"].items())
    lines.append(f"  versions  {versions}")
    numbers = summary["datasets"]
    lines.append(f"  datasets  {sum(map(len, numbers.values()))} in /numbers: {', '.join(numbers)}")
    if verdict is None:
        return "\n".join([*lines, "  verdict   not in the file (it holds targets only)"])
    lines.append(f"  verdict   {status_word(summary['status'])}")
    return "\n".join([*lines, *verdict_lines(verdict)])
