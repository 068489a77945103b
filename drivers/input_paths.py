"""The files that [io] names: those that are read, and the one that is written."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from ..nodes.addresses import address_of
from ..nodes.file_kinds import fault_of_input
from ..schemas.errors import ConfigError, InputError, SettingProblem, UsageError
from .config import LoadedConfig, resolved_path
from .files import fault_of_place, is_pattern, matching, natural_order
from .home import path_of_setting
from .listing_command import listed_by, names_in

_MAIN_KEY: Final = "io.input_path"
_LIST_KEY: Final = "io.file_list"
_COMMAND_KEY: Final = "io.file_list_command"
OfFolder = Callable[[Path], Sequence[Path]]
_FILE_ENDINGS: Final = (".h5", ".hdf5")
# What a name with such an ending is taken for by every other program.
_OTHER_KINDS: Final = frozenset(
    (
        *(".png", ".pdf", ".svg", ".jpg", ".jpeg", ".gif", ".webp", ".eps", ".html", ".htm"),
        *(".csv", ".tsv", ".parquet", ".root", ".json", ".npz", ".npy", ".toml", ".txt", ".out"),
        *(".md", ".zip", ".gz", ".xz", ".zst"),
    )
)


def input_paths(loaded: LoadedConfig[Any], of_folder: OfFolder, otherwise: str = "") -> list[Path]:
    """The input files of a run, as they are named; those of a pattern in natural order.

    Parameters
    ----------
    of_folder
        The files that are meant where a folder is named.
    otherwise
        What is read if [io] names nothing.

    Raises
    ------
    ConfigError
        If no file is named, or one twice.
    InputError
        If a pattern finds nothing, or the list of files cannot be read.
    """
    paths: list[Path] = []
    for path in _named(loaded, otherwise):
        if path.is_dir():
            paths += of_folder(path)
            continue
        is_one = bool(address_of(path)) or path.exists() or not is_pattern(path)
        found = [path] if is_one else matching(path)
        if not found:
            msg = f"{path}: no file has such a name. Correct [io] input_path or --input-path."
            raise InputError(msg, file=path, key="io.input_path")
        paths += found
    known: set[Path] = set()
    for path in paths:
        check_name(path, "io.input_path")
        if path.resolve() in known:
            text = f"input_path names {path} twice; its events would count twice. Name it once"
            raise _of_io(loaded, text, "io.input_path")
        known.add(path.resolve())
    return paths


def check_name(path: Path, key: str) -> None:
    """InputError for a file whose name is no text, so that nothing written can tell it."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        told = ascii(str(path))
        msg = f"{told}: has a name that is no text that can be written down. Rename the file."
        raise InputError(msg, file=told, key=key, code="bad_name") from None


def files_matching(folder: Path, pattern: str) -> list[Path]:
    """The files of a folder that match a pattern, in natural order."""
    found = [p for p in folder.glob(pattern) if p.is_file() and not p.name.startswith(".")]
    return sorted(found, key=lambda p: natural_order(p.name))


def key_of_names(io: Any) -> str:
    """The setting that names the input: the files themselves, a list of them, a program."""
    if io.input_path:
        return _MAIN_KEY
    if io.file_list:
        return _LIST_KEY
    return _COMMAND_KEY if _command(io) else _MAIN_KEY


def check_place(path: Path, key: str = _MAIN_KEY) -> None:
    """InputError for what is no file that can be read."""
    if address := address_of(path):
        msg = (
            f"{address}: is the address of a remote file, and such files are read from this "
            "machine alone. Copy it first (xrdcp, curl) and name the copy."
        )
        raise InputError(msg, file=address, key=key, code="remote_file")
    if fault := fault_of_input(path):
        repair = "Give a file in it" if path.is_dir() else "Give another file"
        if not path.exists():
            section, _, name = key.rpartition(".")
            flag = " or give --input-path" if key == _MAIN_KEY else ""
            by_list = key in (_LIST_KEY, _COMMAND_KEY)
            does = "Correct what {} names" if by_list else "Set {}"
            repair = does.format(f"[{section}] {name}") + flag
        msg = f"{path}: {fault}. {repair}."
        raise InputError(msg, file=path, key=key)


def output_path(loaded: LoadedConfig[Any]) -> Path:
    """The file or folder that [io] output_path names; ConfigError if it names none."""
    value = loaded.config.io.output_path
    if not value:
        raise _missing(loaded, "output_path")
    return resolved_path(loaded, value)


def is_output_file(out: Path) -> bool:
    """Whether an output is a file by its name; else it is a folder."""
    return out.suffix.lower() in _FILE_ENDINGS


def output_file(loaded: LoadedConfig[Any], sources: Sequence[Path]) -> Path:
    """The HDF5 file of a run; in a folder it is named after the first input."""
    out = output_path(loaded)
    # A pipe or an input that stands there is told of by its own name.
    if is_output_file(out) or (fault_of_place(out, (*sources, loaded.path)) and not out.is_dir()):
        return out
    check_no_other_kind(out)
    return out / f"{sources[0].stem}.h5"


def check_no_other_kind(out: Path) -> None:
    """UsageError if an output that is to be made has the ending of a picture, table or page."""
    if out.suffix.lower() in _OTHER_KINDS and not out.is_dir():
        msg = (
            f"{out}: a run writes an HDF5 file, and {out.suffix} is the ending of another kind. "
            f"Name {out.with_suffix('.h5').name}; figures are written beside it."
        )
        raise UsageError(msg, file=out, key="io.output_path")


def last_output(loaded: LoadedConfig[Any]) -> Path:
    """The HDF5 file that the last run wrote; UsageError if the folder for it holds none."""
    out = output_path(loaded)
    if is_output_file(out):
        return out
    made = [p for p in out.glob("*.h5") if p.is_file()] if out.is_dir() else []
    if not made:
        msg = f"{out}: holds no output of a run yet. Run first, or name a file with --run-file."
        raise UsageError(msg, file=out, key="io.output_path")
    return max(made, key=lambda p: (p.stat().st_mtime_ns, p.name))


def _named(loaded: LoadedConfig[Any], otherwise: str) -> list[Path]:
    io = loaded.config.io
    if io.file_list:
        if io.input_path:
            text = "input_path and file_list both name the input; keep one of them"
            raise _of_io(loaded, text, _LIST_KEY)
        return _listed(resolved_path(loaded, io.file_list))
    if command := _command(io):
        return listed_by(command, loaded)
    named = io.input_path or otherwise
    values = (named,) if isinstance(named, str) else named
    if not values or not all(values):
        raise _missing(loaded, "input_path")
    return [resolved_path(loaded, value) for value in values]


def _listed(path: Path) -> list[Path]:
    """The names in a text file; empty lines and those that begin with # do not count."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as reason:
        msg = f"{path}: the list of files cannot be read ({reason}). Correct [io] file_list."
        raise InputError(msg, file=path, key=_LIST_KEY) from None
    names = names_in(lines)
    if not names:
        msg = f"{path}: names no file. Write one a line, or set [io] input_path."
        raise InputError(msg, file=path, key=_LIST_KEY)
    return [path_of_setting(path.parent, name) for name in names]


def _command(io: Any) -> Sequence[str]:
    """The program that names the input, of a pipeline that has such a setting; else empty."""
    return () if io.input_path else getattr(io, "file_list_command", ())


def _missing(loaded: LoadedConfig[Any], key: str) -> ConfigError:
    text = f"missing key '{key}'; add {key} = \"...\", a path relative to this file"
    return _of_io(loaded, text, f"io.{key}")


def _of_io(loaded: LoadedConfig[Any], text: str, key: str) -> ConfigError:
    return ConfigError([SettingProblem(str(loaded.path), "io", text, key)], file=loaded.path)


def asked_for(loaded: LoadedConfig[Any]) -> dict[str, Any]:
    """Input, output and last stage of a config."""
    config = loaded.config
    return {
        "pipeline": config.pipeline.name,
        "until": config.pipeline.until,
        "input": named_inputs(loaded),
        "output": config.io.output_path,
    }


def named_inputs(loaded: LoadedConfig[Any]) -> list[str]:
    """The input as a config names it, with what is there of it."""
    io = loaded.config.io
    named = io.input_path or io.file_list
    if not named and (command := _command(io)):
        return [f"what {shlex.join(command)} prints"]
    names = [named] if isinstance(named, str) and named else list(named)
    return [_with_presence(loaded, name) for name in names]


def _with_presence(loaded: LoadedConfig[Any], name: str) -> str:
    path = resolved_path(loaded, name)
    if path.exists() or address_of(path):
        return name
    found = len(matching(path)) if is_pattern(path) else 0
    there = f"{found} file{'s' if found > 1 else ''}" if found else "not there yet"
    return f"{name} ({there})"
