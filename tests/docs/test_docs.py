"""The documentation says what the code does: generated parts, examples, formats, links."""

from __future__ import annotations

import importlib.util
import io
import re
import shlex
from contextlib import redirect_stderr, redirect_stdout
from importlib import metadata
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from radiograph.drivers import docs, pipeline
from radiograph.drivers.docs import expected, filled, main
from radiograph.drivers.main import guarded
from radiograph.nodes.light_response import (
    birks_light_response,
    response_curve,
    stopping_power_table,
)

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.glob("*.md")), ROOT / "configs" / "README.md"]
PAGE_NAMES = [str(p.relative_to(ROOT)) for p in PAGES]
LARGEST_FIGURE_BYTES = 250_000
NUMBER = re.compile(r"[-+]?\d[\d,]*\.?\d*(?:e[-+]?\d+)?")
SECONDS = re.compile(r"\d+\.\d\d s\b")


def make_example() -> Any:
    spec = importlib.util.spec_from_file_location("make_example", DOCS / "make_example.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def in_this_process(command: str) -> tuple[int, str]:
    """As a shell answers a command of ours that may end with "> file", without a new process."""
    words = shlex.split(command)
    assert words.pop(0) == "radiograph", command
    into = words[words.index(">") + 1 :] if ">" in words else []
    printed = io.StringIO()
    with redirect_stderr(printed):
        if not into:
            with redirect_stdout(printed):
                return guarded(words), printed.getvalue()
        (path,) = into
        with Path(path).open("w") as file, redirect_stdout(file):
            return guarded(words[: words.index(">")]), printed.getvalue()


def words_and_numbers(text: str) -> tuple[list[str], list[float]]:
    """A page without times: its words, and its numbers beside them."""
    stable = SECONDS.sub("T s", text)
    numbers = [float(n.replace(",", "")) for n in NUMBER.findall(stable)]
    return NUMBER.sub("#", stable).split(), numbers


def documented(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a small simulated file with list mode and a region of interest."""
    folder = tmp_path_factory.mktemp("run")
    assert guarded(["init", str(folder), "--events", "300", "--overwrite"]) == 0
    command = ["run", str(folder / "phits_edep.toml"), "--list", "--quiet", "--overwrite"]
    for setting in ("vis.export_png_on_write=false", "vis.projections.roi_u_min_cm=-5"):
        command += ["--set", setting]
    assert guarded([*command, "--target", "summed_images"]) == 0
    assert guarded([*command, "-o", str(folder / "full.h5")]) == 0
    return folder


class TestGenerated:
    def test_pages_and_pictures_are_those_of_the_code(self):
        stale = [str(p) for p, text in expected(DOCS).items() if p.read_text("utf-8") != text]
        assert stale == [], "run python -m radiograph.drivers.docs"

    def test_every_generated_part_stands_on_a_page(self):
        pages = "".join(p.read_text("utf-8") for p in DOCS.glob("*.md"))
        for part in ("nodes", "frames", "arrays", "codes", "datasets"):
            assert f"<!-- begin generated: {part} -->" in pages

    def test_filling_twice_changes_nothing(self):
        page = "a\n<!-- begin generated: codes -->\nstale text\n<!-- end generated -->\nb\n"
        once = filled(page)
        assert "HitFilter" in once
        assert "stale text" not in once
        assert filled(once) == once

    def test_check_says_what_differs_and_writes_nothing(self, tmp_path, capsys, monkeypatch):
        monkeypatch.setattr(docs, "_pictures", lambda: {"graph.svg": "<svg/>"})
        page = tmp_path / "page.md"
        page.write_text("<!-- begin generated: codes -->\n<!-- end generated -->\n")
        assert main([str(tmp_path), "--check"]) == 1
        assert "page.md: differs" in capsys.readouterr().out
        assert "HitFilter" not in page.read_text()
        assert not (tmp_path / "graph.svg").exists()
        assert main([str(tmp_path)]) == 0
        assert (tmp_path / "graph.svg").read_text() == "<svg/>"
        assert main([str(tmp_path), "--check"]) == 0


@pytest.mark.slow
class TestExamples:
    @pytest.mark.parametrize("page", ["README.md", "docs/example.md"])
    def test_examples_give_what_the_page_says(self, page, monkeypatch):
        tool = make_example()
        monkeypatch.setattr(tool, "answer", in_this_process)
        monkeypatch.setenv("COLUMNS", tool.environment()["COLUMNS"])
        written = documented(page)
        now = tool.in_scratch(lambda: tool.refreshed(written))
        words, numbers = words_and_numbers(now)
        words_written, numbers_written = words_and_numbers(written)
        assert words == words_written, "run python docs/make_example.py"
        assert numbers == pytest.approx(numbers_written, rel=2e-3, abs=0.011)

    def test_every_figure_of_a_page_is_there_and_small(self):
        for page in PAGES:
            for name in re.findall(r"!\[[^]]*\]\(([^)]+)\)", page.read_text("utf-8")):
                figure = page.parent / name
                assert figure.is_file(), f"{page}: {name}"
                assert figure.stat().st_size < LARGEST_FIGURE_BYTES

    def test_outputs_are_cut_where_the_page_says(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        tool = make_example()
        assert tool.console_output("$ printf 'a\\nb\\nc\\n'", 2) == (
            "$ printf 'a\\nb\\nc\\n'\na\nb\n...\n"
        )
        assert tool.console_output("$ printf 'compiling kernels, once: k\\na\\n'") == (
            "$ printf 'compiling kernels, once: k\\na\\n'\na\n"
        )
        said = tool.console_output("$ radiograph --version")
        assert metadata.version("radiograph") in said
        with pytest.raises(RuntimeError, match="failed with 3"):
            tool.console_output("$ exit 3")


class TestPages:
    @pytest.mark.parametrize("page", PAGE_NAMES)
    def test_links_lead_somewhere(self, page):
        path = ROOT / page
        for link in re.findall(r"\]\(([^)]+)\)", path.read_text("utf-8")):
            if link.startswith("http"):
                continue
            name, _, anchor = link.partition("#")
            target = path.parent / name if name else path
            assert target.exists(), f"{page}: {link}"
            if anchor:
                headings = re.findall(r"^#+ (.+)$", target.read_text("utf-8"), re.MULTILINE)
                anchors = {re.sub(r"[^\w\- ]", "", h).strip().lower() for h in headings}
                assert anchor in {a.replace(" ", "-") for a in anchors}, f"{page}: {link}"

    @pytest.mark.parametrize("page", PAGE_NAMES)
    def test_no_path_of_a_machine(self, page):
        assert not re.search(r"(?<![\w.])/(tmp|home|work|root|usr)/", documented(page))

    def test_every_config_is_explained(self):
        text = documented("configs/README.md")
        for path in (ROOT / "configs").glob("*.*"):
            if path.suffix in (".toml", ".csv"):
                assert f"`{path.name}`" in text

    def test_citation_is_of_this_version(self):
        cited = documented("CITATION.cff")
        assert f"version: {metadata.version('radiograph')}\n" in cited

    def test_what_is_not_built_is_said(self):
        text = documented("README.md")
        for word in ("transient", "cosmic", "germanium", "resolution model"):
            assert word in text


class TestFacts:
    def test_every_dataset_of_a_run_is_documented(self, run_folder):
        text = documented("docs/formats.md")
        paths: list[str] = []
        with h5py.File(run_folder / "full.h5") as file:
            file.visititems(
                lambda name, item: paths.append(f"/{name}") if hasattr(item, "dtype") else None
            )
            attributes = [*file.attrs]
        missing = [p for p in paths if not _is_documented(p, text)]
        assert missing == []
        assert [a for a in attributes if f"`{a}`" not in text] == []

    def test_every_counter_is_in_the_glossary(self, run_folder):
        counters = pipeline("imaging", run_folder / "phits_edep.toml").run("counters")["counters"]
        patterns = _glossary()
        missing = [n for n in counters.values if not any(p.fullmatch(n) for p in patterns.values())]
        assert missing == []

    def test_no_counter_of_the_glossary_is_gone(self, run_folder):
        counters = pipeline("imaging", run_folder / "phits_edep.toml").run("counters")["counters"]
        for entry, pattern in _glossary().items():
            found = [n for n in counters.values if pattern.fullmatch(n)]
            assert found or entry == "problems_<kind>", entry

    @pytest.mark.parametrize("material", ["OGS", "M600"])
    @pytest.mark.parametrize("recoil", ["proton", "carbon"])
    def test_light_response_is_as_stated(self, material, recoil):
        row = re.search(
            rf"\| {recoil} in {material} \| ([\d.]+) \| ([\d.]+) \|",
            documented("configs/README.md"),
        )
        assert row is not None
        table = stopping_power_table((ROOT / "configs" / "stopping_powers.csv").read_text("utf-8"))
        curve = response_curve(birks_light_response(table), material, recoil)
        assert curve is not None
        light = np.interp([1.0, 14.0], *curve)
        assert light == pytest.approx([float(row[1]), float(row[2])], rel=5e-3)


def _glossary() -> dict[str, re.Pattern[str]]:
    """Entries of the table of counters, each with the names that it stands for."""
    table = documented("docs/imaging.md").split("## Counters")[1].split("## Limits")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    entries = [e for cell in cells for e in re.findall(r"`([\w<>]+)`", cell)]
    names = {e: re.sub(r"<\w+>", r"\\w+", e.removesuffix("_total")) for e in entries}
    return {e: re.compile(rf"{name}(_total)?(_n|_g)?") for e, name in names.items()}


def _is_documented(path: str, text: str) -> bool:
    """Whether a page names a dataset, or the pattern that it belongs to."""
    group, _, name = path.rpartition("/")
    if f"`{path}`" in text:
        return True
    patterns = {
        "/meta/counters": "/meta/counters/s1_<name>",
        "/meta/run_meta": "/meta/run_meta/<name>",
        "/images/summed": "/images/summed/n",
        "/meta/config_effective": "/meta/config_effective/keys",
        "/meta": "/meta/README",
        "/provenance/versions": "/provenance/versions/names",
        "/provenance/inputs": "/provenance/inputs/path",
        "/provenance/input_files": "/provenance/input_files/axis",
        "/provenance/nodes": "/provenance/nodes/name",
    }
    if path.startswith("/meta/repo_bundle/"):
        return "`/meta/repo_bundle/<file>`" in text
    if path.startswith("/images/summed/projections/"):
        parts = path.split("/")
        tail = parts[5:]
        if tail[0] != "metrics":
            return f"`{tail[0]}`" in text or f"<image>/{tail[0]}`" in text
        if tail[1].startswith("centroid"):
            return f"`{tail[-1]}`" in text or f"/{tail[-1]}`" in text
        return f"`{tail[-1]}`" in documented("docs/schemas.md")
    line = next((x for x in text.splitlines() if f"`{patterns.get(group)}`" in x), "")
    return bool(line) and (
        "<name>" in patterns[group] or f"`{name}`" in line or f"/{name}`" in line
    )
