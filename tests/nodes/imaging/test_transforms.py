"""Positions in the world frame: r' = Rz Ry Rx r + origin, the detector's own transform first."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from radiograph.nodes.imaging.transforms import world_positions_cm
from radiograph.schemas.imaging.detectors import Detectors
from scipy.spatial.transform import Rotation

X, Y, Z = np.eye(3)
angle = st.floats(-720, 720)
length = st.floats(-100, 100)
three = st.tuples(length, length, length)
turn = st.tuples(angle, angle, angle)


def geometry(frame: dict[str, Any] | None = None, *detectors: dict[str, Any]) -> Detectors:
    tables: dict[str, Any] = {"detectors": list(detectors)}
    if frame is not None:
        tables["frame"] = frame
    return Detectors.model_validate({"geometry": tables})


def moved(position: Any, detectors: Detectors, det_id: int = 1) -> np.ndarray:
    position = np.atleast_2d(np.asarray(position, float))
    return world_positions_cm(position, np.full(len(position), det_id, np.int32), detectors)


@pytest.mark.parametrize(
    ("rotation_deg", "before", "after"),
    [
        # Right-handed turns by 90 degrees take the next axis to the one after it.
        ([90, 0, 0], Y, Z),
        ([90, 0, 0], Z, -Y),
        ([0, 90, 0], Z, X),
        ([0, 90, 0], X, -Z),
        ([0, 0, 90], X, Y),
        ([0, 0, 90], Y, -X),
        # Rx first: y -> z, which Rz leaves; Rz first would give y -> -x -> -x.
        ([90, 0, 90], Y, Z),
        # y -Rx-> z -Ry-> x -Rz-> y.
        ([90, 90, 90], Y, Y),
        ([90, 90, 90], X, -Z),
    ],
)
def test_turns_by_hand(rotation_deg: list[float], before: np.ndarray, after: np.ndarray) -> None:
    assert moved(before, geometry({"rotation_deg": rotation_deg}))[0] == pytest.approx(after)
    own = geometry(None, {"id": 1, "rotation_deg": rotation_deg})
    assert moved(before, own)[0] == pytest.approx(after)


def test_the_origin_is_added_after_the_turn() -> None:
    detectors = geometry({"origin_cm": [10, 20, 30], "rotation_deg": [0, 0, 90]})
    assert moved(2 * X, detectors)[0] == pytest.approx([10, 22, 30])


def test_the_detector_is_moved_before_the_frame() -> None:
    # (0 0 0) -own shift-> (1 0 0) -frame turn-> (0 1 0) -frame shift-> (0 1 5).
    frame = {"rotation_deg": [0, 0, 90], "origin_cm": [0, 0, 5]}
    detectors = geometry(frame, {"id": 7, "origin_cm": [1, 0, 0]})
    assert moved([0, 0, 0], detectors, 7)[0] == pytest.approx([0, 1, 5])
    assert moved([0, 0, 0], detectors, 8)[0] == pytest.approx([0, 0, 5])


def test_each_detector_has_its_own_transform() -> None:
    detectors = geometry(
        None, {"id": 2, "origin_cm": [1, 0, 0]}, {"id": 5, "rotation_deg": [0, 0, 180]}
    )
    position = np.array([[1.0, 0, 0], [1.0, 0, 0], [1.0, 0, 0]])
    out = world_positions_cm(position, np.array([5, 2, 3]), detectors)
    assert out == pytest.approx(np.array([[-1.0, 0, 0], [2, 0, 0], [1, 0, 0]]))


@given(three, three, turn, three, turn)
def test_agrees_with_scipy(r: Any, shift: Any, own: Any, origin: Any, frame: Any) -> None:
    detectors = geometry(
        {"origin_cm": list(origin), "rotation_deg": list(frame)},
        {"id": 1, "origin_cm": list(shift), "rotation_deg": list(own)},
    )
    inner = Rotation.from_euler("xyz", own, degrees=True).apply(r) + shift
    outer = Rotation.from_euler("xyz", frame, degrees=True).apply(inner) + origin
    assert moved(r, detectors)[0] == pytest.approx(outer, rel=1e-9, abs=1e-9)


@given(st.lists(three, min_size=2, max_size=6), turn, three)
def test_distances_and_handedness_are_kept(points: Any, rotation: Any, origin: Any) -> None:
    detectors = geometry({"origin_cm": list(origin), "rotation_deg": list(rotation)})
    before = np.array(points)
    after = moved(before, detectors)
    assert np.linalg.norm(after[1:] - after[0], axis=1) == pytest.approx(
        np.linalg.norm(before[1:] - before[0], axis=1), abs=1e-9
    )
    axes = moved(np.eye(3), detectors) - moved(np.zeros(3), detectors)
    assert np.linalg.det(axes) == pytest.approx(1.0)


@given(st.lists(three, max_size=6), st.randoms(use_true_random=False))
def test_rows_do_not_depend_on_each_other(points: Any, random: Any) -> None:
    position = np.array(points).reshape(-1, 3)
    det_id = np.arange(len(position)) % 3
    detectors = geometry(
        {"rotation_deg": [3, 4, 5]},
        {"id": 0, "rotation_deg": [10, 0, 0]},
        {"id": 2, "origin_cm": [1, 2, 3]},
    )
    order = np.array(random.sample(range(len(position)), len(position)), int)
    straight = world_positions_cm(position, det_id, detectors)
    mixed = world_positions_cm(position[order], det_id[order], detectors)
    assert mixed == pytest.approx(straight[order], rel=1e-13, abs=1e-13)


def test_without_a_transform_no_bit_changes() -> None:
    position = np.array([[-0.0, 0.1 + 0.2, 1e-310], [np.pi, -1e300, 5e-324]])
    out = moved(position, Detectors())
    assert out.tobytes() == position.tobytes()
    assert not np.shares_memory(out, position)
    # A transform of another detector is none of ours.
    other = geometry(None, {"id": 9, "origin_cm": [1, 1, 1], "rotation_deg": [1, 2, 3]})
    assert moved(position, other).tobytes() == position.tobytes()


def test_nan_stays_in_its_row() -> None:
    position = np.array([[1.0, np.nan, 0.0], [1.0, 0.0, 0.0]])
    out = moved(position, geometry({"rotation_deg": [0, 0, 90]}))
    assert np.isnan(out[0]).any()
    assert out[1] == pytest.approx([0, 1, 0])


def test_no_row_and_one_row() -> None:
    detectors = geometry({"rotation_deg": [0, 0, 90]}, {"id": 1, "origin_cm": [1, 0, 0]})
    assert world_positions_cm(np.zeros((0, 3)), np.zeros(0, np.int32), detectors).shape == (0, 3)
    assert moved(X, detectors).shape == (1, 3)


def test_the_input_may_be_read_only_and_stays() -> None:
    position = np.array([[1.0, 2.0, 3.0]])
    position.flags.writeable = False
    moved(position, geometry({"origin_cm": [1, 1, 1]}, {"id": 1, "rotation_deg": [0, 90, 0]}))
    assert position.tolist() == [[1.0, 2.0, 3.0]]
