"""The report of a light file: every page for every kind of file, and one HTML page of it."""

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from radiograph.drivers.config import load_config
from radiograph.drivers.lightdqm.html_report import PAGE_NODES, Provenance, light_page
from radiograph.drivers.lightdqm.run import run_lightdqm
from radiograph.drivers.lightdqm.session import open_session
from radiograph.drivers.lightdqm.simulation import write_light_simulation
from radiograph.drivers.node_records import NodeRecord
from radiograph.schemas.light_faults import Fault
from radiograph.schemas.light_simulation import LightSimulationSettings
from radiograph.schemas.lightdqm.pages import FRACTION_PAGES

SMALL = {"n_events": 30, "n_adcs": 2, "n_samples": 600, "seed": 5}
STUCK = Fault(kind="railed_top", adc=1, channel=10)


def simulated(folder, **settings):
    return Path(write_light_simulation(LightSimulationSettings(**SMALL | settings), folder).out)


def config(folder, *lines):
    path = folder / "light.toml"
    text = ('[pipeline]\nname = "lightdqm"', "[lightdqm]", f'output_dir = "{folder}/out"', *lines)
    path.write_text("\n".join(text))
    return load_config(path)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A small file with a stuck channel, its folder of outputs, the HTML page."""
    folder = tmp_path_factory.mktemp("report")
    source = simulated(folder, faults=(STUCK,))
    report = run_lightdqm(config(folder, 'units = "V"'), source)
    return source, folder / "out", report


def pages_of(source, folder, *lines, nodes=("report_pages", "mask_pictures")):
    return open_session(config(folder, *lines), source).run(nodes)


class Elements(HTMLParser):
    """Names of elements, their attributes, and the text of titles."""

    def __init__(self, text):
        super().__init__()
        self.found, self.texts = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)


def test_the_files_have_the_names_that_dashboards_look_for(made):
    source, out, _ = made
    stem = source.name.removesuffix(".FLOW.hdf5")
    names = {p.name for p in out.iterdir()}
    assert names == {
        f"{stem}_light_dqm{end}"
        for end in ("_flatline.png", "_baseline.png", "_main.pdf", ".html", ".h5")
    }
    with Image.open(out / f"{stem}_light_dqm_flatline.png") as image:
        assert image.size == (1600, 400)
    pdf = (out / f"{stem}_light_dqm_main.pdf").read_bytes()
    # The verdict and the events in their order, then the eleven pages of old.
    assert len(re.findall(rb"/Type /Page\b", pdf)) == 2 + 11


def test_the_page_needs_nothing_else(made):
    _, out, _ = made
    (path,) = out.glob("*.html")
    text = path.read_text("utf-8")
    page = Elements(text)
    for tag, attributes in page.found:
        assert tag not in ("link", "iframe", "object") or attributes.get("href") == "data:,"
        for name in ("src", "href", "xlink:href", "data", "action"):
            assert re.match(r"#|data:|$", attributes.get(name) or ""), (tag, attributes)
    assert not re.search(r"url\(\s*['\"]?(?!#|data:)", text)
    addresses = set(re.findall(r"https?://[^\s\"'<)]+", text))
    assert addresses <= {"http://www.w3.org/2000/svg"}
    names = [a["id"] for _, a in page.found if "id" in a]
    assert len(names) == len(set(names))
    targets = {a["href"][1:] for _, a in page.found if (a.get("href") or "").startswith("#")}
    assert targets <= set(names)


def test_the_verdict_comes_first_then_masks_pages_numbers_and_provenance(made):
    source, out, report = made
    (path,) = out.glob("*.html")
    text = path.read_text("utf-8")
    sections = re.findall(r'<section id="([^"]+)"', text)
    assert sections[:2] == ["verdict", "masks"]
    assert sections[-2:] == ["numbers", "provenance"]
    assert "plot2_baselines" in sections
    assert len(sections) == 2 + 8 + 2
    assert source.name in text.split("</h1>")[0]
    first = text.split('<section id="masks"')[0]
    assert "railed" in first
    assert "1/10" in first
    assert report.status == "fail"
    assert first.index("railed") < first.index("passed</span>")
    provenance = text.split('<section id="provenance"')[1]
    assert "xxh3_128" in provenance
    assert "ptps16bit" in provenance
    assert "dqm_fractions" in provenance


def test_marks_of_the_page_have_their_numbers(made):
    _, out, _ = made
    (path,) = out.glob("*.html")
    texts = Elements(path.read_text("utf-8")).texts
    assert "ADC 1 channel 10: stuck at the top: expert" in texts
    assert any(re.match(r"ADC 0 channel 4: .* mV, \d+ events", t) for t in texts)
    assert any(re.match(r"ADC 1 channel 63: .* V, \d+ events", t) for t in texts)


def test_names_of_files_and_reasons_are_text_and_no_markup(made):
    source, _, _ = made
    session = open_session(config(source.parent), source)
    values = session.run(PAGE_NODES)
    verdict = values["dqm_verdict"].copy()
    verdict["reason"] = ["<script>alert(1)</script>"] * len(verdict)
    provenance = Provenance((("<b>", "<i>&"),), "<u>", {"<n>": NodeRecord()})
    text = light_page({**values, "dqm_verdict": verdict}, provenance)
    assert "<script>alert" not in text
    assert "<i>&" not in text
    assert text == light_page({**values, "dqm_verdict": verdict}, provenance)


@pytest.mark.parametrize(
    "settings",
    [
        {"triggers": {"beam_fraction": 0.0}},
        {"triggers": {"beam_fraction": 1.0}},
        {"layout": "adc64"},
        {"n_events": 1},
        {"n_samples": 100},
        {"n_adcs": 8, "n_events": 6, "faults": (Fault(kind="missing_adc", adc=2, value=1.0),)},
    ],
    ids=["self only", "beam only", "no triggers", "one event", "short", "an ADC missing"],
)
def test_no_kind_of_file_costs_a_page(tmp_path, settings):
    found = pages_of(simulated(tmp_path, **settings), tmp_path)
    sheets = found["report_pages"]
    assert [s.name for s in sheets.values() if s.problem] == []
    expected = 9 if settings.get("layout") == "adc64" else 11
    assert len(sheets) == expected
    for sheet in (*sheets.values(), *found["mask_pictures"].values()):
        for shape in sheet.shapes:
            xy = getattr(shape, "xy", np.zeros((1, 2)))
            inside = np.isnan(xy) | ((xy > -0.01) & (xy < np.add(sheet.size, 0.01)))
            assert inside.all(), (sheet.name, shape)


def test_every_page_can_be_asked_for(tmp_path):
    source = simulated(tmp_path, n_events=6)
    wanted = ["noises", *(n for n in FRACTION_PAGES if "unknown" not in n)]
    sheets = pages_of(source, tmp_path, f"pages = {wanted}")["report_pages"]
    assert set(sheets) == set(wanted)
    assert not any(s.problem for s in sheets.values())
