"""The version of an installed library, read once a process."""

from __future__ import annotations

from functools import cache
from importlib import metadata


@cache
def installed_version(library: str) -> str:
    """The version of a distribution by its name; empty if it is not installed."""
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return ""
