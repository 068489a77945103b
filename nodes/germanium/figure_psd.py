"""Pages of pulse shapes and quality of a channel: A/E, LQ, survival, quality cuts. No nodes."""

from __future__ import annotations

from textwrap import wrap
from typing import Final

import numpy as np
import pandas as pd

from ...schemas.failures import Failure
from ...schemas.germanium.aoe import AoEModel, Band, LowCut
from ...schemas.germanium.lines import PSD_LINES, Q_BB_KEV
from ...schemas.germanium.lq import LQModel
from ...schemas.germanium.quality import QualityCuts
from ...schemas.sheets import Shape, Sheet, Words
from ..sheets.frames import BLUE, GREEN, GREY, INK, VERMILION, Frame
from .figure_parts import (
    Page,
    axes,
    cells,
    curve,
    key,
    level,
    limits_of,
    no_page,
    percent,
    points,
    step_line,
    table,
    top_of_counts,
    upright,
    with_error,
)

_CELL: Final = (25.0, 0.25)
_ZOOM_KEV: Final = 45.0
_LINE_CHARACTERS: Final = 50


def aoe_page(
    model: AoEModel,
    bands: tuple[Band, ...],
    cut: LowCut | Failure,
    counts: pd.DataFrame,
    high_cut: float,
    channel: str,
) -> Sheet:
    """Classifier against energy with its cuts, and the bands with the curves through them.

    Without a low cut the reason stands in the place of its search.
    """
    page = Page("aoe", f"{channel}: A/E over {model.estimator}", 8.4)
    cells_of = counts[counts["classifier"] == "AoE"]
    x_limits = _energy_limits(cells_of)
    frame = Frame(1.0, 4.6, 6.6, 3.0, x_limits, (-12.0, 6.0))
    energy, value = cells_of["energy_keV"].to_numpy(), cells_of["value"].to_numpy()
    page.shapes += cells(frame, energy, value, _CELL, cells_of["counts"].to_numpy(dtype=float))
    page.shapes.append(level(frame, high_cut, VERMILION))
    page.shapes += axes(frame, "energy (keV)", "A/E classifier (σ)", "events by energy and A/E")
    page.shapes += _bands(model, bands, x_limits)
    if isinstance(cut, Failure):
        lines = wrap(f"no low cut: {cut.message}", _LINE_CHARACTERS)
        page.shapes += [Words(8.5, 7.2 - 0.22 * k, line, 8.5) for k, line in enumerate(lines)]
    else:
        page.shapes += [level(frame, cut.value, VERMILION), *_search(cut)]
    page.shapes += _corrections(model)
    return page.sheet()


def _search(cut: LowCut) -> list[Shape]:
    """The cuts that were tried, and the one that was taken."""
    tried = Frame(8.5, 4.6, 3.1, 3.0, (-10.5, 0.5), limits_of(cut.tried_survival, 0.15))
    said = (
        f"cut {with_error(cut.value, cut.error)} at "
        f"{percent(cut.survival, cut.survival_err)} % of the DEP"
    )
    return [
        *points(tried, cut.tried, cut.tried_survival, None, INK, 3.5),
        upright(tried, cut.value, VERMILION),
        *axes(tried, "low cut (σ)", "survival of the DEP", "search of the low cut", at_most=(6, 6)),
        Words(8.5, 3.9, said, 8.5),
    ]


def _corrections(model: AoEModel) -> list[Shape]:
    """What A/E is corrected for, in words."""
    drift = model.drift
    text = f"drift time: {drift.reason}" if drift.reason else (
        f"drift time: a = {drift.slope_per_ns:.3g} ± {drift.slope_err_per_ns:.2g} per ns"
    )  # fmt: skip
    lines = wrap(text, _LINE_CHARACTERS)
    if not model.time.reason:
        factors = model.time.reference / model.time.medians
        text = f"time: {len(factors)} slices, factors {factors.min():.4f} to {factors.max():.4f}"
        lines += wrap(text, _LINE_CHARACTERS)
    return [Words(8.5, 3.65 - 0.22 * k, line, 8.5, GREY) for k, line in enumerate(lines)]


def _bands(model: AoEModel, bands: tuple[Band, ...], x_limits: tuple[float, float]) -> list[Shape]:
    good = [b for b in bands if not b.reason]
    energy = np.array([b.energy_keV for b in good])
    shapes: list[Shape] = []
    rows = (
        ("mu", model.trend.mu, model.trend.p_chi2, "μ of A/E"),
        ("sigma", model.trend.sigma, model.trend.q_chi2, "σ of A/E"),
    )
    x = np.linspace(max(x_limits[0], 100.0), x_limits[1], 200)
    for k, (name, trend, chi2, label) in enumerate(rows):
        values = 1e3 * np.array([getattr(b, name) for b in good])
        errors = 1e3 * np.array([getattr(b, f"{name}_err") for b in good])
        frame = Frame(1.0 + 3.85 * k, 0.8, 2.9, 2.7, x_limits, limits_of(values, 0.25))
        shapes += points(frame, energy, values, errors, BLUE, 3.0)
        shapes += [curve(frame, x, 1e3 * trend(x), VERMILION)]
        title = f"χ² {chi2:.0f} / {model.trend.dof}"
        shapes += axes(frame, "energy (keV)", f"{label} (10⁻³)", title, at_most=(5, 6))
    return shapes


def lq_page(model: LQModel, counts: pd.DataFrame, channel: str) -> Sheet:
    """Classifier of LQ against energy with its cut, and its distribution."""
    page = Page("lq", f"{channel}: LQ", 4.9)
    cells_of = counts[counts["classifier"] == "LQ"]
    frame = Frame(1.0, 0.8, 6.0, 3.3, _energy_limits(cells_of), (-6.0, 10.0))
    number_of = cells_of["counts"].to_numpy(dtype=float)
    value = cells_of["value"].to_numpy()
    page.shapes += cells(frame, cells_of["energy_keV"].to_numpy(), value, _CELL, number_of)
    page.shapes += [level(frame, model.cut, VERMILION)]
    page.shapes += axes(frame, "energy (keV)", "LQ classifier (σ)", "events by energy and LQ")
    edges = np.arange(-6.0, 10.01, 0.25)
    seen = np.histogram(value, edges, weights=number_of)[0]
    side = Frame(8.1, 0.8, 3.5, 3.3, (-6.0, 10.0), top_of_counts(seen))
    page.shapes += [
        step_line(side, edges, seen, BLUE),
        upright(side, model.cut, VERMILION),
        *axes(side, "LQ classifier (σ)", "counts", "all energies", at_most=(6, 5)),
    ]
    said = (
        f"σ {with_error(model.sigma, model.sigma_err)} of the DEP's median, "
        f"{model.n_dep} events of the peak, {model.n_missing} events without LQ"
    )
    page.shapes.append(Words(4.0, 4.6, said, 8.8, GREY))
    return page.sheet()


def survival_page(spectra: pd.DataFrame, survival: pd.DataFrame, channel: str) -> Sheet:
    """Spectra before and after the cuts, the escape peak and Q_bb enlarged, and the table."""
    page = Page("survival", f"{channel}: what survives the cuts", 8.6)
    edges = np.append(spectra["low_keV"], spectra["high_keV"].iloc[-1])
    every = (
        ("all", "all", INK), ("single_site", "low cut of A/E", VERMILION),
        ("two_sided", "both cuts of A/E", GREEN), ("early", "cut of LQ", BLUE),
    )  # fmt: skip
    kinds = [kind for kind in every if (spectra[kind[0]] >= 0).all()]
    seen = edges[:-1][spectra["all"].to_numpy() > 0]
    limits = (float(seen[0]) if len(seen) else 0.0, float(edges[-1]))
    top = top_of_counts(spectra["all"], log=True)
    frame = Frame(1.0, 4.9, 10.6, 2.9, limits, top, log_y=True)
    page.shapes += [step_line(frame, edges, spectra[c], color, 0.9) for c, _, color in kinds]
    page.shapes += axes(frame, "energy (keV)", "counts / 2 keV", at_most=(10, 6))
    page.shapes += key(8.9, 7.6, [(text, color) for _, text, color in kinds])
    zooms = ((PSD_LINES[0].energy_keV + 12.0, "DEP and 1620.5 keV"), (Q_BB_KEV, "Qββ ± 35 keV"))
    for k, (middle, title) in enumerate(zooms):
        inside = (edges[:-1] >= middle - _ZOOM_KEV) & (edges[1:] <= middle + _ZOOM_KEV)
        part = spectra[inside]
        own = np.append(part["low_keV"], part["high_keV"].iloc[-1])
        near = (float(own[0]), float(own[-1]))
        small = Frame(1.0 + 2.95 * k, 0.8, 2.2, 3.0, near, top_of_counts(part["all"]))
        page.shapes += [step_line(small, own, part[c], color, 1.0) for c, _, color in kinds]
        label = "counts / 2 keV" if k == 0 else ""
        page.shapes += axes(small, "energy (keV)", label, title, at_most=(3, 5))
    page.shapes += _survival_table(survival, 6.9, 3.7)
    return page.sheet()


def _survival_table(survival: pd.DataFrame, x: float, y: float) -> list[Shape]:
    names = {"AoE_Low_Cut": "A/E low", "AoE_Double_Sided_Cut": "A/E both", "LQ_Cut": "LQ"}
    cuts = [c for c in names if (survival["cut"] == c).any()]
    by = survival.set_index(["cut", "sample"])
    samples = list(dict.fromkeys(survival["sample"]))
    rows = [["survival (%)", *(names[c] for c in cuts)]]
    rows += [
        [s, *(percent(by.loc[(c, s), "survival"], by.loc[(c, s), "error"]) for c in cuts)]
        for s in samples
    ]
    return table(x, y, (1.2, *([1.15] * len(cuts))), rows)


def quality_page(
    histograms: pd.DataFrame, cuts: QualityCuts, survival: pd.DataFrame, channel: str
) -> Sheet:
    """Each parameter in widths from its mode with its cut, and what survives."""
    names = list(cuts.cuts)
    title = f"{channel}: quality of the waveforms"
    if not names:
        return no_page("quality", title, "no parameter of quality is in the dsp tier")
    n_rows = -(-len(names) // 4)
    below = 0.8 + 0.26 * (len(survival) + 1 + len(cuts.absent))
    page = Page("quality", title, 0.9 + 2.35 * n_rows + below)
    half = 0.5 * 0.25
    for k, name in enumerate(names):
        x, y = 0.95 + 2.85 * (k % 4), page.height - 0.95 - 2.35 * (k // 4) - 1.45
        part = histograms[histograms["parameter"] == name]
        middles = part["value"].to_numpy()
        edges = np.append(middles - half, middles[-1] + half)
        frame = Frame(
            x, y, 2.0, 1.45, (-10.0, 10.0), top_of_counts(part["counts"], log=True), log_y=True
        )
        cut = cuts.cuts[name]
        page.shapes += [
            step_line(frame, edges, part["counts"], BLUE),
            upright(frame, cut.low, VERMILION),
            upright(frame, cut.high, VERMILION),
            *axes(frame, "(x − mode) / width", "", name, at_most=(4, 4)),
        ]
    rows = [["flag", "alone (%)", "in sequence (%)", "events"]]
    for row in survival.to_dict("records"):
        rows.append(
            [
                row["flag"],
                f"{100.0 * row['survival']:.2f}",
                f"{100.0 * row['survival_in_sequence']:.2f}",
                str(row["n_alone"]),
            ]
        )
    page.shapes += table(0.95, below - 0.35, (2.0, 1.2, 1.5, 1.0), rows)
    for k, (name, why) in enumerate(cuts.absent.items()):
        at = below - 0.35 - 0.24 * (len(rows) + k)
        page.shapes.append(Words(0.95, at, f"{name}: not cut on, {why}", 8.5, GREY))
    return page.sheet()


def _energy_limits(counts: pd.DataFrame) -> tuple[float, float]:
    energy = counts["energy_keV"]
    if not len(energy):
        return (0.0, 2700.0)
    return (max(float(energy.min()) - 25.0, 0.0), 2700.0)
