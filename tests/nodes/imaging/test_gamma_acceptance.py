"""Acceptance of gamma rays: squares of the distance, symmetry, thresholds; what emission makes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from radiograph.nodes.imaging import gamma_acceptance, reconstruction
from radiograph.schemas.imaging.frames import GAMMA_FILTERED, WEIGHTED_CONES
from radiograph.schemas.imaging.images import PlaneFrame
from radiograph.schemas.imaging.reconstructed import DensityImages
from radiograph.schemas.imaging.uncertainty import Uncertainty

from .test_calibration import N_BARS, array
from .test_point_fit import FRAME, GRID, toy

RESOLUTION = Uncertainty(energy={"a": 0.1})
WIDE = replace(GRID, u_min_cm=-60.0, v_min_cm=-60.0, nu=24, nv=24, du_cm=5.0, dv_cm=5.0)


def struck(light: float, **columns: Any) -> pd.DataFrame:
    """Triples of every bar with this least light."""
    n = N_BARS
    data: dict[str, Any] = {name: np.zeros(n) for name in GAMMA_FILTERED.names}
    for k in (1, 2, 3):
        data |= {
            f"det_id{k}": (np.arange(n) + k) % n,
            f"light{k}_MeVee": np.full(n, light),
            f"material{k}": pd.Categorical(["OGS"] * n),
        }
    return GAMMA_FILTERED.frame({**data, **columns})


def hypotheses(energy_MeV: float, n: int = 5) -> pd.DataFrame:
    columns = dict.fromkeys(WEIGHTED_CONES.names, np.ones(n))
    numbers = {"event_index": np.arange(n), "recoil_code": np.zeros(n)}
    energies = {"incident_energy_MeV": np.full(n, energy_MeV)}
    return WEIGHTED_CONES.frame({**columns, **numbers, **energies})


def ln_s(
    energy_MeV: float = 4.44,
    light: float = 0.1,
    frame: PlaneFrame = FRAME,
    sensitivity: str = "mc",
    bars: pd.DataFrame | None = None,
) -> np.ndarray:
    told = (array() if bars is None else bars, RESOLUTION, frame, WIDE, sensitivity)
    return gamma_acceptance.gamma_sensitivity_map(hypotheses(energy_MeV), struck(light), *told)


def test_its_mean_on_the_plane_is_one_and_it_is_smooth() -> None:
    found = ln_s()
    assert found.shape == WIDE.shape
    assert np.exp(found).mean() == pytest.approx(1.0)
    assert np.abs(np.diff(found, axis=0)).max() < 0.2
    assert np.abs(np.diff(found, n=2, axis=0)).max() < 0.05


def test_the_mirror_image_of_an_array_sees_the_mirror_image_of_places() -> None:
    """As well as seeded ways allow: other seeds differ by as much."""
    bars = array()
    mirrored = bars.assign(centre_x_cm=-bars["centre_x_cm"])
    off = ln_s(bars=mirrored) - ln_s()[:, ::-1]
    assert np.abs(off).max() < 0.1


def test_far_away_only_the_distance_counts() -> None:
    """Rays are parallel there: s falls with the squares of the distances."""
    far = replace(FRAME, origin_cm=(0.0, 0.0, -5_000.0))
    found = ln_s(frame=far)
    assert np.ptp(found) < 0.03


def test_higher_thresholds_leave_fewer_and_least_ones_all() -> None:
    bars, events = array(), struck(0.1)
    told = (bars, hypotheses(4.44))
    source = np.array([10.0, -8.0, -100.0])
    seen = []
    for light in (1e-6, 0.05, 0.1):
        triples = gamma_acceptance._triples(*told, struck(light), RESOLUTION)
        seen.append(triples.seen_from(source))
    assert seen[0] > seen[1] > seen[2] > 0.0
    # Hand formula without thresholds: Klein-Nishina twice over the squares of all three ways.
    free = gamma_acceptance._triples(*told, events.assign(**lights(1e-9)), RESOLUTION)
    come = free.first_cm - source
    squared = (come**2).sum(axis=1)
    cosine = (come * free.onward).sum(axis=1) / np.sqrt(squared)
    m = 0.51099895
    after = 4.44 / (1.0 + 4.44 / m * (1.0 - cosine))

    def formula(before: np.ndarray, left: np.ndarray, cos: np.ndarray) -> np.ndarray:
        p = left / before
        return p**2 * (p + 1.0 / p - (1.0 - cos**2))

    left = after / (1.0 + after / m * (1.0 - free.cosine))
    first = formula(np.full(len(after), 4.44), after, cosine)
    second = formula(after, left, free.cosine)
    expected = (free.weight * first * second / squared).sum()
    assert free.seen_from(source) == pytest.approx(expected, rel=1e-6)


def test_the_third_deposit_is_anything_up_to_its_compton_edge() -> None:
    source = np.array([10.0, -8.0, -100.0])
    ways = gamma_acceptance._triples(array(), hypotheses(4.44), struck(1e-9), RESOLUTION)
    least = ways.least_MeV.copy()
    least[2] = 0.1
    one = replace(
        ways, **{name: getattr(ways, name)[:1] for name in PER_WAY}, least_MeV=least[:, :1]
    )
    free = replace(one, least_MeV=ways.least_MeV[:, :1])
    come = (one.first_cm - source)[0]
    cosine = come @ one.onward[0] / np.linalg.norm(come)
    m = 0.51099895
    after = 4.44 / (1.0 + 4.44 / m * (1.0 - cosine))
    left = after / (1.0 + after / m * (1.0 - one.cosine[0]))
    # The edge of Compton scattering: E / (1 + m / 2 E).
    share = max(1.0 - 0.1 / (left / (1.0 + m / (2.0 * left))), 0.0)
    assert 0.0 < share < 1.0
    assert one.seen_from(source) == pytest.approx(share * free.seen_from(source))


PER_WAY = ("first_cm", "onward", "cosine", "weight", "energy_MeV")


def test_ways_count_with_the_squares_of_both_lengths() -> None:
    """An array twice as large has all ways twice as long: a sixteenth of the weight."""
    bars = array()
    lengths = ["centre_x_cm", "centre_y_cm", "centre_z_cm", "half_length_cm"]
    large = bars.assign(**{name: 2.0 * bars[name] for name in lengths})
    wide = Uncertainty(sigma_transverse_cm=2.0 * RESOLUTION.sigma_transverse_cm)
    events, cones = struck(0.1), hypotheses(4.44)
    own = gamma_acceptance._triples(bars, cones, events, RESOLUTION)
    other = gamma_acceptance._triples(large, cones, events, wide)
    # Ways shorter than 3 cm count as that long.
    assert np.median(own.weight / other.weight) == pytest.approx(16.0)


def lights(value: float) -> dict[str, np.ndarray]:
    return {f"light{k}_MeVee": np.full(N_BARS, value) for k in (1, 2, 3)}


def test_what_is_not_counted_is_flat() -> None:
    assert not ln_s(sensitivity="flat").any()
    assert not ln_s(bars=array().head(2)).any()
    told = (struck(0.1), array(), RESOLUTION, FRAME, WIDE, "mc")
    assert not gamma_acceptance.gamma_sensitivity_map(hypotheses(4.4, 0), *told).any()


def test_emission_is_the_image_over_what_passes() -> None:
    shape = GRID.shape
    n, g = np.full(shape, 2.0), np.full(shape, 3.0)
    of_n, of_g = np.full(shape, np.log(2.0)), np.full(shape, np.log(0.5))
    images = DensityImages(GRID, n, g, n + g)
    unknown = toy(1, 20, 0)
    known = replace(unknown, acceptance=object())
    found = reconstruction.emission_images(images, of_n, of_g, known)
    assert {k: float(v[0, 0]) for k, v in found.items()} == pytest.approx(
        {"n": 1.0, "g": 6.0, "all": 7.0}
    )
    # Neutrons of unknown energy have no acceptance: neither have both together.
    assert list(reconstruction.emission_images(images, of_n, of_g, unknown)) == ["g"]
    alone = DensityImages(GRID, None, g, g)
    assert list(reconstruction.emission_images(alone, of_n, of_g, unknown)) == ["g", "all"]
    none = DensityImages(GRID, n, None, n)
    assert reconstruction.emission_images(none, of_n, of_g, unknown) == {}
