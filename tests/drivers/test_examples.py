"""Whole runs: the shipped configs on simulated sources, ngimager's own examples and tools.

``NGIMAGER_EXAMPLES`` names the folder ``examples`` of ngimager 1.2.1 (or its ``configs``),
``NGIMAGER_BIN`` the folder with its commands; without them those tests are left out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from radiograph.drivers.imaging.simulation import write_simulation
from radiograph.schemas.simulation import SimulationSettings
from scipy.ndimage import uniform_filter

Run = Callable[..., Any]

CONFIGS = Path(str(files("radiograph.configs")))
DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "imaging"
# Bars as the configs of the NOVO array number them: three crossed layers of four.
NOVO_M600 = {1, 3, 6, 8, 11, 13}
NOVO_BARS = [
    {
        "det_id": 4 * layer + k,
        "material": "M600" if 4 * layer + k in NOVO_M600 else "OGS",
        "center_cm": (0.0, u, 10.0 * layer) if layer == 1 else (u, 0.0, 10.0 * layer),
        "size_cm": (20.0, 1.2, 1.2) if layer == 1 else (1.2, 20.0, 1.2),
    }
    for layer in range(3)
    for k, u in enumerate((-9.0, -3.0, 3.0, 9.0))
]


@dataclass(frozen=True)
class Shipped:
    """What is simulated for a shipped config, and where its image should peak."""

    input: str
    peak_cm: tuple[float, float]
    simulation: dict[str, Any]
    images: tuple[str, ...] = ("n", "g", "all")
    within_cm: float = 4.0
    contrast: float = 1.8
    figures: tuple[str, ...] = ("n", "g", "all")


OFF_CENTRE = {"n_neutrons": 500, "n_gammas": 200, "seed": 5, "source": {"at_cm": (4, -6, 0)}}
NOVO_RUN = {
    "n_neutrons": 600,
    "n_gammas": 200,
    "seed": 5,
    "source": {"at_cm": (10, -10, -109.6)},
    "detector": {"bars": NOVO_BARS},
    "neutron_spectrum": {"energy_MeV": 14.8},
}
SHIPPED = {
    "phits_edep": Shipped("events.out", (4, -6), OFF_CENTRE),
    "fast_list": Shipped("events.out", (4, -6), OFF_CENTRE, figures=("all",)),
    "tof": Shipped(
        "events.out",
        (0, 0),
        {"n_neutrons": 500, "n_gammas": 0, "seed": 5, "source": {"shape": "line"}},
        images=("n", "all"),
        figures=("n",),
        within_cm=6.0,  # half the line and the resolution
        contrast=1.4,
    ),
    "novo_ddaq_fixeden": Shipped("events.root", (10, -10), NOVO_RUN, figures=("n",)),
    "novo_ddaq_point_fit": Shipped("events.root", (10, -10), NOVO_RUN, figures=("n",)),
    "novo_ddaq_elut": Shipped("events.root", (10, -10), NOVO_RUN, figures=("n",)),
}


def test_every_shipped_config_is_here() -> None:
    imaging = {
        path.stem
        for path in CONFIGS.glob("*.toml")
        if tomllib.loads(path.read_text()).get("pipeline", {}).get("name", "imaging") == "imaging"
    }
    assert set(SHIPPED) == imaging


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_config_shows_the_source(tmp_path: Path, radiograph: Run, name: str) -> None:
    case = SHIPPED[name]
    shutil.copy(CONFIGS / f"{name}.toml", tmp_path)
    simulation = SimulationSettings.model_validate(case.simulation)
    write_simulation(
        simulation, tmp_path / case.input, "root" if case.input.endswith("root") else "phits"
    )
    # Drawing is slow: all images of one config, one of the others.
    draw = ("--set", f"vis.species={list(case.figures)}")
    done = radiograph("run", tmp_path / f"{name}.toml", *draw, "--json")
    assert done.code == 0, done.err
    report = done.json
    assert report["problems"] == []
    assert report["warnings"] == []
    drawn = {f"{image}_image.png" for image in case.figures}
    assert {p.name for p in tmp_path.iterdir()} == {
        f"{name}.toml", case.input, "image.h5", *drawn
    }  # fmt: skip
    for figure in drawn:
        assert (tmp_path / figure).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    with h5py.File(tmp_path / "image.h5") as file:
        assert {"n", "g", "all"} & set(file["images/summed"]) == set(case.images)
        for image in case.images:
            assert file[f"images/summed/{image}"][()].any()
        offset, contrast = peak(file, case.peak_cm)
        assert offset < case.within_cm
        assert contrast > case.contrast
        assert ("footprint_pixels" in file["lm"]) == (name == "fast_list")


def peak(file: h5py.File, at: tuple[float, float]) -> tuple[float, float]:
    """Distance of the smoothed maximum from ``at``, and counts near it over those around it."""
    grid = file["meta"].attrs
    image = file["images/summed/all"][()].astype(float)
    u = grid["grid.u_min"] + grid["grid.du"] * (np.arange(grid["grid.nu"]) + 0.5)
    v = grid["grid.v_min"] + grid["grid.dv"] * (np.arange(grid["grid.nv"]) + 0.5)
    smooth = uniform_filter(image, round(9 / grid["grid.du"]), mode="constant")
    row, column = np.unravel_index(smooth.argmax(), smooth.shape)
    distance = np.hypot(*np.meshgrid(u - at[0], v - at[1]))
    around = (distance > 12) & (distance < 20)
    return float(distance[row, column]), float(image[distance < 4].mean() / image[around].mean())


# --- ngimager's examples and tools ----------------------------------------------------------

INPUTS = {
    "phits_usrdef_simple": "phits_simple.usrdef.out",
    "phits_usrdef_line": "phits_line.usrdef.out",
    "phits_usrdef_ring": "phits_line.usrdef.out",  # no file of a ring is at hand
    "novo_ptb": "ptb_dt14p8_a.root",
}


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the example configs, copied, with data at the paths they name."""
    named = os.environ.get("NGIMAGER_EXAMPLES")
    if not named:
        pytest.skip("NGIMAGER_EXAMPLES does not name the examples of ngimager 1.2.1")
    if not DATA.is_dir():
        pytest.skip("the published imaging data are not beside the checkout")
    source = Path(named)
    source = source.parent if (source / "novo_ptb.toml").exists() else source
    folder = tmp_path_factory.mktemp("ngimager") / "examples"
    shutil.copytree(source, folder)
    for name, data in INPUTS.items():
        io = tomllib.loads((folder / "configs" / f"{name}.toml").read_text("utf-8"))["io"]
        path = folder / "configs" / io["input_path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(DATA / data, path)
    return folder / "configs"


@pytest.fixture(scope="module")
def outputs(examples: Path, radiograph: Run) -> dict[str, Any]:
    """The report of each example, run as it is."""
    return {name: radiograph("run", examples / f"{name}.toml", "--json") for name in INPUTS}


@pytest.mark.parametrize("name", INPUTS)
def test_examples_of_ngimager_run_unmodified(outputs: dict[str, Any], name: str) -> None:
    done = outputs[name]
    assert done.code == 0, done.err
    report = done.json
    assert report["counters"]["cones_imaged_n"] > 80
    # A text file that the examples name and do not ship is the only problem.
    assert {p["kind"] for p in report["problems"]} <= {"missing_text_file"}
    assert Path(report["output"]).is_file()
    assert all(Path(figure).stat().st_size for figure in report["files"])
    with h5py.File(report["output"]) as file:
        assert file["images/summed/n"][()].any()


@pytest.fixture
def ngimager() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run one of ngimager's commands in the folder of a file."""
    named = os.environ.get("NGIMAGER_BIN")
    if not named:
        pytest.skip("NGIMAGER_BIN does not name the folder with the commands of ngimager 1.2.1")

    def run(command: str, *argv: object, cwd: Path) -> subprocess.CompletedProcess[str]:
        line = [str(Path(named) / command), *map(str, argv)]
        return subprocess.run(
            line, cwd=cwd, capture_output=True, text=True, check=False, timeout=120,
            env={**os.environ, "MPLBACKEND": "Agg"},
        )  # fmt: skip

    return run


@pytest.fixture(params=["phits_usrdef_simple", "novo_ptb", "own"])
def output(request: pytest.FixtureRequest, tmp_path: Path, radiograph: Run) -> Path:
    """An HDF5 file of ours: of two examples of ngimager, and of a list-mode run."""
    path = tmp_path / "out.h5"
    if request.param == "own":
        project = request.getfixturevalue("project")
        done = radiograph("run", project / "run.toml", "--list", "-o", path)
        assert done.code == 0, done.err
    else:
        outputs = request.getfixturevalue("outputs")
        shutil.copy(outputs[request.param].json["output"], path)
    return path


def test_ng_viz_draws_our_images(output: Path, ngimager: Run) -> None:
    done = ngimager("ng-viz", "summed", output, cwd=output.parent)
    if done.returncode == 2:  # a command with one subcommand takes no name of it
        done = ngimager("ng-viz", output, cwd=output.parent)
    if "u_centroid_cm" in done.stderr:
        # ng-viz 1.2.1 stops like this on every file, its own included, since it asks for no
        # projections; the function behind it draws with them.
        draw = "from ngimager.vis.hdf import render_summed_images as draw; "
        argv = ("-c", draw + f"draw({str(output)!r}, projections=True, show_centroid_2d=True)")
        done = ngimager("python", *argv, cwd=output.parent)
    assert done.returncode == 0, done.stderr
    drawn = {p.name for p in output.parent.glob("*.png")}
    assert drawn == {"n_out.png", "g_out.png", "all_out.png"}


def test_ng_inspect_traces_our_cones(output: Path, ngimager: Run) -> None:
    done = ngimager("ng-inspect", output, "--cone-index", 0, cwd=output.parent)
    assert done.returncode == 0, done.stderr
    with h5py.File(output) as file:
        event = file["cones/event_index"][0]
        detectors = file["lm/hit_det_id"][event]
        if "cone_pixel_indices" in file["lm"]:
            pixels = int(file["lm/cone_lit_pixels"][0])
            assert any(line.endswith(f": {pixels}") for line in done.stdout.splitlines())
    assert f"Event index   : {event} (neutron)" in done.stdout
    for k, det_id in enumerate(detectors[:2]):
        assert f"hit[{k}] det={det_id}," in done.stdout


def test_ng_hdf2root_converts_our_file(output: Path, ngimager: Run) -> None:
    done = ngimager("ng-hdf2root", output, "--overwrite", cwd=output.parent)
    assert done.returncode == 0, done.stderr
    assert output.with_suffix(".root").read_bytes()[:4] == b"root"
