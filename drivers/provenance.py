"""What a result was made with: versions, the command, the pipeline that a file names."""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path
from typing import Any, Final

from ..nodes.file_kinds import fault_of_input
from ..nodes.hdf5_content import Content, damaged_file
from ..nodes.hdf5_heaps import opened_hdf5
from ..schemas.errors import InputError
from .library_versions import installed_version

LIBRARIES: Final = (
    "radiograph",
    "apache-hamilton",
    "numpy",
    "numba",
    "pandas",
    "pandera",
    "pydantic",
    "h5py",
    "scipy",
    "uproot",
    "matplotlib",
)


def versions() -> dict[str, str]:
    """Python and the libraries a result depends on."""
    installed = {name: installed_version(name) or "not installed" for name in LIBRARIES}
    return {"python": platform.python_version(), **installed}


def command_line() -> list[str]:
    """The command of this process, its first word without the folder."""
    return [Path(sys.argv[0]).name, *sys.argv[1:]]


def stored_settings(file: Content) -> dict[str, Any]:
    """The settings in force that a file holds, by their dotted keys; none without any."""
    group = "meta/config_effective"
    if group not in file:
        return {}
    keys, values = (file[f"{group}/{name}"].texts() for name in ("keys", "values"))
    try:
        return {key: json.loads(value) for key, value in zip(keys, values, strict=True)}
    except ValueError as reason:
        raise damaged_file(file.path, f"/{group}", reason) from None


def pipeline_of(file: Content) -> str:
    """The pipeline whose run wrote a file; empty where the file does not say it."""
    try:
        return str(stored_settings(file).get("pipeline.name", ""))
    except InputError:
        return ""


def pipeline_of_path(path: Path) -> str:
    """The pipeline whose run wrote the file at a path; empty for anything else."""
    if fault_of_input(path):
        return ""
    try:
        with opened_hdf5(path) as file:
            return pipeline_of(Content(file, path))
    except (OSError, InputError):
        return ""
