"""An output file as ROOT: trees of its rows, histograms of its images.

Trees ``lm``, ``cones``, ``cone_pixels`` and ``images_summed`` have the branches that ngimager's
ng-hdf2root writes, and more; codes stay numbers.
"""

from __future__ import annotations

import json
from typing import Any, Final

import numpy as np

from ...nodes.imaging.figure_text import SPECIES_NAMES
from ...schemas.imaging.images import PixelGrid
from .saved import SavedRun
from .saved_record import ImagingRecord

_IMAGES: Final = "images_summed"


def write_images(file: Any, saved: SavedRun) -> None:
    """An entry an image; TH2 and TH1 of images and projections."""
    import awkward as ak

    grid, images = saved.grid, saved.images
    edges = ("u_min_cm", "u_max_cm", "v_min_cm", "v_max_cm")
    columns: dict[str, np.ndarray] = {
        name: np.full(len(images), getattr(grid, name), kind)
        for names, kind in ((("nu", "nv"), np.int32), (edges, np.float64))
        for name in names
    }
    columns["counts"] = np.stack([image.ravel() for image in images.values()])
    types = {n: np.dtype((v.dtype, v.shape[1:])) for n, v in columns.items()}
    tree = file.mktree(_IMAGES, {"species": "string", **types}, title="an entry an image")
    tree.extend({"species": ak.Array(list(images)), **columns})
    for name, image in images.items():
        title = f"{SPECIES_NAMES.get(name, name)}: cones through each pixel"
        file[f"image_{name}"] = histogram_2d(f"image_{name}", title, image, grid)
        for axis, along in (("u", 0), ("v", 1)):
            title = f"{SPECIES_NAMES.get(name, name)}: counts along {axis}"
            counts = image.sum(axis=along, dtype=np.float64)
            key = f"projection_{name}_{axis}"
            file[key] = _histogram_1d(key, title, counts, grid, axis)


def histogram_2d(name: str, title: str, image: np.ndarray, grid: PixelGrid) -> Any:
    """A TH2D of an image (nv, nu): u along x, v along y, errors the square root of the counts."""
    from uproot.writing.identify import to_TH2x

    counts = image.astype(">f8")
    u, v = grid.u_centers_cm, grid.v_centers_cm
    of_u, of_v = counts.sum(axis=0), counts.sum(axis=1)
    data = np.zeros((grid.nv + 2, grid.nu + 2), ">f8")
    data[1:-1, 1:-1] = counts
    total = float(of_u.sum())
    return to_TH2x(
        name, title, data.ravel(), total, total, total, float(of_u @ u), float(of_u @ u**2),
        float(of_v @ v), float(of_v @ v**2), float(v @ counts @ u), np.array([], ">f8"),
        _axis("xaxis", "u", grid), _axis("yaxis", "v", grid),
    )  # fmt: skip


def _histogram_1d(name: str, title: str, counts: np.ndarray, grid: PixelGrid, axis: str) -> Any:
    from uproot.writing.identify import to_TH1x

    centers = grid.u_centers_cm if axis == "u" else grid.v_centers_cm
    total = float(counts.sum())
    data = np.concatenate([[0.0], counts, [0.0]]).astype(">f8")
    return to_TH1x(
        name, title, data, total, total, total, float(counts @ centers),
        float(counts @ centers**2), np.array([], ">f8"), _axis("xaxis", axis, grid),
    )  # fmt: skip


def _axis(name: str, axis: str, grid: PixelGrid) -> Any:
    from uproot.writing.identify import to_TAxis

    n, low, high = (
        getattr(grid, f"{p}{axis}{s}") for p, s in (("n", ""), ("", "_min_cm"), ("", "_max_cm"))
    )
    return to_TAxis(name, f"{axis} (cm)", n, low, high)


def write_counters(file: Any, record: ImagingRecord) -> None:
    """The counters as a text."""
    file["meta/counters"] = json.dumps(record.all_counters)
