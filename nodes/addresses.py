"""Addresses of remote files. They travel as paths, of which each keeps one of two slashes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_HTTP: Final = ("http:", "https:")
_XROOTD: Final = ("root:", "roots:", "xroot:", "xrootd:")
_OTHERS: Final = ("dav:", "davs:", "s3:", "gs:")
PROTOCOLS: Final = frozenset((*_HTTP, *_XROOTD, *_OTHERS))


def address_of(path: Path | str) -> str:
    """The address that a path is; empty for a file of this machine.

    A path at a server of XRootD begins with a slash of its own: root://host//path.
    """
    protocol, *rest = Path(path).parts or ("",)
    if protocol not in PROTOCOLS or not rest:
        return ""
    host, *steps = rest
    between = "//" if protocol in _XROOTD else "/"
    return f"{protocol}//{host}{between}{'/'.join(steps)}" if steps else f"{protocol}//{host}"


def is_http(address: str) -> bool:
    """Whether an address is read by HTTP."""
    return address.startswith(_HTTP)


def shown(path: Path) -> str:
    """A path as a message tells it."""
    return address_of(path) or str(path)
