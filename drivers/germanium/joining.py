"""Parameter files and LH5 tiers of channels that were processed apart, as one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import yaml

from ...nodes.germanium.lh5 import REPAIR, layout_of
from ...nodes.hdf5_content import damaged_file
from ...nodes.hdf5_heaps import opened_hdf5
from ...schemas.errors import InputError, UsageError
from ..files import check_new_files, new_output
from .lh5_writing import new_lh5
from .parameter_yaml import write_yaml

_YAML = (".yaml", ".yml")
_LH5 = (".lh5", ".h5", ".hdf5")


def merge_files(files: Sequence[Path], out: Path, *, overwrite: bool = False) -> list[str]:
    """Write the union of parameter files, or of LH5 tiers; the keys or tables that it holds.

    Raises
    ------
    UsageError
        If the files are of different kinds, or ``out`` is there and must not be replaced.
    InputError
        If a file cannot be read, or two hold the same key or table.
    """
    kinds = {path.suffix.lower() for path in (*files, out)}
    check_new_files([out], files, overwrite=overwrite)
    if kinds <= set(_YAML):
        return _merge_yaml(files, out)
    if kinds <= set(_LH5):
        return _merge_lh5(files, out)
    msg = (
        f"{out}: parameter files (.yaml) or tiers (.lh5) are merged, not {', '.join(sorted(kinds))}"
    )
    raise UsageError(msg, file=out)


def _merge_yaml(files: Sequence[Path], out: Path) -> list[str]:
    merged: dict[str, Any] = {}
    owner: dict[str, Path] = {}
    for path in files:
        try:
            content = yaml.safe_load(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as reason:
            msg = f"{path}: is no plain YAML that can be read ({str(reason).splitlines()[0]})."
            raise InputError(msg, file=path, code="no_yaml") from None
        for key, value in (content or {}).items():
            _check_single(str(key), path, owner)
            merged[str(key)] = value
    with new_output(out) as temporary:
        write_yaml(temporary, dict(sorted(merged.items())))
    return sorted(merged)


def _merge_lh5(files: Sequence[Path], out: Path) -> list[str]:
    owner: dict[str, Path] = {}
    # A channel that failed has left a tier without tables: nothing is added.
    tables = {path: layout_of(path, may_be_empty=True).tables for path in files}
    for path, of_file in tables.items():
        for table in of_file:
            _check_single(table.path, path, owner)
    with new_output(out) as temporary, new_lh5(temporary) as file:
        for name in sorted(owner):
            parent = file.require_group(name.rpartition("/")[0])
            _copy_table(owner[name], name, parent)
    return sorted(owner)


def _copy_table(path: Path, name: str, parent: h5py.Group) -> None:
    with opened_hdf5(path) as source:
        try:
            source.copy(source[name], parent, name.rpartition("/")[2])
        except (KeyError, RuntimeError) as reason:
            if "No space left" in str(reason):
                raise
            raise damaged_file(path, f"/{name}", reason, REPAIR) from None


def _check_single(key: str, path: Path, owner: dict[str, Path]) -> None:
    first = owner.setdefault(key, path)
    if first is not path:
        msg = f"{path}: holds {key}, as {first} does. Each channel is merged once; leave one out."
        raise InputError(msg, file=path, code="twice")
