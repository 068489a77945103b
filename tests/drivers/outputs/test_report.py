"""``radiograph report``: every number is that of the file, for whatever the file holds."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from chromium import Chromium
from matplotlib.figure import Figure
from radiograph.drivers.imaging import saved_detectors, saved_spectra
from radiograph.drivers.imaging.counter_flow import flow_of
from radiograph.drivers.imaging.report import Report, report_of
from radiograph.drivers.imaging.report_figures import _name_detectors
from radiograph.drivers.imaging.report_page import report_page
from radiograph.drivers.imaging.report_pdf import write_report_pdf
from radiograph.drivers.imaging.saved import open_run

Run = Callable[..., Any]
SECTIONS = {
    "hits": {"summary", "flow", "energies-and-light", "detectors", "graph", "settings",
             "provenance"},
    "events": {"time-of-flight"},
    "cones": {"angular-resolution"},
    "image": {"pictures", "projections"},
}  # fmt: skip


def n_pages(report: Report, folder: Path) -> int:
    write_report_pdf(report, folder / "report.pdf")
    return (folder / "report.pdf").read_bytes().count(b"/Type /Page ")


def anchors(page: str) -> set[str]:
    return set(re.findall(r'<section id="([^"]+)"', page))


@pytest.mark.parametrize("until", SECTIONS)
def test_a_file_of_any_stage_has_what_it_can_tell(until: str, made: Callable[..., Path]) -> None:
    file = made("--list") if until == "image" else made("--until", until, name=until)
    with open_run(file) as saved:
        page = report_page(report_of(saved))
    stages = list(SECTIONS)[: list(SECTIONS).index(until) + 1]
    assert anchors(page) == set().union(*(SECTIONS[s] for s in stages))
    assert not re.search(r">\s*nan\b|\bnan\s*<", page)


def test_page_and_pdf_are_written_and_named(
    made: Callable[..., Path], radiograph: Run, tmp_path: Path
) -> None:
    file, out = made("--until", "events", name="events"), tmp_path / "report.html"
    done = radiograph("report", file, "-o", out, "--pdf", "--json")
    pdf = out.with_suffix(".pdf")
    assert done.json == {"input": str(file), "outputs": [str(out), str(pdf)]}
    assert pdf.read_bytes().startswith(b"%PDF")
    assert b"CreationDate" not in pdf.read_bytes()
    first = out.read_bytes(), pdf.read_bytes()
    refused = radiograph("report", file, "-o", out)
    assert (refused.code, "exists already. Give --overwrite" in refused.err) == (2, True)
    assert radiograph("report", file, "-o", out, "--pdf", "--overwrite").code == 0
    assert (out.read_bytes(), pdf.read_bytes()) == first


def test_the_pdf_has_a_page_for_each_image(whole: Path, tmp_path: Path) -> None:
    with open_run(whole) as saved:
        report = report_of(saved)
    spectra = -(-len(report.spectra) // 3)
    # Summary, images, losses, spectra, detectors; nodes, settings and provenance follow.
    assert n_pages(report, tmp_path) >= 1 + 3 + 1 + spectra + 1 + 3


def test_the_pdf_says_in_words_what_the_page_shows_as_a_graph(
    made: Callable[..., Path], tmp_path: Path
) -> None:
    with open_run(made("--until", "hits", name="hits")) as saved:
        report = report_of(saved)
    assert "<svg" in report.graph
    few = replace(report, record=replace(report.record, nodes=report.record.nodes[:10]))
    assert n_pages(few, tmp_path) == n_pages(replace(few, graph=""), tmp_path) + 1


def test_the_page_stands_beside_the_file_unless_named(
    made: Callable[..., Path], radiograph: Run, tmp_path: Path
) -> None:
    copy = tmp_path / "hits.h5"
    copy.write_bytes(made("--until", "hits", name="hits").read_bytes())
    assert radiograph("report", copy).out == f"{tmp_path / 'hits.html'}\n"
    wrong = radiograph("report", copy, "-o", tmp_path / "report.txt")
    assert (wrong.code, "name a file that ends in .html" in wrong.err) == (2, True)
    assert radiograph("report", tmp_path / "no.h5").code == 3


def test_one_species_and_an_empty_image(made: Callable[..., Path], empty: Path) -> None:
    with open_run(made("--no-gammas", name="one")) as saved:
        page = report_page(report_of(saved))
    assert "Species</dt><dd>neutrons<" in page
    with open_run(empty) as saved:
        report = report_of(saved)
        page = report_page(report)
    assert set(report.drawings) == {"n", "g", "all"}
    assert 'class="rg-view"' not in page
    n = report.record.all_counters["cones_missed_plane_n"]
    assert f"No counts: all {n} cones miss the plane." in page
    assert "no cone lights a pixel: the images are zero" in page


def test_bars_of_the_settings_are_drawn(made: Callable[..., Path]) -> None:
    bar = "{det_id = 11, center = [0.0, 0.0, 100.0], axis = [1.0, 0.0, 0.0], length = 20.0}"
    option = f"--set=detectors.geometry.bars=[{bar}]"
    with open_run(made("--until", "hits", option, name="bars")) as saved:
        report = report_of(saved)
        assert [b.length for b in report.bars] == [20.0]
        assert "Grey: the bars of the settings." in report_page(report)


def test_what_a_user_wrote_is_escaped(made: Callable[..., Path]) -> None:
    label = '--set=run.plot_label="<img src=x>"'
    with open_run(made("--until", "hits", label, name="vile")) as saved:
        page = report_page(report_of(saved))
    assert "<img src=x>" not in page
    assert "&lt;img src=x&gt;" in page


def test_a_reason_that_a_file_names_is_escaped(made: Callable[..., Path]) -> None:
    with open_run(made("--until", "hits", name="hits")) as saved:
        report = report_of(saved)
    vile = {"hits_rejected_<img src=x>": 0, "hits_rejected_<img src=y>": 1}
    flow = flow_of({"hits_total": 2, "hits_after_filters": 1, **vile})
    page = report_page(replace(report, flow=tuple(flow)))
    assert "<img src=x>" not in page
    assert "Nothing lost by: &lt;img src=x&gt;." in page
    assert "− &lt;img src=y&gt;" in page


def test_a_file_of_another_program_is_reported_as_far_as_it_goes(
    whole: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.h5"
    other.write_bytes(whole.read_bytes())
    with h5py.File(other, "r+") as file:
        file.attrs["software"] = "another 1.0"
        for group in (
            "provenance",
            "candidates",
            "hits",
            "meta/config_effective",
            "meta/config_toml",
        ):
            del file[group]
        del file.attrs["config_text"]
    with open_run(other) as saved:
        page = report_page(report_of(saved))
    assert "the file is of another program (another 1.0)" in page
    assert {"pictures", "projections", "energies-and-light"} <= anchors(page)
    assert "graph" not in anchors(page)


def test_the_page_in_a_browser(whole: Path, tmp_path: Path, chromium: Chromium) -> None:
    with open_run(whole) as saved:
        images = saved.images
        text = report_page(report_of(saved))
    path = tmp_path / "report.html"
    path.write_text(text, "utf-8")
    page = chromium.open(path)
    page.wait_for("[...document.querySelectorAll('.rg-view')].every(f => f.dataset.ready)")
    assert page.run("document.querySelectorAll('.rg-view').length") == 3
    for k, name in enumerate(("n", "g", "all")):
        row, column = np.unravel_index(int(np.argmax(images[name])), images[name].shape)
        canvas = f"document.querySelectorAll('.rg-view canvas')[{k}]"
        left, top, width, height = page.run(
            f"{canvas}.scrollIntoView({{block: 'center', behavior: 'instant'}}),"
            f"(r => [r.left, r.top, r.width, r.height])({canvas}.getBoundingClientRect())"
        )
        # The room around the pixels is that of page.js.
        page.move_mouse(
            left + 66 + (width - 158) * (column + 0.5) / 30,
            top + 10 + (height - 56) * (1.0 - (row + 0.5) / 20),
        )
        said = f"document.querySelectorAll('.rg-view output')[{k}].textContent"
        page.wait_for(f"{said} !== ''")
        u, v = (f"{x:.0f}".replace("-", "−") for x in (-29 + 2 * column, -19 + 2 * row))
        assert page.run(said) == (
            f"u = {u}.0 cm, v = {v}.0 cm: {images[name].max()} counts (column {column}, row {row})"
        )
    assert page.errors == []
    assert all(url == path.as_uri() or url.startswith("data:") for url in page.requests)


class TestFlow:
    def test_every_stage_of_a_run_adds_up(self, whole: Path, empty: Path) -> None:
        for file in (whole, empty):
            with open_run(file) as saved:
                flow = flow_of(saved.record.all_counters)
            titles = [stage.title for stage in flow]
            assert titles == [
                "Coincidence windows", "Hits", "Events", "Cones", "Images", "Hypotheses",
            ]  # fmt: skip
            assert all(stage.adds_up for stage in flow)

    def test_reasons_are_told_by_species(self) -> None:
        counters = {
            "hits_total": 10, "hits_total_n": 6, "hits_total_g": 3,
            "hits_rejected_psd": 4, "hits_rejected_psd_n": 2, "hits_rejected_psd_g": 2,
            "hits_rejected_threshold": 1, "hits_rejected_threshold_n": 1,
            "hits_rejected_threshold_g": 0,
            "hits_after_filters": 5, "hits_after_filters_n": 3, "hits_after_filters_g": 1,
        }  # fmt: skip
        (stage,) = flow_of(counters)
        assert stage.adds_up
        assert stage.entered.numbers == (10, 6, 3)
        assert [(s.words, s.numbers) for s in stage.losses] == [
            ("psd", (4, 2, 2)),
            ("light outside of its window", (1, 1, 0)),
        ]
        (broken,) = flow_of({**counters, "hits_total": 11})
        assert not broken.adds_up

    def test_a_reason_of_one_species_is_counted(self) -> None:
        counters = {
            "events_typed_total": 5, "events_typed_n": 5, "events_typed_g": 0,
            "events_rejected_L1_min_n": 2, "events_rejected_L_any_min_g": 0,
            "events_after_filters": 3, "events_after_filters_n": 3, "events_after_filters_g": 0,
        }  # fmt: skip
        (stage,) = flow_of(counters)
        assert [s.numbers for s in stage.losses] == [(2, 2, None), (0, None, 0)]
        assert stage.adds_up

    def test_without_counters_there_is_no_flow(self) -> None:
        assert flow_of({}) == []


class TestSpectra:
    def test_every_row_is_counted_once(self, whole: Path) -> None:
        with open_run(whole) as saved:
            found = {f.spectrum.key: f.curves for f in saved_spectra.filled_spectra(saved)}
            assert sum(h.total for h in found["incident-energy"].values()) == saved.n_cones
            assert found["time-of-flight"]["neutrons, t2 − t1"].total == 200
            assert found["event-light"]["gamma rays, hit 3"].total == 60
            possible = (saved.candidates["status"] == 0).sum()
            curves = found["resolution-hypotheses"].values()
            assert sum(h.total for h in curves) == possible

    def test_resolution_is_that_of_the_stored_scores(self, whole: Path) -> None:
        with open_run(whole) as saved:
            values = saved_spectra._resolution_of_cones(saved, 0, saved.n_cones)
            signed = np.concatenate(list(values.values()))
            stored = saved.cones["delta_theta_rad"].to_numpy()
            assert np.sort(np.abs(signed)) == pytest.approx(np.sort(stored), abs=2e-6)
            assert (signed < 0).any()
            assert (signed > 0).any()
            n = saved.data.length("/candidates/event_index")
            values = saved_spectra._resolution_of_hypotheses(saved, 0, n)
            candidates = saved.candidates
            scores = candidates["delta_theta_rad"][candidates["status"] == 0].to_numpy()
            found = np.sort(np.abs(np.concatenate(list(values.values()))))
            assert found == pytest.approx(np.sort(scores), abs=2e-5)

    def test_blocks_and_samples_do_not_change_what_is_counted(
        self, whole: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with open_run(whole) as saved:
            before = saved_spectra.filled_spectra(saved)
            monkeypatch.setattr(saved_spectra, "_ROWS_A_BLOCK", 31)
            after = saved_spectra.filled_spectra(saved)
            assert [f.spectrum for f in after] == [f.spectrum for f in before]
            for a, b in zip(after, before, strict=True):
                for name, h in b.curves.items():
                    assert (a.curves[name].counts == h.counts).all()
            monkeypatch.setattr(saved_spectra, "_SAMPLED_ROWS", 10)
            sampled = saved_spectra.filled_spectra(saved)
            for a, b in zip(sampled, before, strict=True):
                totals = {name: h.total for name, h in b.curves.items()}
                assert {name: h.total for name, h in a.curves.items()} == totals


def test_detectors_count_every_hit(
    whole: Path, made: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_run(whole) as saved:
        table = saved_detectors.detector_table(saved)
        hits = saved.hits
        assert table is not None
        assert table["hits"].sum() == len(hits)
        expected = hits.groupby("det_id")["x_cm"].mean()
        assert table["x_cm"].to_numpy() == pytest.approx(expected.to_numpy())
        monkeypatch.setattr(saved_detectors, "_ROWS_A_BLOCK", 17)
        in_parts = saved_detectors.detector_table(saved)
        assert in_parts is not None
        assert (in_parts["hits"] == table["hits"]).all()
    with open_run(made("--target", "selected_cones", name="cones_only")) as saved:
        of_events = saved_detectors.detector_table(saved)
        assert of_events is None or of_events["hits"].sum() > 0


def test_an_input_that_failed_and_a_restart_are_told(
    whole: Path, made: Callable[..., Path], radiograph: Run, tmp_path: Path
) -> None:
    bad, out = tmp_path / "bad.out", tmp_path / "two.h5"
    bad.write_bytes(b"")
    settings = whole.parent / "run.toml"
    done = radiograph("run", settings, whole.parent / "events.out", bad, "-o", out, "-q")
    assert out.exists(), done.err
    with open_run(out) as saved:
        report = report_of(saved)
        page = report_page(report)
    (failure,) = report.failures
    assert failure.startswith("bad.out was left out: ")
    assert failure in page
    assert "No problem was found" not in page
    assert dict(report.summary)["Input"] == "events.out, bad.out (left out)"
    said = radiograph("info", out).out
    assert f"{bad} (left out: " in said
    assert "xxh3_128 )" not in said
    again = tmp_path / "again.h5"
    by_file = ("--set", "io.input_format=hdf5_ngimager", "--set", "plane.du=2")
    assert radiograph("run", settings, out, "-o", again, "-q", *by_file).code == 0
    with h5py.File(again) as file:
        stage = file["provenance"].attrs["restart_stage"]
    assert f"restart   from the {stage} of {out}" in radiograph("info", again).out
    with open_run(again) as saved:
        assert dict(report_of(saved).summary)["Restart"] == f"from the {stage} of two.h5"


def test_counters_stand_in_the_order_of_the_run(whole: Path) -> None:
    with open_run(whole) as saved:
        cones = [n for n in saved.record.counters[3] if not n.endswith(("_n", "_g"))]
    assert cones.index("events_cone_build_attempted") < cones.index("cones_kept")
    assert cones.index("cones_kept") < cones.index("candidates_total")
    assert cones != sorted(cones)


def test_names_of_detectors_never_lie_on_one_another(whole: Path) -> None:
    with open_run(whole) as saved:
        table = saved_detectors.detector_table(saved)
    assert table is not None
    near = table.assign(x_cm=0.01 * np.arange(len(table)), y_cm=0.0)
    for frame, expected in ((near, 1), (near.assign(x_cm=500.0 * near["x_cm"]), len(near))):
        axes = Figure().add_axes((0, 0, 1, 1))
        _name_detectors(axes, frame, ("x", "y"), 20.0)
        assert len(axes.texts) == expected
