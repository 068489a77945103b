"""What is in the HDF5 file of a light run, and how it was made, as plain values and as text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import h5py
import pandas as pd

from ...schemas.errors import InputError
from ..hdf5 import READ_FAULTS
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
        with h5py.File(path, "r") as file:
            verdict = _verdict(file)
            summary = {"file": str(path), "bytes": path.stat().st_size, **_facts(file, verdict)}
    except READ_FAULTS as reason:
        said = str(reason).partition("\n")[0]
        msg = f"{path}: is a light DQM file, but damaged ({said}). Run it again."
        raise InputError(msg, file=path, code="damaged_file") from None
    return summary, _text(summary, verdict)


def _facts(file: h5py.File, verdict: pd.DataFrame | None) -> dict[str, Any]:
    inputs = file["provenance/inputs"]
    paths, digests = _texts(inputs["path"]), _texts(inputs["xxh3_128"])
    names, values = (_texts(file[f"provenance/versions/{part}"]) for part in ("names", "values"))
    return {
        "pipeline": "lightdqm",
        "software": str(file.attrs.get("software", "")),
        "created_utc": str(file.attrs.get("created_utc", "")),
        "run_command": str(file.attrs.get("run_command", "")),
        "seconds": float(file["provenance"].attrs["seconds"]),
        "inputs": [
            {"path": path, "size": int(size), "content_hash": digest}
            for path, size, digest in zip(paths, inputs["size"][()], digests, strict=True)
        ],
        "has_config": "meta/config_toml" in file,
        "settings": stored_settings(file),
        "versions": dict(zip(names, values, strict=True)),
        "status": None if verdict is None else overall_status(verdict),
        "verdict": [] if verdict is None else checks_as_json(verdict),
        "datasets": {name: _shapes(item) for name, item in file["numbers"].items()},
    }


def _texts(dataset: h5py.Dataset) -> list[str]:
    return [str(text) for text in dataset.asstr()[()]]


def _verdict(file: h5py.File) -> pd.DataFrame | None:
    """The checks of the file in their order; None where they were not asked for."""
    if _VERDICT not in file:
        return None
    columns = {
        name: _texts(item) if h5py.check_string_dtype(item.dtype) else item[()]
        for name, item in file[_VERDICT].items()
    }
    return pd.DataFrame(columns)


def _shapes(item: Any) -> dict[str, list[int]]:
    """The datasets of a node with their shapes; the node itself if it is one."""
    if isinstance(item, h5py.Dataset):
        return {"": list(item.shape)}
    found: dict[str, list[int]] = {}

    def add(name: str, part: Any) -> None:
        if isinstance(part, h5py.Dataset):
            found[name] = list(part.shape)

    item.visititems(add)
    return found


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
