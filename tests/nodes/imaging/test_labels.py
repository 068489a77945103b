"""What a figure says: numbers of cones, the prior on the plane, directions of the axes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from radiograph.nodes.imaging.labels import figure_labels
from radiograph.schemas.imaging.images import Counts, PixelGrid, PlaneFrame
from radiograph.schemas.imaging.labels import FigureLabels
from radiograph.schemas.imaging.physics import Prior

RUN = FigureLabels(title="Run 41", subtitle="Known incident energy", source="run41.root")
COUNTS = Counts({"cones_imaged_n": 7, "cones_imaged_g": 3, "cones_imaged_total": 10, "other": 1})
FRAME = PlaneFrame((1.0, 2.0, 3.0), (0.0, 0.0, 1.0))


def grid_of(u: Any = (1, 0, 0), v: Any = (0, 1, 0)) -> PixelGrid:
    return PixelGrid(-5, 5, 1, 10, -5, 5, 1, 10, tuple(u), tuple(v))


def labels_of(prior: dict[str, Any], grid: PixelGrid | None = None) -> FigureLabels:
    settings = Prior.model_validate(prior)
    target = np.array(settings.target_cm or FRAME.origin_cm, float)
    before = target.copy()
    found = figure_labels(RUN, COUNTS, settings, target, FRAME, grid or grid_of())
    assert target.tolist() == before.tolist()
    return found


def test_point_prior_is_thrown_perpendicularly_on_the_plane() -> None:
    found = labels_of({"type": "point", "point": [4, 0, 99]})
    assert found.prior_kind == "point"
    assert found.prior_uv_cm == (3.0, -2.0)
    assert found.prior_line_uv_cm is None
    assert (found.title, found.subtitle, found.source) == (RUN.title, RUN.subtitle, RUN.source)
    assert found.n_cones == {"n": 7, "g": 3, "all": 10}


def test_line_prior_keeps_its_ends() -> None:
    line = {"r0": [1, 2, 0], "direction": [2, 4, 8]}
    found = labels_of({"type": "line", "line": line})
    assert found.prior_kind == "line"
    assert found.prior_uv_cm == (1.0, 2.0)
    assert found.prior_line_uv_cm == ((0.0, 0.0), (2.0, 4.0))


def test_without_a_prior_nothing_is_drawn() -> None:
    found = labels_of({})
    assert found.prior_kind == "none"
    assert found.prior_uv_cm is None
    assert found.prior_line_uv_cm is None


def test_a_line_beside_another_prior_is_not_drawn() -> None:
    line = {"p0": [0, 0, 0], "p1": [1, 1, 1]}
    found = labels_of({"type": "point", "point": [1, 2, 3], "line": line})
    assert found.prior_line_uv_cm is None
    assert found.prior_uv_cm == (0.0, 0.0)


@pytest.mark.parametrize(
    ("u", "v", "expected"),
    [
        ((1, 0, 0), (0, 1, 0), ("+x", "+y")),
        ((0, 0, -1), (0, 1, 0), ("-z", "+y")),
        ((-1, 0, 0), (0, 0, 1), ("-x", "+z")),
    ],
)
def test_axes_along_the_worlds(u: Any, v: Any, expected: tuple[str, str]) -> None:
    found = labels_of({}, grid_of(u, v))
    assert (found.u_direction, found.v_direction) == expected


@pytest.mark.parametrize(("degrees", "expected"), [(0.09, "+x"), (0.11, ""), (45, "")])
def test_an_axis_within_a_tenth_of_a_degree_counts(degrees: float, expected: str) -> None:
    a = math.radians(degrees)
    u = (math.cos(a), math.sin(a), 0.0)
    assert labels_of({}, grid_of(u, (-u[1], u[0], 0.0))).u_direction == expected


def test_nan_target_without_a_prior() -> None:
    found = figure_labels(RUN, COUNTS, Prior(), np.full(3, np.nan), FRAME, grid_of())
    assert found.prior_uv_cm is None


def test_a_missing_counter_is_an_error() -> None:
    with pytest.raises(KeyError, match="cones_imaged_n"):
        figure_labels(RUN, Counts(), Prior(), np.zeros(3), FRAME, grid_of())


@pytest.mark.parametrize(
    ("origin", "normal", "words"),
    [
        ((0.0, 0.0, -109.6), (0.0, 0.0, 1.0), "plane through (0, 0, −109.6) cm, normal +z"),
        ((-0.0, 2.5, 3.0), (-1.0, 0.0, 0.0), "plane through (0, 2.5, 3) cm, normal -x"),
        ((0, 0, 0), (0.6, 0.0, 0.8), "plane through (0, 0, 0) cm, normal (0.6, 0, 0.8)"),
    ],
)
def test_where_the_plane_lies(origin: Any, normal: Any, words: str) -> None:
    settings, frame = Prior.model_validate({}), PlaneFrame(origin, normal)
    found = figure_labels(RUN, COUNTS, settings, np.array(origin, float), frame, grid_of())
    assert found.plane == words


@pytest.mark.parametrize(
    ("missed", "n", "both"),
    [
        ((0, 0), "no cone was kept", "no cone was kept"),
        ((1, 0), "its cone misses the plane", "its cone misses the plane"),
        ((7, 5), "all 7 cones miss the plane", "all 12 cones miss the plane"),
    ],
)
def test_why_an_image_would_be_empty(missed: tuple[int, int], n: str, both: str) -> None:
    names = ("cones_missed_plane_n", "cones_missed_plane_g")
    counts = Counts({**COUNTS.values, **dict(zip(names, missed, strict=True))})
    found = figure_labels(RUN, counts, Prior.model_validate({}), np.zeros(3), FRAME, grid_of())
    assert (found.empty["n"], found.empty["all"]) == (n, both)
