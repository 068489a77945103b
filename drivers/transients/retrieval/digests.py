"""Checksums of bytes as they come, each computed in a thread of its own.

md5 alone takes as long as a fast network; hashlib lets other threads run meanwhile.
"""

from __future__ import annotations

import hashlib
import queue
import threading
from typing import Any, Final

# A thread that is woken for each block of a network waits longer than it computes.
_BYTES_AT_A_TIME: Final = 1 << 20
_TURNS_AHEAD: Final = 4


class Digests:
    """md5 and sha256 of all blocks so far; a few blocks are held at a time."""

    def __init__(self) -> None:
        self._md5 = _Digest(hashlib.md5(usedforsecurity=False))
        self._sha256 = _Digest(hashlib.sha256())
        self._blocks: list[bytes] = []
        self._size = 0

    def update(self, block: bytes) -> None:
        """Take a block, which must not change afterwards."""
        self._blocks.append(block)
        self._size += len(block)
        if self._size >= _BYTES_AT_A_TIME:
            self._hand_on()

    def _hand_on(self) -> None:
        self._md5.take(self._blocks)
        self._sha256.take(self._blocks)
        self._blocks, self._size = [], 0

    def hexadecimal(self) -> tuple[str, str]:
        """md5 and sha256, lower case."""
        self._hand_on()
        return self._md5.result(), self._sha256.result()

    def close(self) -> None:
        """End the threads."""
        self._md5.close()
        self._sha256.close()


class _Digest:
    def __init__(self, state: Any) -> None:
        self._state = state
        self._turns: queue.Queue[list[bytes] | None] = queue.Queue(_TURNS_AHEAD)
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        while (blocks := self._turns.get()) is not None:
            for block in blocks:
                self._state.update(block)
            self._turns.task_done()

    def take(self, blocks: list[bytes]) -> None:
        self._turns.put(blocks)

    def result(self) -> str:
        self._turns.join()
        return str(self._state.hexdigest())

    def close(self) -> None:
        self._turns.put(None)
        self._thread.join()
