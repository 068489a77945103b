"""The input files that settings name: found, checked and known by their content."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ...nodes.file_kinds import fault_of_input
from ...schemas.errors import ConfigError, InputError, SettingProblem
from ...schemas.sources import FileRef
from ..cache.execution import NodeCache
from ..cache.opening import known_file
from ..config import LoadedConfig, resolved_path
from ..definition import Source, setting
from ..files import is_pattern, matching, sampled_file_ref
from .failed_files import FailedFile, none_left, tell_left_out

NumberedFiles = dict[int, FileRef]
"""Files of a role by their place among all that were given, those that failed included."""


def found_paths(loaded: LoadedConfig[Any], source: Source) -> list[Path]:
    """The files of a role: one, those of a folder or of a pattern, or a list of these.

    Those of a folder or a pattern come in natural order (p2 before p10).

    Raises
    ------
    ConfigError
        If no file is named though there must be one, or one twice.
    InputError
        If a folder or a pattern holds none.
    """
    named = setting(loaded.config, source.key)
    values = [v for v in ((named,) if isinstance(named, str) else named or ()) if v]
    paths = [p for value in values for p in _expanded(resolved_path(loaded, value), source)]
    section, _, key = source.key.rpartition(".")
    if not paths and source.needed:
        text = f"missing key '{key}'; add {key} = \"...\", a {source.what} or a folder of them"
        raise ConfigError([SettingProblem(str(loaded.path), section, text)], file=loaded.path)
    known: set[Path] = set()
    for path in paths:
        if path.resolve() in known:
            text = f"{key} names {path} twice; its data would count twice. Name it once"
            raise ConfigError([SettingProblem(str(loaded.path), section, text)], file=loaded.path)
        known.add(path.resolve())
    return paths


def _expanded(path: Path, source: Source) -> Iterator[Path]:
    if path.is_dir():
        found = [p for p in matching(path / source.pattern) if p.is_file()]
        what = f"no file {source.pattern} in this folder"
    elif path.exists() or not is_pattern(path):
        found, what = [path], ""
    else:
        found, what = matching(path), "no file has such a name"
    if not found:
        msg = f"{path}: {what}. Correct [{source.key.replace('.', '] ')} or --input-path."
        raise InputError(msg, file=path, key=source.key)
    yield from found


def known_files(
    paths: Sequence[Path],
    source: Source,
    axis: str,
    cache: NodeCache | None,
    *,
    rehash: bool = False,
) -> tuple[NumberedFiles, list[FailedFile]]:
    """The files that can be read, numbered on ``axis``, and those that cannot.

    InputError if none can.
    """
    files: NumberedFiles = {}
    failed: list[FailedFile] = []
    for number, path in enumerate(paths):
        try:
            fault = fault_of_input(path)
            if fault:
                msg = f"{path}: {fault}. Give another file with [{source.key.replace('.', '] ')}."
                raise InputError(msg, file=path, key=source.key)
            is_sampled = source.sampled and not rehash
            files[number] = (
                sampled_file_ref(path) if is_sampled else known_file(path, cache, rehash=rehash)
            )
        except InputError as error:
            if len(paths) == 1:
                raise
            failed.append(FailedFile(str(path), number, error.message, error.code, axis))
    if failed and not files:
        raise none_left(failed)
    for left in failed:
        tell_left_out(left)
    return files, failed
