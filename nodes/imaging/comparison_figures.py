"""The figure of all methods side by side, as bytes; drawing itself is in comparison.py."""

from __future__ import annotations

import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.arrays import F8
from ...schemas.imaging.images import SummedImages
from ...schemas.imaging.labels import FigureLabels
from ...schemas.imaging.reconstructed import DensityImages
from ...schemas.imaging.vis import Vis
from .comparison import Comparison, draw_comparison
from .drawing import Format


@tag(scope="run", stage="figures")
def comparison_figure(
    summed_images: SummedImages,
    weighted_images: DensityImages,
    reconstructed_images: DensityImages,
    image_shapes: pd.DataFrame,
    significance_map: F8,
    point_sources: pd.DataFrame,
    figure_labels: FigureLabels,
    vis: Vis,
) -> dict[str, bytes]:
    """Thin and wide back projection, MLEM and significance side by side: "comparison.<format>"."""
    told = Comparison(
        thin=summed_images.all,
        weighted=weighted_images.all,
        reconstructed=reconstructed_images.all,
        significance=significance_map,
        shape=image_shapes[image_shapes["image"] == "all"].iloc[0],
        sources=point_sources,
        grid=summed_images.grid,
        labels=figure_labels,
    )
    formats: dict[Format, None] = dict.fromkeys(("png", *vis.extra_formats))
    return {f"comparison.{form}": draw_comparison(told, vis, form) for form in formats}
