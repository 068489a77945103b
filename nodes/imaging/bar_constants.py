"""Constants of bars: hits and pairs in, offsets and gains out. Plain functions without nodes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from ...schemas.arrays import F8, I8
from ...schemas.errors import InputError
from ...schemas.imaging.calibration import BAR_CALIBRATION, SOURCES, HitProfiles
from ...schemas.imaging.detectors import Detectors
from ...schemas.sources import FileRef
from ...schemas.tables import categories_of
from ..constants import NEUTRON_MASS_MEV, SPEED_OF_LIGHT_CM_PER_NS
from ..csv_numbers import EXACT
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
    return _constants(bars["det_id"].to_numpy(), offset, sigma, bars["n_hits"].to_numpy())


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
) -> pd.DataFrame:
    """Time offsets and gains of light that bring flight and light of pairs together.

    Least squares on r = dt - (tau_2 - tau_1) - d / v(E0 - E_r(g_1 L_1)): 8 steps of Gauss and
    Newton, the core of |r| < 1 ns, later 0.6; the offsets add up to 0, ln g is 0 +- 0.05. A bar
    with fewer than 100 pairs keeps 0 and 1.
    """
    ids = constants["det_id"].to_numpy()
    n = len(ids)
    first, second = (np.searchsorted(ids, pairs[f"det_id{k}"].to_numpy()) for k in (1, 2))
    used = np.bincount(first, minlength=n) + np.bincount(second, minlength=n)
    distance = _distances_cm(pairs, constants, bars)
    tau, ln_gain = np.zeros(n), np.zeros(n)
    covariance = np.full((2 * n, 2 * n), np.nan)
    light, flight = pairs["light1_MeVee"].to_numpy(), pairs["flight_ns"].to_numpy()
    free = np.concatenate([used >= LEAST_PAIRS, np.bincount(first, minlength=n) >= LEAST_PAIRS])
    for step in range(STEPS):
        core = CORE_NS[0] if step < WIDE_STEPS else CORE_NS[1]
        expected, slope = _expected_flight_ns(
            light * np.exp(ln_gain[first]),
            distance,
            pairs["material"],
            light_response,
            incident_MeV,
        )
        residual = flight - (tau[second] - tau[first]) - expected
        with np.errstate(invalid="ignore"):
            good = (np.abs(residual) < core) & np.isfinite(slope)
        normal, right = _normal_equations(
            residual[good], slope[good], first[good], second[good], tau, ln_gain
        )
        keep = np.flatnonzero(free)
        inverse = np.linalg.pinv(normal[np.ix_(keep, keep)], hermitian=True)
        change = np.zeros(2 * n)
        change[keep] = inverse @ right[keep]
        tau, ln_gain = tau + change[:n], ln_gain + change[n:]
        covariance[np.ix_(keep, keep)] = inverse
    sigma = np.sqrt(np.diagonal(covariance))
    return constants.assign(
        time_offset_ns=tau,
        light_gain=np.exp(ln_gain),
        time_offset_sigma_ns=sigma[:n],
        light_gain_sigma=sigma[n:] * np.exp(ln_gain),
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
    ids = constants["det_id"].to_numpy()
    first, second = (np.searchsorted(ids, pairs[f"det_id{k}"].to_numpy()) for k in (1, 2))
    tau, gain = (constants[name].to_numpy() for name in ("time_offset_ns", "light_gain"))
    light = pairs["light1_MeVee"].to_numpy() * gain[first]
    distance = _distances_cm(pairs, constants, bars)
    expected = _flight_ns(light, distance, pairs["material"], light_response, incident_MeV)
    residual = pairs["flight_ns"].to_numpy() - (tau[second] - tau[first]) - expected
    with np.errstate(invalid="ignore"):
        prompt = int((np.abs(residual) < CORE_NS[0]).sum())
        late = int(((residual >= CORE_NS[0]) & (residual < 2.0 * CORE_NS[0])).sum())
    return late, prompt


def _normal_equations(
    residual: F8, slope: F8, first: I8, second: I8, tau: F8, ln_gain: F8
) -> tuple[F8, F8]:
    """(matrix, right side) of a step for tau and ln g of all bars, with what holds them."""
    n = len(tau)
    weight = 1.0 / (TIME_WIDTH_NS**2 + (LIGHT_WIDTH * slope) ** 2)
    design = np.zeros((len(residual), 2 * n))
    rows = np.arange(len(design))
    design[rows, first] += 1.0
    design[rows, second] -= 1.0
    design[rows, n + first] = -slope
    normal = design.T @ (design * weight[:, None])
    right = -design.T @ (residual * weight)
    normal[:n, :n] += 1.0 / SUM_WIDTH_NS**2
    right[:n] -= tau.sum() / SUM_WIDTH_NS**2
    normal[np.arange(n, 2 * n), np.arange(n, 2 * n)] += 1.0 / GAIN_PRIOR**2
    right[n:] -= ln_gain / GAIN_PRIOR**2
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
    """time_offset_ns to be added and light_gain to be taken times, a draw a det_id (the index)."""
    n = len(constants)
    sigma_ns = np.nan_to_num(constants["time_offset_sigma_ns"].to_numpy())
    relative = np.nan_to_num(constants["light_gain_sigma"] / constants["light_gain"])
    late, ln_gain = rng.normal(size=(2, n)) * np.stack([sigma_ns, relative])
    return pd.DataFrame(
        {"time_offset_ns": late, "light_gain": np.exp(ln_gain)}, index=constants["det_id"]
    )


def without_bias(found: pd.DataFrame, bias: pd.DataFrame) -> pd.DataFrame:
    """Constants less those of a perfect array; the errors of both count."""
    gain = found["light_gain"] / bias["light_gain"]
    own, its = (c["light_gain_sigma"] / c["light_gain"] for c in (found, bias))
    relative = np.hypot(own, its)
    return found.assign(
        time_offset_ns=found["time_offset_ns"] - bias["time_offset_ns"],
        light_gain=gain,
        time_offset_sigma_ns=np.hypot(found["time_offset_sigma_ns"], bias["time_offset_sigma_ns"]),
        light_gain_sigma=gain * relative,
    )


def read_constants(file: FileRef) -> pd.DataFrame:
    """Constants from CSV with det_id, along_offset_cm, time_offset_ns, light_gain.

    InputError if it is no such table, a value is not finite, a gain not above 0 or a bar twice.
    """
    names = ("det_id", "along_offset_cm", "time_offset_ns", "light_gain")
    try:
        table = pd.read_csv(Path(file.path), comment="#", **EXACT)
    except (ValueError, UnicodeDecodeError) as reason:
        asked = ", ".join(names)
        msg = f"{file.path}: not a table of bar constants ({reason}); give CSV with {asked}"
        raise InputError(msg, file=file.path) from None
    missing = [name for name in names if name not in table]
    if missing:
        msg = f"{file.path}: no column {missing[0]!r}; a table of bars has {', '.join(names)}"
        raise InputError(msg, file=file.path)
    values = table[list(names)].apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
    bad = ~np.isfinite(values).all(axis=1) | ~(values[:, 3] > 0)
    if bad.any():
        row = int(np.argmax(bad))
        seen = values[row].tolist()
        msg = f"{file.path}: row {row + 1} is {seen}; give finite numbers, gains above 0"
        raise InputError(msg, file=file.path)
    order = np.argsort(values[:, 0], kind="stable")
    ids = values[order, 0].astype(np.int64)
    if len(np.unique(ids)) < len(ids):
        twice = int(ids[1:][np.diff(ids) == 0][0])
        msg = f"{file.path}: det_id {twice} stands there twice; keep one of the rows"
        raise InputError(msg, file=file.path)
    n = len(ids)
    found = _constants(ids, values[order, 1], np.full(n, np.nan), np.zeros(n, np.int64), "file")
    return found.assign(time_offset_ns=values[order, 2], light_gain=values[order, 3])


def _constants(
    det_id: I8, offset_cm: F8, sigma_cm: F8, n_events: I8, source: str = "self"
) -> pd.DataFrame:
    n = len(det_id)
    return BAR_CALIBRATION.frame(
        {
            "det_id": det_id,
            "along_offset_cm": offset_cm,
            "time_offset_ns": np.zeros(n),
            "light_gain": np.ones(n),
            "along_offset_sigma_cm": sigma_cm,
            "time_offset_sigma_ns": np.full(n, np.nan),
            "light_gain_sigma": np.full(n, np.nan),
            "n_events": n_events,
            "source": categories_of(np.full(n, SOURCES.index(source), np.int8), SOURCES),
        }
    )
