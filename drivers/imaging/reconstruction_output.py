"""Images of densities in the file of a run, and what is asked for with each method."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import h5py
import numpy as np

from ...schemas.imaging.config import ImagingConfig
from ...schemas.imaging.reconstructed import DensityImages
from ..hdf5 import write_array
from .layout import WEIGHT_DATASETS, WIDTH_DATASETS

BAR_CONSISTENCY: Final = "bar_consistency"
SOURCE_TARGETS: Final = (
    "point_sources",
    "bootstrap_sources",
    "bootstrap_source_intervals",
    "class_shares",
    "strategy_sources",
    "position_budget",
    "prior_leakage",
    "cone_pulls",
    BAR_CONSISTENCY,
)
# Frames below /reconstruction.
FRAME_TARGETS: Final = (
    *SOURCE_TARGETS,
    "iteration_history",
    "bootstrap_images",
    "bootstrap_weighted_images",
    "bootstrap_image_intervals",
    "bootstrap_weighted_image_intervals",
    "image_shapes",
    "focus_curve",
    "focus_distance_cm",
    "region_spectra",
)
IMAGE_TARGETS: Final = (
    "weighted_images",
    "reconstructed_images",
    "significance_map",
    "neutron_significance_map",
    "gamma_significance_map",
    "sensitivity_map",
    "gamma_sensitivity_map",
    "emission_images",
)
COMPARISON: Final = "comparison_figure"
CONSTANTS: Final = "bar_calibration"
WIDTHS: Final = ("candidate_sigmas", "candidate_weights", "cone_widths")
_OF_METHOD: Final[Mapping[str, tuple[str, ...]]] = {
    "sbp": (),
    "weighted": ("weighted_images",),
    "mlem": ("reconstructed_images", "image_fits", "iteration_history", "image_shapes"),
    "point_fit": ("point_sources", "class_shares"),
}
# What an image says of its making comes from another node; a budget is of a place, replicas are
# told as intervals too.
WITH: Final[Mapping[str, tuple[str, ...]]] = {
    "reconstructed_images": ("image_fits",),
    "position_budget": ("point_sources",),
    "bootstrap_sources": ("bootstrap_source_intervals",),
    "bootstrap_images": ("bootstrap_image_intervals",),
    "bootstrap_weighted_images": ("bootstrap_weighted_image_intervals",),
}
WITHOUT_HYPOTHESES: Final = ("cones", "image")
_COMPARED: Final = frozenset({"weighted", "mlem", "point_fit"})
_SIGNIFICANCE: Final = "2 ln L ratio of one point source in each pixel to none"
_MAPS: Final = (
    ("significance/all", "significance_map", _SIGNIFICANCE),
    ("significance/n", "neutron_significance_map", f"{_SIGNIFICANCE}, neutrons"),
    ("significance/g", "gamma_significance_map", f"{_SIGNIFICANCE}, gamma rays"),
    ("sensitivity", "sensitivity_map", "ln of the acceptance of neutrons over its mean"),
    ("gamma_sensitivity", "gamma_sensitivity_map",
     "ln of the acceptance of gamma rays over its mean"),
)  # fmt: skip
_NAMES: Final = {"n": "neutrons", "g": "gamma rays", "all": "both species"}
_PACKED: Final = {"compression": "gzip", "compression_opts": 1, "shuffle": True}


def targets_beside(config: ImagingConfig, *, figures: bool, start: str = "") -> tuple[str, ...]:
    """The nodes that a run fills beside simple back projection; ``start`` is that of a restart."""
    if config.pipeline.until == "image":
        found = _of_methods(config, figures=figures)
    else:
        found = WIDTHS if config.uncertainty.enabled and config.pipeline.until == "cones" else ()
    # Stored events have the constants of their bars; of what hypothesis a stored cone is, is not
    # told.
    absent = {BAR_CONSISTENCY} if start else set()
    absent |= set(WIDTHS) if start in WITHOUT_HYPOTHESES else set()
    return tuple(target for target in found if target not in absent)


def _of_methods(config: ImagingConfig, *, figures: bool) -> tuple[str, ...]:
    methods, run = config.imaging.methods, config.run
    found = [target for method in methods for target in _OF_METHOD[method]]
    found += WIDTHS if found or config.uncertainty.enabled else []
    if found and config.calibration.mode != "off":
        found += [CONSTANTS, *([BAR_CONSISTENCY] if config.uncertainty.combine_light else [])]
    if "mlem" in methods and config.reconstruction.sensitivity == "mc":
        found += ["sensitivity_map"] if run.neutrons and counts_what_passes(config) else []
        found += ["gamma_sensitivity_map"] if run.gammas else []
        found += ["emission_images"]
    if compares(config):
        found.append("significance_map")
        if run.neutrons and run.gammas:
            found += ["neutron_significance_map", "gamma_significance_map"]
        found += [COMPARISON] if figures else []
    return tuple(found)


def counts_what_passes(config: ImagingConfig) -> bool:
    """Whether neutrons count in images by what the array lets pass of them."""
    return config.reconstruction.sensitivity == "mc" and config.energy.strategy == "FixedEn"


def compares(config: ImagingConfig) -> bool:
    """Whether every method is asked for, so that their images stand side by side in a figure."""
    return set(config.imaging.methods) >= _COMPARED


def write_density_images(file: h5py.File, found: Mapping[str, Any], config: ImagingConfig) -> None:
    """/images/weighted, mlem, significance and sensitivity, those that were made."""
    if "weighted_images" in found:
        _write_weighted(file, found["weighted_images"])
    if "reconstructed_images" in found:
        _write_reconstructed(file, found, config.reconstruction.seed)
    for name, image in found.get("emission_images", {}).items():
        text = f"{_NAMES[name]} from each pixel by maximum likelihood, over the acceptance over its"
        data, path = image.astype(np.float32), f"images/mlem/emission/{name}"
        write_array(file, path, data, "counts", f"{text} mean; rows v, columns u", **_PACKED)
    for name, node, text in _MAPS:
        if node in found:
            data = found[node].astype(np.float32)
            write_array(file, f"images/{name}", data, "", f"{text}; rows v, columns u", **_PACKED)


def write_widths(file: h5py.File, found: Mapping[str, Any]) -> None:
    """Widths and weights beside the rows of /candidates and /cones, where a run made both."""
    if not set(WIDTHS) <= found.keys():
        return
    sigmas = found["candidate_sigmas"]
    columns = {
        "/candidates/weight": found["candidate_weights"],
        **{f"/candidates/{name}": sigmas[name] for name in ("theta_sigma_rad", "cone_sigma_rad")},
        **{f"/cones/{name}": values for name, values in found["cone_widths"].items()},
    }
    for dataset in (*WEIGHT_DATASETS, *WIDTH_DATASETS):
        data = np.asarray(columns[dataset.path], dataset.dtype)
        # What a restart took over of cones may be another choice than this one.
        if dataset.counted_by in file and len(file[dataset.counted_by]) == len(data):
            write_array(file, dataset.path, data, dataset.unit, dataset.description, **_PACKED)


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
