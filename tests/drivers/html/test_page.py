"""The page: whole, self-contained, closed to the network, and what it says in a real browser."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
from chromium import Chromium, Page
from radiograph.drivers.html.arrays import ArrayMark, Axis, array_view
from radiograph.drivers.html.page import Section, page_text
from radiograph.drivers.html.parts import paragraph, table

# Of page.js: room around the pixels of a picture.
LEFT, RIGHT, TOP, BOTTOM = 66, 92, 10, 46
VALUES = np.arange(12 * 20, dtype=np.uint32).reshape(12, 20) * 7
U, V = Axis("u", "cm", -10.0, 1.0), Axis("v", "cm", 5.0, 1.0)


def a_page(*more: Section) -> str:
    view = array_view(
        VALUES, U, V, name="neutrons", value_label="counts / pixel", unit="counts",
        marks=[ArrayMark(k, [(0.0, 8.0), (3.0, 9.0)], k) for k in ("cross", "box", "line")],
    )  # fmt: skip
    rows = [["b", 9], ["a", 100], ["c", None]]
    return page_text(
        "Run <41>",
        [
            Section("Pictures", [view]),
            Section("Rows & so on", [table(["name", "n"], rows)]),
            *more,
        ],
        subtitle="a <subtitle>",
        footer="a footer",
    )


def test_a_page_is_whole_and_links_to_its_sections() -> None:
    page = a_page(Section("Again", [paragraph("x")], anchor="other"))
    assert page.startswith("<!doctype html>")
    assert "<title>Run &lt;41&gt;</title>" in page
    assert not re.search(r"{[{%#]", re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL))
    assert '<p class="rg-sub">a &lt;subtitle&gt;</p>' in page
    for anchor in ("pictures", "rows-so-on", "other"):
        assert f'href="#{anchor}"' in page
        assert f'<section id="{anchor}">' in page


def test_nothing_outside_is_named_and_only_its_own_script_may_run() -> None:
    page = a_page()
    assert not re.findall(r"(?:src|href)=\"(?!#|data:)[^\"]*", page)
    assert "url(" not in page
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page
    assert "default-src 'none'" in page


def test_what_is_no_markup_is_escaped_wherever_it_stands() -> None:
    vile = '"><img src=x>&'
    view = array_view(
        VALUES, Axis(vile, vile, 0.0, 1.0), V, name=vile, value_label=vile, unit=vile,
        caption=vile, marks=[ArrayMark("cross", [(0.0, 8.0)], vile)],
    )  # fmt: skip
    section = Section(vile, [vile, view, table([vile], [[vile]], caption=vile)])
    page = page_text(vile, [section], subtitle=vile, footer=vile)
    assert "<img src=x>" not in page
    assert page.count("&gt;&lt;img src=x&gt;&amp;") == 14


def test_colours_are_there_only_where_they_are_needed() -> None:
    assert "rg-colour-maps" in a_page()
    plain = page_text("a", [Section("b", [paragraph("c")])])
    assert 'id="rg-colour-maps"' not in plain


def test_the_same_parts_give_the_same_page() -> None:
    assert a_page() == a_page()


@pytest.fixture
def opened(tmp_path: Path, chromium: Chromium) -> Page:
    path = tmp_path / "page.html"
    path.write_text(a_page(), "utf-8")
    page = chromium.open(path)
    page.wait_for("document.querySelector('.rg-view').dataset.ready === 'yes'")
    return page


def place_of(page: Page, column: int, row: int) -> tuple[float, float]:
    """Where a pixel is in the window, near its far corner, when everything is shown."""
    left, top, width, height = page.run(
        "document.querySelector('canvas').scrollIntoView({block: 'center', behavior: 'instant'}),"
        "(r => [r.left, r.top, r.width, r.height])"
        "(document.querySelector('canvas').getBoundingClientRect())"
    )
    w, h = width - LEFT - RIGHT, height - TOP - BOTTOM
    x = left + LEFT + w * (column + 0.8) / VALUES.shape[1]
    y = top + TOP + h * (1.0 - (row + 0.8) / VALUES.shape[0])
    return x, y


READOUT = "document.querySelector('output').textContent"


class TestInABrowser:
    @pytest.mark.parametrize(("column", "row"), [(0, 0), (19, 11), (7, 3)])
    def test_the_value_under_the_pointer(self, opened: Page, column: int, row: int) -> None:
        opened.move_mouse(*place_of(opened, column, row))
        opened.wait_for(f"{READOUT} !== ''")
        u, v = f"{-9.5 + column:.1f}".replace("-", "−"), f"{5.5 + row:.1f}"
        value = f"{VALUES[row, column]:,}"
        assert opened.run(READOUT) == (
            f"u = {u} cm, v = {v} cm: {value} counts (column {column}, row {row})"
        )
        assert opened.errors == []
        assert all(url.startswith(("file:", "data:")) for url in opened.requests)
        assert len([url for url in opened.requests if url.startswith("file:")]) == 1

    def test_colours_stand_where_their_values_are(self, opened: Page) -> None:
        opened.run("document.querySelector('[data-role=marks]').click()")
        opened.run(
            "(e => { e.value = 'grey'; e.dispatchEvent(new Event('change')); })"
            "(document.querySelector('[data-role=map]'))"
        )
        corners = {}
        for column, row in ((0, 0), (19, 0), (0, 11), (19, 11)):
            x, y = place_of(opened, column, row)
            corners[column, row] = opened.run(
                f"(c => (r => c.getContext('2d').getImageData({x} - r.left, {y} - r.top, 1, 1)"
                ".data[0])(c.getBoundingClientRect()))(document.querySelector('canvas'))"
            )
        whole = int(VALUES.max())
        for (column, row), grey in corners.items():
            assert grey == pytest.approx(255 * VALUES[row, column] / whole, abs=2)
        x, y = place_of(opened, 7, 3)
        for _ in range(4):
            opened.wheel(x, y, -120)
        pixel = (
            f"(c => (r => c.getContext('2d').getImageData({x} - r.left, {y} - r.top, 1, 1)"
            ".data[0])(c.getBoundingClientRect()))(document.querySelector('canvas'))"
        )
        # The wheel is answered when the page finds time.
        opened.wait_for("document.querySelector('canvas').dataset.zoomed === 'yes'")
        assert opened.run(pixel) == pytest.approx(255 * VALUES[3, 7] / whole, abs=2)

    def test_the_pixel_under_the_pointer_stays_when_the_wheel_zooms(self, opened: Page) -> None:
        x, y = place_of(opened, 7, 3)
        picture = "document.querySelector('canvas').toDataURL()"
        whole = opened.run(picture)
        for _ in range(4):
            opened.wheel(x, y, -120)
        opened.wait_for(f"{picture} !== {whole!r}")
        opened.move_mouse(x, y)
        opened.wait_for(f"{READOUT}.includes('(column 7, row 3)')")
        opened.move_mouse(*place_of(opened, 0, 0))
        opened.wait_for(f"!{READOUT}.includes('(column 7, row 3)')")
        assert "(column 0, row 0)" not in opened.run(READOUT)
        opened.run("document.querySelector('canvas').focus()")
        opened.call("Input.dispatchKeyEvent", type="keyDown", key="0", text="0")
        opened.wait_for(f"{picture} === {whole!r}")
        assert opened.errors == []

    def test_colours_scales_and_limits_change_the_picture(self, opened: Page) -> None:
        picture = "document.querySelector('canvas').toDataURL()"
        seen = {opened.run(picture)}
        for role, value in (
            ("map", "viridis"), ("map", "grey"), ("scale", "sqrt"), ("scale", "log"),
            ("high", "300"), ("low", "50"),
        ):  # fmt: skip
            opened.run(
                f"(e => {{ e.value = {value!r}; e.dispatchEvent(new Event('change')); }})"
                f"(document.querySelector('[data-role={role}]'))"
            )
            seen.add(opened.run(picture))
        opened.run("document.querySelector('[data-role=marks]').click()")
        seen.add(opened.run(picture))
        assert len(seen) == 8
        opened.run("document.querySelector('[data-role=reset]').click()")
        assert opened.run("document.querySelector('[data-role=high]').value") == "1673"
        assert opened.errors == []

    def test_a_click_sorts_by_value_and_again_backwards(self, opened: Page) -> None:
        names = (
            "[...document.querySelectorAll('tbody tr')].map(r => r.cells[0].textContent).join('')"
        )
        click = "document.querySelectorAll('th button')[1].click()"
        assert opened.run(names) == "bac"
        opened.run(click)
        assert opened.run(names) == "bac"
        opened.run(click)
        assert opened.run(names) == "cab"

    def test_dark_and_print(self, tmp_path: Path, chromium: Chromium) -> None:
        path = tmp_path / "page.html"
        path.write_text(a_page(), "utf-8")
        page = chromium.open(path, dark=True)
        page.wait_for("document.querySelector('.rg-view').dataset.ready === 'yes'")
        ground = "getComputedStyle(document.body).backgroundColor"
        assert page.run(ground) == "rgb(20, 23, 26)"
        pdf = base64.b64decode(page.call("Page.printToPDF")["data"])
        assert pdf.startswith(b"%PDF")
        assert page.errors == []

    def test_the_browser_sees_what_a_page_must_not_do(
        self, tmp_path: Path, chromium: Chromium
    ) -> None:
        path = tmp_path / "bad.html"
        bad = a_page().replace(
            "</main>", '<img src="http://127.0.0.1:9/x.png"><script>alert(1)</script></main>'
        )
        path.write_text(bad, "utf-8")
        page = chromium.open(path)
        page.wait_for("true")
        assert any("Content Security Policy" in error for error in page.errors)

    def test_without_scripts_a_still_picture_stays(
        self, tmp_path: Path, chromium: Chromium
    ) -> None:
        path = tmp_path / "still.html"
        text = re.sub(r"<script>.*?</script>", "", a_page(), flags=re.DOTALL)
        path.write_text(text, "utf-8")
        page = chromium.open(path)
        assert page.run("document.querySelector('.rg-view img').naturalWidth") == VALUES.shape[1]
        assert page.run("document.querySelector('canvas').offsetWidth") == 0
