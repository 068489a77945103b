"""What the methods with uncertainty left in the file of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from ...schemas.arrays import F8
from ..runfile.exporting import stored_table

if TYPE_CHECKING:
    from .saved import SavedRun

_FRAMES: Final = (
    "point_sources",
    "class_shares",
    "bootstrap_source_intervals",
    "bootstrap_image_intervals",
    "bootstrap_weighted_image_intervals",
    "position_budget",
    "prior_leakage",
    "cone_pulls",
    "bar_consistency",
    "iteration_history",
    "image_shapes",
    "focus_curve",
    "focus_distance_cm",
    "region_spectra",
)
_IMAGES: Final = ("weighted", "mlem", "significance")
_CONSISTENCY: Final = "/cones/consistency"
_NAMES: Final = ("n", "g", "all")


@dataclass(frozen=True)
class SavedReconstruction:
    """Images (nv, nu) by method and name, frames by the name of their node; what is there."""

    images: Mapping[str, Mapping[str, F8]]
    frames: Mapping[str, pd.DataFrame]

    def __bool__(self) -> bool:
        return bool(self.images or self.frames)

    @property
    def compares(self) -> bool:
        """Whether the images of all methods are there, to stand side by side."""
        has_images = all("all" in self.images.get(method, {}) for method in _IMAGES)
        return has_images and {"point_sources", "image_shapes"} <= set(self.frames)


def saved_reconstruction(saved: SavedRun) -> SavedReconstruction:
    """Read them from a file."""
    data = saved.data
    frames, images = {}, {}
    for name in _FRAMES:
        path = f"/reconstruction/{name}"
        if path in data:
            frames[name] = stored_table(name, data.content(path)).frame()
    if _CONSISTENCY in data and "/lm/hit_det_id" in data:
        event = data.rows("/cones/event_index")
        bars = data.rows("/lm/hit_det_id")[event, 0]
        columns = {"consistency": data.rows(_CONSISTENCY), "det_id": bars}
        frames["consistency"] = pd.DataFrame(columns)
    for method in _IMAGES:
        held = {
            name: data.rows(f"/images/{method}/{name}").astype(np.float64)
            for name in _NAMES
            if f"/images/{method}/{name}" in data
        }
        if held:
            images[method] = held
    return SavedReconstruction(images, frames)
