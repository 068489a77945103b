"""Compiles kernels before a run comes to them: ``python -m`` with the folder of compiled code.

They are called as a run calls them, on next to nothing: so numba sees the types of a run.
"""

from __future__ import annotations

import numpy as np

from ..compiling import compile_for_run


def compile_kernels() -> None:
    """Compile the kernels of definition._COMPILED_AHEAD."""
    from ...nodes.germanium.peak_fits import peak_fit

    # A triangle of events on a flat background: enough for a fit and its width.
    level = np.linspace(-1.0, 1.0, 200)
    events = np.concatenate([level * abs(level), 8.0 * level])
    peak_fit(events, -8.0, 8.0, "hpge", 0.5)


if __name__ == "__main__":
    compile_for_run(compile_kernels)
