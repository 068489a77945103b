"""Images of several parts made one, held once whatever the number of parts."""

from __future__ import annotations

import numpy as np

from ...nodes.imaging.stacking import joined_footprints
from ...schemas.imaging.images import BackProjection, PixelCounts


class ImagesAdded:
    """Counts per pixel, added."""

    def __init__(self) -> None:
        self._image: np.ndarray | None = None

    def take(self, value: PixelCounts) -> None:
        """The image of one more part."""
        self._image = value.image if self._image is None else self._image + value.image

    def whole(self) -> PixelCounts:
        """Their sum."""
        assert self._image is not None
        return PixelCounts(self._image)


class ProjectionsJoined:
    """Back projections: images added, what belongs to each cone one after the other."""

    def __init__(self) -> None:
        self._parts: list[BackProjection] = []
        self._image: np.ndarray | None = None

    def take(self, value: BackProjection) -> None:
        """The cones of one more part."""
        self._image = value.image if self._image is None else self._image + value.image
        # Of the parts the images are not held: they may be large, and there may be hundreds.
        self._parts.append(BackProjection(_NO_IMAGE, value.lit_pixels, value.footprints))

    def whole(self) -> BackProjection:
        """The cones of all parts."""
        assert self._image is not None
        parts = self._parts
        footprints = joined_footprints(parts) if parts[0].footprints is not None else None
        lit = np.concatenate([p.lit_pixels for p in parts])
        return BackProjection(self._image, lit, footprints)


_NO_IMAGE = np.zeros((0, 0), np.uint32)
