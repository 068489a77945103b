"""A sheet as SVG: the same shapes as in the PDF, with a text at every mark."""

import re
import xml.etree.ElementTree as ET

import numpy as np
from radiograph.drivers.html.sheets import sheet_drawing, sheet_svg
from radiograph.schemas.sheets import Fills, Marks, Sheet, Strokes, Words

SVG = "{http://www.w3.org/2000/svg}"
LINE = np.array([[0.5, 0.5], [1.5, 0.5], [np.nan, np.nan], [0.5, 1.0], [1.5, 1.25]])


def parsed(*shapes, name="page"):
    return ET.fromstring(sheet_svg(Sheet(name, "A <page>", (2.0, 1.5), shapes)))


def test_a_sheet_has_its_size_a_name_and_a_white_ground():
    root = parsed()
    assert root.get("viewBox") == "0 0 1440 1080"
    assert (root.get("width"), root.get("height")) == ("192", "144")
    assert root.get("aria-label") == "A <page>"
    assert root.find(f"{SVG}rect").get("fill") == "#ffffff"


def test_lines_go_from_point_to_point_from_the_top():
    root = parsed(Strokes(LINE, "#ff0000", 2.0, 0.5, dashed=True))
    path = root.find(f"{SVG}path")
    assert path.get("d") == "M360 720l720 0M360 360l720 -180"
    assert path.get("stroke") == "#ff0000"
    assert path.get("stroke-width") == "20"
    assert path.get("opacity") == "0.5"
    assert path.get("stroke-dasharray")


def test_areas_are_closed():
    path = parsed(Fills(LINE[:2], "#00ff00")).find(f"{SVG}path")
    assert path.get("d").endswith("z")
    assert path.get("fill") == "#00ff00"


def test_every_mark_has_its_text_and_one_description_of_its_symbol():
    at = np.array([[0.5, 0.5], [1.0, 1.0]])
    texts = ('ADC 0 channel 4: 3 "counts" <1>', "ADC 0 channel 5")
    marks = Marks(at, "frown", "#c4001a", 12.0, 1.0, texts)
    root = parsed(marks, Marks(at, "frown", "#c4001a", 12.0), Marks(at, "dot", "#000000"))
    uses = root.findall(f"{SVG}use")
    assert [(u.get("x"), u.get("y")) for u in uses[:2]] == [("360", "720"), ("720", "360")]
    assert [u.findtext(f"{SVG}title") for u in uses[:2]] == list(texts)
    assert uses[2].find(f"{SVG}title") is None
    symbols = root.find(f"{SVG}defs")
    names = [s.get("id") for s in symbols]
    assert len(names) == len(set(names)) == 2
    assert {u.get("href") for u in uses} == {f"#{n}" for n in names}
    assert all(n.startswith("page-") for n in names)


def test_two_sheets_share_no_name():
    mark = Marks(np.array([[0.5, 0.5]]), "dot", "#000000")
    first, second = (sheet_svg(Sheet(n, "", (1.0, 1.0), (mark,))) for n in ("a b", "c"))
    assert not set(re.findall(r'id="([^"]+)"', first)) & set(re.findall(r'id="([^"]+)"', second))


def test_words_keep_their_place_turn_and_characters():
    root = parsed(
        Words(1.0, 0.5, "a < b & c", 9.0, "#595959", "right", bold=True),
        Words(0.2, 0.5, "up", upright=True, fixed_pitch=True),
    )
    first, second = root.findall(f"{SVG}text")
    assert first.text == "a < b & c"
    assert (first.get("x"), first.get("y")) == ("720", "720")
    assert (first.get("text-anchor"), first.get("font-weight")) == ("end", "bold")
    assert first.get("font-size") == "90"
    assert second.get("transform") == "rotate(-90 144 720)"


def test_nothing_is_drawn_of_nothing():
    empty = np.empty((0, 2))
    root = parsed(Strokes(empty, "#000000"), Fills(empty, "#000000"), Marks(empty, "dot", "#000"))
    assert not root.findall(f"{SVG}path")
    assert not root.findall(f"{SVG}use")


def test_a_drawing_is_a_figure_without_an_outer_reference():
    text = sheet_drawing(Sheet("a", "t", (1.0, 1.0), (Words(0.1, 0.1, "x"),)), "caption <1>")
    assert "<figcaption>caption &lt;1&gt;</figcaption>" in text
    assert not re.search(r'(?:href|src)="(?!#|data:)', text)
