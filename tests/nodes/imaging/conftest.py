"""Small frames of the imaging pipeline, built column by column: a scalar stands for every row.

The fixtures are builders without state, so property tests may use them.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings
from radiograph.drivers.files import file_ref
from radiograph.schemas.imaging.frames import (
    GAMMA_FILTERED,
    GAMMA_TYPED,
    HITS,
    NEUTRON_FILTERED,
    NEUTRON_TYPED,
)
from radiograph.schemas.imaging.images import SourceRecords
from radiograph.schemas.imaging.record_frames import PROBLEMS, PRODUCTS, REACTIONS
from radiograph.schemas.sources import FileRef
from radiograph.schemas.tables import TableSchema

Frame = Callable[..., pd.DataFrame]

# The first call of a kernel compiles it, and nothing in a test is timed.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def _columns(schema: TableSchema, defaults: dict[str, Any], given: dict[str, Any]) -> pd.DataFrame:
    """A frame of ``schema`` from columns and scalars; a column of strings becomes categorical."""
    unknown = set(given) - set(schema.names)
    assert not unknown, f"{schema.name} has no column {unknown}"
    sizes = {len(v) for v in given.values() if np.ndim(v) or isinstance(v, pd.Categorical)}
    assert len(sizes) <= 1, f"columns of different lengths {sizes}"
    n = sizes.pop() if sizes else 1
    data = {}
    for column in schema.columns:
        value = given.get(column.name, defaults.get(column.name, 0))
        if column.name == "event_index" and column.name not in given:
            value = np.arange(n)
        data[column.name] = value if np.ndim(value) else [value] * n
    return schema.frame(data)


@pytest.fixture(scope="session")
def make_hits() -> Frame:
    """Hits; ``hit_in_event`` counts within runs of equal event_id unless given."""

    def build(**given: Any) -> pd.DataFrame:
        defaults = {
            "material": "OGS",
            "species": "n",
            "light_MeVee": 1.0,
            "psd": np.nan,
            "energy_deposited_MeV": np.nan,
        }
        frame = _columns(HITS, defaults, given)
        if "hit_in_event" not in given:
            number = frame.groupby("event_id").cumcount().to_numpy(np.int16)
            frame = frame.assign(hit_in_event=number)
        return frame

    return build


def _event_builder(schema: TableSchema, hits: int) -> Frame:
    defaults: dict[str, Any] = {}
    for k in range(1, hits + 1):
        defaults |= {
            f"material{k}": "OGS",
            f"light{k}_MeVee": 1.0,
            f"psd{k}": np.nan,
            f"energy_deposited{k}_MeV": np.nan,
            f"t{k}_ns": float(k),
            f"x{k}_cm": 10.0 * k,
        }

    def build(**given: Any) -> pd.DataFrame:
        return _columns(schema, defaults, given)

    return build


@pytest.fixture(scope="session")
def make_neutron_typed() -> Frame:
    """Neutron events before the cuts: hits at x = 10 and 20 cm, t = 1 and 2 ns, 1 MeVee."""
    return _event_builder(NEUTRON_TYPED, 2)


@pytest.fixture(scope="session")
def make_gamma_typed() -> Frame:
    """Gamma events before the cuts: hits at x = 10, 20, 30 cm, t = 1, 2, 3 ns, 1 MeVee."""
    return _event_builder(GAMMA_TYPED, 3)


@pytest.fixture(scope="session")
def make_neutron_filtered() -> Frame:
    """As make_neutron_typed, with event_index."""
    return _event_builder(NEUTRON_FILTERED, 2)


@pytest.fixture(scope="session")
def make_gamma_filtered() -> Frame:
    """As make_gamma_typed, with event_index."""
    return _event_builder(GAMMA_FILTERED, 3)


@pytest.fixture(scope="session")
def make_records() -> Callable[..., SourceRecords]:
    """What a reader gives; ``hits`` may still hold ``material``, which is left out."""

    def build(hits: pd.DataFrame | None = None, **given: Any) -> SourceRecords:
        frame = (HITS.empty() if hits is None else hits).drop(columns="material")
        defaults = {
            "raw_event_ids": np.unique(frame["event_id"].to_numpy()),
            "n_damaged_records": 0,
            "problems": PROBLEMS.empty(),
            "n_hits_clipped": (0, 0, 0),
            "n_hits_particle": (0, 0, 0),
            "reactions": REACTIONS.empty(),
            "products": PRODUCTS.empty(),
        }
        return SourceRecords(hits=frame, **{**defaults, **given})

    return build


@pytest.fixture(scope="session")
def reference() -> Callable[[Path], FileRef]:
    """A file as the graph is told of it."""
    return file_ref


@pytest.fixture(scope="session")
def unchanged() -> Callable[..., AbstractContextManager[None]]:
    """``with unchanged(a, b):`` fails if a frame or an array differs afterwards."""

    @contextmanager
    def block(*values: Any) -> Iterator[None]:
        before = [v.copy(deep=True) if hasattr(v, "columns") else copy.deepcopy(v) for v in values]
        yield
        for value, old in zip(values, before, strict=True):
            if isinstance(value, pd.DataFrame):
                pd.testing.assert_frame_equal(value, old)
            else:
                np.testing.assert_array_equal(value, old)

    return block
