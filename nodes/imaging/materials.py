"""Materials of hits: detector numbers in, categories out. Plain functions."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...schemas.imaging.detectors import Detectors
from ...schemas.tables import categories_of


def materials_of(det_id: np.ndarray, detectors: Detectors) -> pd.Categorical:
    """The material of each detector; what the map does not name is of the default material."""
    names = sorted({*detectors.material_map.values(), detectors.default_material})
    ids = np.array(sorted(detectors.material_map), dtype=np.int64)
    of_id = np.array([names.index(detectors.material_map[i]) for i in ids], dtype=np.int8)
    codes = np.full(len(det_id), names.index(detectors.default_material), np.int8)
    if len(ids):
        place = np.minimum(np.searchsorted(ids, det_id), len(ids) - 1)
        known = ids[place] == det_id
        codes[known] = of_id[place[known]]
    return categories_of(codes, names)
