"""Compiles kernels before a run comes to them: ``python -m`` with the folder of compiled code.

The nodes are called as a run calls them, on next to nothing: so numba sees the types of a run.
"""

from __future__ import annotations

import pandas as pd

from ...schemas.imaging.filters import ShapingRule
from ...schemas.imaging.images import PixelGrid, PlaneFrame
from ...schemas.imaging.imaging_method import ImagingMethod, Threads
from ..compiling import compile_for_run


def compile_kernels() -> None:
    """Compile the kernels of definition._COMPILED_AHEAD."""
    from ...nodes.imaging.back_projection import back_projection

    cone = pd.DataFrame(
        {f"apex_{a}_cm": [0.0] for a in "xyz"}
        | {"axis_x": [0.0], "axis_y": [0.0], "axis_z": [1.0], "theta_rad": [0.5]}
    )
    frame = PlaneFrame((0.0, 0.0, 1.0), (0.0, 0.0, 1.0))
    grid = PixelGrid(-1.0, 1.0, 1.0, 2, -1.0, 1.0, 1.0, 2)
    back_projection(cone, frame, grid, ImagingMethod(), Threads())

    from ...nodes.imaging.events import neutron_shaped_events__on

    hits = pd.DataFrame({"event_id": [0, 0], "t_ns": [0.0, 1.0]})
    neutron_shaped_events__on(hits, ShapingRule(policy="time_asc", max_combinations=1))


if __name__ == "__main__":
    compile_for_run(compile_kernels)
