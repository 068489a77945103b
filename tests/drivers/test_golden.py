"""Every dataset of a run of each shipped config, and what the commands answer with --json.

Whole numbers and texts are compared by hash; floating-point columns by sums with weights that
tell rows apart, since the last bit of a sine is the processor's. Within one machine every cut of
the data into parts, here or on workers, gives the same bits.

``python -m pytest tests/drivers/test_golden.py --golden`` writes the records anew: only where a
change of results is meant.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import xxhash
from radiograph.drivers.imaging.simulation import write_simulation
from radiograph.drivers.lightdqm.simulation import write_light_simulation
from radiograph.drivers.runfile.verifying import dataset_hashes
from radiograph.schemas.light_simulation import LightSimulationSettings
from radiograph.schemas.simulation import SimulationSettings

from .golden_answers import assert_as_answered

pytestmark = pytest.mark.slow

Run = Callable[..., Any]

CONFIGS = Path(str(files("radiograph.configs")))
RECORDS = Path(__file__).parent / "golden"
SMALL = {"n_neutrons": 160, "n_gammas": 60, "seed": 5, "source": {"at_cm": (4, -6, 0)}}
IMAGING = {
    "phits_edep": ("events.out", SMALL),
    "fast_list": ("events.out", SMALL),
    "tof": ("events.out", {**SMALL, "n_gammas": 0}),
    "novo_ddaq_fixeden": ("events.root", SMALL),
    "novo_ddaq_elut": ("events.root", SMALL),
}
# Of the making, not of the result: what verify leaves out, and the layout of the record.
NOT_COMPARED = ("/meta", "/provenance")
LIGHT = LightSimulationSettings.model_validate({"n_events": 40, "n_adcs": 2, "seed": 7})


def compared(path: Path) -> dict[str, str]:
    """Hash of every dataset of results."""
    with h5py.File(path) as file:
        found = dataset_hashes(file)
    return {name: value for name, value in found.items() if not name.startswith(NOT_COMPARED)}


def recorded(path: Path) -> dict[str, list[Any]]:
    """Kind, shape and content of every dataset of results, to be compared on any machine."""
    found: dict[str, list[Any]] = {}
    with h5py.File(path) as file:
        for name in compared(path):
            values = np.asarray(file[name][()])
            if name.endswith("/fit_reason"):
                # Why a fit is not believed follows its numbers, which libraries do not share.
                values = np.asarray("there" if file[name].asstr()[()] else "")
            found[name] = [values.dtype.kind, list(values.shape), content(values)]
    return found


def content(values: np.ndarray) -> Any:
    if values.dtype.kind == "f":
        flat = values.astype(np.float64).ravel()
        seen = np.where(np.isfinite(flat), flat, 0.0)
        weights = 1 + np.arange(len(flat)) % 97
        return [int(np.isnan(flat).sum()), float(seen.sum()), float(seen @ weights)]
    if values.dtype.kind == "V":
        return {name: content(values[name]) for name in values.dtype.names or ()}
    if values.dtype.kind in "OS":
        texts = [t if isinstance(t, bytes) else str(t).encode() for t in values.ravel()]
        return xxhash.xxh3_128(b"\0".join(texts)).hexdigest()
    return xxhash.xxh3_128(np.ascontiguousarray(values)).hexdigest()


def assert_as_recorded(name: str, found: dict[str, list[Any]], renew: bool) -> None:
    path = RECORDS / f"{name}.json"
    if renew:
        lines = [f" {json.dumps(k)}: {json.dumps(v)}" for k, v in sorted(found.items())]
        path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    known = json.loads(path.read_text())
    assert found.keys() == known.keys()
    for dataset, (kind, shape, value) in known.items():
        assert found[dataset][:2] == [kind, shape], dataset
        if kind == "f":
            assert found[dataset][2] == pytest.approx(value, rel=1e-9, abs=1e-9), dataset
        else:
            assert found[dataset][2] == value, dataset


def asked(radiograph: Run, config: Path, node: str, output: Path) -> dict[str, dict[str, Any]]:
    """What the commands that compute nothing answer about a config and the output of its run."""
    return {
        "info": radiograph("info", output, "--json").json,
        "nodes": radiograph("nodes", config, "--json").json,
        "explain": radiograph("explain", node, config, "--json").json,
        "check": radiograph("check", config, "--json").json,
    }


@pytest.fixture(scope="module")
def renew(pytestconfig: pytest.Config) -> bool:
    return bool(pytestconfig.getoption("--golden"))


@pytest.mark.parametrize("name", IMAGING)
def test_imaging_is_as_recorded_for_any_cut(
    tmp_path: Path, radiograph: Run, scheduler: str, name: str, renew: bool
) -> None:
    source, simulation = IMAGING[name]
    shutil.copy(CONFIGS / f"{name}.toml", tmp_path)
    kind = "root" if source.endswith("root") else "phits"
    write_simulation(SimulationSettings.model_validate(simulation), tmp_path / source, kind)

    config, output = tmp_path / f"{name}.toml", tmp_path / "image.h5"

    def ran(parts: int, *more: str) -> tuple[dict[str, str], dict[str, Any]]:
        done = radiograph(
            "run", config, "--json", "--no-cache", "--overwrite", *more,
            "--set", f"run.chunk_events={-(-n_events // parts)}",
            "--set", "vis.export_png_on_write=false",
        )  # fmt: skip
        assert done.code == 0, done.err
        return compared(output), done.json

    n_events = simulation["n_neutrons"] + simulation["n_gammas"]
    whole, answer = ran(1)
    assert_as_recorded(name, recorded(output), renew)
    answers = {"run": answer, **asked(radiograph, config, "selected_cones", output)}
    assert_as_answered(RECORDS / f"{name}_answers.json", answers, tmp_path, renew)
    assert ran(11)[0] == whole
    assert ran(3, "--executor", "dask", "--scheduler", scheduler)[0] == whole


@pytest.mark.usefixtures("quickly_drawn")
@pytest.mark.parametrize("n_files", [1, 3])
def test_light_is_as_recorded(tmp_path: Path, radiograph: Run, n_files: int, renew: bool) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for k in range(n_files):
        settings = LIGHT.model_copy(update={"seed": LIGHT.seed + k, "run": LIGHT.run + k})
        write_light_simulation(settings, data)
    shutil.copy(CONFIGS / "lightdqm.toml", tmp_path)
    every = ("--set", "lightdqm.nfiles=-1")
    config = tmp_path / "lightdqm.toml"
    done = radiograph("run", config, "--json", "--no-cache", *every)
    assert done.code in (0, 4), done.err
    outputs = sorted(tmp_path.rglob("*.h5"))
    assert len(outputs) == n_files
    for k, path in enumerate(outputs):
        assert_as_recorded(f"lightdqm_{n_files}_{k}", recorded(path), renew)
    answers = {"run": done.json, **asked(radiograph, config, "dqm_verdict", outputs[0])}
    assert_as_answered(RECORDS / f"lightdqm_{n_files}_answers.json", answers, tmp_path, renew)
