"""The page of the decay and of the search of the filters of a channel. No nodes."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from ...schemas.germanium.dsp import PoleZeroConstants
from ...schemas.germanium.pole_zero import TailSum
from ...schemas.sheets import Sheet, Words
from ..sheets.frames import BLUE, GREEN, GREY, INK, VERMILION, Frame
from .figure_parts import Page, axes, curve, key, level, limits_of, points, table, with_error

_COLORS: Final = {"trap": BLUE, "cusp": VERMILION, "zac": GREEN}
_REACH: Final = 1.5


def decay_sheet(tail: TailSum, constants: PoleZeroConstants, channel: str) -> Sheet:
    """The mean tail with the decay that was found, and how far it is from it in errors."""
    page = Page("decay", f"{channel}: decay of the preamplifier", 4.6)
    mean, errors = tail.mean()
    time_us = (tail.skip_ns + np.arange(len(mean)) * tail.dt_ns) / 1e3
    shape = _falling(1e3 * time_us, constants)
    safe = np.maximum(errors, 1.0 / tail.scale)
    shape *= float((mean * shape / safe**2).sum() / (shape**2 / safe**2).sum())
    left = Frame(1.0, 0.9, 4.6, 2.9, limits_of(time_us, 0.0), limits_of(mean))
    page.shapes += [curve(left, time_us, mean, INK, 2.0), curve(left, time_us, shape, VERMILION)]
    page.shapes += axes(left, "time after the half of the pulse (µs)", "mean tail (its mean = 1)")
    page.shapes += key(
        left.x + 2.2, left.y + 2.6, [("mean of tails", INK), ("decay found", VERMILION)]
    )
    pull = (mean - shape) / safe
    right = Frame(7.0, 0.9, 4.6, 2.9, limits_of(time_us, 0.0), limits_of(np.append(pull, [-3, 3])))
    page.shapes += [curve(right, time_us, pull, BLUE, 1.0), level(right, 0.0)]
    page.shapes += axes(right, "time after the half of the pulse (µs)", "difference (errors)")
    said = f"{tail.n_pulses} tails; τ = {_us(constants.tau1_ns, constants.tau1_err_ns)} µs"
    if constants.model == "double":
        said += (
            f", {_us(constants.tau2_ns, constants.tau2_err_ns)} µs, "
            f"f = {with_error(constants.frac2, constants.frac2_err)}"
        )
    page.shapes.append(Words(left.x, left.y + left.h + 0.14, said, 8.5, GREY))
    chi2 = f"χ² / degree of freedom = {constants.chi2_per_ndf:.2f}"
    page.shapes.append(Words(right.x + right.w, right.y + right.h + 0.14, chi2, 8.5, GREY, "right"))
    return page.sheet()


def _falling(time_ns: np.ndarray, constants: PoleZeroConstants) -> np.ndarray:
    slow = np.exp(-time_ns / constants.tau1_ns)
    if constants.model == "single":
        return np.asarray(slow)
    fast = np.exp(-time_ns / constants.tau2_ns)
    return np.asarray((1.0 - constants.frac2) * slow + constants.frac2 * fast)


def _us(value_ns: float, error_ns: float) -> str:
    return with_error(value_ns / 1e3, error_ns / 1e3)


def scan_sheet(scan: pd.DataFrame, optima: pd.DataFrame, channel: str) -> Sheet:
    """The width at Q_bb of every shaping time that was computed, and the best of each filter."""
    page = Page("filters", f"{channel}: search of the energy filters", 4.6)
    widths = scan["qbb_fwhm_keV"].to_numpy(dtype=float)
    error = scan["qbb_fwhm_err_keV"].to_numpy(dtype=float)
    least = float(np.nanmin(widths)) if np.isfinite(widths).any() else 1.0
    # Far from the best the width may be anything: that is not looked at.
    shown = np.minimum(np.append(widths + error, least), _REACH * least)
    reach = limits_of(np.concatenate([shown, widths - error]), 0.15)
    frame = Frame(1.0, 0.9, 5.2, 2.9, limits_of(scan["shaping_us"], 0.05), reach)
    for name, color in _COLORS.items():
        own = scan[scan["filter"] == name].sort_values("shaping_us")
        page.shapes += [curve(frame, own["shaping_us"], own["qbb_fwhm_keV"], color, 0.8)]
        page.shapes += points(
            frame, own["shaping_us"], own["qbb_fwhm_keV"], own["qbb_fwhm_err_keV"], color
        )
    page.shapes += axes(frame, "rise or sigma (µs)", "FWHM at Qββ (keV)")
    page.shapes += key(frame.x + 3.9, frame.y + 2.6, list(_COLORS.items()))
    rows = [("filter", "best at (µs)", "FWHM at Qββ (keV)", "computed")]
    names = ("filter", "shaping_us", "shaping_err_us", "qbb_fwhm_keV", "qbb_fwhm_err_keV")
    columns = [optima[name].to_list() for name in (*names, "n_computed")]
    for name, us, us_err, width, error, n in zip(*columns, strict=True):
        rows.append((str(name), with_error(us, us_err), with_error(width, error), str(n)))
    page.shapes += table(6.7, 3.4, (0.8, 1.5, 1.8, 0.9), rows)
    return page.sheet()
