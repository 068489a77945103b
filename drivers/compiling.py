"""Says which kernels are compiled, while they are: the first run of a version takes longer."""

from __future__ import annotations

import logging
import threading
from functools import cache
from typing import Any

from numba.core import event

log = logging.getLogger("radiograph.compiling")
_PACKAGE = __name__.split(".")[0]


class _Compilations(event.Listener):  # type: ignore[misc]
    """Names each kernel of this package once; what it calls is compiled along with it."""

    def __init__(self) -> None:
        self._within = threading.local()

    def on_start(self, begun: Any) -> None:
        kernel = begun.data["dispatcher"].py_func
        depth = vars(self._within).setdefault("depth", 0)
        if depth == 0 and kernel.__module__.split(".")[0] == _PACKAGE:
            log.info("compiling kernels, once per version: %s", kernel.__name__)
        self._within.depth = depth + 1

    def on_end(self, ended: Any) -> None:  # noqa: ARG002
        self._within.depth -= 1


@cache
def announce_compilations() -> None:
    """From now on log the name of every kernel that is not on disk, before it is compiled."""
    event.register("numba:compile", _Compilations())
