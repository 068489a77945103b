"""Amplitude and decay by scan position, with and without outliers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.arrays import F8, I8, Mask, frozen
from ...schemas.transients.config import Maps
from ...schemas.transients.frames import CROSS_SECTIONS
from ...schemas.transients.quality import QUALITY
from ...schemas.transients.recordings import PositionMaps, RecordingForm
from .selection import amplitude_of, usable_rows

QUANTITIES: Final = ("amplitude_ppm", "lambda_per_s", "half_life_s")
_NO_FIT: Final = ("fit_rejected", "fit_degenerate", "fit_failed")
_REACH_STEPS: Final = 1.5


def _axis_um(lsb: I8, lsb_per_um: float) -> tuple[F8, F8]:
    """Positions of a scan axis and the edges of their pixels; in LSB where no scale is known."""
    at = np.unique(lsb) / (lsb_per_um or 1.0)
    if at.size == 0:
        return at, np.zeros(1)
    if at.size == 1:
        return at, np.array([at[0] - 0.5, at[0] + 0.5])
    middle = 0.5 * (at[1:] + at[:-1])
    return at, np.concatenate([[2 * at[0] - middle[0]], middle, [2 * at[-1] - middle[-1]]])


def _mapped(
    features: pd.DataFrame, outliers: pd.DataFrame, used: Mask, form: RecordingForm, maps: Maps
) -> PositionMaps:
    """Maps of the recordings ``used``, on the positions of all that have one."""
    x_lsb, y_lsb = features["x_lsb"].to_numpy(), features["y_lsb"].to_numpy()
    quality = features["quality"].to_numpy()
    placed = ~QUALITY.is_set(quality, "unknown_position")
    xs, x_edges = _axis_um(x_lsb[placed], form.x_lsb_per_um)
    ys, y_edges = _axis_um(y_lsb[placed], form.y_lsb_per_um)
    shape = (ys.size, xs.size)
    cell = np.full(len(features), -1, np.int64)
    ix = np.unique(x_lsb[placed], return_inverse=True)[1]
    iy = np.unique(y_lsb[placed], return_inverse=True)[1]
    cell[placed] = iy * xs.size + ix

    def counted(mask: Mask) -> I8:
        return np.bincount(cell[placed & mask], minlength=ys.size * xs.size).reshape(shape)

    fitted = ~np.any([QUALITY.is_set(quality, name) for name in _NO_FIT], axis=0)
    lam = np.where(fitted, features["fit_lambda"].to_numpy(), np.nan)
    half = np.where(fitted, features["half_life_s"].to_numpy(), np.nan)
    amplitude = np.abs(amplitude_of(features, maps.amplitude))
    if maps.amplitude == "fit":
        amplitude = np.where(fitted, amplitude, np.nan)
    stats = [_statistics(v, used & placed, cell, shape) for v in (amplitude, lam, half)]
    mean, median, error = (np.stack(parts) for parts in zip(*stats, strict=True))
    return PositionMaps(
        quantities=QUANTITIES,
        x_um=frozen(xs),
        y_um=frozen(ys),
        x_edges_um=frozen(x_edges),
        y_edges_um=frozen(y_edges),
        count=frozen(counted(placed)),
        usable=frozen(counted(usable_rows(features))),
        outliers=frozen(counted(outliers["outlier"].to_numpy())),
        mean=frozen(mean),
        median=frozen(median),
        error=frozen(error),
        filled=frozen(np.zeros(mean.shape, np.bool_)),
    )


def _statistics(values: F8, used: Mask, cell: I8, shape: tuple[int, int]) -> tuple[F8, F8, F8]:
    """Mean, median and error of the mean of each position; NaN where there is nothing."""
    used = used & np.isfinite(values)
    frame = pd.Series(values[used]).groupby(cell[used])
    out = [np.full(shape[0] * shape[1], np.nan) for _ in range(3)]
    for k, found in enumerate((frame.mean(), frame.median(), frame.sem())):
        out[k][found.index.to_numpy()] = found.to_numpy()
    return out[0].reshape(shape), out[1].reshape(shape), out[2].reshape(shape)


@tag(stage="maps", scope="run")
def position_maps(
    features: pd.DataFrame,
    outliers: pd.DataFrame,
    recording_form: RecordingForm,
    map_settings: Maps,
) -> PositionMaps:
    """Maps of all usable recordings, outliers included."""
    return _mapped(features, outliers, usable_rows(features), recording_form, map_settings)


@tag(stage="maps", scope="run", main="true")
def filtered_position_maps(
    features: pd.DataFrame,
    outliers: pd.DataFrame,
    recording_form: RecordingForm,
    map_settings: Maps,
) -> PositionMaps:
    """Maps of the usable recordings that are no outliers; holes filled if the settings say so."""
    used = usable_rows(features) & ~outliers["outlier"].to_numpy()
    found = _mapped(features, outliers, used, recording_form, map_settings)
    return _with_holes_filled(found) if map_settings.fill == "neighbours" else found


def _with_holes_filled(maps: PositionMaps) -> PositionMaps:
    """Positions without a value take the mean of their neighbours within 1.5 steps, marked."""
    mean, filled = _filled(maps.mean)
    median, _ = _filled(maps.median)
    return replace(maps, mean=frozen(mean), median=frozen(median), filled=frozen(filled))


def _filled(values: F8) -> tuple[F8, Mask]:
    reach = int(_REACH_STEPS)
    padded = np.pad(values, ((0, 0), (reach, reach), (reach, reach)), constant_values=np.nan)
    n_y, n_x = values.shape[1:]
    shifted = [
        padded[:, reach + j : reach + j + n_y, reach + i : reach + i + n_x]
        for j in range(-reach, reach + 1)
        for i in range(-reach, reach + 1)
        if 0 < i * i + j * j <= _REACH_STEPS**2
    ]
    around = np.stack(shifted)
    n = np.isfinite(around).sum(axis=0)
    total = np.nansum(around, axis=0)
    near = np.divide(total, n, out=np.full(values.shape, np.nan), where=n > 0)
    filled = np.isnan(values) & np.isfinite(near)
    return np.where(filled, near, values), filled


@tag(stage="maps", scope="run", schema="CrossSections")
def cross_sections(filtered_position_maps: PositionMaps, map_settings: Maps) -> pd.DataFrame:
    """The row and the column of the map nearest to a point, with errors."""
    maps = filtered_position_maps
    at_x, at_y = map_settings.sections_um
    count = maps.usable - np.minimum(maps.outliers, maps.usable)
    columns: dict[str, list[Any]] = {name: [] for name in CROSS_SECTIONS.names}
    if maps.x_um.size and maps.y_um.size:
        i, j = int(np.abs(maps.x_um - at_x).argmin()), int(np.abs(maps.y_um - at_y).argmin())
        lines = (("x", maps.x_um, maps.y_um[j], (j, slice(None))),
                 ("y", maps.y_um, maps.x_um[i], (slice(None), i)))  # fmt: skip
        for axis, positions, place, cut in lines:
            for k, quantity in enumerate(maps.quantities):
                values = (positions, maps.mean[k][cut], maps.error[k][cut], count[cut])
                for name, column in zip(
                    ("position_um", "mean", "error", "count"), values, strict=True
                ):
                    columns[name] += column.tolist()
                columns["axis"] += [axis] * positions.size
                columns["quantity"] += [quantity] * positions.size
                columns["at_um"] += [float(place)] * positions.size
    quantities = pd.Categorical(columns["quantity"], categories=list(QUANTITIES))
    return CROSS_SECTIONS.frame({**columns, "quantity": quantities})
