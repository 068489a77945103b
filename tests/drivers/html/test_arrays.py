"""Pictures of arrays: the values come back bit by bit, the still picture is right side up."""

from __future__ import annotations

import base64
import io
import json
import re
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from radiograph.drivers.html.arrays import (
    COLOUR_MAPS,
    ArrayMark,
    Axis,
    array_view,
    colour_maps_data,
    json_text,
    png_bytes,
)

X, Y = Axis("u", "cm", -3.0, 0.5), Axis("v", "cm", 0.0, 2.0)


def spec_of(markup: str) -> dict:
    (text,) = re.findall(r'<script type="application/json">(.*?)</script>', markup, re.DOTALL)
    return json.loads(text)


def values_of(spec: dict) -> np.ndarray:
    raw = zlib.decompress(base64.b64decode(spec["data"]))
    return np.frombuffer(raw, f"<{spec['type']}").reshape(spec["y"]["n"], spec["x"]["n"])


def still_of(markup: str) -> Image.Image:
    (data,) = re.findall(r'src="data:image/png;base64,([^"]+)"', markup)
    return Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")


@pytest.mark.parametrize(
    ("dtype", "greatest", "stored"),
    [
        ("u4", 255, "u1"),
        ("u4", 256, "u2"),
        ("u4", 70000, "u4"),
        ("u8", 1 << 40, "f8"),
        ("i8", 9, "u1"),
        ("f4", 9, "f4"),
        ("f8", 9, "f8"),
        ("bool", 1, "u1"),
    ],
)
def test_the_narrowest_type_that_holds_the_values(dtype: str, greatest: int, stored: str) -> None:
    values = np.zeros((2, 3), dtype)
    values[1, 2] = greatest
    before = values.copy()
    spec = spec_of(array_view(values, X, Y, name="a", value_label="n"))
    assert spec["type"] == stored
    assert (values_of(spec) == values).all()
    assert (values == before).all()


@given(hnp.arrays(np.float32, st.tuples(st.integers(1, 6), st.integers(1, 6))))
def test_any_floats_come_back(values: np.ndarray) -> None:
    spec = spec_of(array_view(values, X, Y, name="a", value_label="n"))
    assert values_of(spec).tobytes() == values.tobytes()


def test_negative_whole_numbers_come_back() -> None:
    values = np.array([[-5, 7]])
    assert values_of(spec_of(array_view(values, X, Y, name="a", value_label="n"))).tolist() == [
        [-5.0, 7.0]
    ]


def test_the_still_picture_has_the_first_row_at_the_bottom() -> None:
    values = np.array([[0, 0], [0, 9]], np.uint32)
    still = still_of(array_view(values, X, Y, name="a", value_label="n", colour_map="grey"))
    assert still.size == (2, 2)
    assert still.getpixel((1, 0)) == (255, 255, 255)
    assert still.getpixel((1, 1)) == still.getpixel((0, 0)) == (0, 0, 0)


def test_a_large_array_has_a_small_still_picture() -> None:
    markup = array_view(np.zeros((900, 1200), np.uint32), X, Y, name="a", value_label="n")
    assert max(still_of(markup).size) <= 400
    assert len(markup) < 20_000


@pytest.mark.parametrize("values", [np.full((2, 2), np.nan), np.zeros((3, 1)), np.zeros((1, 0))])
def test_arrays_without_a_range_are_shown(values: np.ndarray) -> None:
    markup = array_view(values, X, Y, name="a", value_label="n")
    assert 'class="rg-view"' in markup
    assert min(still_of(markup).size) >= 1


def test_what_a_user_wrote_cannot_end_the_script() -> None:
    assert "</script>" not in json_text({"a": "</script><script>"})
    label = "</script><b>"
    markup = array_view(
        np.zeros((1, 1)), Axis(label, "", 0, 1), Y, name=label, value_label=label,
        marks=[ArrayMark("cross", [(0, 0)], label)], caption=label,
    )  # fmt: skip
    assert "<b>" not in markup
    assert spec_of(markup)["x"]["label"] == label


def test_colours_of_every_map() -> None:
    (text,) = re.findall(r">(.*)</script>", colour_maps_data())
    for name, colours in json.loads(text).items():
        assert name in COLOUR_MAPS
        assert len(base64.b64decode(colours)) == 3 * 256


@given(
    hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9))),
    hnp.arrays(np.uint8, (256, 3)),
)
def test_png_of_indices(indices: np.ndarray, palette: np.ndarray) -> None:
    with Image.open(io.BytesIO(png_bytes(indices, palette))) as image:
        assert (np.asarray(image.convert("RGB")) == palette[indices]).all()
        assert image.mode == "P"
