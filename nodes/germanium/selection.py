"""Events near the gamma lines, chosen from the energies of the read-out, and their pulses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag
from numpy.typing import NDArray

from ...schemas.errors import Unfit
from ...schemas.germanium.dsp import (
    DspParameters,
    FilterSettings,
    PoleZeroConstants,
    Waveforms,
)
from ...schemas.germanium.filter_scan import FILTER_OPTIMA, FILTER_SCAN
from ...schemas.germanium.lines import ENERGY_LINES, FEP_KEV
from ...schemas.germanium.settings import Filters, PoleZero, Selection
from ...schemas.tables import TableSchema
from .columns import chances_of, energies_in_range
from .dsp_frames import pulse_columns
from .filter_search import Merit, about, greatest_outputs, merit_of, searched
from .noise import kernels_of
from .recipes import CUSP_WINDOW_US, LEFT_US, second_decay, usual_filters, whole_samples

FEWEST: Final = 300
_TOP: Final = (95.0, 99.9)
_CUSP_US: Final = (0.5, 16.0)
_TRAP_US: Final = (1.0, 12.0)
_FILTERS: Final = ("trap", "cusp", "zac")


@dataclass(frozen=True)
class PeakWindows:
    """Which events are near a line: keV a count of the read-out, and what share of each is taken.

    ``shares`` has one number a line of ENERGY_LINES; 0 of lines below the threshold.
    """

    keV_per_daqenergy: float
    shares: tuple[float, ...]


@tag(stage="selection", scope="channel")
@config.when(begins="raw", peaks="read")
def peak_windows__of_raw(
    raw_scalars: pd.DataFrame,
    selection: Selection,
    threshold_keV: float,
    pulser_times_s: NDArray[np.float64],
) -> PeakWindows:
    """The rough scale, whose top is at 2614.5 keV, and how many events of each line are taken.

    Unfit without energies of the read-out.
    """
    energy = energies_in_range(raw_scalars, pulser_times_s)
    if len(energy) < FEWEST:
        msg = (
            f"{len(energy)} triggers with an energy in range, at least {FEWEST} are needed for "
            "the filters"
        )
        raise Unfit(code="too_few_events", message=msg, numbers={"n_events": len(energy)})
    low, high = np.percentile(energy, _TOP)
    counts, edges = np.histogram(energy, 200, (low, max(high, low + 1.0)))
    top = int(counts.argmax())
    scale = FEP_KEV / (0.5 * (edges[top] + edges[top + 1]))
    shares = []
    for line in ENERGY_LINES:
        near = np.abs(scale * energy - line.energy_keV) <= selection.window_keV
        is_seen = line.energy_keV - line.below_keV >= threshold_keV
        n = int(near.sum())
        shares.append(min(1.0, selection.events_per_line / n) if n and is_seen else 0.0)
    return PeakWindows(float(scale), tuple(shares))


@tag(stage="selection", helper="true")
@config.when(begins="raw", peaks="read")
def peak_lines__of_raw(
    raw_scalars: pd.DataFrame,
    peak_windows: PeakWindows,
    selection: Selection,
    seed: int,
    pulser_times_s: NDArray[np.float64],
) -> NDArray[np.int8]:
    """The line near which each row is taken, a place in ENERGY_LINES; -1 of the others.

    A row is taken by a number made of its time and the seed, so that it does not depend on how
    the rows are cut.
    """
    energy = raw_scalars["daqenergy"].to_numpy() * peak_windows.keV_per_daqenergy
    chance = chances_of(raw_scalars["timestamp_s"].to_numpy(), seed)
    found = np.full(len(energy), -1, np.int8)
    for k, (line, share) in enumerate(zip(ENERGY_LINES, peak_windows.shares, strict=True)):
        if line.resolution:
            near = np.abs(energy - line.energy_keV) <= selection.window_keV
            found[near & (chance < share)] = k
    at_rail = (raw_scalars["t_sat_lo"] > 0) | (raw_scalars["t_sat_hi"] > 0)
    of_pulser = np.isin(raw_scalars["timestamp_s"].to_numpy(), pulser_times_s)
    found[at_rail.to_numpy() | of_pulser] = -1
    return found


@tag(stage="selection", helper="true", stored="false")
@config.when(begins="raw", peaks="read")
def peak_waves__of_raw(
    waveforms: Waveforms, peak_lines: NDArray[np.int8], pole_zero: PoleZero
) -> NDArray[np.float32]:
    """Slow waveforms of the taken rows less their baseline, as much as the cusps run over."""
    dt = waveforms.slow_ns
    slow = waveforms.slow[peak_lines >= 0]
    n_baseline = whole_samples(1e3 * pole_zero.baseline_us[1], dt)
    span = min(whole_samples(1e3 * CUSP_WINDOW_US, dt), slow.shape[1])
    pedestal = slow[:, :n_baseline].mean(axis=1, keepdims=True, dtype=np.float64)
    return np.asarray(slow[:, :span] - pedestal, np.float32)


@tag(stage="selection", helper="true")
@config.when(begins="raw", peaks="read")
def peak_drift_ns__of_raw(
    waveforms: Waveforms,
    peak_lines: NDArray[np.int8],
    pole_zero_constants_ns: PoleZeroConstants,
    filters: Filters,
    pole_zero: PoleZero,
) -> NDArray[np.float32]:
    """The effective drift time of the taken rows."""
    taken = peak_lines >= 0
    waves = Waveforms(
        waveforms.slow[taken],
        waveforms.fast[taken],
        waveforms.slow_ns,
        waveforms.fast_ns,
        waveforms.fast_t0_ns,
        waveforms.rail_adc,
    )
    usual = usual_filters(filters)
    parameters = DspParameters(
        pole_zero_constants_ns, usual, pole_zero.baseline_us, pole_zero.tail_us
    )
    return pulse_columns(waves, parameters)["dt_eff"]


@tag(stage="filters", scope="channel", helper="true")
@config.when(begins="raw", shaping="optimised", forced="none")
def filter_begins_us__of_grid(filters: Filters) -> dict[str, tuple[float, ...]]:
    """The shaping times that the scan of each filter begins with: from end to end of its range."""
    return {
        name: tuple(float(us) for us in np.geomspace(*_range_us(name, filters), filters.grid))
        for name in _FILTERS
    }


@tag(stage="filters", scope="channel", helper="true")
@config.when(begins="raw", shaping="optimised", forced="given")
def filter_begins_us__of_noise(
    noise_optimum: pd.DataFrame, filters: Filters
) -> dict[str, tuple[float, ...]]:
    """The shaping times that the scan of each filter begins with: about the least noise."""
    least = dict(zip(noise_optimum["filter"], noise_optimum["shaping_us"], strict=True))
    as_set = {
        "trap": filters.trap_rise_us, "cusp": filters.cusp_sigma_us, "zac": filters.zac_sigma_us,
    }  # fmt: skip
    return {name: about(float(least.get(name, us))) for name, us in as_set.items()}


def _range_us(name: str, filters: Filters) -> tuple[float, float]:
    """Shaping times of a filter that may be computed; the trapezoid must fit."""
    longest = 0.5 * (CUSP_WINDOW_US - LEFT_US - filters.flat_us)
    return (_TRAP_US[0], min(_TRAP_US[1], longest)) if name == "trap" else _CUSP_US


@tag(stage="filters", scope="channel", helper="true")
@config.when(begins="raw", shaping="optimised")
def filter_search__of_raw(
    peak_waves: NDArray[np.float32],
    peak_drift_ns: NDArray[np.float32],
    peak_lines: NDArray[np.int8],
    pole_zero_constants_ns: PoleZeroConstants,
    filter_begins_us: dict[str, tuple[float, ...]],
    filters: Filters,
) -> tuple:
    """The scan of each filter and its best shaping time, two frames.

    Unfit with fewer than 300 events, and where no shaping gives a width.
    """
    taken = peak_lines[peak_lines >= 0]
    if len(taken) < FEWEST:
        msg = f"{len(taken)} events near the lines, at least {FEWEST} are needed for the filters"
        raise Unfit(code="too_few_events", message=msg, numbers={"n_events": len(taken)})
    names = np.array([line.name for line in ENERGY_LINES])[taken]
    drift = peak_drift_ns.astype(np.float64)
    sample_ns = 1e3 * CUSP_WINDOW_US / peak_waves.shape[1]
    sample_ns = float(np.rint(sample_ns))
    made = kernels_of(
        filters.flat_us, filters.kernel_us, pole_zero_constants_ns.tau1_ns / 1e3, sample_ns,
        second_decay(pole_zero_constants_ns, sample_ns),
    )  # fmt: skip
    scans, optima = [], []
    for name, first in filter_begins_us.items():

        def merit(us: float, name: str = name) -> Merit:
            return merit_of(greatest_outputs(peak_waves, made[name](us)), drift, names)

        scan, optimum = searched(name, merit, first, _range_us(name, filters))
        scans.append(scan)
        optima.append(optimum)
    found = pd.concat(optima, ignore_index=True)
    if not np.isfinite(found["qbb_fwhm_keV"]).all():
        bad = found["filter"][~np.isfinite(found["qbb_fwhm_keV"])].iloc[0]
        why = next((str(r) for scan in scans for r in scan["reason"] if r), "no line is fitted")
        msg = f"no shaping time of {bad} gives a width at Q_bb: {why}"
        raise Unfit(code="no_filter", message=msg, numbers={"n_events": len(taken)})
    return _joined(scans, FILTER_SCAN), _joined(optima, FILTER_OPTIMA)


def _joined(frames: list[pd.DataFrame], table: TableSchema) -> pd.DataFrame:
    columns = {n: np.concatenate([np.asarray(f[n]) for f in frames]) for n in table.names}
    return table.frame(columns)


@tag(stage="filters", scope="channel", schema="FilterScan")
@config.when(begins="raw", shaping="optimised")
def filter_scan__of_raw(filter_search: tuple) -> pd.DataFrame:
    """Every shaping time that was computed, with the widths that it gives."""
    scan: pd.DataFrame = filter_search[0]
    return scan


@tag(stage="filters", scope="channel", schema="FilterOptima")
@config.when(begins="raw", shaping="optimised")
def filter_optima__of_raw(filter_search: tuple) -> pd.DataFrame:
    """The best shaping time of each filter, and how many were computed."""
    optima: pd.DataFrame = filter_search[1]
    return optima


@tag(stage="filters", scope="channel", main="true")
@config.when(begins="raw", shaping="optimised")
def filter_settings__optimised(filter_optima: pd.DataFrame, filters: Filters) -> FilterSettings:
    """The energy filters of least width at Q_bb."""
    best = dict(zip(filter_optima["filter"], filter_optima["shaping_us"], strict=True))
    return FilterSettings(
        cusp_sigma_us=float(best["cusp"]),
        cusp_flat_us=filters.flat_us,
        zac_sigma_us=float(best["zac"]),
        zac_flat_us=filters.flat_us,
        trap_rise_us=float(best["trap"]),
        trap_flat_us=filters.flat_us,
        kernel_us=filters.kernel_us,
        origin="optimised",
    )
