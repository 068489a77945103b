"""Figures: valid, equal for equal input, different for every setting, and saying what they show."""

import io
import subprocess
import sys
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image
from radiograph.nodes.imaging import drawing, figure_colors, figure_text, figures, metrics
from radiograph.nodes.imaging.figure_layout import image_size, layout_of
from radiograph.nodes.imaging.figure_picture import Drawing, Peak, peak_words
from radiograph.nodes.imaging.peak_curve import fitted_counts, peak_counts
from radiograph.schemas.imaging.images import AxisMetrics, ImageMetrics, PixelGrid, SummedImages
from radiograph.schemas.imaging.labels import FigureLabels
from radiograph.schemas.imaging.vis import Vis

GRID = PixelGrid(-20.0, 30.0, 2.0, 25, -15.0, 15.0, 2.0, 15)
LABELS = FigureLabels(
    title="Run 41",
    subtitle="FixedEn 14.8 MeV",
    n_cones={"n": 12345, "g": 1, "all": 12346},
    source="run41.root",
    prior_kind="point",
    prior_uv_cm=(0.0, 0.0),
    u_direction="+x",
    v_direction="+y",
)
ON = {"metrics": {"enabled": True, "u": {"compute_edges": True}, "v": {"compute_edges": True}}}
ROI = {"roi_u_min_cm": -5.0, "roi_v_max_cm": 9.0}


def spot(height=300.0, ground=20.0):
    u, v = np.meshgrid(GRID.u_centers_cm, GRID.v_centers_cm)
    lit = height * np.exp(-0.5 * (((u - 6.0) / 5.0) ** 2 + ((v + 3.0) / 4.0) ** 2)) + ground
    return lit.astype(np.uint32)


IMAGES = SummedImages(GRID, spot(), spot(9.0, 1.0), spot() + spot(9.0, 1.0))


def drawn(images=IMAGES, labels=LABELS, **keys):
    vis = Vis(**{"species": ("n",), **keys})
    chosen = vis.projections
    roi = metrics.region_of_interest(chosen, images.grid)
    curves = metrics.projections(images, roi, chosen)
    numbers = metrics.projection_metrics(curves, chosen)
    return figures.figures(images, curves, numbers, labels, vis)


def drawing_of(images=IMAGES, labels=LABELS, view=None, **keys):
    vis = Vis(**keys)
    chosen = vis.projections
    curves = metrics.projections(images, metrics.region_of_interest(chosen, images.grid), chosen)
    numbers = metrics.projection_metrics(curves, chosen)
    picture = drawing.Picture(
        "n", images.n, images.grid, curves.by_image["n"], curves.roi, numbers.get("n"), labels
    )
    return Drawing.of(picture, vis, view or drawing.View())


def pixels(**keys):
    """A small figure: whether two differ does not need their full size."""
    d = drawing_of(**keys)
    return drawing.draw_image_figure(d.picture, d.vis, drawing.View(dpi=60))


def picture_of(content):
    with Image.open(io.BytesIO(content)) as image:
        image.load()
        return image.convert("RGB")


def test_a_png_of_each_image_with_the_size_of_its_layout():
    files = drawn(species=("n", "g", "all"))
    assert list(files) == ["n.png", "g.png", "all.png"]
    width, height = drawing_of().layout.size
    image = picture_of(files["n.png"])
    assert image.size == (round(200 * width), round(200 * height))
    assert len(np.unique(np.asarray(image.resize((80, 80))).reshape(6400, -1), axis=0)) > 50


def test_the_same_input_gives_the_same_bytes_in_every_format():
    keys = {"extra_formats": ("pdf", "svg", "png"), "projections": {**ON, **ROI}}
    first, second = drawn(**keys), drawn(**keys)
    assert list(first) == ["n.png", "n.pdf", "n.svg"]
    assert first == second
    assert first["n.pdf"].startswith(b"%PDF")
    assert b"CreationDate" not in first["n.pdf"]
    assert b"<svg" in first["n.svg"]
    assert b"Software" not in first["n.png"]


def test_the_users_matplotlib_settings_neither_matter_nor_change():
    mine = {"font.size": 25, "axes.facecolor": "red", "savefig.dpi": 40, "image.cmap": "jet",
            "savefig.bbox": "tight", "image.origin": "upper"}  # fmt: skip
    expected = drawn()
    with mpl.rc_context(mine):
        before = dict(mpl.rcParams)
        assert drawn() == expected
        assert dict(mpl.rcParams) == before


def test_importing_the_drawing_does_not_import_matplotlib():
    code = (
        "import sys, radiograph.nodes.imaging.drawing;"
        "sys.exit(any(m.split('.')[0] == 'matplotlib' for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


BASE = {"projections": {**ON, **ROI}}
CHANGES = {
    "axis_units": {"axis_units": "mm"},
    "colormap": {"colormap": "gray"},
    "flip_vertical": {"flip_vertical": True},
    "center_on_plane_center": {"center_on_plane_center": False},
    "projections": {"projections": {**ON, **ROI, "enabled": False}},
    "roi": {"projections": ON},
    "metrics": {"projections": ROI},
    **{
        f"{key}={value}": {"projections": {**ON, **ROI, "plot": {key: value}}}
        for key, value in (
            ("show_peak_markers", False),
            ("show_edge_markers", False),
            ("show_centroid_2d", True),
            ("metrics_source", "all"),
            ("metrics_source", "both"),
            ("curve_mode", "all_only"),
            ("curve_mode", "roi_only"),
            ("annotate_summary", "off"),
            ("annotate_summary", "full"),
            ("show_metrics_panel", True),
        )
    },
}


@pytest.fixture(scope="module")
def base():
    return pixels(**BASE)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_each_setting_changes_the_picture(base, change):
    assert pixels(**{**BASE, **change}) != base


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Run 42"},
        {"subtitle": "ToF"},
        {"n_cones": {"n": 7}},
        {"source": "run42.root"},
        {"prior_uv_cm": None},
        {"prior_kind": "line"},
        {"prior_line_uv_cm": ((-5.0, 0.0), (5.0, 0.0))},
        {"u_direction": "-x"},
        {"v_direction": ""},
        {"plane": "plane through (0, 0, −109.6) cm, normal +z"},
        {"software": "radiograph 1.0"},
        {"date": "2026-01-31"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_each_label_changes_the_picture(base, change):
    labels = FigureLabels(**{**vars(LABELS), **change})
    assert pixels(labels=labels, **BASE) != base


def test_flipping_mirrors_the_image():
    layout = drawing_of(projections={"enabled": False}, flip_vertical=True).layout
    image, box = layout.size, layout.image
    plain, flipped = (
        picture_of(drawn(labels=FigureLabels(), projections={"enabled": False}, **keys)["n.png"])
        for keys in ({}, {"flip_vertical": True})
    )
    _, height = plain.size
    assert image[0] * 200 == pytest.approx(plain.size[0], abs=1)
    middle = height - 200 * (box.y + 0.5 * box.h)

    def brightest_row(picture):
        crop = picture.convert("L").crop(
            (round(200 * box.x) + 4, round(height - 200 * (box.y + box.h)) + 4,
             round(200 * (box.x + box.w)) - 4, round(height - 200 * box.y) - 4)
        )  # fmt: skip
        # The peak's cross is drawn over the brightest pixels; rows of the spot surround it.
        return np.asarray(crop, dtype=float).mean(axis=1).argmax() + height - 200 * (box.y + box.h)

    assert brightest_row(plain) > middle
    assert brightest_row(flipped) < middle


def test_species_that_does_not_exist_is_left_out():
    only_g = SummedImages(GRID, None, IMAGES.g, IMAGES.g)
    assert list(drawn(only_g, species=("n", "g"))) == ["g.png"]
    assert drawn(only_g, species=("n",)) == {}


@pytest.mark.parametrize(
    ("dataset", "expected"),
    [("/images/summed/g", "g.png"), ("all", "all.png"), ("/images/summed/x", "n.png")],
)
def test_summed_dataset_names_the_only_image(dataset, expected):
    assert list(drawn(summed_dataset=dataset, species=("n", "g"))) == [expected]


def test_images_without_counts_are_drawn():
    zeros = np.zeros(GRID.shape, dtype=np.uint32)
    empty = SummedImages(GRID, zeros, None, zeros)
    for keys in (BASE, {"projections": {"enabled": False}}):
        assert picture_of(drawn(empty, **keys)["n.png"]).size[0] > 900
    assert not drawing_of(empty).has_counts
    assert drawn(empty)["n.png"] != drawn(SummedImages(GRID, zeros + 3, None, zeros))["n.png"]


@pytest.mark.parametrize("factor", [1, 2**22])
def test_images_are_left_unchanged(factor):
    counts = spot() * np.uint32(factor)
    before = counts.copy()
    drawn(SummedImages(GRID, counts, None, counts), **BASE)
    assert (counts == before).all()


@pytest.mark.parametrize(("nv", "nu"), [(1, 1), (1, 300), (300, 1), (2, 40)])
def test_planes_of_any_proportion_are_drawn(nv, nu):
    grid = PixelGrid(0.0, float(nu), 1.0, nu, 0.0, float(nv), 1.0, nv)
    counts = np.arange(nv * nu, dtype=np.uint32).reshape(nv, nu)
    panel = {**ON, "plot": {"show_metrics_panel": True, "show_centroid_2d": True}}
    files = drawn(SummedImages(grid, counts, None, counts), projections=panel)
    width, height = picture_of(files["n.png"]).size
    assert 900 < width < 2000
    assert 500 < height < 2600


def test_a_user_may_write_anything_into_the_headline():
    labels = FigureLabels(title="a $x^2 {\\alpha} $ % \n" * 30, source="long_name" * 40)
    lines = drawing_of(labels=labels).layout.lines
    assert [line.kind for line in lines] == ["headline", "headline", "species"]
    assert lines[1].text.endswith("…")
    assert drawn(labels=labels)


def test_image_keeps_its_proportions():
    for ranges in ((200.0, 200.0), (200.0, 20.0), (20.0, 200.0), (30.0, 45.0)):
        w, h = image_size(*ranges)
        assert w / h == pytest.approx(ranges[0] / ranges[1])
    assert image_size(500.0, 5.0)[1] == pytest.approx(0.5)


def test_boxes_stay_inside_and_apart():
    for ranges in ((200.0, 200.0), (200.0, 20.0), (20.0, 200.0)):
        found = layout_of(ranges, True, [("x", "headline")], [("", "u", "v")] * 5)
        width, height = found.size
        assert found.u_curve.y > found.image.y + found.image.h
        assert found.v_curve.x > found.image.x + found.image.w
        assert found.panel.y + found.panel.h < found.image.y
        for box in (found.image, found.u_curve, found.v_curve, found.color_bar, found.panel):
            assert box.x > 0.0
            assert box.y > 0.0
            assert box.x + box.w < width
            assert box.y + box.h < height


def test_redrawing_with_other_limits_units_and_colours():
    d = drawing_of(
        view=drawing.View(u_limits_cm=(-5.0, 15.0), v_limits_cm=(-10.0, 0.0)), axis_units="mm"
    )
    # The middle of the plane is (5, 0) cm.
    assert d.u_limits == (-100.0, 100.0)
    assert d.v_limits == (-100.0, 0.0)
    assert d.layout.image.w / d.layout.image.h == pytest.approx(2.0)
    assert not d.shows((20.0, -5.0))
    plain = drawing.draw_image_figure(d.picture, d.vis)
    for view in (drawing.View(v_limits_cm=(-10.0, 0.0)), drawing.View(count_limits=(30.0, 90.0))):
        assert drawing.draw_image_figure(d.picture, d.vis, view) != plain
    small = picture_of(drawing.draw_image_figure(d.picture, d.vis, drawing.View(dpi=50)))
    assert small.size[0] == pytest.approx(picture_of(plain).size[0] / 4, abs=1)


def test_peak_without_metrics_is_the_largest_bin_if_there_are_counts_enough():
    d = drawing_of()
    assert (d.peak("u").position_cm, d.peak("u").fitted) == (5.0, False)
    assert d.peak("v").position_cm == -4.0
    assert drawing_of(projections=ON).peak("u").fitted
    few = {"metrics": {"u": {"min_counts": 1e9}}}
    assert drawing_of(projections=few).peak("u") is None
    assert drawing_of(projections={"plot": {"show_peak_markers": False}}).peak("u") is None


def test_peak_of_the_roi_is_shown_unless_the_whole_is_asked_for():
    beside = {"roi_u_max_cm": 2.0}
    assert drawing_of(projections=beside).peak("u").position_cm == 1.0
    whole = {**beside, "plot": {"metrics_source": "all"}}
    assert drawing_of(projections=whole).peak("u").position_cm == 5.0


@pytest.mark.parametrize(
    ("name", "n_cones", "text"),
    [
        ("n", 12345, "Neutrons: 12\u2009345 cones"),
        ("g", 1, "Gamma rays: 1 cone"),
        ("all", 0, "Neutrons and gamma rays: 0 cones"),
        ("n", None, "Neutrons"),
    ],
)
def test_species_line(name, n_cones, text):
    assert figure_text.species_line(name, n_cones) == text


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (9.947, 0.389, "9.9 ± 0.4"),
        (-10.146, 0.21, "−10.15 ± 0.21"),
        (1234.5, 12.0, "1234 ± 12"),
        (-0.001, 0.5, "0.0 ± 0.5"),
        (np.nan, 0.5, "–"),
        (1.0, np.inf, "–"),
        (1.0, 0.0, "–"),
    ],
)
def test_values_with_errors_are_rounded_as_the_pdg_does(value, error, text):
    assert figure_text.with_error(value, error) == text


def test_values_are_rounded_to_a_tenth_of_a_pixel():
    assert figure_text.rounded(3.14159, 2.0) == "3.1"
    assert figure_text.rounded(3.14159, 0.5) == "3.14"
    assert figure_text.rounded(-314.159, 20.0) == "−314"
    assert figure_text.rounded(np.nan, 1.0) == "–"


@pytest.mark.parametrize(
    ("greatest", "scale", "words"),
    [(9999, 1.0, "counts"), (10_000, 1e3, "10³ counts"), (4e9, 1e9, "10⁹ counts")],
)
def test_large_counts_are_given_in_powers_of_a_thousand(greatest, scale, words):
    assert figure_text.count_scale(greatest) == (scale, words)


AXIS = AxisMetrics(
    1000.0, 2.0, 5.0, 1.5, True, 3.0, 90.0, True, 2.96, 0.21, 11.8, 0.5, True, -1.0, 6.0, 7.0, True
)


def test_summary_lines_in_drawn_coordinates():
    numbers = ImageMetrics(axes={"u": AXIS, "v": AxisMetrics(50.0)}, total_counts=1000.0)
    vis = Vis(axis_units="mm", projections={"plot": {"annotate_summary": "full"}})
    at = figure_text.Coordinates.of(GRID, vis)
    assert figure_text.summary_lines(numbers, at, vis) == [
        "u: peak at −20.4 ± 2.1 mm, FWHM 118 ± 5 mm",
        "u: mean −30 mm, σ 50 mm, median −35 mm, 20–80 %: −60 to 10 mm",
        "v: 50 counts, too few for numbers",
    ]
    compact = Vis()
    at = figure_text.Coordinates.of(GRID, compact)
    first = figure_text.summary_lines(numbers, at, compact)[0]
    assert first == "u: peak at −2.04 ± 0.21 cm, FWHM 11.8 ± 0.5 cm"


def test_panel_leaves_out_what_was_not_computed():
    numbers = ImageMetrics(axes={"u": AXIS, "v": AXIS}, u_centroid_cm=2.0, v_centroid_cm=2.0)
    vis = Vis()
    at = figure_text.Coordinates.of(GRID, vis)
    table = figure_text.panel_table(numbers, at, vis)
    assert table[0] == ("", "u", "v")
    assert ("Mean (cm)", "−3.0", "2.0") in table
    assert ("Edge at 80 % (cm)", "1.0", "6.0") in table
    assert all(row[0] != "Centroid (cm)" for row in table)
    bare = ImageMetrics(axes={"u": AxisMetrics(0.0), "v": AxisMetrics(0.0)})
    assert [row[0] for row in figure_text.panel_table(bare, at, vis)] == ["", "Counts"]
    assert figure_text.panel_table(None, at, vis) == []


def test_the_graph_makes_figures_from_images_and_settings():
    from hamilton import driver

    graph = driver.Builder().with_modules(metrics, figures).build()
    vis = Vis(species=("g",), projections={**ON, **ROI})
    inputs = {
        "summed_images": IMAGES,
        "pixel_grid": GRID,
        "projection_settings": vis.projections,
        "figure_labels": LABELS,
        "vis": vis,
    }
    found = graph.execute(["figures"], inputs=inputs)["figures"]
    assert found == drawn(species=("g",), projections={**ON, **ROI})
    nodes = {v.name: v.tags for v in graph.list_available_variables() if not v.is_external_input}
    assert set(nodes) == {
        "region_of_interest", "projections", "projection_metrics", "figures"
    }  # fmt: skip
    assert {tags["scope"] for tags in nodes.values()} == {"run"}


HOT = spot(60.0, 5.0)
HOT[2, 3] = 5000


def images_of(counts):
    return SummedImages(GRID, counts, None, counts)


class TestColorsOfCounts:
    def test_a_hot_pixel_does_not_set_the_last_color(self):
        low, high = drawing_of(images_of(HOT)).count_limits
        top = float(spot(60.0, 5.0).max())
        assert low == 5.0
        assert top <= high < 2.0 * top
        assert drawing_of(images_of(HOT), color_range="full").count_limits == (5.0, 5000.0)

    @pytest.mark.parametrize("counts", [spot(), spot(3.0, 0.0), np.eye(15, 25, dtype=np.uint32)])
    def test_the_largest_count_is_the_last_color_of_any_other_picture(self, counts):
        assert drawing_of(images_of(counts)).count_limits[1] == counts.max()

    def test_a_peak_of_several_pixels_is_no_hot_pixel(self):
        counts = spot(60.0, 5.0)
        counts[4:7, 4:7] = 5000
        assert drawing_of(images_of(counts)).count_limits[1] == 5000.0

    def test_what_lies_beyond_is_counted_in_the_footer_and_shown_at_the_bar(self):
        d = drawing_of(images_of(HOT))
        assert figure_colors.beyond_words(d) == "1 pixel above the colours, up to 5000"
        assert figure_colors._beyond(d) == "max"
        view = drawing.View(count_limits=(10.0, 60.0))
        d = drawing_of(images_of(HOT), view=view)
        assert figure_colors._beyond(d) == "both"
        plain = drawing_of()
        assert figure_colors.beyond_words(plain) == ""
        assert figure_colors._beyond(plain) == "neither"

    def test_given_limits_win(self):
        for limits, expected in (
            ((None, 30.0), (5.0, 30.0)), ((2.0, 9.0), (2.0, 9.0)), ((7.0, None), None),
        ):  # fmt: skip
            found = drawing_of(images_of(HOT), view=drawing.View(count_limits=limits)).count_limits
            assert found == expected or (expected is None and found[0] == 7.0)

    def test_scales_differ_and_a_logarithm_begins_above_zero(self):
        zeros = spot(60.0, 0.0)
        d = drawing_of(images_of(zeros), view=drawing.View(scale="log"))
        assert d.count_limits[0] == 1.0
        drawn = {
            drawing.draw_image_figure(d.picture, d.vis, drawing.View(scale=scale, dpi=50))
            for scale in ("linear", "sqrt", "log")
        }
        assert len(drawn) == 3

    @pytest.mark.parametrize("value", [0, 7])
    def test_one_value_everywhere_is_drawn_on_every_scale(self, value):
        flat = np.full(GRID.shape, value, np.uint32)
        for scale in ("linear", "sqrt", "log"):
            d = drawing_of(images_of(flat), view=drawing.View(scale=scale))
            low, high = d.count_limits
            assert low < high
            assert drawing.draw_image_figure(d.picture, d.vis, drawing.View(scale=scale, dpi=40))


class TestFittedCurve:
    def test_it_is_drawn_where_a_fit_is_believable(self):
        d = drawing_of(projections=ON)
        assert d.fit("u").fit_ok
        assert drawing_of().fit("u") is None
        off = {**ON, "plot": {"show_peak_markers": False}}
        assert drawing_of(projections=off).fit("u") is None

    def test_a_file_without_the_height_of_the_fit_has_no_curve(self):
        d = drawing_of(projections=ON)
        axes = {
            name: replace(m, fit_area_counts=np.nan) for name, m in d.picture.metrics.axes.items()
        }
        older = replace(d.picture, metrics=replace(d.picture.metrics, axes=axes))
        found = Drawing.of(older, d.vis, drawing.View(dpi=40))
        assert found.fit("u") is None
        newer = drawing.draw_image_figure(d.picture, d.vis, drawing.View(dpi=40))
        assert drawing.draw_image_figure(older, d.vis, drawing.View(dpi=40)) != newer

    def test_its_curve_is_that_of_the_projection(self):
        d = drawing_of(projections=ON)
        m, curve = d.fit("u"), d.picture.projections.u
        fitted = fitted_counts(m, GRID.u_centers_cm, GRID.du_cm)
        inside = (GRID.u_centers_cm > m.fit_low_cm) & (GRID.u_centers_cm < m.fit_high_cm)
        assert np.abs(fitted - curve)[inside].max() < 0.02 * curve.max()
        assert m.fit_low_cm >= GRID.u_min_cm
        assert m.fit_high_cm <= GRID.u_max_cm

    def test_hand_value_of_a_peak(self):
        # A wide peak: the density of the normal distribution times area and bin.
        x = np.array([0.0, 20.0])
        found = peak_counts(x, 0.0, 10.0, 1000.0, 5.0)
        density = np.exp(-0.5 * (x / 10.0) ** 2) / (10.0 * np.sqrt(2.0 * np.pi))
        assert found == pytest.approx(5.0 + 1000.0 * density, rel=1e-3)


def test_an_empty_picture_says_why():
    zeros = np.zeros(GRID.shape, dtype=np.uint32)
    labels = replace(LABELS, empty={"n": "all 12 cones miss the plane"})
    d = drawing_of(images_of(zeros), labels=labels)
    assert drawing._empty_words(d) == "no counts:\nall 12 cones miss the plane"
    assert drawing._empty_words(drawing_of(images_of(zeros))) == "no counts"


def test_the_footer_keeps_its_room():
    labels = replace(LABELS, plane="plane " * 60, software="radiograph 1.0", date="2026-01-31")
    d = drawing_of(labels=labels)
    text = drawing._second_footer(d)
    assert text.endswith("…  ·  radiograph 1.0  ·  run of 2026-01-31")
    assert len(text) < 130


def test_the_mark_of_a_peak_says_what_each_axis_is():
    fit, highest = Peak(1.0, fitted=True), Peak(2.0, fitted=False)
    assert peak_words(fit, fit) == "Peak (fit)"
    assert peak_words(highest, highest) == "Highest bins"
    assert peak_words(fit, highest) == "Peak: u fit,\nv highest bin"
    assert peak_words(highest, fit) == "Peak: v fit,\nu highest bin"
