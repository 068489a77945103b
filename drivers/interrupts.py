"""How a command is ended from outside: Ctrl-C, and a batch system's SIGTERM alike."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Any, Final

_SOON_S: Final = 0.02


def watch_interrupts() -> None:
    """From now on SIGTERM ends a run as Ctrl-C does, and none of both is lost."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.unraisablehook = _come_again


def _come_again(ignored: Any) -> None:
    """An interrupt that fell into a callback of the interpreter, which no error can leave."""
    if ignored.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(ignored)
        return
    again = threading.Timer(_SOON_S, os.kill, (os.getpid(), signal.SIGTERM))
    # A process that is at its end does not wait for it.
    again.daemon = True
    again.start()
