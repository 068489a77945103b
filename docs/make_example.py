"""Run the commands of README.md and of pages of docs/ and write their real output into them.

    python docs/make_example.py                run all pages, refresh outputs and figures
    python docs/make_example.py transients.md  one of them
    python docs/make_example.py resolution     the demo for ten seeds: bias and spread of the peak
    python docs/make_example.py demo           the picture that make demo makes
    python docs/make_example.py cosmics        the cut flow of simulated cosmic rays, as a figure
    python docs/make_example.py light          a light file with two faults, from event to event

In a page, a block ```console holds commands after "$ ", each with its output below;
``head=N`` behind the word keeps the first N lines of each output. A block ```python is run, its
output stands in the block ```text that follows. All blocks of a page share a scratch folder.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGES = (ROOT / "README.md", ROOT / "docs" / "example.md", ROOT / "docs" / "transients.md")
# What a run leaves in its scratch folder, and the figure of the documentation made of it.
FIGURES = {
    "README.md": {},
    "example.md": {
        "example/n_image.png": "example_n.png",
        "example/g_image.png": "example_g.png",
        "example/n_near.png": "example_near_n.png",
    },
    "transients.md": {"maps/run_026_map_amplitude.png": "transients_map.png"},
}
BLOCK = re.compile(
    r"^```(?P<kind>console|python)(?P<info>[^\n]*)\n(?P<body>.*?)^```\n"
    r"(?P<output>\n```text\n(?P<text>.*?)^```\n)?",
    re.DOTALL | re.MULTILINE,
)


def refreshed(page: str) -> str:
    """A page with the output of its blocks as it is now, run in the current folder."""
    names: dict[str, object] = {}

    def run(block: re.Match[str]) -> str:
        kind, info, body = block["kind"], block["info"], block["body"]
        if kind == "console":
            most = re.search(r"head=(\d+)", info)
            shown = console_output(body, int(most[1]) if most else None)
            return f"```console{info}\n{shown}```\n{block['output'] or ''}"
        output = python_output(body, names)
        text = f"\n```text\n{output}```\n" if block["output"] else ""
        return f"```python{info}\n{body}```\n{text}"

    return BLOCK.sub(run, page)


def console_output(body: str, most: int | None = None) -> str:
    """Commands of a block, each with the first ``most`` lines of its output."""
    lines = []
    for command in commands(body):
        code, said = answer(command)
        if code:
            message = f"{command!r} failed with {code}:\n{said}"
            raise RuntimeError(message)
        printed = said.replace(f"{Path.cwd()}{os.sep}", "")
        # Only the first run of a version says what it compiles.
        output = [
            line.rstrip()
            for line in printed.rstrip().splitlines()
            if not line.startswith("compiling kernels")
        ]
        if most is not None and len(output) > most:
            output = [*output[:most], "..."]
        lines += [f"$ {command}", *output]
    return "\n".join(lines) + "\n"


def answer(command: str) -> tuple[int, str]:
    """Exit code of a command in a shell, and what it prints."""
    done = subprocess.run(
        command,
        shell=True,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def commands(body: str) -> Iterator[str]:
    """What follows "$ " in a block."""
    for line in body.splitlines():
        if line.startswith("$ "):
            yield line[2:]


def python_output(body: str, names: dict[str, object]) -> str:
    """What a block prints; ``names`` lives on to the next block."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(body, "example", "exec"), names)
    return "\n".join(line.rstrip() for line in printed.getvalue().splitlines()) + "\n"


def environment() -> dict[str, str]:
    """The command of this interpreter first in PATH, and a terminal of fixed width."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return os.environ | {"PATH": path, "COLUMNS": "100"}


def in_scratch(work: Callable[[], Any]) -> Any:
    """Do some work in an empty folder, with no results kept; both vanish afterwards."""
    compiled = compiled_kernels()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        cache = Path(folder, ".cache")
        cache.mkdir()
        (cache / compiled.name).symlink_to(compiled)
        before = os.environ.get("RADIOGRAPH_CACHE")
        os.environ["RADIOGRAPH_CACHE"] = str(cache)
        try:
            return work()
        finally:
            if before is None:
                del os.environ["RADIOGRAPH_CACHE"]
            else:
                os.environ["RADIOGRAPH_CACHE"] = before


def compiled_kernels() -> Path:
    """Where compiled kernels are: they are not results and need not be made again."""
    import numba
    import radiograph.nodes.imaging.kernels  # noqa: F401

    return Path(numba.config.CACHE_DIR)


def refresh(page: Path) -> None:
    """Write the outputs and figures of one page."""

    def work() -> str:
        text = refreshed(page.read_text("utf-8"))
        for made, name in FIGURES[page.name].items():
            shutil.copy(made, ROOT / "docs" / "figures" / name)
        return text

    page.write_text(in_scratch(work), "utf-8")
    sys.stdout.write(f"{page.relative_to(ROOT)}: run and written\n")


def resolution() -> None:
    """Fitted peak of the demo for ten seeds, both axes; the true source is at (0, 0)."""
    import numpy as np
    from radiograph.drivers import pipeline

    found: dict[str, list[tuple[float, float]]] = {"n": [], "g": []}
    for seed in range(1, 11):
        for _ in commands(console_output(f"$ radiograph init demo --overwrite --seed {seed}")):
            metrics = pipeline("imaging", "demo/phits_edep.toml").run("projection_metrics")
        for image, values in found.items():
            axes = metrics["projection_metrics"][image].axes
            fits = [axes[a] for a in "uv" if axes[a].fit_ok]
            values += [(m.fit_pos_cm, m.fit_pos_sigma_cm) for m in fits]
    for image, values in found.items():
        position, sigma = np.array(values).T
        spread = position.std(ddof=1)
        sys.stdout.write(
            f"{image}: bias {position.mean():+.2f} +- {spread / np.sqrt(len(position)):.2f} cm, "
            f"spread {spread:.2f} cm, error given by the fit {sigma.mean():.2f} cm "
            f"({len(position)} projections)\n"
        )


def demo() -> None:
    """The demo's four ways to see the same cones, in 256 colours."""
    from PIL import Image

    methods = "imaging.method=['weighted','mlem','point_fit']"
    run = f'radiograph run demo/phits_edep.toml --set "{methods}"'
    console_output(f"$ radiograph init demo\n$ {run}")
    picture = Image.open("demo/comparison_image.png").convert("RGB").quantize(256)
    picture.save(ROOT / "docs" / "figures" / "demo_comparison.png", optimize=True)


def cosmics() -> None:
    """The cut flow of 10,000 simulated cosmic rays, of which the veto misses two in a hundred."""
    simulated = "radiograph simulate cosmics . --events 10000 --seed 4 --veto-inefficiency 0.02"
    settings = (
        '[pipeline]\nname = "cosmics"\n[cuts]\ncutset = "SU2020b"\n[output]\nreport = false\n'
        '[io]\ninput_path = "nts.*.root"\noutput_path = "cosmics.h5"\n'
    )
    Path("cosmics.toml").write_text(settings, "utf-8")
    console_output(f"$ {simulated}\n$ radiograph run cosmics.toml")
    shutil.copy("cosmics_cut_flow.png", ROOT / "docs" / "figures" / "cosmics_cut_flow.png")


def light() -> None:
    """Four ADCs from event to event: a channel dies half-way, and a baseline moves at 80 %."""
    from PIL import Image
    from radiograph.drivers import pipeline
    from radiograph.nodes.sheets.drawing import sheet_png

    faults = "--fault dead:1/25@0.5-1.0 --fault baseline_move:2=6000@0.8-1.0"
    console_output(f"$ radiograph simulate lightdqm . --events 300 --adcs 4 --seed 5 {faults}")
    (source,) = (str(path) for path in Path().glob("*.hdf5"))
    settings = f'[pipeline]\nname = "lightdqm"\n[io]\ninput_path = "{source}"\n'
    Path("light.toml").write_text(settings, "utf-8")
    sheets = pipeline("lightdqm", "light.toml").run("verdict_pages")
    Path("history.png").write_bytes(sheet_png(sheets["verdict_pages"]["history"], 75.0))
    picture = Image.open("history.png").convert("RGB").quantize(64)
    picture.save(ROOT / "docs" / "figures" / "lightdqm_history.png", optimize=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["resolution"]:
        in_scratch(resolution)
    elif sys.argv[1:] == ["demo"]:
        in_scratch(demo)
    elif sys.argv[1:] == ["cosmics"]:
        in_scratch(cosmics)
    elif sys.argv[1:] == ["light"]:
        in_scratch(light)
    else:
        for path in PAGES:
            if path.name in sys.argv[1:] or not sys.argv[1:]:
                refresh(path)
