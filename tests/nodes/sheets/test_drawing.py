"""Sheets as PNG and PDF: what is on them, and the same bytes for the same sheet."""

import io
import re
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image
from radiograph.nodes.sheets.drawing import sheet_png, sheets_pdf
from radiograph.nodes.sheets.symbols import outline
from radiograph.schemas.sheets import Fills, Marks, Sheet, Strokes, Symbol, Words

SYMBOLS = Symbol.__args__
LINE = np.array([[0.5, 0.5], [1.5, 0.5], [np.nan, np.nan], [0.5, 1.0], [1.5, 1.0]])
EMPTY = np.empty((0, 2))


def sheet(*shapes, size=(2.0, 1.5)):
    return Sheet("page", "A page", size, shapes)


def pixels(*shapes, dpi=100.0):
    with Image.open(io.BytesIO(sheet_png(sheet(*shapes), dpi))) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def colored(picture, color):
    """Where a pixel is near a colour: rows from the bottom, columns, in inches at 100 dpi."""
    near = np.abs(picture - np.array(color)).sum(axis=2) < 60
    rows, columns = np.nonzero(near[::-1])
    return rows / 100.0, columns / 100.0


def test_shapes_are_where_they_should_be():
    red = Strokes(LINE, "#ff0000", 2.0)
    box = np.array([[0.2, 0.1], [0.4, 0.1], [0.4, 0.3], [0.2, 0.3]])
    blue = Fills(box, "#0000ff")
    green = Marks(np.array([[1.8, 1.3]]), "dot", "#00ff00", 10.0)
    picture = pixels(red, blue, green)
    assert picture.shape == (150, 200, 3)
    y, x = colored(picture, (255, 0, 0))
    assert x.min() == pytest.approx(0.5, abs=0.03)
    assert x.max() == pytest.approx(1.5, abs=0.03)
    assert set(np.round(y, 1)) == {0.5, 1.0}
    y, x = colored(picture, (0, 0, 255))
    assert [x.min(), x.max(), y.min(), y.max()] == pytest.approx([0.2, 0.4, 0.1, 0.3], abs=0.02)
    y, x = colored(picture, (0, 255, 0))
    assert [x.mean(), y.mean()] == pytest.approx([1.8, 1.3], abs=0.02)
    assert np.ptp(x) == pytest.approx(10.0 / 72.0, abs=0.03)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_every_symbol_has_its_width_and_is_unlike_the_others(symbol):
    def drawn(name):
        return pixels(Marks(np.array([[1.0, 0.75]]), name, "#000000", 36.0))

    dark = drawn(symbol).sum(axis=2) < 300
    rows, columns = np.nonzero(dark)
    assert max(np.ptp(rows), np.ptp(columns)) == pytest.approx(50, abs=13)
    assert abs(columns.mean() - 100) < 3
    for other in SYMBOLS:
        if other != symbol:
            assert (drawn(other).sum(axis=2) < 300).tolist() != dark.tolist()


def test_outlines_stay_in_their_circle():
    for symbol in SYMBOLS:
        for line in outline(symbol).lines:
            assert np.hypot(*line.T).max() < 0.75, symbol


def test_later_shapes_lie_above_earlier_ones():
    wide = np.array([[0.0, 0.75], [2.0, 0.75]])
    below, above = Strokes(wide, "#ff0000", 20.0), Strokes(wide, "#0000ff", 20.0)
    assert pixels(below, above)[75, 100].tolist() == [0, 0, 255]
    assert pixels(above, below)[75, 100].tolist() == [255, 0, 0]


def test_empty_shapes_and_nan_are_nothing():
    nothing = (
        Strokes(EMPTY, "#000000"), Fills(EMPTY, "#000000"), Marks(EMPTY, "dot", "#000000"),
        Strokes(np.full((3, 2), np.nan), "#000000"), Fills(np.full((3, 2), np.nan), "#000000"),
        Marks(np.full((1, 2), np.nan), "dot", "#000000"), Words(1.0, 1.0, ""),
    )  # fmt: skip
    assert (pixels(*nothing) == 255).all()
    assert sheets_pdf([sheet(*nothing)]).startswith(b"%PDF")


def test_words_are_text_in_the_pdf_and_dollars_are_no_formula():
    page = sheet(Words(1.0, 0.7, "$ADC$ 3", 12.0, align="center", bold=True))
    upright = sheet(Words(1.0, 0.7, "up", 12.0, upright=True, fixed_pitch=True), size=(3.0, 5.0))
    content = sheets_pdf([page, upright])
    boxes = re.findall(rb"/MediaBox \[ 0 0 (\S+) (\S+) \]", content)
    assert [(float(w), float(h)) for w, h in boxes] == [(144.0, 108.0), (216.0, 360.0)]
    assert content == sheets_pdf([page, upright])


def test_equal_sheets_give_equal_bytes_whatever_the_users_settings():
    page = sheet(Strokes(LINE, "#ff0000"), Words(0.2, 0.2, "words"))
    png, pdf = sheet_png(page), sheets_pdf([page])
    with mpl.rc_context({"font.size": 30, "savefig.bbox": "tight", "lines.dashed_pattern": [1, 9]}):
        before = dict(mpl.rcParams)
        assert sheet_png(page) == png
        assert sheets_pdf([page]) == pdf
        assert dict(mpl.rcParams) == before


def test_a_pdf_without_pages_is_refused():
    with pytest.raises(ValueError, match="at least one page"):
        sheets_pdf([])


def test_importing_does_not_import_matplotlib():
    code = (
        "import sys, radiograph.nodes.sheets.drawing, radiograph.nodes.lightdqm.figure_points;"
        "sys.exit(any(m.split('.')[0] == 'matplotlib' for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(("align", "side"), [("left", 0.0), ("center", 0.5), ("right", 1.0)])
@pytest.mark.parametrize("upright", [False, True])
def test_words_lie_about_their_place(align, side, upright):
    words = Words(1.0, 0.75, "HHHH", 18.0, "#ff0000", align=align, upright=upright)
    y, x = colored(pixels(words), (255, 0, 0))
    along, across = (y, x) if upright else (x, y)
    place, middle = (0.75, 1.0) if upright else (1.0, 0.75)
    assert (1.0 - side) * along.min() + side * along.max() == pytest.approx(place, abs=0.08)
    assert 0.5 * (across.min() + across.max()) == pytest.approx(middle, abs=0.03)
    assert np.ptp(along) > 0.5


def test_words_keep_their_order_among_shapes():
    field = Fills(np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 1.5], [0.0, 1.5]]), "#0000ff")
    words = Words(1.0, 0.75, "HHHH", 30.0, "#ff0000", align="center")
    assert len(colored(pixels(field, words), (255, 0, 0))[0])
    assert not len(colored(pixels(words, field), (255, 0, 0))[0])
