"""Pairs of a perfect array: what the calibration of bars finds in them is its own bias.

A neutron comes from one point, scatters on a proton in one bar and flies on to another; place, time
and light are smeared by their resolutions, and cut where those of the data end. Slower neutrons
come from everywhere: as many as the data have of pairs that are late against their light. They
count: without them the gains of a perfect array are up to 0.1 lower. Plain functions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from ...schemas.arrays import F8, I8, Mask
from ...schemas.imaging.calibration import BAR_CALIBRATION, PAIRS, SOURCES
from ...schemas.imaging.uncertainty import Uncertainty
from ...schemas.tables import categories_of
from ..constants import NEUTRON_MASS_MEV, SPEED_OF_LIGHT_CM_PER_NS
from .bar_constants import late_and_prompt
from .recoil_light import (
    recoil_energies_of_light,
    recoil_light_MeVee,
    recoil_light_sigma_MeVee,
)
from .resolutions import time_sigma_ns

# More draws than pairs are wanted: few points lie where a scatter would go.
DRAWS_A_ROUND: Final = 500_000
MOST_ROUNDS: Final = 40
# So many pairs of slow neutrons are believed for each one of the source, no more.
MOST_BACKGROUND: Final = 3.0
# A pair that is nearer is as likely as one at this distance.
NEAREST_CM: Final = 3.0
FEWEST_BARS: Final = 2


def simulated_pairs(
    pairs: pd.DataFrame,
    bars: pd.DataFrame,
    light_response: pd.DataFrame,
    incident_MeV: float,
    source_cm: F8,
    uncertainty: Uncertainty,
    n_pairs: int,
    seed: int,
    late: float = 0.0,
) -> pd.DataFrame:
    """ScatterPairs of a perfect array whose light and flight lie where those of ``pairs`` do.

    Seeded; ``n_pairs``, or fewer where the geometry does not allow them. ``late`` is the share
    bar_constants.late_share of the data, which pairs of slower neutrons bring about.
    """
    if len(pairs) == 0 or len(_array_of(pairs, bars).axis) < FEWEST_BARS:
        return PAIRS.empty()
    streams = [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(2)]
    origins = one_source(incident_MeV, source_cm)
    read = (pairs, bars, light_response, uncertainty)
    signal = pairs_of_neutrons(*read, origins, n_pairs, streams[0])
    perfect = (perfect_constants(bars), bars, light_response, incident_MeV)
    n_late, n_prompt = late_and_prompt(signal, *perfect)
    if late * n_prompt <= n_late:
        return signal
    least = _least_energy_MeV(pairs, light_response, incident_MeV)
    middle = bars[["centre_x_cm", "centre_y_cm", "centre_z_cm"]].to_numpy().mean(axis=0)
    distance = float(np.linalg.norm(source_cm - middle))
    slower = everywhere((least, incident_MeV), middle, distance)
    slow = pairs_of_neutrons(*read, slower, n_pairs // 2, streams[1])
    slow_late, slow_prompt = late_and_prompt(slow, *perfect)
    wanted = _background_per_signal(
        (n_late / len(signal), n_prompt / len(signal)),
        (slow_late / max(len(slow), 1), slow_prompt / max(len(slow), 1)),
        late,
    )
    n_signal = int(min(n_pairs / (1.0 + wanted), len(signal), len(slow) / max(wanted, 1e-9)))
    parts = [signal.head(n_signal), slow.head(round(wanted * n_signal))]
    return pd.concat(parts, ignore_index=True)


# Energies (n,) and birth places (n, 3) of so many neutrons.
Origins = Callable[[np.random.Generator, int], tuple[F8, F8]]


def one_source(energy_MeV: float, source_cm: F8) -> Origins:
    """Neutrons of one energy from one point."""
    return lambda _rng, n: (np.full(n, energy_MeV), np.broadcast_to(source_cm, (n, 3)))


def everywhere(energies_MeV: tuple[float, float], middle_cm: F8, distance_cm: float) -> Origins:
    """Neutrons of energies between two, from all directions, far from the middle of the array."""

    def born(rng: np.random.Generator, n: int) -> tuple[F8, F8]:
        direction = rng.normal(size=(n, 3))
        direction /= np.linalg.norm(direction, axis=1)[:, None]
        return rng.uniform(*energies_MeV, n), middle_cm + distance_cm * direction

    return born


def pairs_of_neutrons(
    pairs: pd.DataFrame,
    bars: pd.DataFrame,
    light_response: pd.DataFrame,
    uncertainty: Uncertainty,
    origins: Origins,
    n_pairs: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """ScatterPairs of neutrons with some ``origins``, light and flight as in ``pairs``."""
    array = _array_of(pairs, bars)
    parts: list[pd.DataFrame] = []
    found = 0
    for _ in range(MOST_ROUNDS):
        energy, place = origins(rng, DRAWS_A_ROUND)
        part = _scattered(array, light_response, energy, place, uncertainty, rng)
        parts.append(part.loc[_is_seen(part, pairs)])
        found += len(parts[-1])
        if found >= n_pairs:
            break
    return pd.concat(parts, ignore_index=True).head(n_pairs)


def perfect_constants(bars: pd.DataFrame) -> pd.DataFrame:
    """BarCalibration of bars that need none."""
    n = len(bars)
    return BAR_CALIBRATION.frame(
        {
            "det_id": bars["det_id"],
            "along_offset_cm": np.zeros(n),
            "time_offset_ns": np.zeros(n),
            "time_walk_ns": np.zeros(n),
            "light_gain": np.ones(n),
            "along_offset_sigma_cm": np.full(n, np.nan),
            "time_offset_sigma_ns": np.full(n, np.nan),
            "time_walk_sigma_ns": np.full(n, np.nan),
            "light_gain_sigma": np.full(n, np.nan),
            "n_events": np.zeros(n, np.int64),
            "source": categories_of(np.full(n, SOURCES.index("none"), np.int8), SOURCES),
        }
    )


def _background_per_signal(
    signal: tuple[float, float], slow: tuple[float, float], late: float
) -> float:
    """Pairs of slow neutrons a pair of the source that make the share of late pairs ``late``.

    Of each kind the fractions that are late and prompt; at most as many as are believed.
    """
    # (l_s + w l_b) = late (p_s + w p_b), with w pairs of slow neutrons a pair of the source.
    gained = slow[0] - late * slow[1]
    if gained <= 0.0:
        return MOST_BACKGROUND
    return min((late * signal[1] - signal[0]) / gained, MOST_BACKGROUND)


def _least_energy_MeV(
    pairs: pd.DataFrame, light_response: pd.DataFrame, incident_MeV: float
) -> float:
    """The energy below which no neutron gives the least light of both hits; never above E0."""
    least = 0.0
    for hit, material in ((1, "material"), (2, "material2")):
        light = np.full(len(pairs), 0.8 * pairs[f"light{hit}_MeVee"].min())
        energy, _ = recoil_energies_of_light(light, pairs[material], "proton", light_response)
        least += float(np.nanmin(energy)) if np.isfinite(energy).any() else 0.0
    return min(least, 0.9 * incident_MeV)


@dataclass(frozen=True)
class _Array:
    """The bars: numbers, centres and unit vectors (n, 3), half lengths, material categories."""

    det_id: I8
    centre_cm: F8
    axis: F8
    half_length_cm: F8
    material: I8
    materials: tuple[str, ...]


def _array_of(pairs: pd.DataFrame, bars: pd.DataFrame) -> _Array:
    """The bars of some pairs, with the material of each."""
    names = tuple(str(name) for name in pairs["material"].cat.categories)
    columns = (("det_id1", "material"), ("det_id2", "material2"))
    ids = np.concatenate([pairs[det_id].to_numpy() for det_id, _ in columns])
    codes = np.concatenate([pairs[material].cat.codes.to_numpy() for _, material in columns])
    of_bar = pd.Series(codes, ids).groupby(level=0).first()
    mine = bars.loc[bars["det_id"].isin(of_bar.index)]
    return _Array(
        mine["det_id"].to_numpy(),
        mine[["centre_x_cm", "centre_y_cm", "centre_z_cm"]].to_numpy(),
        mine[["axis_x", "axis_y", "axis_z"]].to_numpy(),
        mine["half_length_cm"].to_numpy(),
        of_bar.loc[mine["det_id"]].to_numpy(np.int8),
        names,
    )


def _scattered(
    array: _Array,
    light_response: pd.DataFrame,
    incident_MeV: F8,
    source_cm: F8,
    uncertainty: Uncertainty,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Double scatters on protons in the bars, read as the array reads them."""
    n_bars = len(array.axis)
    first = rng.integers(0, n_bars, DRAWS_A_ROUND)
    second = (first + rng.integers(1, n_bars, DRAWS_A_ROUND)) % n_bars
    (true1, read1), (true2, read2) = (
        _points(array, bar, uncertainty, rng) for bar in (first, second)
    )
    onward, incoming = true2 - true1, true1 - source_cm
    distance = np.linalg.norm(onward, axis=1)
    come = np.linalg.norm(incoming, axis=1)
    cosine = (onward * incoming).sum(axis=1) / (distance * come)
    # Elastic scatter on a proton of the same mass: E' = E cos^2 theta, dN / dOmega ~ cos theta, and
    # solid angles that fall with the squares of both distances.
    solid_angles = (np.minimum(NEAREST_CM / distance, 1.0) * come.min(initial=np.inf) / come) ** 2
    chance = np.clip(cosine, 0.0, 1.0) * solid_angles
    goes = rng.random(len(chance)) < chance
    first, second = first[goes], second[goes]
    distance, cosine = distance[goes], cosine[goes]
    incident = incident_MeV[goes]
    scattered = incident * cosine**2
    total = 1.0 + scattered / NEUTRON_MASS_MEV
    flight = distance / (SPEED_OF_LIGHT_CM_PER_NS * np.sqrt(1.0 - total**-2))
    width = np.hypot(*(time_sigma_ns(array.det_id[bar], uncertainty) for bar in (first, second)))
    # Isotropic in the centre of mass: the second recoil takes any energy up to that of the neutron.
    recoils = (incident - scattered, scattered * rng.random(len(scattered)))
    materials = [categories_of(array.material[bar], array.materials) for bar in (first, second)]
    lights = [
        _smeared_light_MeVee(energy, pd.Series(material), light_response, uncertainty, rng)
        for energy, material in zip(recoils, materials, strict=True)
    ]
    places = {
        f"{a}{k}_cm": x[goes, n] for k, x in ((1, read1), (2, read2)) for n, a in enumerate("xyz")
    }
    seen = np.isfinite(lights[0] + lights[1])
    made = {
        "det_id1": array.det_id[first],
        "det_id2": array.det_id[second],
        "flight_ns": flight + width * rng.normal(size=len(flight)),
        "light1_MeVee": lights[0],
        "light2_MeVee": lights[1],
        **places,
    }
    return PAIRS.frame(
        {
            **{name: values[seen] for name, values in made.items()},
            "material": materials[0][seen],
            "material2": materials[1][seen],
        }
    )


def _points(
    array: _Array, bar: I8, uncertainty: Uncertainty, rng: np.random.Generator
) -> tuple[F8, F8]:
    """(true, read) places: uniform in the bar; read smeared along it and at its middle across."""
    along = rng.uniform(-1.0, 1.0, len(bar)) * array.half_length_cm[bar]
    axis, centre = array.axis[bar], array.centre_cm[bar]
    side = uncertainty.sigma_transverse_cm * np.sqrt(12.0)
    across = rng.uniform(-0.5 * side, 0.5 * side, axis.shape)
    across -= (across * axis).sum(axis=1)[:, None] * axis
    seen = along + uncertainty.sigma_along_cm * rng.normal(size=len(bar))
    return centre + along[:, None] * axis + across, centre + seen[:, None] * axis


def _is_seen(made: pd.DataFrame, pairs: pd.DataFrame) -> Mask:
    """Whether light and flight lie where those of the data do."""
    seen = np.ones(len(made), bool)
    for name in ("light1_MeVee", "light2_MeVee", "flight_ns"):
        values = made[name].to_numpy()
        seen &= (values >= pairs[name].min()) & (values <= pairs[name].max())
    return seen


def _smeared_light_MeVee(
    energy_MeV: F8,
    material: pd.Series,
    light_response: pd.DataFrame,
    uncertainty: Uncertainty,
    rng: np.random.Generator,
) -> F8:
    """Light of protons with its resolution; NaN without a curve."""
    light = recoil_light_MeVee(energy_MeV, material, "proton", light_response)
    told = (light, material, "proton", light_response, uncertainty)
    return light + rng.normal(size=len(light)) * recoil_light_sigma_MeVee(*told)
