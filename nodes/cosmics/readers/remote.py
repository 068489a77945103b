"""Files at an address: by HTTP with requests for ranges, all others through fsspec.

A try that fails is repeated after 1, 4 and 16 s; then the file is bad.
"""

from __future__ import annotations

import logging
import urllib.request
from collections.abc import Callable
from pathlib import Path
from time import sleep
from typing import Any, Final, TypeVar

from ....schemas.errors import InputError, UsageError
from ...addresses import address_of, is_http, shown

T = TypeVar("T")
log = logging.getLogger("radiograph.cosmics")
WAITS_S: Final = (1.0, 4.0, 16.0)
_TIMEOUT_S: Final = 30
_PASSING: Final = ("damaged", "unreachable")


def tried(path: Path, read: Callable[[], T]) -> T:
    """What ``read`` gives of a file; InputError if it fails, at an address as often as told."""
    for wait_s in WAITS_S if address_of(path) else ():
        try:
            return read()
        except InputError as error:
            if error.code not in _PASSING:
                raise
            log.warning("%s Tried again in %g s.", error.message, wait_s)
            sleep(wait_s)
    return read()


def remote_stamp(path: Path) -> tuple[int, str]:
    """The size of a file at an address, and what its server says of its version.

    InputError if it does not answer; UsageError if a library is missing.
    """
    return tried(path, lambda: _stamp(path))


def _stamp(path: Path) -> tuple[int, str]:
    address = address_of(path)
    try:
        if is_http(address):
            request = urllib.request.Request(address, method="HEAD")
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
                head = answer.headers
            size, tag = head["Content-Length"], head["ETag"] or head["Last-Modified"] or ""
        else:
            system, place = _file_system(address)
            info = system.info(place)
            size, tag = info.get("size"), str(info.get("mtime") or info.get("etag") or "")
    except UsageError:
        raise
    except Exception as reason:  # servers and their libraries raise anything
        # XRootD ends what it says with a line break.
        raise _unreachable(path, f"does not answer ({' '.join(str(reason).split())})") from None
    if size is None:
        raise _unreachable(path, "does not say how long it is")
    return int(size), tag


def _unreachable(path: Path, fault: str) -> InputError:
    msg = f"{shown(path)}: {fault}. Correct the address, or copy the file and name the copy."
    return InputError(msg, file=shown(path), key="io.input_path", code="unreachable")


def _file_system(address: str) -> tuple[Any, str]:
    """What fsspec has for an address, and what the file is called there.

    UsageError that names the extra where it has nothing.
    """
    import fsspec

    protocol = address.partition(":")[0]
    if protocol == "root":
        # XRootD without one tries for ten minutes to reach a server that is not there.
        fsspec.config.conf.setdefault(protocol, {}).setdefault("timeout", _TIMEOUT_S)
    try:
        system, place = fsspec.url_to_fs(address)
    except (ImportError, ValueError) as reason:
        msg = (
            f"{address}: files at {protocol}:// need a library that is not installed ({reason}): "
            "pip install 'radiograph[remote]', or copy the file first."
        )
        raise UsageError(msg, key="io.input_path", code="missing_library") from None
    return system, str(place)


def opening_options(address: str) -> dict[str, Any]:
    """How uproot is to open an address; UsageError if a library is missing."""
    if is_http(address):
        from uproot.source.http import HTTPSource

        return {"handler": HTTPSource, "timeout": _TIMEOUT_S}
    from uproot.source.fsspec import FSSpecSource

    _file_system(address)
    return {"handler": FSSpecSource}
