"""The decay of the preamplifier, from the tails of good pulses of a channel."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag
from numpy.typing import NDArray

from ...schemas.arrays import F8
from ...schemas.errors import Unfit
from ...schemas.germanium.dsp import PoleZeroConstants, Waveforms
from ...schemas.germanium.pole_zero import TailSum
from ...schemas.germanium.settings import PoleZero
from ..peaks.modes import mode_and_width
from .columns import chances_of, energies_in_range
from .decays import Decays, one_decay, two_decays
from .kernels.tails import SCALE, tail_rows
from .recipes import given_constants, whole_samples

SKIP_NS: Final = 5_000.0
"""From the half of a pulse to its tail."""
FEWEST: Final = 100
_VETO_S: Final = 0.010
_LEAST_OF_TOP: Final = 0.25
_TOP: Final = (95.0, 99.9)
_CHI2_GAIN: Final = 25.0
_FRACTIONS: Final = (0.003, 0.3)


@tag(stage="pole_zero", scope="channel", helper="true")
@config.when(begins="raw", decay="fitted")
def discharge_times_s__of_raw(raw_scalars: pd.DataFrame) -> NDArray[np.float64]:
    """Times at which a channel reached the lower rail, ascending."""
    at_rail = raw_scalars["t_sat_lo"].to_numpy() > 0
    return np.sort(raw_scalars["timestamp_s"].to_numpy()[at_rail])


@tag(stage="pole_zero", scope="channel", helper="true")
@config.when(begins="raw", decay="fitted")
def least_daqenergy__of_raw(
    raw_scalars: pd.DataFrame, pulser_times_s: NDArray[np.float64]
) -> float:
    """The energy of the read-out from which pulses are tall enough: a quarter of the top.

    The top is the highest bin of 64 from the 95 to the 99.9 percentile; 0 without energies.
    """
    energy = energies_in_range(raw_scalars, pulser_times_s)
    if len(energy) < 2:
        return 0.0
    low, high = np.percentile(energy, _TOP)
    counts, edges = np.histogram(energy, 64, (low, max(high, low + 1.0)))
    return float(_LEAST_OF_TOP * edges[int(counts.argmax())])


@tag(stage="pole_zero", scope="channel", helper="true")
@config.when(begins="raw", decay="fitted")
def pole_zero_share__of_raw(
    raw_scalars: pd.DataFrame,
    discharge_times_s: NDArray[np.float64],
    least_daqenergy: float,
    pulser_times_s: NDArray[np.float64],
    pole_zero: PoleZero,
) -> float:
    """The part of the usable pulses of a channel that gives ``n_events`` tails; at most 1."""
    n = int(_usable(raw_scalars, discharge_times_s, least_daqenergy, pulser_times_s).sum())
    return min(1.0, pole_zero.n_events / n) if n else 1.0


@tag(stage="pole_zero", helper="true")
@config.when(begins="raw", decay="fitted")
def pole_zero_sample__of_raw(
    raw_scalars: pd.DataFrame,
    discharge_times_s: NDArray[np.float64],
    least_daqenergy: float,
    pulser_times_s: NDArray[np.float64],
    pole_zero_share: float,
    seed: int,
) -> NDArray[np.bool_]:
    """Pulses whose tails are looked at: tall, at no rail, of no pulser, not after a discharge.

    After: within 10 ms. Of more than are asked for a row is taken by a number made of its time and
    the seed, so that the choice does not depend on how the rows are cut.
    """
    usable = _usable(raw_scalars, discharge_times_s, least_daqenergy, pulser_times_s)
    return usable & (chances_of(raw_scalars["timestamp_s"].to_numpy(), seed) < pole_zero_share)


def _usable(
    raw_scalars: pd.DataFrame, discharge_times_s: F8, least_daqenergy: float, pulser_times_s: F8
) -> NDArray[np.bool_]:
    time = raw_scalars["timestamp_s"].to_numpy()
    tall = raw_scalars["daqenergy"].to_numpy() >= least_daqenergy
    tall &= ~np.isin(time, pulser_times_s)
    free = (raw_scalars["t_sat_lo"] == 0).to_numpy() & (raw_scalars["t_sat_hi"] == 0).to_numpy()
    if len(discharge_times_s):
        k = np.searchsorted(discharge_times_s, time, side="right") - 1
        since = np.where(k >= 0, time - discharge_times_s[np.maximum(k, 0)], np.inf)
        # A time that is NaN is after no discharge.
        free &= ~(since <= _VETO_S)
    return np.asarray(tall & free)


@tag(stage="pole_zero")
@config.when(begins="raw", decay="fitted")
def tail_decays_ns__of_raw(
    waveforms: Waveforms, pole_zero_sample: NDArray[np.bool_], pole_zero: PoleZero
) -> NDArray[np.float64]:
    """The decay time of each tail by a line through its logarithms; of those that are taken."""
    taus, _ = _tails(waveforms, pole_zero_sample, pole_zero)
    return taus[np.isfinite(taus)] * waveforms.slow_ns


@tag(stage="pole_zero")
@config.when(begins="raw", decay="fitted")
def tail_sum__of_raw(
    waveforms: Waveforms, pole_zero_sample: NDArray[np.bool_], pole_zero: PoleZero
) -> TailSum:
    """The sum of the tails that are taken, each of mean 1."""
    return _tails(waveforms, pole_zero_sample, pole_zero)[1]


def _tails(waves: Waveforms, usable: NDArray[np.bool_], settings: PoleZero) -> tuple[F8, TailSum]:
    dt, n = waves.slow_ns, len(waves.slow)
    baseline = whole_samples(1e3 * settings.baseline_us[1], dt)
    tail_us = settings.tail_us[1] - settings.tail_us[0]
    skip = whole_samples(SKIP_NS, dt)
    length = min(whole_samples(1e3 * tail_us, dt), waves.slow.shape[1] - baseline - skip)
    taus, codes = np.empty(n), np.zeros(n, np.int64)
    sums, squares = (np.zeros(max(length, 2), np.int64) for _ in range(2))
    least = 0.02 * waves.rail_adc
    n_taken = tail_rows(
        waves.slow, usable, baseline, skip, len(sums), least, taus, codes, sums, squares
    )
    counts = np.bincount(codes[usable], minlength=5)
    return taus, TailSum(sums, squares, int(n_taken), counts, dt, skip * dt, SCALE)


@tag(stage="pole_zero", scope="channel", main="true")
@config.when(begins="raw", decay="fitted")
def pole_zero_constants_ns__fitted(
    tail_decays_ns: NDArray[np.float64], tail_sum: TailSum, pole_zero: PoleZero
) -> PoleZeroConstants:
    """One decay, the mode over pulses; or two, of the mean tail, where they describe it better.

    Where the settings of a channel give a decay time, that.

    Unfit with fewer than 100 tails, where no decay is found, and where one decay is asked for of a
    channel with two.
    """
    if pole_zero.tau1_us > 0.0:
        return given_constants(pole_zero)
    n = tail_sum.n_pulses
    if n < FEWEST:
        names = ("taken", "on a drifting baseline", "too small", "too late", "piled up")
        why = ", ".join(f"{k} {w}" for k, w in zip(tail_sum.codes, names, strict=True) if k)
        msg = f"{n} tails of pulses ({why or 'no pulse'}), at least {FEWEST} are needed"
        raise Unfit(code="too_few_tails", message=msg, numbers={"n_tails": n})
    tail, errors = tail_sum.mean()
    t = np.asarray(tail_sum.skip_ns + np.arange(len(tail)) * tail_sum.dt_ns, np.float64)
    errors = np.maximum(errors, 1.0 / SCALE)
    single = one_decay(t, tail, errors)
    if single is None:
        msg = f"the mean of {n} tails does not decay: pulses stay at a rail, or none are pulses"
        raise Unfit(code="no_decay", message=msg, numbers={"n_tails": n})
    double = two_decays(t, tail, errors)
    if double is not None and (pole_zero.model == "double" or _is_better(double, single)):
        if pole_zero.model == "single":
            raise _two_decays(double, single, n)
        return _constants(double, n)
    if pole_zero.model == "double":
        msg = f"no fit of two decays to the mean of {n} tails converges"
        raise Unfit(code="no_decay", message=msg, numbers={"n_tails": n})
    found = mode_and_width(tail_decays_ns)
    error = float(np.hypot(found.width / np.sqrt(n), np.sqrt(single.covariance[0, 0])))
    return PoleZeroConstants(
        float(found.mode), tau1_err_ns=error, chi2_per_ndf=single.chi2 / single.dof, n_pulses=n,
        origin="fitted",
    )  # fmt: skip


def _two_decays(double: Decays, single: Decays, n: int) -> Unfit:
    tau1, tau2, fraction = (float(v) for v in double.values)
    msg = (
        f'model = "single", but the mean of {n} tails has two decays: chi2 {single.chi2:.0f} of '
        f"one ({single.dof} degrees of freedom), {double.chi2:.0f} of {tau1 / 1e3:.1f} and "
        f"{tau2 / 1e3:.1f} us with {fraction:.4f} of the faster. Set [germanium.pole_zero] model = "
        '"auto", or give tau1_us'
    )
    numbers = {"chi2_single": single.chi2, "chi2_double": double.chi2, "frac2": fraction}
    return Unfit(code="two_decays", message=msg, numbers=numbers)


def _constants(double: Decays, n: int) -> PoleZeroConstants:
    values = [float(v) for v in double.values]
    errors = [float(e) for e in np.sqrt(np.diag(double.covariance))]
    return PoleZeroConstants(
        tau1_ns=values[0],
        tau2_ns=values[1],
        frac2=values[2],
        tau1_err_ns=errors[0],
        tau2_err_ns=errors[1],
        frac2_err=errors[2],
        chi2_per_ndf=double.chi2 / double.dof,
        n_pulses=n,
        origin="fitted",
    )


def _is_better(double: Decays, single: Decays) -> bool:
    low, high = _FRACTIONS
    return single.chi2 - double.chi2 > _CHI2_GAIN and low < double.values[2] < high
