"""Detectors of an output file: how many hits each has, and where they are on average."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from .saved import SavedRun

_ROWS_A_BLOCK: Final = 1 << 18


def detector_table(saved: SavedRun) -> pd.DataFrame | None:
    """det_id, hits, hits that passed the cuts, mean x, y, z in cm; None where no hit is stored.

    Without /hits the hits of the events are counted.
    """
    if "/hits/det_id" in saved.data:
        parts = [_of_hits(saved, *rows) for rows in _ranges(saved.data.length("/hits/det_id"))]
    elif "/lm/hit_det_id" in saved.data:
        parts = [_of_events(saved, *rows) for rows in _ranges(saved.n_events)]
    else:
        return None
    table = pd.concat(parts).groupby("det_id", as_index=False).sum() if parts else pd.DataFrame()
    if table.empty:
        return None
    for axis in "xyz":
        table[f"{axis}_cm"] = table[f"{axis}_cm"] / table["hits"]
    return table


def _of_hits(saved: SavedRun, begin: int, end: int) -> pd.DataFrame:
    def read(name: str) -> np.ndarray:
        return saved.data.span(f"/hits/{name}", begin, end)

    has_code = "/hits/filter_code" in saved.data
    kept = read("filter_code") == 0 if has_code else np.ones(end - begin, bool)
    columns = {"det_id": read("det_id"), "hits": 1, "kept": kept.astype(np.int64)}
    frame = pd.DataFrame({**columns, **{f"{a}_cm": read(f"{a}_cm") for a in "xyz"}})
    return frame.groupby("det_id", as_index=False).sum()


def _of_events(saved: SavedRun, begin: int, end: int) -> pd.DataFrame:
    position = saved.data.span("/lm/hit_pos_cm", begin, end).astype(np.float64)
    det_id = saved.data.span("/lm/hit_det_id", begin, end)
    is_hit = np.isfinite(position[:, :, 0])
    where = position[is_hit]
    columns = {"det_id": det_id[is_hit], "hits": 1, "kept": 1}
    frame = pd.DataFrame({**columns, **{f"{a}_cm": where[:, k] for k, a in enumerate("xyz")}})
    return frame.groupby("det_id", as_index=False).sum()


def _ranges(n: int) -> list[tuple[int, int]]:
    return [(b, min(b + _ROWS_A_BLOCK, n)) for b in range(0, n, _ROWS_A_BLOCK)]
