"""One process at a time for a file or a folder of a campaign."""

from __future__ import annotations

import fcntl
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ....schemas.errors import UsageError

_POLL_S = 0.1


@contextmanager
def held(
    path: Path, waiting: Callable[[str], None], stopped: Callable[[], bool] = lambda: False
) -> Iterator[None]:
    """Hold the lock file ``path`` while the block runs; another process waits, and says for whom.

    ``waiting`` is told once who holds it; when ``stopped`` turns true, KeyboardInterrupt is raised.
    The lock of a process that was killed is free. UsageError if no lock file can be made.
    """
    descriptor = _acquired(path, waiting, stopped)
    try:
        yield
    finally:
        # Removed while it is held: whoever waits sees that its own file is no longer this one.
        with suppress(OSError):
            path.unlink()
        os.close(descriptor)


def _acquired(path: Path, waiting: Callable[[str], None], stopped: Callable[[], bool]) -> int:
    told = False
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as reason:
            msg = f"{path}: cannot be made ({reason.strerror}). Name a folder of your own."
            raise UsageError(msg, file=path, code="read_only") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 200, 0).decode(errors="replace") or "another process"
            os.close(descriptor)
            if not told:
                waiting(holder)
                told = True
            if stopped():
                raise KeyboardInterrupt from None
            time.sleep(_POLL_S)
            continue
        if _is_still_at(path, descriptor):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)
            return descriptor
        os.close(descriptor)


def _is_still_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False
