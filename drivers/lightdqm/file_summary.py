"""What is in the HDF5 file of a light run, and how it was made, as plain values and as text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

from ...nodes.hdf5_content import Content, opened_content
from ..runfile.datasets import Datasets
from ..runfile.exporting import stored_table
from ..runfile.record import run_record
from ..runfile.summary import facts_of_making, line_of_versions, lines_of_making
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
    with opened_content(path) as content:
        verdict = _verdict(content)
        numbers = content.content("numbers")
        summary = {
            **facts_of_making(run_record(Datasets(content.group, path)), path),
            "pipeline": "lightdqm",
            "has_config": "meta/config_toml" in content,
            "status": None if verdict is None else overall_status(verdict),
            "verdict": [] if verdict is None else checks_as_json(verdict),
            "datasets": {name: _shapes(numbers, name) for name in numbers},
        }
    return summary, _text(summary, verdict)


def _verdict(file: Content) -> pd.DataFrame | None:
    """The checks of the file in their order; None where they were not asked for."""
    if _VERDICT not in file:
        return None
    return next(stored_table("dqm_verdict", file.content(_VERDICT)).frames())


def _shapes(numbers: Content, name: str) -> dict[str, list[int]]:
    """The datasets of a node with their shapes; the node itself if it is one."""
    if not numbers.is_group(name):
        return {"": list(numbers[name].shape)}
    return {part: list(shape) for part, shape in numbers.content(name).shapes().items()}


def _text(summary: Mapping[str, Any], verdict: pd.DataFrame | None) -> str:
    lines = lines_of_making(summary, "light DQM")
    told = {key: summary["settings"].get(f"lightdqm.{key}") for key in _TOLD}
    lines.append(f"  settings  {', '.join(f'{k} {json.dumps(v)}' for k, v in told.items())}")
    lines.append(line_of_versions(summary))
    numbers = summary["datasets"]
    lines.append(f"  datasets  {sum(map(len, numbers.values()))} in /numbers: {', '.join(numbers)}")
    if verdict is None:
        return "\n".join([*lines, "  verdict   not in the file (it holds targets only)"])
    lines.append(f"  verdict   {status_word(summary['status'])}")
    return "\n".join([*lines, *verdict_lines(verdict)])
