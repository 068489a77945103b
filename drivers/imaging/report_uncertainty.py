"""Figures of how well cones and places are known: pulls, consistency, budget, prior leakage."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from markupsafe import Markup

from ...nodes.imaging.figure_text import SPECIES_NAMES
from ...nodes.imaging.pull_fit import fitted_pulls
from ...nodes.statistics.widths import MEDIAN_ERROR
from ..html.parts import heading, paragraph, picture, side_by_side, table
from .report_figures import COLORS, svg_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SIZE: Final = (5.4, 3.3)
_REACH: Final = 6.0
_STEP: Final = 0.25
_FEWEST: Final = 5
_COMPONENTS: Final[Mapping[str, str]] = {
    "statistical": "statistics",
    "strategy": "estimates of the angle",
    "bar_jackknife": "bars left out one by one",
    "orientation": "orientation of the first bar",
    "calibration": "errors of the bars' constants",
    "halves": "halves of the data",
    "sensitivity": "acceptance on and off",
    "prior_leakage": "prior",
    "total": "total",
}


def uncertainty_parts(frames: Mapping[str, pd.DataFrame]) -> list[Markup]:
    """What the file has of budget, pulls, consistency and leakage, for the page of the report."""
    makers = (_budget, _widths, _leakage)
    return [part for make in makers for part in make(frames)]


def _budget(frames: Mapping[str, pd.DataFrame]) -> list[Markup]:
    budget = frames.get("position_budget")
    if budget is None or not len(budget):
        return []
    first = budget[budget["source"] == 0]
    rows = [
        (_COMPONENTS[str(r["component"])], _half_width(r["u_cm"]), _half_width(r["v_cm"]),
         "yes" if r["in_total"] else "")
        for r in first.to_dict("records")
    ]  # fmt: skip
    words = "Half widths (cm) of the place of the strongest source; the total is in quadrature."
    svg = svg_of(partial(draw_budget, budget), _SIZE)
    head = ("component", "u", "v", "in the total")
    shown = table(head, rows, caption=words, sortable=False)
    return [heading("What the place may be wrong by"), shown, picture(svg, "budget of the place")]


def _half_width(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "not evaluated"


def draw_budget(budget: pd.DataFrame, figure: Figure) -> None:
    """Bars of the half widths of the strongest source; what is not evaluated has none."""
    axes = figure.subplots()
    first = budget[budget["source"] == 0].iloc[::-1]
    y = np.arange(len(first))
    for k, name in enumerate("vu"):
        widths = first[f"{name}_cm"].to_numpy(np.float64)
        bars = axes.barh(y + 0.36 * (k - 0.5), np.nan_to_num(widths), 0.34, color=COLORS[1 - k],
                         label=name)  # fmt: skip
        for bar, counted in zip(bars, first["in_total"], strict=True):
            bar.set_alpha(1.0 if counted else 0.45)
    names = [str(name) for name in first["component"]]
    bars[names.index("total")].set_alpha(1.0)
    axes.containers[0][names.index("total")].set_alpha(1.0)
    for at, widths in zip(y, first[["u_cm", "v_cm"]].to_numpy(np.float64), strict=True):
        if not np.isfinite(widths).any():
            axes.text(0.0, float(at), " not evaluated", va="center", fontsize=7.5)
    axes.set_yticks(y, [_COMPONENTS[name] for name in names], fontsize=8)
    axes.set_xlabel("half width (cm); pale: not in the total")
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], labels[::-1], frameon=False)


def _widths(frames: Mapping[str, pd.DataFrame]) -> list[Markup]:
    pictures: list[Any] = []
    pulls, consistency = frames.get("cone_pulls"), frames.get("consistency")
    if pulls is not None and len(pulls):
        svg = svg_of(partial(draw_pulls, pulls), _SIZE)
        pictures.append(picture(svg, "pulls of the cones at the reference source"))
    if consistency is not None and consistency["consistency"].notna().any():
        svg = svg_of(partial(draw_consistency, consistency), _SIZE)
        pictures.append(picture(svg, "angle of flight against angle of light"))
    shares, of_bars = frames.get("class_shares"), frames.get("bar_consistency")
    if shares is not None and len(shares):
        svg = svg_of(partial(draw_shares, shares), _SIZE)
        pictures.append(picture(svg, "share of the sources by class of consistency"))
    if of_bars is not None and len(of_bars):
        svg = svg_of(partial(draw_calibrated_bars, of_bars), _SIZE)
        pictures.append(picture(svg, "flight against light by bar, before and after calibration"))
    elif consistency is not None and consistency["consistency"].notna().any():
        svg = svg_of(partial(draw_bars, consistency), _SIZE)
        pictures.append(picture(svg, "flight against light by the bar of the first hit"))
    if not pictures:
        return []
    words = paragraph(
        "Pulls follow a Gaussian of width 1 where widths are right, on a ground of events from "
        "elsewhere. Flight and light of one scatter agree within a few sigma for neutrons of the "
        "known energy: classes of their difference tell source from background without a place."
    )
    return [heading("Widths of the cones"), words, side_by_side(*pictures)]


def draw_pulls(pulls: pd.DataFrame, figure: Figure) -> None:
    """(phi - theta) / sigma with the fitted mixture and N(0, 1) of the same core."""
    axes = figure.subplots()
    z, weight = pulls["pull"].to_numpy(), pulls["weight"].to_numpy()
    edges = np.arange(-_REACH, _REACH + _STEP, _STEP)
    axes.stairs(np.histogram(z, edges, weights=weight)[0], edges, color=COLORS[0], lw=1.2)
    scale, bias, share = fitted_pulls(pulls)
    middle = 0.5 * (edges[1:] + edges[:-1])
    sigma = pulls["cone_sigma_rad"].to_numpy()
    if np.isfinite(share):
        core = _gaussian(middle, 0.0, 1.0) * share * weight.sum() * _STEP
        delta = middle[:, None] * sigma
        phi = np.clip(pulls["phi_rad"].to_numpy(), 0.0, np.pi)
        mixed = share * _gaussian(delta, bias, scale * sigma) + (1 - share) * 0.5 * np.sin(phi)
        total = (mixed * sigma * weight).sum(axis=1) * _STEP
        axes.plot(middle, core, "--", color=COLORS[2], lw=1.1, label="N(0, 1), same share")
        words = f"mixture: width {scale:.2f}, mean {np.degrees(bias):.1f}°, share {share:.2f}"
        axes.plot(middle, total, color=COLORS[1], lw=1.3, label=words)
        axes.legend(frameon=False, fontsize=7.5, loc="upper left")
        axes.set_ylim(top=1.35 * axes.get_ylim()[1])
    axes.set_xlabel("(φ − θ) / σ at the reference source")
    axes.set_ylabel(f"weight / {_STEP:g}")


def _gaussian(x: Any, mean: Any, sigma: Any) -> Any:
    return np.exp(-0.5 * ((x - mean) / sigma) ** 2) / (np.sqrt(2.0 * np.pi) * sigma)


def draw_consistency(consistency: pd.DataFrame, figure: Figure) -> None:
    """theta of flight less theta of light in sigma, with N(0, 1) of what lies within 1 sigma."""
    axes = figure.subplots()
    z = consistency["consistency"].dropna().to_numpy()
    edges = np.arange(-_REACH, _REACH + _STEP, _STEP)
    axes.stairs(np.histogram(z, edges)[0], edges, color=COLORS[0], lw=1.2, label="cones")
    middle = 0.5 * (edges[1:] + edges[:-1])
    # 68.27 % of a Gaussian lie within 1 sigma.
    expected = (np.abs(z) < 1.0).sum() / 0.6827 * _STEP * _gaussian(middle, 0.0, 1.0)
    axes.plot(middle, expected, "--", color=COLORS[2], lw=1.1, label="N(0, 1) as many within 1 σ")
    outside = np.mean(np.abs(z) > _REACH)
    axes.set_xlabel(f"(θ flight − θ light) / σ; {100 * outside:.0f} % beyond")
    axes.set_ylabel(f"cones / {_STEP:g}")
    axes.legend(frameon=False, fontsize=7.5)


def draw_bars(consistency: pd.DataFrame, figure: Figure) -> None:
    """Median and its error of the consistency within 3 sigma, by the bar of the first hit."""
    axes = figure.subplots()
    core = consistency[consistency["consistency"].abs() < 3.0]
    groups = core.groupby("det_id")["consistency"]
    count = groups.size()
    told = count.index[count >= _FEWEST]
    error: pd.Series = MEDIAN_ERROR * groups.std() / np.sqrt(count)
    axes.axhline(0.0, color="0.6", lw=0.8)
    x = np.arange(len(told))
    axes.errorbar(x, groups.median()[told], error[told], fmt="o", ms=3.5, color=COLORS[0], lw=1.1)
    axes.set_xticks(x, [str(bar) for bar in told], fontsize=7.5)
    axes.set_xlabel("bar of the first hit")
    axes.set_ylabel("median of (θ flight − θ light) / σ")


def draw_shares(shares: pd.DataFrame, figure: Figure) -> None:
    """Share f of the sources in each class of events, with its error and the events."""
    axes = figure.subplots()
    x = np.arange(len(shares))
    axes.bar(x, shares["source_share"], 0.8, color=COLORS[0], alpha=0.85)
    axes.errorbar(
        x, shares["source_share"], shares["source_share_sigma"], fmt="none", ecolor="0.2", lw=1.1
    )
    for at, (f, n) in enumerate(shares[["source_share", "events"]].to_numpy()):
        axes.text(at, f + 0.03, f"{f:.2f}\n{n:,.0f}", ha="center", fontsize=7.5, color="0.3")
    axes.set_xticks(x, [_class_name(row) for row in shares.to_dict("records")], fontsize=7.5)
    axes.set_ylim(0.0, 1.2)
    axes.set_xlabel("|θ flight − θ light| / σ")
    axes.set_ylabel("share of the sources, f")


def _class_name(row: Mapping[Any, Any]) -> str:
    if not np.isfinite(row["low_sigma"]):
        return "gammas" if row["species"] == "gamma" else "no light"
    if not np.isfinite(row["high_sigma"]):
        return f"from {row['low_sigma']:g}"
    return f"{row['low_sigma']:g} to {row['high_sigma']:g}"


def draw_calibrated_bars(bars: pd.DataFrame, figure: Figure) -> None:
    """Medians of the consistency of each bar with their errors, as read and with constants."""
    axes = figure.subplots()
    axes.axhline(0.0, color="0.6", lw=0.8)
    x = np.arange(len(bars))
    for k, (when, words) in enumerate((("before", "as read"), ("after", "calibrated"))):
        axes.errorbar(
            x + 0.2 * (k - 0.5), bars[f"median_{when}"], bars[f"error_{when}"], fmt="os"[k], ms=3.5,
            color=COLORS[1 - k], lw=1.1, mfc="white" if k == 0 else None, label=words,
        )  # fmt: skip
    axes.set_xticks(x, [str(bar) for bar in bars["det_id"]], fontsize=7.5)
    axes.set_xlabel("bar of the first hit")
    axes.set_ylabel("median of (θ flight − θ light) / σ")
    axes.legend(frameon=False, fontsize=7.5)


def _leakage(frames: Mapping[str, pd.DataFrame]) -> list[Markup]:
    leakage = frames.get("prior_leakage")
    if leakage is None or not leakage["u_cm"].notna().any():
        return []
    rows = [
        (SPECIES_NAMES.get(name, name), selection, _greatest(of_rule))
        for name, of_image in _groups(leakage, "image")
        for selection, of_rule in _groups(of_image, "selection")
    ]
    svg = svg_of(partial(draw_leakage, leakage), _SIZE)
    head = ("image", "selection", "moves with the prior, % of its move")
    shown = table(head, rows, caption="Thin images with five priors", sortable=False)
    return [heading("Prior"), shown, picture(svg, "where the thin image goes with the prior")]


def _groups(frame: pd.DataFrame, column: str) -> list[tuple[str, pd.DataFrame]]:
    return [(str(name), rows) for name, rows in frame.groupby(column, observed=True)]


def _greatest(rows: pd.DataFrame) -> str:
    known = rows["leakage"].dropna()
    return f"{100.0 * known.min():.0f} to {100.0 * known.max():.0f}" if len(known) else "–"


def draw_leakage(leakage: pd.DataFrame, figure: Figure) -> None:
    """Arrows from where the image stands with the middle prior to where others put it."""
    panels = figure.subplots(1, 2)
    for axes, (name, words) in zip(panels, (("n", "neutrons"), ("g", "gamma rays")), strict=True):
        of_image = leakage[leakage["image"] == name]
        for k, selection in enumerate(("mixture", "min_delta")):
            rows = of_image[of_image["selection"] == selection]
            u, v = rows["u_cm"].to_numpy(), rows["v_cm"].to_numpy()
            axes.plot(u[:1], v[:1], "sx"[k], color=COLORS[k], ms=6, label=selection)
            for at in range(1, len(u)):
                to = {"xy": (u[at], v[at]), "xytext": (u[0], v[0])}
                style = {"arrowstyle": "->", "color": COLORS[k], "shrinkA": 0, "shrinkB": 0}
                if np.isfinite([u[at], v[at]]).all() and (u[at], v[at]) != (u[0], v[0]):
                    axes.annotate("", **to, arrowprops=style)
                    axes.plot(u[at], v[at], ".", color=COLORS[k], ms=2)
        axes.margins(0.25)
        axes.set_aspect("equal", adjustable="datalim")
        axes.set_title(words, fontsize=9)
        axes.set_xlabel("u (cm)")
    panels[0].set_ylabel("v (cm)")
    panels[0].legend(frameon=False, fontsize=7.5)
