"""Summed images, projections and numbers in, figures as bytes out: {"n.png": ..., "n.pdf": ...}.

The drawing itself is in drawing.py, which also redraws a figure from a file.
"""

from __future__ import annotations

from hamilton.function_modifiers import tag

from ...schemas.imaging.images import ImageMetrics, ProjectionSet, SummedImages
from ...schemas.imaging.labels import FigureLabels
from ...schemas.imaging.vis import Vis
from .drawing import Format, draw_image_figure
from .figure_picture import pictures_of


@tag(scope="run", stage="figures", main="true")
def figures(
    summed_images: SummedImages,
    projections: ProjectionSet,
    projection_metrics: dict[str, ImageMetrics],
    figure_labels: FigureLabels,
    vis: Vis,
) -> dict[str, bytes]:
    """The figure of each image in [vis] species as file contents, by "<image>.<format>".

    PNG comes first, then extra_formats. An image that does not exist is left out; with
    summed_dataset only that image is drawn, or the first that exists.
    """
    formats: dict[Format, None] = dict.fromkeys(("png", *vis.extra_formats))
    drawn = {}
    pictures = pictures_of(summed_images, projections, projection_metrics, figure_labels)
    for name in _drawn_images(summed_images, vis):
        for file_format in formats:
            content = draw_image_figure(pictures[name], vis, file_format=file_format)
            drawn[f"{name}.{file_format}"] = content
    return drawn


def _drawn_images(summed_images: SummedImages, vis: Vis) -> list[str]:
    present = list(summed_images.present())
    if vis.summed_dataset is None:
        return [name for name in dict.fromkeys(vis.species) if name in present]
    wanted = vis.summed_dataset.rstrip("/").rsplit("/", 1)[-1]
    return [wanted] if wanted in present else present[:1]
