"""Which files of a folder are looked at: by prefix and suffix, in natural order of their names."""

from __future__ import annotations

import re
from pathlib import Path

from ...schemas.errors import ConfigError, InputError, SettingProblem
from ...schemas.lightdqm.config import LightDqm, LightDqmConfig
from ..config import LoadedConfig, resolved_path

SUFFIX = ".FLOW.hdf5"


def stem_of(path: Path) -> str:
    """The name of a light file without its suffix: what the names of its outputs begin with."""
    name = path.name
    return name.removesuffix(SUFFIX) if name.endswith(SUFFIX) else path.stem


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Sort key of a name: numbers in it by their value, so that p2 comes before p10."""
    parts = re.split(r"(\d+)", name)
    return [(0, int(p), "") if p.isdigit() else (1, 0, p) for p in parts if p]


def last_number(path: Path) -> int:
    """The last number of a file's name (its sub-run), 0 without."""
    numbers = re.findall(r"\d+", stem_of(path))
    return int(numbers[-1]) if numbers else 0


def run_numbers(path: Path) -> tuple[int, int]:
    """Run and sub-run of ``mpd_run_<tag>_rctl_<run>[_p<subrun>]``; -1 where the name has none."""
    found = re.search(r"rctl_(\d+)(?:_p(\d+))?$", stem_of(path))
    if found is None:
        return -1, -1
    return int(found[1]), int(found[2]) if found[2] else -1


def files_of(folder: Path, settings: LightDqm) -> list[Path]:
    """The files of a folder that the settings select; InputError if there is none."""
    pattern = f"{settings.file_syntax}*{SUFFIX}"
    found = [
        path
        for path in folder.iterdir()
        if path.name.startswith(settings.file_syntax) and path.name.endswith(SUFFIX)
    ]
    found.sort(key=lambda path: natural_key(path.name))
    chosen = [path for path in found if last_number(path) >= settings.start_run]
    if not chosen:
        why = (
            f" ({len(found)} have a number below start_run = {settings.start_run})" if found else ""
        )
        msg = f"{folder}: holds no file {pattern}{why}. Correct input_path, file_syntax, start_run."
        raise InputError(msg, file=folder, key="lightdqm.input_path", code="no_files")
    return chosen if settings.nfiles < 0 else chosen[: settings.nfiles]


def input_files(loaded: LoadedConfig[LightDqmConfig]) -> list[Path]:
    """The files that a config names; ConfigError or InputError if there is none."""
    settings = loaded.config.lightdqm
    if not settings.input_path:
        text = "missing key 'input_path'; add input_path = \"...\", a .FLOW.hdf5 file or a folder"
        raise ConfigError([SettingProblem(str(loaded.path), "lightdqm", text)], file=loaded.path)
    path = resolved_path(loaded, settings.input_path)
    if path.is_dir():
        return files_of(path, settings)
    if not path.exists():
        msg = f"{path}: no such file. Set [lightdqm] input_path or give --input-path."
        raise InputError(msg, file=path, key="lightdqm.input_path")
    return [path]


def first_file(loaded: LoadedConfig[LightDqmConfig]) -> Path:
    """The first of these files."""
    return input_files(loaded)[0]
