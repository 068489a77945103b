"""Checksums of bytes as they come, each computed in a thread of its own.

md5 alone takes as long as a fast network; hashlib lets other threads run meanwhile.
"""

from __future__ import annotations

import hashlib
import queue
import threading
from typing import Any, Final

_BLOCKS_AHEAD: Final = 16


class Digests:
    """md5 and sha256 of all blocks so far; a few blocks are held at a time."""

    def __init__(self) -> None:
        self._md5 = _Digest(hashlib.md5(usedforsecurity=False))
        self._sha256 = _Digest(hashlib.sha256())

    def update(self, block: bytes) -> None:
        """Take a block, which must not change afterwards."""
        self._md5.take(block)
        self._sha256.take(block)

    def hexadecimal(self) -> tuple[str, str]:
        """md5 and sha256, lower case."""
        return self._md5.result(), self._sha256.result()

    def close(self) -> None:
        """End the threads."""
        self._md5.close()
        self._sha256.close()


class _Digest:
    def __init__(self, state: Any) -> None:
        self._state = state
        self._blocks: queue.Queue[bytes | None] = queue.Queue(_BLOCKS_AHEAD)
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        while (block := self._blocks.get()) is not None:
            self._state.update(block)
            self._blocks.task_done()

    def take(self, block: bytes) -> None:
        self._blocks.put(block)

    def result(self) -> str:
        self._blocks.join()
        return str(self._state.hexdigest())

    def close(self) -> None:
        self._blocks.put(None)
        self._thread.join()
