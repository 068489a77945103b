"""Compiles kernels before a run comes to them: ``python -m`` with the folder of compiled code.

They are called as a run calls them, on next to nothing: so numba sees the types of a run.
"""

from __future__ import annotations

import numpy as np

from ...schemas.arrays import frozen
from ...schemas.transients.recordings import DemodulationPlan, FitSettings
from ..compiling import compile_for_run


def compile_kernels() -> None:
    """Compile the kernels of definition._COMPILED_AHEAD."""
    from ...nodes.transients.features import exponential_fits
    from ...nodes.transients.scoring import Places, of_positions
    from ...nodes.transients.table import fit_errors

    n_windows = 16
    plan = DemodulationPlan(0, 0, 0, 500, 250, 5, 0, n_windows, 0, 0, 20e6)
    decay = frozen(np.exp(-0.1 * np.arange(n_windows))[None])
    settings = FitSettings(1, 0.1, 0.3, 0.0, True, False)
    fit_errors(exponential_fits(decay, plan, settings), np.zeros(8), plan, settings)
    place = np.zeros(1, np.int64)
    of_positions(np.ones(1), Places(place, place, np.arange(2), place[:, None]), 3)


if __name__ == "__main__":
    compile_for_run(compile_kernels)
