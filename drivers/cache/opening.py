"""The cache of a run: where it was asked for, opened or done without."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from ...schemas.errors import UsageError
from ...schemas.sources import FileRef
from ..config import LoadedConfig, resolved_path
from ..files import file_ref
from ..home import say_where_results_go
from ..unchanged import stamp_of
from .code import CodeVersions, NamesOfCode
from .execution import NodeCache
from .location import default_folder as default_folder
from .options import NO_CACHE as NO_CACHE
from .options import CacheOptions as CacheOptions
from .store import STORE_ERRORS, Store

log = logging.getLogger("radiograph.cache")

PACKAGES: Final = ("radiograph",)
# Memory that waits to be used again: what is in it matters to nobody.
WITHOUT_VERSION: Final = frozenset({"radiograph.nodes.reused_pages:_waiting"})
_FILE: Final = "file:"
# A file changed twice within a tick of its clock looks unchanged: a young one is not remembered.
_SETTLED_S: Final = 2.0


def cache_options(
    loaded: LoadedConfig[Any],
    *,
    no_cache: bool = False,
    folder: Path | None = None,
    refresh: Sequence[str] = (),
    rehash: bool = False,
    started_s: float | None = None,
) -> CacheOptions:
    """What the command line and [cache] together want of the cache."""
    settings = loaded.config.cache
    if folder is None and settings.dir is not None:
        folder = resolved_path(loaded, settings.dir)
    enabled = settings.enabled and not no_cache
    return CacheOptions(folder, enabled, tuple(refresh), rehash, started_s)


def open_cache(
    options: CacheOptions, untracked: Sequence[str], packages: Sequence[str] = ()
) -> NodeCache | None:
    """The cache, or None with a warning; UsageError if it was named and cannot be used.

    The code of nodes is followed through this package and ``packages``.
    """
    if not options.enabled:
        return None
    folder = options.folder or default_folder()
    try:
        store = opened_store(folder, packages)
    except STORE_ERRORS as reason:
        if options.folder is not None:
            msg = (
                f"{folder}: cannot be used as a cache ({reason}). Name another folder with "
                "--cache-dir or [cache] dir, give --no-cache, or empty it: radiograph cache clear "
                f"--cache-dir {folder}"
            )
            raise UsageError(msg, file=folder, key="cache.dir") from None
        log.warning("cache: %s cannot be used (%s); the run goes on without it", folder, reason)
        return None
    if options.folder is None:
        say_where_results_go(folder)
    versions = NamesOfCode if options.for_one_run else CodeVersions
    cache = NodeCache(
        store,
        versions(_roots(packages), WITHOUT_VERSION),
        untracked=tuple(untracked),
        refreshed=options.refreshed,
    )
    if options.started_s is not None:
        cache.use_program(options.started_s)
    return cache


def _roots(packages: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*PACKAGES, *packages)))


def opened_store(folder: Path, packages: Sequence[str] = ()) -> Store:
    """The store of a folder, checked to be writable; one of STORE_ERRORS otherwise.

    Dataclasses of this package and of ``packages`` are read back.
    """
    store = Store(folder, _roots(packages))
    try:
        store.set_record("opened", time.time())
    except BaseException:
        store.close()
        raise
    return store


def known_file(path: Path, cache: NodeCache | None, *, rehash: bool = False) -> FileRef:
    """A file by its content, without reading it again if size, inode and times are the same.

    One that was changed within the last seconds is read, and not remembered.
    """
    if cache is None:
        return file_ref(path)
    try:
        with path.open("rb") as stream:
            stamp = stamp_of(stream)
    except OSError:
        return file_ref(path)
    # Before it is read: a long file would be old enough at its end whatever was written meanwhile.
    is_settled = time.time() - max(stamp.mtime_ns, stamp.ctime_ns) * 1e-9 > _SETTLED_S
    name = f"{_FILE}{path.absolute()}"
    identity = [stamp.size, stamp.mtime_ns, stamp.ctime_ns, stamp.inode]
    record = None if rehash or not is_settled else cache.remembered(name)
    if isinstance(record, dict) and record.get("identity") == identity:
        return FileRef(str(path), stamp.size, record["hash"], stamp)
    found = file_ref(path)
    if is_settled and found.stamp == stamp:
        cache.remember(name, {"identity": identity, "hash": found.content_hash})
    return found
