"""With perfect data every correctly ordered cone lights the pixel in which the source lies.

The simulation scatters exactly and writes every bit; the run reads its file, knows where the
source is and draws with ``kinematics = "exact"``. The truth table says what each event was. The
source stands at a pixel's centre, so that no root comes near an edge by rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from radiograph.drivers.imaging.session import open_session
from radiograph.drivers.imaging.simulation import simulation_settings, write_simulation
from radiograph.nodes.imaging.plane import plane_axes
from radiograph.schemas.imaging.codes import Recoil
from radiograph.schemas.imaging.config import ImagingConfig
from radiograph.schemas.imaging.images import Footprints
from radiograph.schemas.simulation import Resolution


@dataclass(frozen=True)
class Case:
    """A source, a plane through it and the pixel of which it is the centre."""

    source: tuple[float, float, float]
    normal: tuple[float, float, float]
    n_pixels: tuple[int, int]
    step_cm: tuple[float, float]
    pixel: tuple[int, int]

    @property
    def flat(self) -> int:
        return self.pixel[1] * self.n_pixels[0] + self.pixel[0]

    def plane(self) -> dict[str, Any]:
        """The origin is as far from the source as the pixel's centre from u = v = 0."""
        u_axis, v_axis = plane_axes(self.normal, None, None)
        low = [-0.5 * n * d for n, d in zip(self.n_pixels, self.step_cm, strict=True)]
        centre = [
            lo + (i + 0.5) * d for lo, i, d in zip(low, self.pixel, self.step_cm, strict=True)
        ]
        origin = np.array(self.source) - centre[0] * u_axis - centre[1] * v_axis
        return {
            "origin": origin.tolist(), "normal": list(self.normal),
            "u_min": low[0], "u_max": -low[0], "du": self.step_cm[0],
            "v_min": low[1], "v_max": -low[1], "dv": self.step_cm[1],
        }  # fmt: skip


CASES = {
    "centre of a floor": Case((0, 0, 0), (0, 0, 1), (101, 101), (1.0, 1.0), (50, 50)),
    "off centre, fine": Case((3.25, -7.5, 0), (0, 0, 1), (400, 300), (0.25, 0.5), (37, 211)),
    "tilted": Case((12.0, 5.0, -3.0), (0.3, -0.5, 0.8), (80, 60), (0.7, 1.3), (11, 45)),
    "steep, beside the detector": Case(
        (60.0, -40.0, 110.0), (0.9, -0.6, 0.05), (200, 100), (0.5, 0.5), (150, 20)
    ),
    "along the line of sight": Case((0, 8, 20), (1, 0, 0), (50, 70), (2.0, 1.0), (25, 30)),
    "one pixel": Case((5, 5, 5), (0.1, 0.2, 1), (1, 1), (0.1, 0.1), (0, 0)),
    "tiny pixels": Case((-4, 2, 1), (0, 0.3, 1), (301, 301), (1e-3, 1e-3), (150, 7)),
    "corner of a large grid": Case(
        (-20, 30, -50), (-0.2, 0.1, 1), (1500, 1000), (0.4, 0.6), (0, 999)
    ),
}


def simulated(case: Case, folder: Path) -> tuple[Path, pd.DataFrame]:
    settings = simulation_settings(
        {
            "n_neutrons": 1500,
            "n_gammas": 500,
            "seed": 7,
            "source": {"at_cm": case.source},
            "resolution": Resolution.perfect(),
        }
    )
    out, truth = folder / "simulated.out", folder / "truth.csv"
    write_simulation(settings, out, "phits", truth)
    return out, pd.read_csv(truth, keep_default_na=False, na_values=[""])


def run(case: Case, out: Path, **sections: Any) -> dict[str, Any]:
    config = ImagingConfig.model_validate(
        {
            "run": {"list": True, "workers": 2},
            "energy": {"strategy": "Edep"},
            "prior": {"type": "point", "point": list(case.source)},
            "cones": {"kinematics": "exact", "directionality": "off"},
            "plane": case.plane(),
            **sections,
        }
    )
    return open_session(config, out, out.parent).run(
        ["selected_cones", "footprints", "summed_images"]
    )


def lights(footprints: Footprints, n_cones: int, pixels: set[int]) -> np.ndarray:
    """Which cones light one of the pixels."""
    cone = np.repeat(np.arange(n_cones), np.diff(footprints.offsets.astype(np.int64)))
    found = np.zeros(n_cones, bool)
    found[cone[np.isin(footprints.pixels, list(pixels))]] = True
    return found


def as_the_truth(cones: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """The cones with ``proton``, ``gamma``: that hypothesis, and it is what happened."""
    true = truth.iloc[cones["event_id"].to_numpy()].reset_index(drop=True)
    assert (true["event_id"].to_numpy() == cones["event_id"].to_numpy()).all()
    ordered = np.ones(len(cones), bool)
    for k in (1, 2, 3):
        there = (true[f"hit_of_scatter{k}"] >= 0).to_numpy()
        same = (true[f"hit_of_scatter{k}"] == cones[f"hit_order_{k}"]).to_numpy()
        ordered &= same | ~there
    neutron = (cones["species"] == "n").to_numpy() & (true["species"] == "n").to_numpy()
    struck, taken = true["recoil_code"].to_numpy(), cones["recoil_code"].to_numpy()
    return cones.assign(
        proton=neutron & ordered & (struck == Recoil.proton) & (taken == Recoil.proton),
        gamma=(cones["species"] == "g").to_numpy() & ordered,
        true_theta_rad=true["theta_rad"],
    )


@pytest.mark.parametrize("name", CASES)
def test_every_correctly_ordered_cone_lights_the_source_pixel(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    out, truth = simulated(case, tmp_path)
    found = run(case, out)
    cones = as_the_truth(found["selected_cones"], truth)
    lit = lights(found["footprints"], len(cones), {case.flat})
    assert cones["proton"].sum() == (truth["recoil_code"] == Recoil.proton).sum() > 1000
    assert cones["gamma"].sum() == (truth["species"] == "g").sum() == 500
    theta = cones["theta_rad"].to_numpy()
    right = (cones["proton"] | cones["gamma"]).to_numpy()
    np.testing.assert_allclose(theta[right], cones["true_theta_rad"][right], atol=1e-10)
    assert lit[cones["proton"]].mean() == 1.0
    assert lit[cones["gamma"]].mean() == 1.0
    images = found["summed_images"]
    column, row = case.pixel
    assert images.all[row, column] == lit.sum()
    assert images.all[row, column] == images.n[row, column] + images.g[row, column]


def test_the_source_shows_in_the_image_alone(tmp_path: Path) -> None:
    case = CASES["tilted"]
    out, _ = simulated(case, tmp_path)
    image = run(case, out)["summed_images"].all
    assert np.unravel_index(image.argmax(), image.shape) == (case.pixel[1], case.pixel[0])


def test_a_source_at_an_edge_lights_a_pixel_beside_it(tmp_path: Path) -> None:
    """A root within 1e-9 cm of an edge counts as inside: one of the four pixels is lit."""
    case = CASES["tilted"]
    out, truth = simulated(case, tmp_path)
    plane = case.plane()
    for key in ("u", "v"):
        step = plane[f"d{key}"]
        plane[f"{key}_min"] -= 0.5 * step
        plane[f"{key}_max"] -= 0.5 * step
    found = run(case, out, plane=plane)
    cones = as_the_truth(found["selected_cones"], truth)
    nu = case.n_pixels[0]
    around = {case.flat + du + nu * dv for du in (0, 1) for dv in (0, 1)}
    lit = lights(found["footprints"], len(cones), around)
    assert lit[cones["proton"] | cones["gamma"]].mean() > 0.95


def test_classical_kinematics_miss_a_fine_pixel(tmp_path: Path) -> None:
    """The other choice is wrong by 2 mrad: the test above would see it."""
    case = CASES["off centre, fine"]
    out, truth = simulated(case, tmp_path)
    found = run(case, out, cones={"kinematics": "classical", "directionality": "off"})
    cones = as_the_truth(found["selected_cones"], truth)
    lit = lights(found["footprints"], len(cones), {case.flat})
    assert lit[cones["proton"]].mean() < 0.9
    assert lit[cones["gamma"]].mean() == 1.0
