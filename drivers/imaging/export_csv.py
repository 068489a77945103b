"""Tables as CSV. Pixels of cones repeat themselves: the text of a pixel is made once."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from ...nodes.hdf5_content import damaged_file
from ...schemas.arrays import I8
from ...schemas.imaging.images import PixelGrid
from .saved import SavedRun
from .saved_tables import PIXELS_A_BLOCK, pixel_columns


def write_cone_pixels(saved: SavedRun, path: Path) -> None:
    """The table ``cone_pixels``, as write_csv would write it, cone by cone."""
    grid = saved.grid
    # The text of each pixel behind the cone, as soon as a cone lights it.
    texts = np.full(grid.nu * grid.nv, "", object)
    with path.open("w", encoding="utf-8", newline="") as stream:
        stream.write(",".join(["cone_id", *_pixel_frame(np.zeros(0, np.int64), grid)]) + "\n")
        for first, footprints in saved.footprint_blocks(PIXELS_A_BLOCK):
            lit = np.unique(footprints.pixels).astype(np.int64)
            if len(lit) and lit[-1] >= len(texts):
                reason = f"a cone lights pixel {lit[-1]}, the plane has {len(texts)}"
                raise damaged_file(saved.path, "/lm", reason)
            new = lit[texts[lit] == ""]
            rows = _pixel_frame(new, grid).to_csv(index=False, header=False, lineterminator="\n")
            texts[new] = rows.splitlines()
            of_pixels = texts[footprints.pixels].tolist()
            ends = footprints.offsets.tolist()
            for cone, (begin, end) in enumerate(pairwise(ends), start=first):
                if end > begin:
                    between = f"\n{cone},"
                    stream.write(f"{cone},{between.join(of_pixels[begin:end])}\n")


def _pixel_frame(flat: I8, grid: PixelGrid) -> pd.DataFrame:
    return pd.DataFrame({"flat_pixel_index": flat, **pixel_columns(flat, grid)})
