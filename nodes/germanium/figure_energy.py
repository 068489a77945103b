"""Pages of the energy of a channel: spectrum, lines, resolution, drift time. No nodes."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from ...schemas.germanium.energy import EnergyCalibration, Trapping
from ...schemas.germanium.lines import ENERGY_LINES, FEP_KEV, Q_BB_KEV
from ...schemas.germanium.peaks import PeakFit
from ...schemas.sheets import Align, Shape, Sheet, Words
from ..sheets.frames import BLUE, GREEN, GREY, INK, ORANGE, VERMILION, Frame
from .figure_parts import (
    Page,
    axes,
    band,
    curve,
    key,
    level,
    limits_of,
    no_page,
    points,
    step_line,
    table,
    top_of_counts,
    upright,
    with_error,
)

_PULL_LIMITS: Final = (-5.0, 5.0)
# Of the window of a line so many sigma below and above it are drawn.
_SHOWN_BELOW, _SHOWN_ABOVE = 20.0, 10.0
_CLOSE_KEV: Final = 120.0


def spectrum_page(spectrum: pd.DataFrame, calibrated: EnergyCalibration, channel: str) -> Sheet:
    """The calibrated spectrum with its lines, and how far each lies from where it should."""
    page = Page("spectrum", f"{channel}: spectrum of {calibrated.name}", 7.6)
    edges = np.append(spectrum["low_keV"], spectrum["high_keV"].iloc[-1])
    counts = spectrum["counts"].to_numpy()
    seen = np.flatnonzero(counts)
    first = float(edges[seen[0]]) if len(seen) else 0.0
    x_limits = (max(first - 50.0, 0.0), float(edges[-1]))
    frame = Frame(1.0, 3.1, 10.6, 3.7, x_limits, top_of_counts(counts, log=True), log_y=True)
    page.shapes += [step_line(frame, edges, counts, BLUE, 0.9)]
    before = -np.inf
    for line in (line for line in ENERGY_LINES if line.name in calibrated.peaks):
        page.shapes.append(upright(frame, line.energy_keV, ORANGE))
        x, y = frame.at([line.energy_keV], [frame.y_limits[1]])[0]
        close = line.energy_keV - before < _CLOSE_KEV
        side = 0.04 if close else -0.04
        align: Align = "left" if close else "right"
        text = f"{line.energy_keV:.1f}"
        page.shapes.append(Words(x + side, y - 0.14, text, 8.0, GREY, align=align))
        before = line.energy_keV
    page.shapes += axes(frame, "", "counts / 2 keV", x_labels=False)
    peaks = {n: p for n, p in calibrated.peaks.items() if p.valid}
    truth = np.array([_energy(n) for n in peaks])
    off = np.array([p.position for p in peaks.values()]) - truth
    errors = np.array([p.position_err for p in peaks.values()])
    reach = 1.2 * float(np.max(np.abs(off) + errors, initial=0.1))
    below = Frame(1.0, 0.7, 10.6, 1.9, x_limits, (-reach, reach))
    page.shapes += [level(below, 0.0), *points(below, truth, off, errors, INK)]
    page.shapes += axes(below, "energy (keV)", "mode − line (keV)", at_most=(10, 5))
    return page.sheet()


def peaks_page(histograms: pd.DataFrame, calibrated: EnergyCalibration, channel: str) -> Sheet:
    """Each line with its fit, and the pulls of the bins below it."""
    names = list(calibrated.peaks)
    title = f"{channel}: lines of {calibrated.name}"
    if not names:
        return no_page("peaks", title, "no line was fitted")
    n_rows = -(-len(names) // 3)
    page = Page("peaks", title, 0.8 + 3.75 * n_rows)
    for k, name in enumerate(sorted(names, key=_energy)):
        x, y = 0.95 + 3.8 * (k % 3), page.height - 0.95 - 3.75 * (k // 3) - 2.05
        of_line = histograms[histograms["line"] == name]
        page.shapes += _peak_panel(x, y, name, of_line, calibrated.peaks[name])
    return page.sheet()


def _peak_panel(x: float, y: float, name: str, bins: pd.DataFrame, peak: PeakFit) -> list[Shape]:
    low, high = peak.low, peak.high
    sigma = float(peak.parameters[1])
    if np.isfinite(sigma):
        low = max(low, peak.position - _SHOWN_BELOW * sigma)
        high = min(high, peak.position + _SHOWN_ABOVE * sigma)
    used = bins[(bins["low_keV"] >= low) & (bins["high_keV"] <= high)]
    low, high = float(used["low_keV"].iloc[0]), float(used["high_keV"].iloc[-1])
    middle = 0.5 * (used["low_keV"] + used["high_keV"]).to_numpy()
    counts = used["counts"].to_numpy(dtype=float)
    expected = used["expected"].to_numpy()
    frame = Frame(x, y, 2.75, 2.05, (low, high), top_of_counts(counts + np.sqrt(counts)))
    shapes: list[Shape] = [
        *points(frame, middle, counts, np.sqrt(counts), INK, 2.6),
        curve(frame, middle, used["background"], GREEN, 1.1, dashed=True),
        curve(frame, middle, expected, VERMILION),
        *axes(frame, "", "counts / bin", x_labels=False, at_most=(4, 5)),
        Words(x, y + 2.2, f"{name} keV, {peak.model}", 9.5, bold=True),
    ]
    said = [
        f"mode {with_error(peak.position, peak.position_err)}",
        f"FWHM {with_error(peak.fwhm, peak.fwhm_err)} keV",
        f"n {with_error(peak.n_sig, peak.n_sig_err)}",
        f"χ² {peak.chi2:.0f} / {peak.dof}" if peak.dof else "χ² –",
    ]
    if peak.at_bound:
        said.append("at bound: " + ", ".join(b.replace("_", " ") for b in peak.at_bound))
    shapes += [Words(x + 0.08, y + 1.9 - 0.16 * k, text, 7.5) for k, text in enumerate(said)]
    if peak.reason:
        shapes.append(Words(x + 2.75, y + 2.2, "not valid", 8.5, VERMILION, align="right"))
    pulls = (counts - expected) / np.sqrt(np.maximum(expected, 1.0))
    below = Frame(x, y - 0.75, 2.75, 0.57, (low, high), _PULL_LIMITS)
    shapes += [
        level(below, 0.0, dashed=False),
        *points(below, middle, np.clip(pulls, -5.0, 5.0), None, BLUE, 2.4),
        *axes(below, "energy (keV)", "pull", at_most=(4, 2)),
    ]
    return shapes


def resolution_page(
    plain: EnergyCalibration, corrected: EnergyCalibration | None, channel: str
) -> Sheet:
    """FWHM of the lines with the curves through them, without and with the correction."""
    page = Page("resolution", f"{channel}: resolution of {plain.estimator}", 6.4)
    shown = [(plain, BLUE, "uncorrected")]
    if corrected is not None and not corrected.reason:
        shown.append((corrected, VERMILION, "corrected for trapped charge"))
    every = [p.fwhm for c, _, _ in shown for p in c.peaks.values() if p.valid]
    x_limits = (0.0, 2700.0)
    y_limits = (0.0, 1.25 * max(every, default=1.0))
    frame = Frame(1.0, 0.8, 7.0, 4.9, x_limits, y_limits)
    x = np.linspace(1.0, 2700.0, 271)
    entries = []
    rows = [["", "FWHM at Qββ (keV)", "χ² / dof"]]
    for c, color, text in shown:
        fwhm, error = c.linear.fwhm_keV(x), c.linear.fwhm_err_keV(x)
        page.shapes += [band(frame, x, fwhm - error, fwhm + error, color)]
        page.shapes += [curve(frame, x, fwhm, color)]
        for used, mark_color in ((True, color), (False, "#8c8c8c")):
            names = [n for n, p in c.peaks.items() if p.valid and (n in c.linear.lines) == used]
            peaks = [c.peaks[n] for n in names]
            page.shapes += points(
                frame, [_energy(n) for n in names], [p.fwhm for p in peaks],
                [p.fwhm_err for p in peaks], mark_color,
            )  # fmt: skip
        at_qbb = with_error(
            float(c.linear.fwhm_keV(Q_BB_KEV)), float(c.linear.fwhm_err_keV(Q_BB_KEV))
        )
        rows.append([text, at_qbb, f"{c.linear.chi2:.2f} / {c.linear.dof}"])
        entries.append((text, color))
    entries.append(("not in the curve (Doppler)", "#8c8c8c"))
    page.shapes += [upright(frame, Q_BB_KEV), *axes(frame, "energy (keV)", "FWHM (keV)")]
    page.shapes += key(1.2, 5.5, entries)
    page.shapes += table(8.35, 5.4, (1.85, 1.1, 0.65), rows)
    page.shapes.append(Words(8.35, 4.3, "FWHM² = a + b E; dashed: Qββ = 2039.061 keV", 8.5, GREY))
    return page.sheet()


def drift_page(drift: pd.DataFrame, correction: Trapping, estimator: str, channel: str) -> Sheet:
    """Energy against drift time before and after, and the width against alpha."""
    title = f"{channel}: trapped charge, {estimator}"
    if not len(drift):
        return no_page("trapping", title, correction.reason or "no drift times")
    page = Page("trapping", title, 5.0)
    times = drift["dt_eff_ns"].to_numpy()
    low, high = np.percentile(times, [1.0, 99.0])
    span = (float(low - 50.0), float(high + 50.0))
    y_limits = (FEP_KEV - 8.0, FEP_KEV + 8.0)
    for k, (column, name) in enumerate((("before_keV", "before"), ("after_keV", "after"))):
        frame = Frame(1.0 + 3.75 * k, 0.8, 2.9, 3.5, span, y_limits)
        energy = drift[column].to_numpy()
        page.shapes += points(frame, times, energy, None, BLUE, 1.6)
        middle, medians = _profile(times, energy, span)
        page.shapes += [level(frame, FEP_KEV), curve(frame, middle, medians, VERMILION, 2.0)]
        label = "energy (keV)" if k == 0 else ""
        page.shapes += axes(frame, "effective drift time (ns)", label, name, at_most=(5, 6))
    if len(correction.scanned_per_ns):
        alphas = 1e7 * correction.scanned_per_ns
        widths = correction.scanned_fwhm_keV
        frame = Frame(8.6, 0.8, 3.0, 3.5, limits_of(alphas), limits_of(widths, 0.25))
        page.shapes += points(frame, alphas, widths, None, INK)
        page.shapes += [
            upright(frame, 1e7 * correction.scan_per_ns, VERMILION),
            upright(frame, 1e7 * correction.seed_per_ns, GREEN),
            *axes(frame, "α (10⁻⁷ / ns)", "FWHM at 2614.5 keV (keV)", "scan", at_most=(5, 6)),
            *key(9.4, 4.15, [("least width", VERMILION), ("regression", GREEN)]),
        ]
    if correction.reason:
        page.shapes.append(Words(0.4, 4.45, f"not corrected: {correction.reason}", 9.0, VERMILION))
    return page.sheet()


def _profile(
    times: np.ndarray, energy: np.ndarray, span: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Medians of the energy in ten slices of drift time with equal counts."""
    inside = (times >= span[0]) & (times <= span[1])
    order = np.argsort(times[inside], kind="stable")
    slices = np.array_split(order, 10)
    t, e = times[inside], energy[inside]
    kept = [s for s in slices if len(s)]
    return (
        np.array([np.median(t[s]) for s in kept]),
        np.array([np.median(e[s]) for s in kept]),
    )


def stability_page(table_: pd.DataFrame, channel: str) -> Sheet:
    """Median of the 2614.5 keV line and rate of events in slices of ten minutes."""
    title = f"{channel}: stability with time"
    if not len(table_):
        return no_page("stability", title, "the dsp tier has no timestamps")
    page = Page("stability", title, 6.0)
    hours = 0.5 * (table_["begin_s"] + table_["end_s"]).to_numpy() / 3600.0
    median, error = table_["median_keV"].to_numpy(), table_["median_err_keV"].to_numpy()
    span = (0.0, max(float(table_["end_s"].max()) / 3600.0, 1e-3))
    # From the line on: labels of the axis are short.
    away, trend = median - FEP_KEV, table_["trend_keV"].to_numpy() - FEP_KEV
    ends = np.concatenate([away - error, away + error, [0.0]])
    frame = Frame(1.0, 2.9, 10.6, 2.3, span, limits_of(ends))
    page.shapes += [level(frame, 0.0), *points(frame, hours, away, error, BLUE)]
    page.shapes += [curve(frame, hours, trend, VERMILION)]
    slope, slope_err = (float(table_[f"drift{e}_keV_per_h"].iloc[0]) for e in ("", "_err"))
    p_value = float(table_["p_value"].iloc[0])
    said = f"drift {with_error(slope, slope_err)} keV/h, p(constant) {p_value:.2g}"
    if np.isnan(p_value):
        said = "too few slices of time for a drift"
    page.shapes += axes(frame, "", "median − 2614.511 (keV)", said, x_labels=False)
    rate = table_["rate_Hz"].to_numpy()
    below = Frame(1.0, 0.8, 10.6, 1.6, span, top_of_counts(rate))
    page.shapes += [
        curve(below, hours, rate, GREEN),
        *points(below, hours, rate, None, GREEN),
        *axes(below, "time after the first event (h)", "events (Hz)", at_most=(10, 4)),
    ]
    return page.sheet()


def _energy(name: str) -> float:
    return next(line.energy_keV for line in ENERGY_LINES if line.name == name)
