"""Centres and scales of features: over the hits of a position, around it, or over the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...schemas.arrays import F8, I8, Mask
from ...schemas.transients.config import Outliers
from ...schemas.transients.quality import LOCAL_FEATURES, QUALITY
from ..statistics.scores import normal_equivalents, spread_distances
from ..statistics.widths import MAD_TO_SIGMA, mad_sigma, median_of
from .kernels.local import local_statistics
from .selection import usable_rows

OF_THE_RUN: Final = ("pretrig_std", "pretrig_max", "pretrig_min")
# Roots of sums of squares, or the largest of some windows: skew, the more the fewer they are.
_SKEW: Final = ("posttrig_std", "fit_residual", *OF_THE_RUN)
# The spread of a spread is smaller than that of a window.
_SPREADS: Final = ("posttrig_std", "fit_residual", "pretrig_std")
_LEAST_LN_LAMBDA: Final = 0.1
_LN_LAMBDA_ERRORS: Final = 2.0
DRIFT_RECORDINGS: Final = 500
_SEEN_SNR: Final = 5.0
_NOT_SEEN_SNR: Final = 2.0
_NOT_SEEN_Z: Final = 3.5
_PILEUP_SIGMA: Final = 6.0
_STEP_SHARE: Final = 0.25


@dataclass(frozen=True)
class Places:
    """Usable recordings sorted by scan position, and which positions lie around each."""

    rows: I8
    of_row: I8
    offsets: I8
    around: I8


def places_of(features: pd.DataFrame, neighbours: int) -> Places:
    """The scan positions of the usable recordings and their (2 r + 1)^2 neighbourhoods."""
    rows = np.flatnonzero(usable_rows(features))
    xs, ix = np.unique(features["x_lsb"].to_numpy()[rows], return_inverse=True)
    ys, iy = np.unique(features["y_lsb"].to_numpy()[rows], return_inverse=True)
    n_y = max(ys.size, 1)
    keys, of_row, counts = np.unique(ix * n_y + iy, return_inverse=True, return_counts=True)
    order = np.argsort(of_row, kind="stable")
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    reach = np.arange(-neighbours, neighbours + 1)
    dx, dy = (d.ravel() for d in np.meshgrid(reach, reach, indexing="ij"))
    jx, jy = keys[:, None] // n_y + dx, keys[:, None] % n_y + dy
    inside = (jx >= 0) & (jx < xs.size) & (jy >= 0) & (jy < n_y)
    wanted = np.where(inside, jx * n_y + jy, -1)
    found = np.minimum(np.searchsorted(keys, wanted), max(keys.size - 1, 0))
    there = inside & (keys[found] == wanted) if keys.size else inside
    around = np.where(there, found, -1).astype(np.int64)
    return Places(rows[order], of_row[order].astype(np.int64), offsets, around)


def of_positions(values: F8, places: Places, min_hits: int) -> tuple[F8, F8, I8]:
    """Centre, spread and number of residuals for each usable recording, NaN for the others."""
    n = len(values)
    n_positions = places.offsets.size - 1
    centre, spread = np.empty(n_positions), np.empty(n_positions)
    count = np.zeros(n_positions, np.int64)
    of_hits = np.ascontiguousarray(values[places.rows])
    local_statistics(of_hits, places.offsets, places.around, min_hits, centre, spread, count)
    out, width, number = np.full(n, np.nan), np.full(n, np.nan), np.zeros(n, np.int64)
    out[places.rows], width[places.rows] = centre[places.of_row], spread[places.of_row]
    number[places.rows] = count[places.of_row]
    return out, width, number


def of_run(values: F8, usable: Mask, times: F8, drift: bool) -> tuple[F8, F8]:
    """Centre and spread of what knows no position: of the run, or of the last recordings."""
    n = len(values)
    if not drift:
        some = values[usable]
        return np.full(n, median_of(some)), np.full(n, mad_sigma(some))
    order = np.argsort(np.where(np.isnan(times), -np.inf, times), kind="stable")
    order = order[usable[order]]
    series = pd.Series(values[order])
    window = series.rolling(DRIFT_RECORDINGS, min_periods=1)
    middle = window.median()
    # The first ones have none before them: those of the first whole stretch stand in.
    middle.iloc[: DRIFT_RECORDINGS - 1] = series.iloc[:DRIFT_RECORDINGS].median()
    off = (series - middle).abs()
    width = off.rolling(DRIFT_RECORDINGS, min_periods=1).median()
    width.iloc[: DRIFT_RECORDINGS - 1] = off.iloc[:DRIFT_RECORDINGS].median()
    centre, spread = np.full(n, np.nan), np.full(n, np.nan)
    centre[order], spread[order] = middle.to_numpy(), MAD_TO_SIGMA * width.to_numpy()
    return centre, spread


def scored_values(features: pd.DataFrame, settings: Outliers, snr: F8) -> dict[str, F8]:
    """The values that are compared; ln lambda only where the decay is well known.

    ``snr`` is that of the centre of trig_val at the position of each recording.
    """
    found = {n: features[n].to_numpy(np.float64) for n in LOCAL_FEATURES if n in features}
    lam = features["fit_lambda"].to_numpy()
    degenerate = QUALITY.is_set(features["quality"].to_numpy(), "fit_degenerate")
    r2 = features["fit_R2"].to_numpy()
    known = (r2 > settings.lambda_r2) & ~degenerate & (snr > settings.lambda_snr) & (lam > 0)
    found["ln_lambda"] = np.log(lam, out=np.full(len(lam), np.nan), where=known)
    return found


def local_floor(
    name: str, centre: F8, features: pd.DataFrame, settings: Outliers, noise: float
) -> NDArray[np.float64]:
    if name == "ln_lambda":
        # Noise that wanders over the whole recording makes the errors of a fit too small.
        own = _LN_LAMBDA_ERRORS * (features["fit_lambda_error"] / features["fit_lambda"]).to_numpy()
        return np.hypot(_LEAST_LN_LAMBDA, np.where(np.isfinite(own), own, 0.0))
    share = settings.noise_floor * (0.5 if name in _SPREADS else 1.0)
    return np.hypot(share * noise, settings.relative_floor * np.abs(centre))


def local_score(name: str, values: F8, local_centres: pd.DataFrame) -> F8:
    """How far off its local centre a feature is, as the normal score that is as rare."""
    centre, scale, degrees = (
        local_centres[f"{of}_{name}"].to_numpy() for of in ("centre", "scale", "dof")
    )
    # Without any noise a scale is 0, and what differs is infinitely far.
    with np.errstate(divide="ignore", invalid="ignore"):
        is_skew = name in _SKEW
        off = spread_distances(values, centre, scale) if is_skew else (values - centre) / scale
    return normal_equivalents(off, degrees)


def shape_reasons(
    features: pd.DataFrame, local_centres: pd.DataFrame, noise: float, settings: Outliers
) -> dict[str, Mask]:
    """Reasons that are no distance: another sign, nothing there, a second hit, no way back."""
    usable = usable_rows(features)
    trig, centre = features["trig_val"].to_numpy(), local_centres["centre_trig_val"].to_numpy()
    snr, centre_snr = np.abs(trig) / noise, np.abs(centre) / noise
    seen = usable & (snr > _SEEN_SNR)
    is_lit = centre_snr > _SEEN_SNR
    places = places_of(features, settings.neighbours)
    step = features["largest_step"].to_numpy()
    step_centre, _, _ = of_positions(step, places, settings.min_hits)
    post, post_centre = (
        features["posttrig_std"].to_numpy(),
        local_centres["centre_posttrig_std"].to_numpy(),
    )
    # At a faint position noise may well hide a strike: its local scale knows.
    far = np.abs(local_score("trig_val", trig, local_centres)) > _NOT_SEEN_Z
    # Two windows side by side: the noise of their difference is larger by the root of two.
    pileup = step - step_centre > _PILEUP_SIGMA * np.sqrt(2.0) * noise
    flat = (post < _STEP_SHARE * post_centre) & is_lit & seen
    return {
        # The sign is that of the position: a run may have places of both, and noise has none.
        "sign_flip": seen & is_lit & (np.sign(trig) == -np.sign(centre)),
        "no_event": usable & is_lit & (snr < _NOT_SEEN_SNR) & far,
        "pileup": usable & pileup,
        "step": flat,
    }
