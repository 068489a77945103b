"""Intervals of replicas: the central part at a level, of what has numbers, and nothing of none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from radiograph.drivers.imaging.report_reconstruction import _replicas
from radiograph.nodes.imaging import replica_intervals as nodes
from radiograph.schemas.imaging.frames import (
    BOOTSTRAP_IMAGES,
    BOOTSTRAP_SOURCES,
    IMAGE_INTERVALS,
    SOURCE_INTERVALS,
)
from radiograph.schemas.imaging.uncertainty import Errors


def sources(n: int = 101) -> pd.DataFrame:
    """Two sources: u = 0 ... n - 1 and the same plus 1000, shuffled."""
    order = np.random.default_rng(1).permutation(n)
    return BOOTSTRAP_SOURCES.frame(
        {
            "replica": np.repeat(np.arange(n), 2),
            "source": np.tile([0, 1], n),
            "u_cm": np.column_stack([order, order + 1000.0]).ravel(),
            "v_cm": np.column_stack([-order, np.full(n, np.nan)]).ravel(),
            "counts": np.full(2 * n, 7.0),
        }
    )


def images(values: dict[str, float]) -> pd.DataFrame:
    n = 11
    nothing = {c: np.full(n, np.nan) for c in BOOTSTRAP_IMAGES.names}
    steps = np.arange(n, dtype=np.float64)
    told = {c: scale * steps for c, scale in values.items()}
    rows = {**nothing, "image": ["g"] * n, "replica": np.arange(n), "source_counts": steps, **told}
    return BOOTSTRAP_IMAGES.frame(rows)


def row(found: pd.DataFrame, of: str, owner: object, quantity: str) -> pd.Series:
    mine = found[(found[of] == owner) & (found["quantity"] == quantity)]
    assert len(mine) == 1
    return mine.iloc[0]


def test_the_ends_are_the_percentiles() -> None:
    # 0 ... 100: 16 below 16, 16 above 84.
    before = sources()
    given = before.copy(deep=True)
    found = nodes.bootstrap_source_intervals(given, 0.68)
    SOURCE_INTERVALS.validate(found, "bootstrap_source_intervals")
    pd.testing.assert_frame_equal(given, before)
    u = row(found, "source", 0, "u_cm")
    assert (u["low"], u["median"], u["high"]) == pytest.approx((16.0, 50.0, 84.0))
    assert (u["level"], u["replicas"]) == (0.68, 101)
    assert row(found, "source", 1, "u_cm")["high"] == pytest.approx(1084.0)
    v = row(found, "source", 0, "v_cm")
    assert (v["low"], v["high"]) == pytest.approx((-84.0, -16.0))
    counts = row(found, "source", 1, "counts")
    assert (counts["low"], counts["high"]) == (7.0, 7.0)


def test_a_greater_level_is_wider() -> None:
    u = row(nodes.bootstrap_source_intervals(sources(), 0.9), "source", 0, "u_cm")
    assert (u["low"], u["high"]) == pytest.approx((5.0, 95.0))
    assert u["level"] == 0.9


def test_what_has_no_number_has_no_row_and_does_not_count() -> None:
    found = nodes.bootstrap_source_intervals(sources(), 0.68)
    assert not ((found["source"] == 1) & (found["quantity"] == "v_cm")).any()


@pytest.mark.parametrize(
    "node", [nodes.bootstrap_image_intervals, nodes.bootstrap_weighted_image_intervals]
)
def test_images_have_those_quantities_that_were_asked_for(node) -> None:  # type: ignore[no-untyped-def]
    found = node(images({"u_cm": 1.0, "fwhm_u_cm": 2.0}), 0.8)
    IMAGE_INTERVALS.validate(found, "bootstrap_image_intervals")
    assert found["quantity"].tolist() == ["u_cm", "fwhm_u_cm", "source_counts"]
    width = row(found, "image", "g", "fwhm_u_cm")
    assert (width["low"], width["median"], width["high"]) == pytest.approx((2.0, 10.0, 18.0))


def test_no_replica_has_no_interval() -> None:
    assert len(nodes.bootstrap_source_intervals(BOOTSTRAP_SOURCES.empty(), 0.68)) == 0
    assert len(nodes.bootstrap_image_intervals(BOOTSTRAP_IMAGES.empty(), 0.68)) == 0


def test_the_report_says_level_and_ends() -> None:
    found = nodes.bootstrap_source_intervals(sources(), 0.9)
    page = "".join(_replicas({"bootstrap_source_intervals": found}))
    for words in ("from (90 %)", "5.00", "95.00", "−95.00", "1095.00"):
        assert words in page, words
    assert _replicas({"bootstrap_source_intervals": found.head(0)}) == []


@pytest.mark.parametrize("level", [0.0, 1.0, 68.0])
def test_a_level_that_is_no_share_is_refused(level: float) -> None:
    with pytest.raises(ValidationError, match="level"):
        Errors(level=level)
