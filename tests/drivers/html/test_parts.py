"""Parts of a page: text is escaped, numbers are shown as people read them and sorted as numbers."""

from __future__ import annotations

import math
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError
from markupsafe import Markup
from radiograph.drivers.html import parts
from radiograph.drivers.html.parts import Cell
from radiograph.drivers.html.templates import filled

VILE = '<script>alert("x")</script>&'


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def read(markup: str) -> _Tags:
    parser = _Tags()
    parser.feed(markup)
    parser.close()
    return parser


@pytest.mark.parametrize(
    "made",
    [
        parts.paragraph(VILE),
        parts.heading(VILE),
        parts.note(VILE, "bad"),
        parts.badge(VILE),
        parts.code(VILE),
        parts.preformatted(VILE),
        parts.definitions([(VILE, VILE)]),
        parts.table([VILE], [[VILE]], caption=VILE),
        parts.collapsible(VILE, VILE),
        parts.side_by_side(VILE),
        parts.picture(b"\x89PNG", VILE, VILE),
    ],
)
def test_what_is_no_markup_is_escaped(made: str) -> None:
    assert "script" not in read(made).tags
    assert isinstance(made, Markup)


@given(st.text())
def test_any_text_comes_back(text: str) -> None:
    shown = read(parts.paragraph(text))
    assert shown.tags == ["p"]
    plain = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    assert shown.text.replace("\0", "") == plain or not plain.strip() or "\r" in text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1234567, "1,234,567"),
        (-3, "−3"),
        (2.5, "2.5"),
        (1 / 3, "0.333333"),
        (math.nan, "–"),
        (None, "–"),
        (np.float32(0.5), "0.5"),
        (np.int64(12), "12"),
        (True, "True"),
        ("a", "a"),
        (Cell("12 ms", 0.012), "12 ms"),
    ],
)
def test_values_of_a_table(value: object, shown: str) -> None:
    shown_text = read(parts.table(["x"], [[value]], sortable=False)).text
    assert shown_text.replace("\n", "") == f"x{shown}"


def test_columns_of_numbers_are_aligned_and_sorted_by_value() -> None:
    made = parts.table(["a", "n"], [["x", Cell("< 1 ms", 0.0004)], ["y", 12345]])
    assert made.count('class="rg-number"') == 3
    assert 'data-key="0.0004"' in made
    assert 'data-key="12345"' in made
    assert made.count("<button") == 2
    assert "button" not in parts.table(["a"], [["x"]], sortable=False)


def test_a_name_that_a_template_lacks_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="caption"):
        filled("radiograph.drivers.html:table.html", heads=[], rows=[], sortable=True)


def test_rows_must_fit_the_head() -> None:
    with pytest.raises(ValueError, match="zip"):
        parts.table(["a", "b"], [["only one", 1, 2]])


@pytest.mark.parametrize(
    ("share", "percent"), [(0.5, "50.00"), (3.0, "100.00"), (-1.0, "0.00"), (math.nan, "0.00")]
)
def test_bars_stay_between_nothing_and_all(share: float, percent: str) -> None:
    assert f"width:{percent}%" in parts.bar(share)
    assert "rg-lost" in parts.bar(share, lost=True)


def test_pictures_say_what_they_are() -> None:
    assert "data:image/png;base64," in parts.picture(b"\x89PNG\r\n", "a")
    assert "data:image/svg+xml;base64," in parts.picture("<svg/>", "a")
    drawn = parts.drawing('<?xml version="1.0"?>\n<!DOCTYPE svg>\n<svg></svg>')
    assert "<?xml" not in drawn
    assert "DOCTYPE" not in drawn
    assert "<svg></svg>" in drawn


def test_markup_is_not_escaped_twice() -> None:
    assert parts.paragraph(parts.code("a")) == "<p><code>a</code></p>"
    assert parts.joined("<", parts.code("a")) == "&lt;\n<code>a</code>"
