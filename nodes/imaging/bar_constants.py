"""Constants of bars: hits and pairs in, offsets and gains out. Plain functions without nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from ...schemas.arrays import F8, I8
from ...schemas.imaging.calibration import BAR_CALIBRATION, SOURCES, HitProfiles
from ...schemas.imaging.detectors import Detectors
from ...schemas.tables import categories_of
from ..constants import NEUTRON_MASS_MEV, SPEED_OF_LIGHT_CM_PER_NS
from .recoil_light import recoil_energies_of_light
from .resolutions import bar_axes, hit_positions_cm

END_QUANTILE: Final = 0.001
# An offset is believed above so many of its errors, and below what a reader may be wrong by.
LEAST_SIGNIFICANCE: Final = 3.0
GREATEST_OFFSET_CM: Final = 1.0
LEAST_HITS: Final = 200
LEAST_PAIRS: Final = 100
STEPS: Final = 8
WIDE_STEPS: Final = 3
CORE_NS: Final = (1.0, 0.6)
TIME_WIDTH_NS: Final = 0.3
LIGHT_WIDTH: Final = 0.1
GAIN_PRIOR: Final = 0.05
GAIN_STEP: Final = 0.02
SUM_WIDTH_NS: Final = 1e-3
WALK_PRIOR_NS: Final = 1.0
# Offsets are those of hits with so much light, so that they are known apart from the walk.
REFERENCE_MEVEE: Final = 3.0
# Less light than any threshold lets pass: a walk is not followed below it.
LEAST_LIGHT_MEVEE: Final = 0.01


def edge_offsets(profiles: HitProfiles, bars: pd.DataFrame, detectors: Detectors) -> pd.DataFrame:
    """Offset of each bar: the midpoint of the 0.1 and 99.9 % quantiles of its hits along it.

    A bar that the settings do not describe is taken to be centred at 0 along its length. An offset
    is kept where it exceeds three times its error; one above 1 cm says that the bar is centred
    elsewhere, and is not.
    """
    n = len(bars)
    offset, sigma = np.zeros(n), np.full(n, np.nan)
    axes = bars[["axis_x", "axis_y", "axis_z"]].to_numpy()
    centres = bars[["centre_x_cm", "centre_y_cm", "centre_z_cm"]].to_numpy()
    told = {bar.det_id for bar in detectors.geometry.bars}
    for row, det_id in enumerate(bars["det_id"].tolist()):
        along = int(np.argmax(np.abs(axes[row])))
        low, count = profiles.of(det_id, along)
        if count.sum() < LEAST_HITS:
            continue
        ends, errors = _ends(low, count)
        expected = centres[row, along] if det_id in told else 0.0
        found = 0.5 * float(ends.sum()) - expected
        sigma[row] = 0.5 * float(np.hypot(*errors))
        if LEAST_SIGNIFICANCE * sigma[row] < abs(found) < GREATEST_OFFSET_CM:
            # Positions are corrected along the unit vector, whichever way it points.
            offset[row] = found * np.sign(axes[row, along])
    return constants_of(bars["det_id"].to_numpy(), offset, sigma, bars["n_hits"].to_numpy())


def _ends(low_cm: F8, count: I8) -> tuple[F8, F8]:
    """(positions, errors) of the two quantiles of binned hits."""
    total = int(count.sum())
    edges = np.append(low_cm, low_cm[-1] + HitProfiles.BIN_CM)
    below = np.concatenate([[0.0], np.cumsum(count)]) / total
    # A quantile of n hits is off by sqrt(q / n), which the hits themselves turn into a length.
    off = np.sqrt(END_QUANTILE / total)
    ends, errors = [], []
    for q in (END_QUANTILE, 1.0 - END_QUANTILE):
        low, here, high = np.interp([q - off, q, q + off], below, edges)
        ends.append(here)
        errors.append(0.5 * (high - low))
    return np.array(ends), np.array(errors)


def scatter_constants(
    pairs: pd.DataFrame,
    constants: pd.DataFrame,
    bars: pd.DataFrame,
    light_response: pd.DataFrame,
    incident_MeV: float,
    *,
    walk: bool = False,
) -> pd.DataFrame:
    """Time offsets and gains of light that bring flight and light of pairs together.

    Least squares on r = dt - (tau_2 - tau_1) - d / v(E0 - E_r(g_1 L_1)): 8 steps of Gauss and
    Newton, the core of |r| < 1 ns, later 0.6; the offsets add up to 0, ln g is 0 +- 0.05. With
    ``walk`` a hit is late by tau + a (1 / sqrt(L) - 1 / sqrt(3 MeVee)), the leading edge of a
    smaller pulse passing a threshold later, a = 0 +- 1 ns sqrt(MeVee). A bar with fewer than 100
    pairs keeps 0 and 1.
    """
    ids = constants["det_id"].to_numpy()
    n = len(ids)
    first, second = _rows_of_bars(pairs, constants)
    used = np.bincount(first, minlength=n) + np.bincount(second, minlength=n)
    distance = _distances_cm(pairs, constants, bars)
    now = _Times(np.zeros(n), np.zeros(n), np.zeros(n))
    covariance = np.full((3 * n, 3 * n), np.nan)
    light, flight = pairs["light1_MeVee"].to_numpy(), pairs["flight_ns"].to_numpy()
    seen = used >= LEAST_PAIRS
    lit = np.bincount(first, minlength=n) >= LEAST_PAIRS
    keep = np.flatnonzero(np.concatenate([seen, lit, seen & walk]))
    for step in range(STEPS):
        core = CORE_NS[0] if step < WIDE_STEPS else CORE_NS[1]
        expected, slope = _expected_flight_ns(
            light * np.exp(now.ln_gain[first]),
            distance,
            pairs["material"],
            light_response,
            incident_MeV,
        )
        late = _lateness_ns(pairs, first, second, now.tau_ns, now.walk_ns)
        residual = flight - late - expected
        with np.errstate(invalid="ignore"):
            good = (np.abs(residual) < core) & np.isfinite(slope)
        design = _design(pairs, first, second, slope, n)[good]
        normal, right = _normal_equations(residual[good], slope[good], design, now)
        inverse = np.linalg.pinv(normal[np.ix_(keep, keep)], hermitian=True)
        change = np.zeros(3 * n)
        change[keep] = inverse @ right[keep]
        now = _Times(*(np.concatenate(now) + change).reshape(3, n))
        covariance[np.ix_(keep, keep)] = inverse
    of_tau, of_gain, of_walk = np.sqrt(np.diagonal(covariance)).reshape(3, n)
    return constants.assign(
        time_offset_ns=now.tau_ns,
        time_walk_ns=now.walk_ns,
        light_gain=np.exp(now.ln_gain),
        time_offset_sigma_ns=of_tau,
        time_walk_sigma_ns=of_walk,
        light_gain_sigma=of_gain * np.exp(now.ln_gain),
        n_events=used,
    )


def late_share(
    pairs: pd.DataFrame,
    constants: pd.DataFrame,
    bars: pd.DataFrame,
    light_response: pd.DataFrame,
    incident_MeV: float,
) -> float:
    """Pairs that fly 1 to 2 ns longer than their light says, over those within 1 ns; 0 of none.

    Slower neutrons than those of the source do so: there the background can be counted.
    """
    late, prompt = late_and_prompt(pairs, constants, bars, light_response, incident_MeV)
    return late / prompt if prompt else 0.0


def late_and_prompt(
    pairs: pd.DataFrame,
    constants: pd.DataFrame,
    bars: pd.DataFrame,
    light_response: pd.DataFrame,
    incident_MeV: float,
) -> tuple[int, int]:
    """How many pairs fly 1 to 2 ns longer than their light says, and how many within 1 ns of it."""
    first, second = _rows_of_bars(pairs, constants)
    gain = constants["light_gain"].to_numpy()
    light = pairs["light1_MeVee"].to_numpy() * gain[first]
    distance = _distances_cm(pairs, constants, bars)
    expected = _flight_ns(light, distance, pairs["material"], light_response, incident_MeV)
    tau, walk = (constants[name].to_numpy() for name in ("time_offset_ns", "time_walk_ns"))
    late_ns = _lateness_ns(pairs, first, second, tau, walk)
    residual = pairs["flight_ns"].to_numpy() - late_ns - expected
    with np.errstate(invalid="ignore"):
        prompt = int((np.abs(residual) < CORE_NS[0]).sum())
        late = int(((residual >= CORE_NS[0]) & (residual < 2.0 * CORE_NS[0])).sum())
    return late, prompt


class _Times(NamedTuple):
    """What flight against light finds of each bar."""

    tau_ns: F8
    ln_gain: F8
    walk_ns: F8


def _rows_of_bars(pairs: pd.DataFrame, constants: pd.DataFrame) -> tuple[I8, I8]:
    """The rows of the constants of both bars of each pair."""
    ids = constants["det_id"].to_numpy()
    first, second = (np.searchsorted(ids, pairs[f"det_id{k}"].to_numpy()) for k in (1, 2))
    return first, second


def walk_shape(light_MeVee: F8) -> F8:
    """1 / sqrt(L) less that of the light at which offsets are told, L as read, MeVee."""
    light = np.maximum(light_MeVee, LEAST_LIGHT_MEVEE)
    return np.asarray(light**-0.5 - REFERENCE_MEVEE**-0.5)


def _lateness_ns(pairs: pd.DataFrame, first: I8, second: I8, tau: F8, walk: F8) -> F8:
    """How much longer than it is each pair's flight is read."""
    shape = [walk_shape(pairs[f"light{k}_MeVee"].to_numpy()) for k in (1, 2)]
    late = [tau[bar] + walk[bar] * h for bar, h in zip((first, second), shape, strict=True)]
    return np.asarray(late[1] - late[0])


def _design(pairs: pd.DataFrame, first: I8, second: I8, slope: F8, n: int) -> F8:
    """Changes of r by tau, ln g and walk of each bar, (pairs, 3 n)."""
    design = np.zeros((len(pairs), 3 * n))
    rows = np.arange(len(pairs))
    shape = [walk_shape(pairs[f"light{k}_MeVee"].to_numpy()) for k in (1, 2)]
    design[rows, first] += 1.0
    design[rows, second] -= 1.0
    design[rows, n + first] = -slope
    design[rows, 2 * n + first] += shape[0]
    design[rows, 2 * n + second] -= shape[1]
    return design


def _normal_equations(residual: F8, slope: F8, design: F8, now: _Times) -> tuple[F8, F8]:
    """(matrix, right side) of a step for tau, ln g and walk of all bars, with what holds them."""
    n = len(now.tau_ns)
    weight = 1.0 / (TIME_WIDTH_NS**2 + (LIGHT_WIDTH * slope) ** 2)
    normal = design.T @ (design * weight[:, None])
    right = -design.T @ (residual * weight)
    normal[:n, :n] += 1.0 / SUM_WIDTH_NS**2
    right[:n] -= now.tau_ns.sum() / SUM_WIDTH_NS**2
    for k, values, width in ((1, now.ln_gain, GAIN_PRIOR), (2, now.walk_ns, WALK_PRIOR_NS)):
        mine = np.arange(k * n, (k + 1) * n)
        normal[mine, mine] += 1.0 / width**2
        right[mine] -= values / width**2
    return normal, right


def _corrected_positions_cm(
    events: pd.DataFrame, hit: int, constants: pd.DataFrame, bars: pd.DataFrame
) -> F8:
    """Positions (n, 3) of a hit of each event, offsets along the bars taken off."""
    ids = events[f"det_id{hit}"].to_numpy(np.int64)
    offset = of_bars(constants, "along_offset_cm", ids, 0.0)
    along = np.nan_to_num(bar_axes(bars, ids))
    return np.asarray(hit_positions_cm(events, hit) - offset[:, None] * along)


def _distances_cm(pairs: pd.DataFrame, constants: pd.DataFrame, bars: pd.DataFrame) -> F8:
    x1, x2 = (_corrected_positions_cm(pairs, k, constants, bars) for k in (1, 2))
    return np.asarray(np.linalg.norm(x2 - x1, axis=1))


def _expected_flight_ns(
    light: F8, distance: F8, material: pd.Series, light_response: pd.DataFrame, incident: float
) -> tuple[F8, F8]:
    """(flight that the light says, its change by ln g); NaN where no proton gives such a light."""
    up, down = (
        _flight_ns(light * np.exp(sign * GAIN_STEP), distance, material, light_response, incident)
        for sign in (1.0, -1.0)
    )
    here = _flight_ns(light, distance, material, light_response, incident)
    return here, (up - down) / (2.0 * GAIN_STEP)


def _flight_ns(
    light: F8, distance: F8, material: pd.Series, light_response: pd.DataFrame, incident: float
) -> F8:
    energy, _ = recoil_energies_of_light(light, material, "proton", light_response)
    left = incident - energy
    with np.errstate(invalid="ignore"):
        total = 1.0 + np.where(left > 0, left, np.nan) / NEUTRON_MASS_MEV
        return np.asarray(distance / (SPEED_OF_LIGHT_CM_PER_NS * np.sqrt(1.0 - total**-2)))


def corrected_events(
    events: pd.DataFrame,
    constants: pd.DataFrame,
    bars: pd.DataFrame,
    hits: Sequence[int],
    *,
    light: bool,
) -> pd.DataFrame:
    """Events whose hits have the constants of their bars taken off; the input stays as it is."""
    columns: dict[str, F8] = {}
    for k in hits:
        ids = events[f"det_id{k}"].to_numpy(np.int64)
        position = _corrected_positions_cm(events, k, constants, bars)
        columns |= {f"{a}{k}_cm": position[:, n] for n, a in enumerate("xyz")}
        time = of_bars(constants, "time_offset_ns", ids, 0.0)
        walk = of_bars(constants, "time_walk_ns", ids, 0.0)
        time += walk * walk_shape(events[f"light{k}_MeVee"].to_numpy())
        columns[f"t{k}_ns"] = events[f"t{k}_ns"].to_numpy() - time
        if light:
            gain = of_bars(constants, "light_gain", ids, 1.0)
            columns[f"light{k}_MeVee"] = events[f"light{k}_MeVee"].to_numpy() * gain
    return events.assign(**columns)


def snapped_events(events: pd.DataFrame, bars: pd.DataFrame, hits: Sequence[int]) -> pd.DataFrame:
    """Events whose hits lie on the middle lines of their bars; a hit of no known bar stays."""
    known = bars["det_id"].to_numpy()
    centres = bars[["centre_x_cm", "centre_y_cm", "centre_z_cm"]].to_numpy()
    columns: dict[str, F8] = {}
    for k in hits if len(known) else ():
        ids, at = events[f"det_id{k}"].to_numpy(np.int64), hit_positions_cm(events, k)
        row = np.minimum(np.searchsorted(known, ids), len(known) - 1)
        centre, axis = centres[row], bar_axes(bars, ids)
        along = ((at - centre) * axis).sum(axis=1)[:, None]
        snapped = np.where((known[row] == ids)[:, None], centre + along * axis, at)
        columns |= {f"{a}{k}_cm": snapped[:, n] for n, a in enumerate("xyz")}
    return events.assign(**columns)


def of_bars(constants: pd.DataFrame, column: str, det_id: I8, absent: float) -> F8:
    """A constant of the bar of each hit; ``absent`` where the bar has none."""
    known = constants["det_id"].to_numpy()
    if len(known) == 0:
        return np.full(len(det_id), absent)
    place = np.minimum(np.searchsorted(known, det_id), len(known) - 1)
    values = constants[column].to_numpy()
    return np.where(known[place] == det_id, values[place], absent)


def drawn_errors(constants: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Offsets and walks to be added, gains to be taken times, a draw a det_id (the index)."""
    n = len(constants)
    relative = constants["light_gain_sigma"] / constants["light_gain"]
    sigmas = (constants["time_offset_sigma_ns"], relative, constants["time_walk_sigma_ns"])
    late, ln_gain, walk = rng.normal(size=(3, n)) * np.nan_to_num(np.stack(sigmas))
    drawn = {"time_offset_ns": late, "time_walk_ns": walk, "light_gain": np.exp(ln_gain)}
    return pd.DataFrame(drawn, index=constants["det_id"])


def without_bias(found: pd.DataFrame, bias: pd.DataFrame) -> pd.DataFrame:
    """Constants less those of a perfect array; the errors of both count."""
    gain = found["light_gain"] / bias["light_gain"]
    own, its = (c["light_gain_sigma"] / c["light_gain"] for c in (found, bias))
    relative = np.hypot(own, its)
    return found.assign(
        **{
            f"time_{name}_ns": found[f"time_{name}_ns"] - bias[f"time_{name}_ns"]
            for name in ("offset", "walk")
        },
        light_gain=gain,
        **{
            name: np.hypot(found[name], bias[name])
            for name in ("time_offset_sigma_ns", "time_walk_sigma_ns")
        },
        light_gain_sigma=gain * relative,
    )


def constants_of(
    det_id: I8, offset_cm: F8, sigma_cm: F8, n_events: I8, source: str = "self"
) -> pd.DataFrame:
    """BarCalibration with some offsets along the bars, and nothing else."""
    n = len(det_id)
    return BAR_CALIBRATION.frame(
        {
            "det_id": det_id,
            "along_offset_cm": offset_cm,
            "time_offset_ns": np.zeros(n),
            "time_walk_ns": np.zeros(n),
            "light_gain": np.ones(n),
            "along_offset_sigma_cm": sigma_cm,
            "time_offset_sigma_ns": np.full(n, np.nan),
            "time_walk_sigma_ns": np.full(n, np.nan),
            "light_gain_sigma": np.full(n, np.nan),
            "n_events": n_events,
            "source": categories_of(np.full(n, SOURCES.index(source), np.int8), SOURCES),
        }
    )
