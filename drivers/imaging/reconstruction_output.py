"""Images of densities in the file of a run, and what is asked for with each method."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import h5py
import numpy as np

from ...schemas.imaging.config import ImagingConfig
from ...schemas.imaging.reconstructed import DensityImages
from ..hdf5 import write_array

SOURCE_TARGETS: Final = (
    "point_sources",
    "bootstrap_sources",
    "strategy_sources",
    "position_budget",
)
# Frames below /reconstruction.
FRAME_TARGETS: Final = (
    *SOURCE_TARGETS,
    "iteration_history",
    "image_shapes",
    "focus_curve",
    "focus_distance_cm",
    "region_spectra",
)
IMAGE_TARGETS: Final = ("weighted_images", "reconstructed_images", "significance_map")
COMPARISON: Final = "comparison_figure"
_OF_METHOD: Final[Mapping[str, tuple[str, ...]]] = {
    "sbp": (),
    "weighted": ("weighted_images",),
    "mlem": ("reconstructed_images", "image_fits", "iteration_history", "image_shapes"),
    "point_fit": ("point_sources",),
}
# What an image says of its making comes from another node; a budget is of a place.
WITH: Final[Mapping[str, tuple[str, ...]]] = {
    "reconstructed_images": ("image_fits",),
    "position_budget": ("point_sources",),
}
_COMPARED: Final = frozenset({"weighted", "mlem", "point_fit"})
_NAMES: Final = {"n": "neutrons", "g": "gamma rays", "all": "both species"}
_PACKED: Final = {"compression": "gzip", "compression_opts": 1, "shuffle": True}


def targets_of_methods(config: ImagingConfig, *, figures: bool) -> tuple[str, ...]:
    """The nodes that the methods of a run fill, beside simple back projection."""
    methods = config.imaging.methods
    found = [target for method in methods for target in _OF_METHOD[method]]
    if compares(config):
        found += ["significance_map", *([COMPARISON] if figures else [])]
    return tuple(found)


def compares(config: ImagingConfig) -> bool:
    """Whether every method is asked for, so that their images stand side by side in a figure."""
    return set(config.imaging.methods) >= _COMPARED


def write_density_images(file: h5py.File, found: Mapping[str, Any], config: ImagingConfig) -> None:
    """/images/weighted, /images/mlem and /images/significance, those that were made."""
    if "weighted_images" in found:
        _write_weighted(file, found["weighted_images"])
    if "reconstructed_images" in found:
        _write_reconstructed(file, found, config.reconstruction.seed)
    if "significance_map" in found:
        text = "2 ln L ratio of one point source in each pixel to none; rows v, columns u"
        data = found["significance_map"].astype(np.float32)
        write_array(file, "images/significance/all", data, "", text, **_PACKED)


def _write_weighted(file: h5py.File, images: DensityImages) -> None:
    for name, image in images.present().items():
        text = f"cones as wide as they are known, {_NAMES[name]}, an event 1 at its highest; rows v"
        data = image.astype(np.float32)
        write_array(file, f"images/weighted/{name}", data, "", text, **_PACKED)


def _write_reconstructed(file: h5py.File, found: Mapping[str, Any], seed: int) -> None:
    for name, image in found["reconstructed_images"].present().items():
        text = f"events that come from each pixel by maximum likelihood, {_NAMES[name]}; rows v"
        path = f"images/mlem/{name}"
        write_array(file, path, image, "counts", text, **_PACKED)
        fit = found["image_fits"][name]
        file[path].attrs.update(
            {
                "iterations": fit.iterations,
                "elsewhere_counts": fit.elsewhere_counts,
                "stop_reason": fit.stop_reason,
                "seed": seed,
            }
        )
