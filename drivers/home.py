"""The home folder of the user, and what stands in for it where there is none.

A container that is started for a user id without a name has no home folder: neither HOME nor an
entry in the list of users. Libraries that look for their settings there stop when they are
imported.
"""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

from ..nodes.addresses import address_of
from ..nodes.own_folders import own_temporary_folder
from ..schemas.errors import UsageError

log = logging.getLogger("radiograph.cache")
# The folder that this process took for want of a home, if it did.
_stand_in: Final[list[Path]] = []


def need_home() -> None:
    """Give this process a folder among the temporary files as its home if it has none.

    It is ours alone, and kept for later runs; if that cannot be, it is one for this process.
    UsageError if there is no place for temporary files either.
    """
    try:
        Path.home()
    except RuntimeError:
        _stand_in[:] = [_home_among_temporary_files()]
        os.environ["HOME"] = str(_stand_in[0])


def _home_among_temporary_files() -> Path:
    try:
        return own_temporary_folder()
    except OSError as reason:
        fault = reason
    try:
        folder = Path(tempfile.mkdtemp(prefix="radiograph-home-"))
    except OSError:
        msg = (
            f"there is no home folder ({_why()}), and none can be made among the temporary files "
            f"({fault}). Set HOME to a folder of your own."
        )
        raise UsageError(msg, code="no_home") from None
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _why() -> str:
    return f"HOME is not set, and user id {os.geteuid()} has no name"


def say_where_results_go(folder: Path) -> None:
    """One line if results are kept in a place that stands in for the home folder."""
    if any(folder.is_relative_to(home) for home in _stand_in):
        log.warning(
            "cache: there is no home folder (%s); results are kept in %s. Name a folder with "
            "RADIOGRAPH_CACHE",
            _why(),
            folder,
        )


def path_of_setting(folder: Path, value: str) -> Path:
    """A path of the settings: relative to ``folder``, ~ is the home folder; an address as it is.

    UsageError if there is no such home folder.
    """
    if address_of(value):
        return Path(value)
    first = Path(value).parts[:1]
    if first == ("~",) and _stand_in:
        fault = f"there is no home folder ({_why()})"
    else:
        try:
            return folder / Path(value).expanduser()
        except RuntimeError:
            fault = f"the home folder of {first[0][1:] or 'the user'} is not known"
    msg = f'"{value}" in the settings: {fault}. Write the whole path.'
    raise UsageError(msg, file=value, code="no_home")
