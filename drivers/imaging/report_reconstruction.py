"""Where the source is and how well that is known, on the page of the report."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from markupsafe import Markup

from ...nodes.imaging.comparison import draw_comparison
from ...nodes.imaging.figure_text import SPECIES_NAMES, with_error
from ..html.parts import heading, paragraph, picture, side_by_side, table
from .report_figures import COLORS, svg_of
from .report_uncertainty import uncertainty_parts

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .report import Report

_SIZE: Final = (5.4, 3.3)
_REGION_WORDS: Final[Mapping[str, str]] = {
    "region": "region of interest",
    "plane": "rest of the plane",
    "elsewhere": "elsewhere",
}
_REPLICAS: Final[Mapping[str, str]] = {
    "bootstrap_source_intervals": "Point sources in replicas, the central part of them",
    "bootstrap_image_intervals": "Images of greatest likelihood in replicas",
    "bootstrap_weighted_image_intervals": "Images of cones as wide as known in replicas",
}
_STATISTICAL: Final = (
    "Errors are statistical: positions along the bars, the strategy of the energy and the "
    "acceptance of the array come on top, and may be larger."
)


def reconstruction_parts(report: Report) -> list[Markup]:
    """The parts of the section; none where no such method was asked for."""
    found = report.reconstruction
    if not found:
        return []
    parts = []
    if report.comparison is not None:
        content = draw_comparison(report.comparison, report.vis)
        words = "The same cones in four ways, on one scale of length; strokes: the fitted source."
        parts.append(picture(content, "comparison of the methods", words))
    makers = (_sources, _shapes, _replicas, _iterations, _focus, _spectra)
    parts += [part for make in makers for part in make(found.frames)]
    return [*parts, *uncertainty_parts(found.frames)]


def _sources(frames: Mapping[str, pd.DataFrame]) -> list[Markup]:
    if "point_sources" not in frames:
        return []
    rows = []
    for number, s in enumerate(frames["point_sources"].to_dict("records"), start=1):
        ends = [
            f"{s[f'{a}_low{level}_cm']:.2f} to {s[f'{a}_high{level}_cm']:.2f}"
            if np.isfinite(s[f"{a}_low{level}_cm"])
            else "–"
            for level in (68, 95)
            for a in "uv"
        ]
        places = [with_error(s[f"{a}_cm"], s[f"{a}_sigma_cm"]) for a in "uv"]
        # Files of before have no totals.
        total = [_two(s.get(f"{a}_total_cm", np.nan)) for a in "uv"]
        rows.append((number, *places, *ends, *total, round(s["counts"]), round(s["TS"])))
    head = (
        "source", "u (cm)", "v (cm)", "u, 68 %", "v, 68 %", "u, 95 %", "v, 95 %",
        "u, total ±", "v, total ±", "events", "TS",
    )  # fmt: skip
    shown = table(head, rows, caption="Point sources, the strongest first", sortable=False)
    distance = _distance(frames["point_sources"])
    return [heading("Point sources"), shown, *distance, paragraph(_STATISTICAL)]


def _distance(sources: pd.DataFrame) -> list[Markup]:
    """Where along the normal, if that was fitted; files of before have no such column."""
    places = sources.get("distance_cm", pd.Series(dtype=float)).dropna()
    if not len(places):
        return []
    place, error = places.iloc[0], sources["distance_sigma_cm"].iloc[0]
    if not np.isfinite(error):
        words = f"{_two(place)} cm along the normal, an end of its range: ln L rises on"
    else:
        words = f"{with_error(place, error)} cm along the normal (statistical), to 15 % at best"
    return [paragraph(f"The distance was fitted too: {words}.")]


def _shapes(frames: Mapping[str, pd.DataFrame]) -> list[Markup]:
    if "image_shapes" not in frames:
        return []
    columns = ("u_cm", "v_cm", "fwhm_u_cm", "fwhm_v_cm", "psf_fwhm_u_cm", "psf_fwhm_v_cm")
    rows = [
        (SPECIES_NAMES.get(s["image"], s["image"]), s["iterations"], *(_two(s[c]) for c in columns))
        for s in frames["image_shapes"].to_dict("records")
    ]
    head = ("image", "iterations", "u", "v", "FWHM u", "FWHM v", "of a point, u", "v")
    words = (
        "Images of greatest likelihood: centroid of what is above half height, and widths (cm). A "
        "width depends on the iterations: it says something only beside that of a point."
    )
    return [heading("Maximum likelihood"), table(head, rows, caption=words, sortable=False)]


def _replicas(frames: Mapping[str, pd.DataFrame]) -> list[Markup]:
    """A table for the fit and each kind of image: what replicas scatter by."""
    parts = []
    for node, words in _REPLICAS.items():
        found = frames.get(node)
        if found is None or not len(found):
            continue
        of = "source" if "source" in found else "image"
        rows = [
            (_owner(r[of]), r["quantity"], *(_two(r[c]) for c in ("low", "median", "high")),
             r["replicas"])
            for r in found.to_dict("records")
        ]  # fmt: skip
        level = f"{100.0 * found['level'].iloc[0]:g} %"
        head = (of, "quantity", f"from ({level})", "median", "to", "replicas")
        parts.append(table(head, rows, caption=words, sortable=False))
    return [heading("Replicas"), *parts] if parts else []


def _owner(value: Any) -> Any:
    """A source by its number from 1, an image by its species."""
    return SPECIES_NAMES.get(value, value) if isinstance(value, str) else value + 1


def _two(value: float) -> str:
    return f"{value:.2f}".replace("-", "−") if np.isfinite(value) else "–"


def _iterations(frames: Mapping[str, pd.DataFrame]) -> list[Markup]:
    history = frames.get("iteration_history")
    if history is None or not len(history):
        return []
    svg = svg_of(partial(draw_iterations, history), _SIZE)
    words = (
        "ln L per event against the iterations, above its first value. Dashed: events that were "
        "held out; where they gain no more, the iterations end (line)."
    )
    return [picture(svg, "ln L against the iterations", words)]


def draw_iterations(history: pd.DataFrame, figure: Figure) -> None:
    """ln L per event of the events that count and of those held out."""
    axes = figure.subplots()
    for k, name in enumerate(history["image"].unique()):
        of_image = history[history["image"] == name]
        split = of_image[of_image["events"] == "split"]
        curve = split if len(split) else of_image
        color = COLORS[k % len(COLORS)]
        for column, style, words in (
            ("loglik_train", "-", ""),
            ("loglik_held_out", "--", " held out"),
        ):
            gain = curve[column].to_numpy() - curve[column].to_numpy()[0]
            if np.isfinite(gain).all():
                label = f"{SPECIES_NAMES.get(name, name)}{words}"
                axes.plot(curve["iteration"], gain, style, color=color, lw=1.3, label=label)
        axes.axvline(curve["iteration"].iloc[-1], color=color, lw=0.8, ls=":")
    axes.set_xlabel("iteration")
    axes.set_ylabel("gain of ln L per event")
    axes.legend(frameon=False)


def _focus(frames: Mapping[str, pd.DataFrame]) -> list[Markup]:
    curve = frames.get("focus_curve")
    if curve is None or not len(curve):
        return []
    best = frames.get("focus_distance_cm")
    svg = svg_of(partial(draw_focus, curve, best), _SIZE)
    parts = [heading("Distance"), picture(svg, "2 ln L against the distance of the plane")]
    if best is not None and len(best):
        b = best.iloc[0]
        ends = f"{_two(b['low68_cm'])} to {_two(b['high68_cm'])} cm"
        parts.append(
            paragraph(
                f"In focus at {_two(b['distance_cm'])} cm along the normal (68 %: {ends}, "
                f"statistical), ± {b['systematic_cm']:.0f} cm systematic; the plane of the "
                f"settings is {b['deficit_of_plane']:.1f} below in 2 ln L."
            )
        )
    return parts


def draw_focus(curve: pd.DataFrame, best: pd.DataFrame | None, figure: Figure) -> None:
    """The deficit of 2 ln L against the place of the plane, with the best one."""
    axes = figure.subplots()
    axes.plot(curve["distance_cm"], curve["deficit"], "o-", ms=3, lw=1.2, color=COLORS[0])
    if best is not None and len(best):
        b = best.iloc[0]
        axes.axvline(b["distance_cm"], color=COLORS[1], lw=1.2)
        if np.isfinite([b["low68_cm"], b["high68_cm"]]).all():
            axes.axvspan(b["low68_cm"], b["high68_cm"], color=COLORS[1], alpha=0.25, lw=0)
    axes.set_ylim(bottom=0.0)
    axes.set_xlabel("place of the plane along its normal (cm)")
    axes.set_ylabel("2 ln L below the best")


def _spectra(frames: Mapping[str, pd.DataFrame]) -> list[Markup]:
    spectra = frames.get("region_spectra")
    if spectra is None or not len(spectra):
        return []
    pictures: list[Any] = []
    for name in spectra["image"].unique():
        of_image = spectra[spectra["image"] == name]
        svg = svg_of(partial(draw_region_spectra, of_image), _SIZE)
        pictures.append(picture(svg, f"incident energies, {SPECIES_NAMES.get(name, name)}"))
    words = paragraph("Each event is shared out to where it may come from, by its posterior.")
    return [heading("Energies by region"), words, side_by_side(*pictures[:2])]


def draw_region_spectra(spectra: pd.DataFrame, figure: Figure) -> None:
    """Incident energies of each region."""
    axes = figure.subplots()
    for k, (region, words) in enumerate(_REGION_WORDS.items()):
        rows = spectra[spectra["region"] == region]
        edges = np.append(rows["energy_low_MeV"], rows["energy_high_MeV"].iloc[-1:])
        label = f"{words}: {rows['counts'].sum():.0f}"
        axes.stairs(rows["counts"], edges, color=COLORS[k], lw=1.2, label=label)
    axes.set_xlabel("incident energy (MeV)")
    axes.set_ylabel("events / bin")
    axes.legend(frameon=False)
