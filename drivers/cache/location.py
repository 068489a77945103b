"""Where the cache lies, and the versions that every key is salted with."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from typing import Final

from ..library_versions import installed_version

# Raised by hand when a stored value changes its meaning though no code of a node does, or when
# versions of code did not tell apart what differs: what is stored under them may be wrong.
CACHE_EPOCH: Final = 2
# pandas keeps texts in pyarrow where that is installed.
_COMPUTING_LIBRARIES: Final = (
    "numpy",
    "numba",
    "pandas",
    "pyarrow",
    "scipy",
    "uproot",
    "awkward",
    "matplotlib",
)


def default_folder() -> Path:
    """RADIOGRAPH_CACHE, else the platform's folder for caches of the user."""
    named = os.environ.get("RADIOGRAPH_CACHE")
    if named:
        return Path(named) / "results"
    if sys.platform == "darwin":
        home = Path.home() / "Library" / "Caches"
    elif sys.platform == "win32":
        home = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    else:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "radiograph" / "results"


def salt() -> dict[str, str]:
    """What a result depends on beside code and inputs."""
    python = ".".join(platform.python_version_tuple()[:2])
    installed = {library: installed_version(library) for library in _COMPUTING_LIBRARIES}
    return {"epoch": str(CACHE_EPOCH), "python": python, **installed}
