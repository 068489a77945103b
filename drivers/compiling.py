"""Says which kernels are compiled, while they are, and has some compiled beside the run.

The first run of a version takes longer: numba compiles, in one thread, what is not on disk.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numba
from numba.core import entrypoints, event

from ..nodes.compiled_code import keep_compiled_code
from .defaults import cores
from .definition import CompiledAhead

log = logging.getLogger("radiograph.compiling")
_PACKAGE = __name__.split(".")[0]
_COMPILATION = "numba:compile"
_SAID = "compiling kernels, once per version: %s"


def without_extensions_of_numba() -> None:
    """Keep numba from importing what other packages register with it.

    awkward does, which takes longer than the reading of a small file; no kernel of ours needs it.
    """
    entrypoints._already_initialized = True


def compile_for_run(compile_kernels: Callable[[], None]) -> None:
    """What a process beside a run does, which is told the folder of the run's compiled code.

    Nothing is done where this process would keep them elsewhere: a stand-in for one process.
    """
    without_extensions_of_numba()
    keep_compiled_code()
    if sys.argv[1] == numba.config.CACHE_DIR:
        compile_kernels()


def _is_ours(kernel: Any) -> bool:
    return bool(kernel.__module__.split(".")[0] == _PACKAGE)


class _Compilations(event.Listener):  # type: ignore[misc]
    """Names each kernel of this package once; what it calls is compiled along with it."""

    def __init__(self) -> None:
        self._within = threading.local()

    def on_start(self, begun: Any) -> None:
        kernel = begun.data["dispatcher"].py_func
        depth = vars(self._within).setdefault("depth", 0)
        if depth == 0 and _is_ours(kernel):
            log.info(_SAID, kernel.__name__)
        self._within.depth = depth + 1

    def on_end(self, ended: Any) -> None:  # noqa: ARG002
        self._within.depth -= 1


@cache
def announce_compilations() -> None:
    """From now on log the name of every kernel that is not on disk, before it is compiled."""
    event.register(_COMPILATION, _Compilations())


class _Beside(event.Listener):  # type: ignore[misc]
    """Starts a process for the kernels that are needed last when the first one is compiled."""

    def __init__(self, ahead: CompiledAhead) -> None:
        self._ahead = ahead
        self._decided = False
        self._child: subprocess.Popen[bytes] | None = None

    def on_start(self, begun: Any) -> None:
        kernel = begun.data["dispatcher"].py_func
        if self._decided or not _is_ours(kernel):
            return
        self._decided = True
        # One that is compiled now already is no longer ahead: the process would come too late.
        if kernel.__name__ in self._ahead.kernels:
            return
        missing = _not_on_disk(self._ahead.kernels)
        if missing:
            self._child = _begun(self._ahead.module)
        if self._child is not None:
            log.info(_SAID, f"{', '.join(missing)} (in a second process)")

    def on_end(self, ended: Any) -> None:
        pass

    def end_child(self) -> None:
        """What the process has not compiled by now nobody waits for."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()


def _not_on_disk(kernels: tuple[str, ...]) -> tuple[str, ...]:
    """Those of ``kernels`` that no file of compiled code of this Python is of."""
    python = "py{}{}".format(*sys.version_info[:2])
    kept = Path(numba.config.CACHE_DIR)
    return tuple(k for k in kernels if not any(kept.rglob(f"*.{k}-*.{python}*.nbi")))


def _begun(module: str) -> subprocess.Popen[bytes] | None:
    """A silent process of ``module``, told where compiled code is kept; None if none can begin.

    -P: the working folder is a user's, and what lies there is not this program's.
    """
    command = [sys.executable, "-P", "-m", module, numba.config.CACHE_DIR]
    nowhere = subprocess.DEVNULL
    try:
        return subprocess.Popen(command, stdin=nowhere, stdout=nowhere, stderr=nowhere)
    except OSError as reason:
        log.debug("no process beside: %s", reason)
        return None


@contextmanager
def compiled_beside(ahead: CompiledAhead | None) -> Iterator[None]:
    """A block whose first compilation begins that of the kernels ``ahead`` in another process.

    They are found on disk when the block comes to them, or else compiled as all others. Nothing
    is begun where no kernel is compiled or one core has to do it all. The process ends with the
    block at the latest.
    """
    if ahead is None or cores() == 1:
        yield
        return
    beside = _Beside(ahead)
    try:
        with event.install_listener(_COMPILATION, beside):
            yield
    finally:
        beside.end_child()
