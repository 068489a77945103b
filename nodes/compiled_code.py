"""Where numba keeps compiled kernels: a folder of this user, named after all kernel sources.

numba does not see an edit of a kernel that is called from another file (numba PR 8396). The
folder of compiled code is therefore named after a hash of the sources, and is chosen by each
package of kernels before its modules load. numba unpickles what it finds there: it has to be ours.
"""

from __future__ import annotations

import atexit
import logging
import multiprocessing
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

import numba
import xxhash

from ..schemas.errors import UsageError
from .own_folders import need_own_folder, own_temporary_folder

_SOURCES: Final = ("*/kernels/*.py", "statistics/*.py")


@cache
def keep_compiled_code() -> None:
    """Have numba keep what it compiles from now on; UsageError if there is no place for it."""
    numba.config.CACHE_DIR = str(_compiled_code_folder())


def _compiled_code_folder() -> Path:
    """A folder of this user only that can be written; at worst one for this process.

    UsageError if there is none.
    """
    name = f"kernels-{_hash_of_sources()}"
    faults: list[str] = []
    for parent_of_kernels in (_user_cache, own_temporary_folder):
        try:
            folder = parent_of_kernels() / name
            need_own_folder(folder)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except (OSError, RuntimeError) as reason:  # RuntimeError: there is no home folder
            faults.append(str(reason))
    why = f"compiled kernels cannot be kept ({'; '.join(faults)})"
    repair = "Name a folder of your own with RADIOGRAPH_CACHE"
    try:
        folder = Path(tempfile.mkdtemp(prefix="radiograph-kernels-"))
    except OSError as reason:
        msg = f"{why}, and there is no place for those of this run ({reason}). {repair}."
        raise UsageError(msg) from None
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    if multiprocessing.parent_process() is None:
        log = logging.getLogger("radiograph.kernels")
        log.warning("%s; every run compiles them again. %s.", why, repair)
    return folder


def _hash_of_sources() -> str:
    digest = xxhash.xxh3_128()
    nodes = Path(__file__).parent
    for source in sorted(path for pattern in _SOURCES for path in nodes.glob(pattern)):
        digest.update(source.relative_to(nodes).as_posix().encode())
        digest.update(source.read_bytes())
    return digest.hexdigest()


def _user_cache() -> Path:
    """What RADIOGRAPH_CACHE names, else the user's folder for caches."""
    named = os.environ.get("RADIOGRAPH_CACHE")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "radiograph"
