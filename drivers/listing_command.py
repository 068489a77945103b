"""Input files that a program names, e.g. a query of a catalogue of files."""

from __future__ import annotations

import shlex
import subprocess
import weakref
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from ..schemas.errors import InputError
from .config import LoadedConfig
from .home import path_of_setting

_KEY: Final = "io.file_list_command"
# What was printed for settings that are still in use: one run asks for its files more than once,
# and must be told the same.
_PRINTED: Final[dict[int, tuple[weakref.ref[Any], list[Path]]]] = {}


def names_in(lines: Iterable[str]) -> list[str]:
    """The names of a list; empty lines and those that begin with # do not count."""
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def listed_by(command: Sequence[str], loaded: LoadedConfig[Any]) -> list[Path]:
    """The files that a program prints, one a line, relative to the folder of the settings.

    It is run in that folder, by no shell, and once for the same settings. InputError if it cannot
    be run, fails, or names nothing.
    """
    known = _PRINTED.get(id(loaded))
    if known is not None and known[0]() is loaded:
        return list(known[1])
    folder = loaded.path.parent
    names = _printed(command, folder)
    paths = [path_of_setting(folder, name) for name in names]
    number = id(loaded)
    _PRINTED[number] = weakref.ref(loaded, lambda _: _PRINTED.pop(number, None)), paths
    return list(paths)


def _printed(command: Sequence[str], folder: Path) -> list[str]:
    said = shlex.join(command)
    try:
        done = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        text = done.stdout.decode("utf-8-sig")
    except (OSError, ValueError) as reason:
        fault = f"{said}: cannot be run, or prints no UTF-8 ({reason})"
        raise _refused(fault) from None
    if done.returncode:
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        told = f' and said "{last[0][:200]}"' if last else ""
        fault = f"{said}: ended with code {done.returncode}{told}"
        raise _refused(fault)
    names = names_in(text.splitlines())
    if not names:
        fault = f"{said}: names no file"
        raise _refused(fault)
    return names


def _refused(fault: str) -> InputError:
    msg = f"{fault}. Correct [io] file_list_command, a program and its arguments that prints names."
    return InputError(msg, key=_KEY, code="file_list_command")
