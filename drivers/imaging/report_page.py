"""The report as one HTML page that needs no network and no other file."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from ...nodes.imaging.drawing import draw_image_figure
from ...nodes.imaging.figure_picture import Drawing, View, peak_words
from ...nodes.imaging.figure_text import SPECIES_NAMES, panel_table, pixel_text
from ..html.arrays import COLOUR_MAPS, ArrayMark, Axis, array_view
from ..html.page import Section, page_text
from ..html.parts import (
    Cell,
    bar,
    collapsible,
    definitions,
    heading,
    joined,
    note,
    paragraph,
    picture,
    side_by_side,
    table,
)
from ..runfile.sections import (
    graph_section,
    optional,
    problem_notes,
    provenance_section,
    settings_section,
)
from .counter_flow import FlowStage, Step
from .report import Report
from .report_figures import draw_detectors, draw_spectrum, svg_of
from .report_reconstruction import reconstruction_parts
from .saved_spectra import FilledSpectrum

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STILL: Final = View(dpi=140)
_SPECTRUM_SIZE: Final = (5.4, 3.3)
_GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "Energies and light": (
        "incident-energy", "recoil-energy", "event-light", "hit-light", "deposited-energy",
    ),
    "Angular resolution": ("resolution-cones", "resolution-hypotheses"),
    "Time of flight": ("time-of-flight",),
}  # fmt: skip


def report_page(report: Report) -> str:
    """The page."""
    sections = [
        Section("Summary", _summary(report)),
        *optional("Source", reconstruction_parts(report)),
        *optional("Pictures", _pictures(report)),
        *optional("Projections", _projections(report)),
        *optional("What was lost, and why", _flow(report), "flow"),
        *(s for title, keys in _GROUPS.items() for s in _spectra(report, title, keys)),
        *optional("Detectors", _detectors(report)),
        *graph_section(report.record, report.graph),
        *settings_section(report.record, report.record.extra_texts.items()),
        provenance_section(report.record, report.record.run_meta.items()),
    ]
    return page_text(
        report.title,
        sections,
        subtitle=report.subtitle,
        footer="Positions in cm unless said otherwise, times in ns, energies in MeV, light in "
        "MeVee, angles in rad. This page is one file: it asks nothing of the network.",
    )


def _summary(report: Report) -> list[Markup]:
    parts = [definitions(report.summary)]
    parts += [note(text, "bad") for text in report.failures]
    parts += [note(text, "warn") for text in report.warnings]
    return [*parts, *problem_notes(report.record, report.failures)]


def _pictures(report: Report) -> list[Markup]:
    parts = []
    for name, d in report.drawings.items():
        words = SPECIES_NAMES.get(name, name)
        parts.append(heading(words))
        if not d.has_counts:
            parts.append(note(f"No counts: {_why_empty(d)}.", "warn"))
            continue
        at, grid = d.at, d.picture.grid
        axes = [
            Axis(f"{axis}", at.unit, at.at(k, low), step)
            for k, (axis, low, step) in enumerate(
                (("u", grid.u_min_cm, at.steps[0]), ("v", grid.v_min_cm, at.steps[1]))
            )
        ]
        chosen = {"gray": "grey"}.get(d.vis.colormap, d.vis.colormap)
        parts.append(
            array_view(
                d.picture.counts,
                *axes,
                name=words,
                value_label="counts / pixel",
                unit="counts",
                caption=f"Cones through each pixel of {pixel_text(at)}. {_directions(d)}",
                marks=_marks(d),
                colour_map=chosen if chosen in COLOUR_MAPS else COLOUR_MAPS[0],
                limits=d.count_limits,
            )
        )
    return parts


def _why_empty(d: Drawing) -> str:
    return d.picture.labels.empty.get(d.picture.name) or "no cone lights a pixel"


def _directions(d: Drawing) -> str:
    labels = d.picture.labels
    parts = [
        f"{axis} points along {to}"
        for axis, to in (("u", labels.u_direction), ("v", labels.v_direction))
        if to
    ]
    text = ", ".join(parts)
    origin = d.at.origin_uv_cm
    if origin != (0.0, 0.0):
        text += f"; u and v are counted from ({origin[0]:g}, {origin[1]:g}) cm"
    return f"{text}." if text else ""


def _marks(d: Drawing) -> list[ArrayMark]:
    labels, roi, found = d.picture.labels, d.picture.roi, []

    def drawn(uv: tuple[float, float]) -> tuple[float, float]:
        return float(d.u(uv[0])), float(d.v(uv[1]))

    if labels.prior_line_uv_cm is not None:
        found.append(ArrayMark("line", [drawn(p) for p in labels.prior_line_uv_cm], "prior (line)"))
    if labels.prior_uv_cm is not None:
        found.append(ArrayMark("circle", [drawn(labels.prior_uv_cm)], "prior's target"))
    u, v = d.peak("u"), d.peak("v")
    if u is not None and v is not None:
        words = peak_words(u, v).replace("\n", " ")
        found.append(ArrayMark("cross", [drawn((u.position_cm, v.position_cm))], words))
    metrics = d.picture.metrics
    if (
        metrics is not None
        and metrics.total_counts > 0
        and metrics.u_centroid_cm == metrics.u_centroid_cm
    ):
        at = drawn((metrics.u_centroid_cm, metrics.v_centroid_cm))
        found.append(ArrayMark("diamond", [at], "centroid"))
    if roi is not None:
        corners = [drawn((roi.u_min_cm, roi.v_min_cm)), drawn((roi.u_max_cm, roi.v_max_cm))]
        found.append(ArrayMark("box", corners, "region of interest"))
    return found


def _projections(report: Report) -> list[Markup]:
    parts = []
    for name, d in report.drawings.items():
        if not d.has_counts:
            continue
        content = draw_image_figure(d.picture, d.vis, _STILL)
        words = SPECIES_NAMES.get(name, name)
        rows = panel_table(d.picture.metrics, d.at, d.vis)
        numbers = (
            table(rows[0], rows[1:], caption=f"{words}: numbers of the projections", sortable=False)
            if rows
            else paragraph("No numbers: too few counts.")
        )
        unfitted = [
            paragraph(f"No peak fitted along {axis}: {why}.") for axis, why in d.unfitted().items()
        ]
        beside = joined(numbers, *unfitted)
        parts.append(side_by_side(picture(content, f"{words} with projections"), beside))
    return parts


def _flow(report: Report) -> list[Markup]:
    if not report.flow:
        return []
    # Hits are another unit, hypotheses no loss of events.
    chain = [s for s in report.flow if s.title not in ("Hits", "Hypotheses")]
    first = chain[0].entered.numbers[0] if chain else 0
    steps = [(s.title, s.kept.numbers[0]) for s in chain]
    rows = [
        (title, n, _share(n, first), _bar(n, first))
        for title, n in ((f"{chain[0].noun} in" if chain else "", first), *steps)
    ]
    parts = [
        table(
            ("stage", "kept", "of the first", ""),
            rows,
            caption="From the first coincidence window to the last cone of an image",
            sortable=False,
        )
    ]
    for stage in report.flow:
        parts += [heading(stage.title), _stage_table(stage)]
    everything = [
        (f"s{number}", name, value)
        for number, counts in report.record.counters.items()
        for name, value in counts.items()
    ]
    parts.append(collapsible("Every counter", table(("stage", "counter", "value"), everything)))
    return parts


def _stage_table(stage: FlowStage) -> Markup:
    whole = stage.entered.numbers[0]

    def row(step: Step) -> tuple[Any, ...]:
        total = step.numbers[0]
        shown = _bar(total, whole, lost=step.is_loss)
        words = f"− {step.words}" if step.is_loss else step.words
        return (words, *step.numbers, _share(total, whole), shown)

    lost = [step for step in stage.losses if step.numbers[0]]
    none = [step.words for step in stage.losses if not step.numbers[0]]
    rows = [row(step) for step in (stage.entered, *lost, stage.kept)]
    head = ("", "all", "neutrons", "gamma rays", "share", "")
    shown = Markup('<div class="rg-aligned">{}</div>').format(table(head, rows, sortable=False))
    hint = Markup('<p class="rg-hint">Nothing lost by: {}.</p>').format(", ".join(none))
    return joined(shown, hint) if none else shown


def _share(part: int, whole: int) -> Cell:
    if not whole:
        return Cell("–", 0.0)
    percent = 100.0 * part / whole
    return Cell(f"{percent:.1f} %" if percent >= 0.05 or part == 0 else "< 0.1 %", percent)


def _bar(part: int, whole: int, *, lost: bool = False) -> Markup:
    return bar(part / whole if whole else 0.0, lost=lost)


def _spectra(report: Report, title: str, keys: tuple[str, ...]) -> list[Section]:
    shown = [f for f in report.spectra if f.spectrum.key in keys]
    if not shown:
        return []
    parts = [
        side_by_side(
            picture(
                svg_of(partial(_spectrum_on, f), _SPECTRUM_SIZE),
                f.spectrum.title,
                f"{f.spectrum.title}. {f.spectrum.note}",
            ),
            _spectrum_table(f),
        )
        for f in shown
    ]
    return [Section(title, parts)]


def _spectrum_on(filled: FilledSpectrum, figure: Figure) -> None:
    draw_spectrum(figure.subplots(), filled)


def _spectrum_table(filled: FilledSpectrum) -> Markup:
    rows = []
    for name, h in filled.curves.items():
        low, middle, high = (filled.values[name].quantile(q) for q in (0.16, 0.5, 0.84))
        half = 0.5 * (high - low)
        rows.append((name, h.total, _short(middle), _short(half), *h.outside))
    head = ("", "values", "median", "± 68 %", "below", "above")
    caption = (
        f"Median and half of the central 68 % of all values, {filled.spectrum.unit}; "
        "how many lie below and above what is drawn"
    )
    return table(head, rows, sortable=False, caption=caption)


def _short(value: float) -> Cell:
    """A value to four digits."""
    return Cell(f"{value:.4g}".replace("-", "−") if value == value else "–", value)


def _detectors(report: Report) -> list[Markup]:
    counts = report.detectors
    if counts is None:
        return []
    target = report.target_cm
    svg = svg_of(
        lambda figure: draw_detectors(figure, counts, report.bars, report.plane, target), (9.6, 4.2)
    )
    words = "Where the hits of each detector are on average, from the front and from the side."
    words += " Grey: the bars of the settings." if report.bars else ""
    columns = ["det_id", "hits", "kept", "x_cm", "y_cm", "z_cm"]
    rows = [tuple(row) for row in counts[columns].itertuples(index=False)]
    head = ("detector", "hits", "pass the cuts", "x (cm)", "y (cm)", "z (cm)")
    numbers = [(int(r[0]), int(r[1]), int(r[2]), *(round(v, 2) for v in r[3:])) for r in rows]
    return [
        picture(svg, "detectors", words),
        collapsible(f"{len(rows)} detectors", table(head, numbers)),
    ]
