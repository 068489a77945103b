"""A simulated scan: where and when the beam struck, what the frequency did, what went wrong.

Settings come in; the truth, the strikes and the damage (schemas/transient_simulation.py) go out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.arrays import F8, I8, frozen
from ...schemas.tables import categories_of
from ...schemas.transient_simulation import (
    ANOMALIES,
    CLIPPED,
    DAMAGED_RECORDINGS,
    DAMAGES,
    OVERWRITTEN,
    STRIKE_LEAD_SAMPLES,
    TRANSIENT_TRUTH,
    TRUTH_KINDS,
    Strikes,
    TransientStreams,
)
from ...schemas.transients.layout import UNKNOWN_POSITION

X_LSB_PER_UM = 99.001
Y_LSB_PER_UM = 93.458

_KINDS = ("inlier", *ANOMALIES)
_PLATEAU = 0.75
_PLATEAU_POWER = 4
_SLOWER_OUTSIDE = 0.6
_STRUCK = 0.4
_FIRST_TICKS_S = 2.0
_INTERVAL_S = 0.015
_BASE_HZ = -35_000.0
_BASE_SPREAD_HZ = 500.0
_DRIFT_HZ_PER_S = 2.0e4
_OFFSET_SPREAD = 0.2
_STRONG, _QUICK = 2.0, 2.5
_CARRIER_LEFT = 0.25
_LOUD = 2.5


@tag(stage="strikes")
def transient_streams(seed: int, run: int) -> TransientStreams:
    """Independent streams of a run: other damage leaves the noise as it is."""
    return TransientStreams(*np.random.SeedSequence([seed, run]).spawn(4))


@tag(stage="strikes", unit="LSB")
def scan_positions_lsb(steps: int, hits: int, half_width_um: float, stray: int) -> I8:
    """x and y of each recording in order of time, shape (N, 2); 999999 = not known."""
    line_um = np.linspace(-half_width_um, half_width_um, steps) if steps > 1 else np.zeros(1)
    x = np.rint(line_um * X_LSB_PER_UM).astype(np.int64)
    y = np.rint(line_um * Y_LSB_PER_UM).astype(np.int64)
    grid = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1).reshape(-1, 2)
    unknown = np.full((stray, 2), UNKNOWN_POSITION, dtype=np.int64)
    return np.asarray(frozen(np.concatenate([np.repeat(grid, hits, axis=0), unknown])))


@tag(stage="strikes")
def sensitivity(scan_positions_lsb: I8, half_width_um: float) -> F8:
    """Amplitude by position over that of the middle, shape (N,): a plateau with a soft edge."""
    um = scan_positions_lsb / np.array([X_LSB_PER_UM, Y_LSB_PER_UM])
    r = np.hypot(um[:, 0], um[:, 1]) / (_PLATEAU * half_width_um)
    return np.asarray(frozen(np.exp(-(r**_PLATEAU_POWER))))


@tag(stage="strikes")
def anomaly_kinds(
    sensitivity: F8,
    anomaly_share: float,
    planted: tuple,
    hits: int,
    stray: int,
    transient_streams: TransientStreams,
) -> I8:
    """What each recording is, shape (N,): 0 an inlier, k the k-th anomaly.

    What is planted without a number takes a place where there is a strike, as long as there is
    one, and no second one at a position before every such position has one.
    """
    rng = np.random.default_rng(transient_streams.anomalies)
    n = len(sensitivity) - stray
    kinds = np.zeros(len(sensitivity), dtype=np.int64)
    drawn = rng.integers(1, len(_KINDS), n)
    kinds[:n] = np.where(rng.random(n) < anomaly_share, drawn, 0)
    for one in planted:
        if one.number is not None:
            kinds[one.number] = _KINDS.index(one.kind)
    free = np.array([one.kind for one in planted if one.number is None])
    sound = rng.permutation(np.flatnonzero(kinds[:n] == 0))
    turn = pd.Series(sound).groupby(sound // hits).cumcount().to_numpy()
    sound = sound[np.argsort(turn, kind="stable")]
    struck = sensitivity[sound] > _STRUCK
    places = np.concatenate([sound[struck], sound[~struck]])[: len(free)]
    kinds[places] = [_KINDS.index(kind) for kind in free[: len(places)]]
    return np.asarray(frozen(kinds))


def _clipped_numbers(damaged_recordings: pd.DataFrame) -> I8:
    clipped = (damaged_recordings["damage"] == CLIPPED).to_numpy()
    return np.asarray(damaged_recordings["number"].to_numpy()[clipped])


@tag(stage="strikes", schema="TransientTruth")
def transient_truth(
    scan_positions_lsb: I8,
    sensitivity: F8,
    anomaly_kinds: I8,
    damaged_recordings: pd.DataFrame,
    peak_ppm: float,
    decay_per_s: float,
    fast_share: float,
    offset_share: float,
    spread: float,
    fs_MHz: float,
    transient_streams: TransientStreams,
) -> pd.DataFrame:
    """What was simulated, a recording a row, in order of time.

    One that clips is no inlier: its windows spread more than those of its position.
    """
    rng = np.random.default_rng(transient_streams.strikes)
    n = len(sensitivity)
    kind = anomaly_kinds
    ticks = (_FIRST_TICKS_S + np.cumsum(rng.exponential(_INTERVAL_S, n))) * fs_MHz * 1e6
    amplitude = peak_ppm * sensitivity * (1.0 + spread * rng.standard_normal(n))
    decay = decay_per_s * (_SLOWER_OUTSIDE + (1.0 - _SLOWER_OUTSIDE) * sensitivity)
    decay = decay * (1.0 + spread * rng.standard_normal(n))
    offset_part = offset_share * (1.0 + _OFFSET_SPREAD * rng.standard_normal(n))
    amplitude = np.where(kind == _KINDS.index("amplitude"), _STRONG * amplitude, amplitude)
    amplitude = np.where(kind == _KINDS.index("no_event"), 0.0, amplitude)
    decay = np.where(kind == _KINDS.index("decay"), _QUICK * decay, decay)
    stays = kind == _KINDS.index("step")
    told = kind.copy()
    told[_clipped_numbers(damaged_recordings)] = TRUTH_KINDS.index(CLIPPED)
    drift = np.cumsum(rng.standard_normal(n)) * _BASE_SPREAD_HZ / np.sqrt(max(n, 1))
    return TRANSIENT_TRUTH.frame(
        {
            "kind": categories_of(told, TRUTH_KINDS),
            "amp_ppm": amplitude,
            "lam": np.where(stays, 0.0, decay),
            "off_ppm": np.where(stays, 0.0, offset_part * amplitude),
            "fast_ppm": np.where(stays, 0.0, fast_share * amplitude),
            "base_hz": _BASE_HZ + drift + _BASE_SPREAD_HZ * rng.standard_normal(n),
            "number": np.arange(n),
            "x_lsb": scan_positions_lsb[:, 0],
            "y_lsb": scan_positions_lsb[:, 1],
            "hw_ticks": ticks.astype(np.int64),
        }
    )


@tag(stage="strikes", schema="DamagedRecordings")
def damaged_recordings(
    anomaly_kinds: I8,
    damage: tuple,
    stray: int,
    transient_streams: TransientStreams,
) -> pd.DataFrame:
    """What is done to files, and to the hit list: each to another recording, none to an anomaly."""
    rng = np.random.default_rng(transient_streams.damage)
    sound = np.flatnonzero(anomaly_kinds[: len(anomaly_kinds) - stray] == 0)
    what: list[str] = list(damage)
    if "duplicate" in what:
        what.insert(what.index("duplicate") + 1, OVERWRITTEN)
    what = what[: len(sound)]
    number = rng.permutation(sound)[: len(what)]
    new_number = number.copy()
    for k, name in enumerate(what):
        if name == OVERWRITTEN:
            new_number[k] = number[k - 1]
    kinds = (*DAMAGES, OVERWRITTEN)
    codes = np.array([kinds.index(name) for name in what], dtype=np.int64)
    return DAMAGED_RECORDINGS.frame(
        {"number": number, "damage": categories_of(codes, kinds), "new_number": new_number}
    )


@tag(stage="strikes")
def strikes(
    transient_truth: pd.DataFrame,
    anomaly_kinds: I8,
    damaged_recordings: pd.DataFrame,
    fast_ratio: float,
    peak_ppm: float,
    n_pre: int,
    n_post: int,
    fs_MHz: float,
    transient_streams: TransientStreams,
) -> Strikes:
    """What frequency and carrier of each recording do, anomalies and clipping included."""
    rng = np.random.default_rng(transient_streams.anomalies.spawn(1)[0])
    truth = transient_truth
    n = len(truth)
    kind = anomaly_kinds
    u, v, w = rng.random((3, n))
    pileup, burst, gap, weak = (
        kind == _KINDS.index(name)
        for name in ("pileup", "pretrig_burst", "dropout", "carrier_loss")
    )
    of_strike = (0.7 + 0.3 * v) * truth["amp_ppm"].to_numpy()
    second_ppm = np.where(pileup, of_strike, np.where(burst, (0.5 + 0.5 * v) * peak_ppm, 0.0))
    after = n_pre + np.rint((0.15 + 0.45 * u) * n_post)
    before = np.rint((0.3 + 0.3 * u) * n_pre)
    # A burst has died away before the trigger.
    quick = 1.0 / (0.1 * n_pre / (fs_MHz * 1e6))
    first = n_pre + np.rint((0.1 + 0.5 * u) * n_post).astype(np.int64)
    length = np.rint((0.03 + 0.05 * w) * n_post).astype(np.int64)
    loud = np.ones(n)
    loud[_clipped_numbers(damaged_recordings)] = _LOUD
    lam = truth["lam"].to_numpy()
    columns: dict[str, Any] = {
        "base_Hz": truth["base_hz"].to_numpy(),
        "drift_Hz_per_s": _DRIFT_HZ_PER_S * rng.standard_normal(n),
        "amplitude_ppm": truth["amp_ppm"].to_numpy(),
        "offset_ppm": truth["off_ppm"].to_numpy(),
        "fast_ppm": truth["fast_ppm"].to_numpy(),
        "decay_per_s": lam,
        "fast_per_s": fast_ratio * lam,
        "second_sample": np.where(burst, before, after),
        "second_ppm": second_ppm,
        "second_per_s": np.where(burst, quick, lam),
        "weak_first": np.where(gap | weak, first, 0),
        "weak_end": np.where(gap | weak, first + length, 0),
        "weak_factor": np.where(gap, 0.0, np.where(weak, _CARRIER_LEFT, 1.0)),
        "loudness": loud,
    }
    return Strikes(**{name: frozen(np.ascontiguousarray(v)) for name, v in columns.items()})


@tag(stage="strikes", unit="10 us")
def hit_ticks_10us(
    transient_truth: pd.DataFrame, damaged_recordings: pd.DataFrame, fs_MHz: float, stray: int
) -> I8:
    """Rows of the FPGA's hit list, shape (n_hits, 3): time, x, y; two of them before the scan."""
    truth = transient_truth.iloc[: len(transient_truth) - stray]
    gone = damaged_recordings["damage"].to_numpy() == "no_hit"
    kept = ~truth["number"].isin(damaged_recordings["number"].to_numpy()[gone]).to_numpy()
    strike = truth["hw_ticks"].to_numpy() - STRIKE_LEAD_SAMPLES
    times = np.floor(strike / (fs_MHz * 10.0)).astype(np.int64)
    rows = np.stack([times, truth["x_lsb"].to_numpy(), truth["y_lsb"].to_numpy()], axis=1)
    ahead = np.array([[0, 0, 0], [100_000, 0, 0]], dtype=np.int64)
    return np.asarray(frozen(np.concatenate([ahead, rows[kept]])))
