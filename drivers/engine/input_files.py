"""The input files that settings name: found, checked and known by their content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from ...nodes.addresses import address_of
from ...schemas.errors import ConfigError, InputError, SettingProblem
from ...schemas.sources import FileRef
from ..cache.content import fingerprint
from ..cache.execution import NodeCache
from ..cache.opening import known_file
from ..config import LoadedConfig, resolved_path
from ..definition import Source
from ..files import is_pattern, matching, remote_file_ref, sampled_file_ref
from ..graph_inputs import setting
from ..input_paths import check_name, check_place, files_matching, input_paths, key_of_names
from ..unchanged import unchanged
from .failed_files import FailedFile, usable_files

MAIN: Final = "io.input_path"
_RECORDS: Final = "records:"
NumberedFiles = dict[int, FileRef]
"""Files of a role by their place among all that were given, those that failed included."""


def found_paths(loaded: LoadedConfig[Any], source: Source) -> list[Path]:
    """The files of a role: one, those of a folder or of a pattern, or a list of these.

    Raises
    ------
    ConfigError
        If no file is named though there must be one, or one twice.
    InputError
        If a folder or a pattern holds none.
    """

    def of_folder(folder: Path) -> list[Path]:
        found = files_matching(folder, source.pattern)
        if not found:
            msg = f"{folder}: holds no {source.what} ({source.pattern}). Give another folder."
            raise InputError(msg, file=folder, key=source.key)
        return found

    if source.key == MAIN:
        return input_paths(loaded, of_folder)
    named = setting(loaded.config, source.key)
    values = [v for v in ((named,) if isinstance(named, str) else named or ()) if v]
    if not values and source.needed:
        section, _, key = source.key.rpartition(".")
        text = f"missing key '{key}'; add {key} = \"...\", a {source.what} or a folder of them"
        raise ConfigError([SettingProblem(str(loaded.path), section, text)], file=loaded.path)
    paths: list[Path] = []
    for path in (resolved_path(loaded, value) for value in values):
        found = of_folder(path) if path.is_dir() else [path]
        if not address_of(path) and not path.exists() and is_pattern(path):
            found = matching(path)
        if not found:
            msg = f"{path}: no file has such a name. Correct {source.key}."
            raise InputError(msg, file=path, key=source.key)
        paths += found
    for path in paths:
        check_name(path, source.key)
    return list(dict.fromkeys(paths))


def known_files(
    paths: Sequence[Path],
    source: Source,
    axis: str,
    cache: NodeCache | None,
    *,
    config: Any = None,
    rehash: bool = False,
) -> tuple[NumberedFiles, list[FailedFile]]:
    """The files that can be read, numbered on ``axis``, and those that cannot.

    InputError if none can, or one of a stream cannot, which is nothing without it; with
    [io] on_bad_file "fail" of ``config``, if one cannot.
    """

    is_main = config is not None and source.key == "io.input_path"
    key = key_of_names(config.io) if is_main else source.key

    def known(_number: int, path: Path) -> FileRef:
        if source.remote is not None and address_of(path):
            return counted(remote_file_ref(path, *source.remote(path)), source, config, cache)
        check_place(path, key)
        is_sampled = source.sampled and not rehash
        ref = sampled_file_ref(path) if is_sampled else known_file(path, cache, rehash=rehash)
        return counted(ref, source, config, cache)

    asked_to_fail = config is not None and config.io.on_bad_file == "fail"
    return usable_files(paths, known, axis=axis, must_all=source.joined or asked_to_fail)


def counted(ref: FileRef, source: Source, config: Any, cache: NodeCache | None) -> FileRef:
    """The file with its number of records, where its source counts them.

    With a cache it is counted once for the same content and settings. InputError if it cannot be.
    """
    if source.count is None:
        return ref
    name = ""
    if cache is not None:
        told = [setting(config, key) for key in source.count_keys]
        identity = [(ref.content_hash, str(ref.size)), (fingerprint(told),)]
        name = _RECORDS + cache.derived(source.count, "n_records", identity)
        known = cache.remembered(name)
        if isinstance(known, int):
            return replace(ref, n_records=known)
    with unchanged([ref]):
        n = source.count(Path(ref.path), config)
    if cache is not None:
        cache.remember(name, n)
    return replace(ref, n_records=n)
