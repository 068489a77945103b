"""The published simulation of a line source: its length comes out of the image of cones.

Source of the numbers: specification of the reconstruction, section 13, measured there with an
independent prototype: centroid (4.06, 3.03) cm, rms 1.09 and 0.65 cm; the line is centred at
z = 4 and y = 3 cm, and goes along y.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from radiograph.drivers.imaging.inputs import graph_inputs
from radiograph.drivers.imaging.session import open_session
from radiograph.nodes.imaging.image_maximisation import ImageProblem, image_fit
from radiograph.schemas.imaging.config import ImagingConfig
from radiograph.schemas.imaging.uncertainty import ExpectationSettings

IMAGING = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "imaging"
pytestmark = [
    pytest.mark.skipif(
        not IMAGING.is_dir(), reason="the published imaging data are not beside the checkout"
    ),
    pytest.mark.slow,
]
SIGMA_RAD = 0.02
# Cones of events that no line explains fill the edges of the plane.
NEAR_CM = 8.0
SETTINGS: dict[str, Any] = {
    "run": {"source_type": "phits", "gammas": False},
    "io": {"input_path": "x", "input_format": "phits_usrdef", "output_path": "o.h5"},
    "detectors": {"material_map": dict.fromkeys((11, 12, 13, 21, 22, 23), "OGS")},
    "plane": {
        "origin": [0, 0, 0],
        "normal": [1, 0, 0],
        "u_axis": [0, 0, 1],
        "v_axis": [0, 1, 0],
        "u_min": -16,
        "u_max": 24,
        "du": 0.4,
        "v_min": -17,
        "v_max": 23,
        "dv": 0.4,
    },
    "energy": {"strategy": "Edep"},
    "cones": {"kinematics": "exact"},
    "imaging": {"method": "mlem"},
    "reconstruction": {"energy_window_MeV": [12.0, 16.0]},
}


def test_a_line_is_a_line() -> None:
    config = ImagingConfig.model_validate(SETTINGS)
    session = open_session(config, IMAGING / "phits_line.usrdef.out", IMAGING)
    cones = session.run(["cone_mixture"])["cone_mixture"]
    # The simulation has no resolution; this is about what a pixel and the bars are.
    cones = replace(cones, sigma_rad=np.full(len(cones.sigma_rad), SIGMA_RAD))
    given = graph_inputs(config, IMAGING).values
    grid = given["pixel_grid"]
    problem = ImageProblem(
        cones, given["plane_frame"], grid, ExpectationSettings(iterations=100), 2
    )
    image = image_fit(problem, "n").pixels
    z, y = np.meshgrid(grid.u_centers_cm, grid.v_centers_cm)
    weight = np.where(np.hypot(z - 4.0, y - 3.0) < NEAR_CM, image, 0.0) / image.sum()
    weight /= weight.sum()
    centre = np.array([(weight * z).sum(), (weight * y).sum()])
    rms = np.sqrt([(weight * (a - c) ** 2).sum() for a, c in zip((z, y), centre, strict=True)])
    # Seen: (4.07, 2.99), 0.65 and 1.11 cm.
    assert centre == pytest.approx([4.0, 3.0], abs=0.3)
    assert rms[1] / rms[0] >= 1.4
    assert rms[1] > 0.9
