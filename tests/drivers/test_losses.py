"""What takes a large share of a run is told: reason, share, detectors or values, repair."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from radiograph.drivers.imaging.flights import HitChecks
from radiograph.drivers.imaging.losses import large_losses
from radiograph.schemas.imaging.config import ImagingConfig
from radiograph.schemas.imaging.frames import HITS
from radiograph.schemas.tables import categories_of

Run = Callable[..., Any]

C_CM_NS = 29.9792458


def pairs(beta: float = 0.1, n: int = 50, species: int = 0) -> dict[str, Any]:
    """Columns of hits: n events of two hits, 10 cm apart, the later with little light."""
    t = np.arange(n) * 1000.0
    return {
        "event_id": np.repeat(np.arange(n), 2),
        "t_ns": np.stack([t, t + 10.0 / (C_CM_NS * beta)], axis=1).ravel(),
        "x_cm": np.tile([0.0, 10.0], n),
        "light_MeVee": np.tile([1.0, 1.5], n),
        "species": np.full(2 * n, species),
    }


def said(columns: dict[str, Any], **changes: Any) -> list[dict[str, Any]]:
    """Problems of hits in two detectors, 1 of OGS, 2 of an unknown material."""
    n = len(columns["event_id"])
    filled = {c.name: np.zeros(n) for c in HITS.columns} | columns
    filled["species"] = categories_of(filled["species"], ("n", "g", "unknown"))
    filled["det_id"] = np.tile([1, 2], n // 2)
    filled["material"] = categories_of(np.tile([0, 1], n // 2), ("OGS", "UNK"))
    config = ImagingConfig.model_validate(
        {
            "io": {"input_path": "a.out", "output_path": "b.h5"},
            "energy": {"strategy": changes.pop("strategy", "Edep")},
            "pipeline": {"until": "cones"},
        }
    )
    checks = HitChecks(config)
    checks.take(HITS.frame({c.name: filled[c.name] for c in HITS.columns}))
    return checks.problems("a.out", {})


@pytest.mark.parametrize(
    ("name", "factor", "unit"),
    [
        ("t_ns", 1e3, "times in ps"),
        ("t_ns", 1e-3, "times in us"),
        ("t_ns", 1e-6, "times in ms"),
        ("t_ns", 1e-9, "times in s"),
        ("x_cm", 10.0, "positions in mm"),
        ("x_cm", 0.01, "positions in m,"),
    ],
)
def test_the_unit_that_would_fit_is_named(name: str, factor: float, unit: str) -> None:
    columns = pairs(0.2)
    assert said(columns) == []
    (problem,) = said(columns | {name: columns[name] * factor})
    assert problem["kind"] == "flight_speed"
    assert problem["count"] == 50
    assert "(100 %)" in problem["message"]
    assert unit in problem["message"]


def test_gammas_alone_tell_the_unit_too() -> None:
    columns = pairs(1.0, species=1)
    assert said(columns) == []
    (problem,) = said(columns | {"t_ns": columns["t_ns"] * 1e3})
    assert "50 of 50 gamma flights" in problem["message"]
    assert "times in ps" in problem["message"]


def test_times_that_lost_their_digits_are_told() -> None:
    columns = pairs()
    late = (1e10 + columns["t_ns"]).astype(np.float32).astype(np.float64)
    (problem,) = said(columns | {"t_ns": late})
    assert problem["kind"] == "tof_not_positive"
    assert "steps of 1.02e+03 ns" in problem["message"]
    assert "64-bit" in problem["message"]
    assert said(columns | {"t_ns": 1e10 + columns["t_ns"]}) == []


def test_few_hits_say_nothing() -> None:
    assert said(pairs(1e-4, n=19)) == []


def test_detectors_without_light_response_are_named() -> None:
    (problem,) = said(pairs(), strategy="ELUT")
    assert problem["kind"] == "no_light_response"
    assert (
        '50 of 100 neutron hits (50 %) lie in detectors 2 of material "UNK"' in (problem["message"])
    )


def test_a_large_loss_is_told_with_share_and_repair() -> None:
    counters = {
        "candidates_total": 140, "candidates_total_n": 100, "candidates_total_g": 40,
        "candidates_rejected_faster_than_light_n": 31,
    }  # fmt: skip
    (text,) = large_losses(counters)
    assert "faster_than_light takes 31 of 100 neutron hypotheses (31 %)" in text
    assert "ns" in text
    assert not list(large_losses(counters, ("faster_than_light",)))
    assert not list(large_losses(counters | {"candidates_rejected_faster_than_light_n": 30}))
    assert not list(large_losses(counters | {"candidates_total_n": 19}))


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ("filters.hits.min_light_MeVee=1000", "threshold takes"),
        ("filters.events.tof_window_ns=[1e5, 1e6]", "tof_window takes"),
        ("filters.cones.max_incident_energy_MeV=1e-6", "incident_energy takes"),
        ("plane.origin=[0.0, 0.0, 1e5]", "direction takes"),
    ],
)
def test_each_stage_tells_its_loss(
    project: Path, radiograph: Run, settings: str, reason: str
) -> None:
    done = radiograph("run", project / "run.toml", "--set", settings, "--json", "-q")
    assert any(reason in text and " %)" in text for text in done.json["warnings"]), done.err
    assert f"warning: {reason}" in done.err


def test_a_healthy_run_has_no_warning(project: Path, radiograph: Run) -> None:
    done = radiograph("run", project / "run.toml", "--json")
    assert (done.json["warnings"], done.json["problems"]) == ([], [])


def in_ps(path: Path, times: Callable[[float], float]) -> None:
    """Change the times of a PHITS file: the sixth number of each hit."""
    lines = []
    for line in path.read_text().splitlines():
        head, *hits = line.split(";")
        if hits and not line.startswith("!"):
            parts = [p.split() for p in ";".join(hits).split(",")]
            for part in parts:
                if len(part) == 6:
                    part[5] = f"{times(float(part[5])):.6E}"
            line = head + ";" + " , ".join(" ".join(p) for p in parts)
        lines.append(line)
    # The file is shared by tests.
    path.unlink()
    path.write_text("\n".join(lines) + "\n")


def test_times_in_ps_are_told_everywhere(project: Path, radiograph: Run) -> None:
    in_ps(project / "events.out", lambda t: 1e3 * t)
    done = radiograph("run", project / "run.toml", "--json")
    (text,) = [w for w in done.json["warnings"] if w.startswith("flight_speed")]
    assert "times in ps, where ns are read" in text
    assert done.err.count("flight_speed:") == 1
    with h5py.File(project / "image.h5") as file:
        stored = json.loads(file["provenance/problems"].asstr()[()])
    assert [p["kind"] for p in stored] == ["flight_speed"]


def test_elut_without_materials_names_the_detectors(project: Path, radiograph: Run) -> None:
    toml = project / "run.toml"
    text = toml.read_text().replace('default_material = "OGS"', 'material_map = { 11 = "OGS" }')
    toml.write_text(text.replace('"Edep"', '"ELUT"'))
    done = radiograph("run", toml, "--json")
    texts = done.json["warnings"]
    (text,) = [w for w in texts if "no_light_response" in w]
    assert 'of material "UNK"' in text
    assert "neutron hypotheses" in text
    assert any("takes the deposited energies of a PHITS file" in w for w in texts)


def test_the_counts_of_ranges_add_up() -> None:
    columns = pairs(1e-4, n=12)
    assert said(columns) == []
    double = {k: np.concatenate([v, v]) for k, v in columns.items()}
    double["event_id"] = np.repeat(np.arange(24), 2)
    assert len(said(double)) == 1
