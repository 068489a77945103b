"""The figures of a run, drawn of its histograms and tables alone. Plain functions, no nodes.

The habits of the field: labels at the ends of the axes, ticks inward on four sides, thresholds as
dashed lines where their cut is on.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd

from ...schemas.cosmics.counts import SELECTIONS
from ...schemas.histograms import Histogram
from ..figure_style import METADATA, figure_style

_STYLE: Final = {
    "xaxis.labellocation": "right",
    "yaxis.labellocation": "top",
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "xtick.minor.visible": True,
    "ytick.minor.visible": True,
    "legend.frameon": False,
    "legend.fontsize": 7,
    "axes.titlesize": 9,
}
_DPI: Final = 130
_LOOKS: Final[Mapping[str, dict[str, Any]]] = {
    "All": {"histtype": "step", "color": "black", "linestyle": ":", "linewidth": 1.1},
    "Preselect": {"histtype": "step", "color": "black", "linewidth": 1.1},
    "Select": {"histtype": "stepfilled", "color": "#0173B2", "alpha": 0.6},
    "Unvetoed": {"histtype": "stepfilled", "color": "#FF6600", "alpha": 0.8},
}
_CUTS_OF: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "mom_full": (("within_wide_win", "lo"), ("within_wide_win", "hi")),
    "t0": (("within_t0", "lo"), ("within_t0", "hi")),
    "t0err": (("within_t0err", "hi"),),
    "trkqual": (("good_trkqual", "lo"),),
    "nactive": (("has_hits", "lo"),),
    "d0": (("within_d0", "hi"),),
    "maxr": (("within_lhr_max_lo", "lo"), ("within_lhr_max_hi", "hi")),
    "pitch_angle": (("within_pitch_angle_lo", "lo"), ("within_pitch_angle_hi", "hi")),
    "dT": (("unvetoed", "lo"), ("unvetoed", "hi")),
    "coinc_start_time": (("within_coinc_start_time", "lo"),),
    "coinc_end_time": (("within_coinc_end_time", "hi"),),
}
_MOST_BINS_SHOWN: Final = 120


@dataclass(frozen=True)
class Drawn:
    """What figures are drawn of: histograms, tables by node, a warning that stands on each.

    ``projection`` has the values of an EfficiencyProjection by name, without those not known.
    """

    histograms: Mapping[str, Histogram]
    frames: Mapping[str, pd.DataFrame]
    warning: str = ""
    projection: Mapping[str, Any] = field(default_factory=dict)


@contextmanager
def sheet(
    rows: int, columns: int, size: tuple[float, float], further: Mapping[str, Any] | None = None
) -> Iterator[tuple[Any, Any]]:
    """A figure in the style of the field, and its places, shape (rows, columns).

    ``further`` are arguments of matplotlib for how the places lie.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with figure_style(_STYLE):
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
        yield figure, figure.subplots(rows, columns, squeeze=False, **(further or {}))


def saved(figure: Any, warning: str, kind: str) -> bytes:
    """A figure as the content of a file, with a warning in red above it."""
    if warning:
        figure.suptitle(warning, color="red", fontsize=8, wrap=True)
    content = io.BytesIO()
    figure.savefig(content, format=kind, dpi=_DPI, metadata=METADATA[kind])
    return content.getvalue()


def _bounds(drawn: Drawn, name: str) -> list[float]:
    """Thresholds of the cuts on what a histogram shows, of those that are on."""
    cuts = drawn.frames["effective_cuts"].set_index("cut")
    asked = [(c, end) for c, end in _CUTS_OF.get(name, ()) if c in cuts.index]
    return [float(cuts[end][c]) for c, end in asked if bool(cuts["active"][c])]


def _plain_number(value: float, _place: int) -> str:
    """A number of a logarithmic axis; the style draws no mathematics."""
    return f"{value:g}"


def _rebinned(counts: Any, edges: Any) -> tuple[Any, Any]:
    """Fewer bins where there are too many to be seen: neighbours added."""
    step = -(-(len(edges) - 1) // _MOST_BINS_SHOWN)
    while (len(edges) - 1) % step:
        step += 1
    return counts.reshape(-1, step).sum(axis=1), edges[::step]


def draw_histogram(axes: Any, drawn: Drawn, name: str, *, normalised: bool = False) -> None:
    """One histogram in every selection; its thresholds as dashed lines."""
    if name not in drawn.histograms:
        _without(axes, f"{name}: not in the files")
        return
    found = drawn.histograms[name]
    axis, ends = found.axes[0], found.axes[0].edges
    assert ends is not None
    for k, selection in enumerate(SELECTIONS):
        counts, edges = _rebinned(found.values[1:-1, k], ends)
        n = int(found.values[:, k].sum())
        total = max(int(counts.sum()), 1)
        weights = counts / total if normalised else counts
        axes.hist(edges[:-1], bins=edges, weights=weights, label=f"{selection}: {n}",
                  **_LOOKS[selection])  # fmt: skip
    for bound in _bounds(drawn, name):
        # Below the legend.
        axes.axvline(bound, ymax=0.85, color="black", linestyle="--", linewidth=0.8)
    unit = f" ({axis.unit})" if axis.unit else ""
    axes.set_xlabel(f"{axis.label}{unit}")
    axes.set_xlim(float(ends[0]), float(ends[-1]))
    width = float(ends[-1] - ends[0]) / len(counts)
    what = "share" if normalised else "entries"
    axes.set_ylabel(f"{what} per {width:.3g}{' ' + axis.unit if axis.unit else ''}")
    most = int(found.values[1:-1].max(initial=0))
    if not normalised and most:
        axes.set_yscale("log")
        # Room for the legend above what is drawn.
        axes.set_ylim(0.5, 15.0 * axes.dataLim.y1)
        axes.yaxis.set_major_formatter(_plain_number)
    else:
        axes.set_ylim(0.0, 1.35 * max(axes.dataLim.y1, 1e-3))
    axes.legend(loc="upper center", ncols=2, columnspacing=1.0, handlelength=1.2)


def _without(axes: Any, why: str) -> None:
    """A place where nothing can be drawn, and why."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, why, ha="center", transform=axes.transAxes)


def _grid_of(names: tuple[str, ...], rows: int, columns: int, size: tuple[float, float]) -> Any:
    def draw(drawn: Drawn, kind: str) -> bytes:
        with sheet(rows, columns, size) as (figure, places):
            for place, name in zip(places.ravel(), names, strict=True):
                draw_histogram(place, drawn, name)
            return saved(figure, drawn.warning, kind)

    return draw


def _crv_z(drawn: Drawn, kind: str) -> bytes:
    with sheet(1, 1, (6, 4)) as (figure, places):
        draw_histogram(places[0, 0], drawn, "crv_z", normalised=True)
        # The labels of both axes meet at the corner.
        places[0, 0].tick_params(axis="x", pad=7)
        return saved(figure, drawn.warning, kind)


def _dT(drawn: Drawn, kind: str) -> bytes:
    with sheet(1, 1, (6, 4)) as (figure, places):
        draw_histogram(places[0, 0], drawn, "dT")
        places[0, 0].set_title("track at the middle less coincidence, electron fits")
        return saved(figure, drawn.warning, kind)


def _cut_flow(drawn: Drawn, kind: str) -> bytes:
    flow = drawn.frames["cut_flow"]
    names, events = list(flow["cut"]), flow["events"].to_numpy()
    but_one = flow["n_minus_one"].to_numpy(float)
    lo, hi = (flow[f"absolute_{end}_pct"].to_numpy() * events[0] / 100 for end in ("lo", "hi"))
    places_y = np.arange(len(names))
    with sheet(1, 1, (7, 0.32 * len(names) + 1.2)) as (figure, places):
        axes = places[0, 0]
        axes.barh(places_y, np.maximum(events, 0), color="#0173B2", alpha=0.6, label="so far")
        axes.barh(places_y, np.nan_to_num(but_one), fill=False, edgecolor="black",
                  linewidth=0.8, label="all cuts but this one (N-1)")  # fmt: skip
        errors = np.abs(np.stack([events - lo, hi - events]))
        axes.errorbar(events, places_y, xerr=errors, fmt="none", ecolor="#FF6600", linewidth=1)
        axes.set_yticks(places_y, names, fontsize=8)
        axes.tick_params(axis="y", which="minor", left=False, right=False)
        axes.set_xscale("symlog", linthresh=1)
        axes.set_xlim(0, 3 * max(int(events.max(initial=1)), 1))
        axes.xaxis.set_major_formatter(_plain_number)
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.set_xlabel("events")
        # Above the bars, which may fill the frame.
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
        for y, n in zip(places_y, events, strict=True):
            axes.annotate(f"{n}", (max(n, 1), y), xytext=(5, 5), fontsize=6,
                          textcoords="offset points", va="center")  # fmt: skip
        return saved(figure, drawn.warning, kind)


def _cosmic_parents(drawn: Drawn, kind: str) -> bytes:
    codes = drawn.frames.get("parents", pd.DataFrame())
    with sheet(1, 1, (6, 4)) as (figure, places):
        axes = places[0, 0]
        if codes.empty:
            _without(axes, "no track with an ancestor")
            return saved(figure, drawn.warning, kind)
        x = np.arange(len(codes))
        for k, selection in enumerate(SELECTIONS[1:], 1):
            look = _LOOKS[selection]
            axes.bar(x + 0.27 * (k - 2), codes[selection], width=0.27, color=look["color"],
                     alpha=look.get("alpha", 1.0), fill=selection != "Preselect",
                     label=f"{selection}: {int(codes[selection].sum())}")  # fmt: skip
        axes.set_xticks(x, [_particle(int(code)) for code in codes["pdg"]])
        axes.tick_params(axis="x", which="minor", bottom=False, top=False)
        axes.set_xlabel("ancestor of most momentum")
        axes.set_ylabel("tracks")
        axes.set_yscale("log")
        axes.set_ylim(0.5, 8.0 * max(axes.dataLim.y1, 1.0))
        axes.yaxis.set_major_formatter(_plain_number)
        axes.legend(loc="upper center", ncols=3)
        return saved(figure, drawn.warning, kind)


_PARTICLES: Final = {
    11: "e-", -11: "e+", 13: "mu-", -13: "mu+", 22: "gamma", 211: "pi+", -211: "pi-", 2112: "n",
    2212: "p", 0: "none",
}  # fmt: skip


def _particle(code: int) -> str:
    return _PARTICLES.get(code, str(code))


_CHOSEN: Final = (
    ("is_narrowest", "#FF6600", 13, "narrowest that reaches the target"),
    ("is_least_dead", "black", 8, "least dead time of these"),
)


def _roc(drawn: Drawn, kind: str) -> bytes:
    curve = drawn.frames["dead_time_curve"]
    with sheet(1, 1, (6, 4.5)) as (figure, places):
        axes = places[0, 0]
        dead, efficiency = (100 * curve[n].to_numpy() for n in ("dead_time", "efficiency"))
        errors = [
            np.abs(100 * np.stack([curve[f"{n}_lo"], curve[f"{n}_hi"]]) - v)
            for n, v in (("dead_time", dead), ("efficiency", efficiency))
        ]
        axes.errorbar(dead, efficiency, xerr=errors[0], yerr=errors[1], fmt="o", markersize=3,
                      color="#0173B2", ecolor="#999999", elinewidth=0.6)  # fmt: skip
        for name, colour, size, text in _CHOSEN:
            chosen = curve[name].to_numpy()
            if chosen.any():
                row = curve[chosen].iloc[0]
                axes.plot(dead[chosen], efficiency[chosen], "s", fillstyle="none", markersize=size,
                          color=colour,
                          label=f"{text}: ({row['lo_ns']:g}, {row['hi_ns']:g}) ns")  # fmt: skip
        axes.set_xlabel("dead time on signal (%)")
        axes.set_ylabel("veto efficiency on cosmic rays (%)")
        if axes.get_legend_handles_labels()[0]:
            axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0))
        else:
            axes.set_title("no window reaches the target")
        return saved(figure, drawn.warning, kind)


def _day(day: float) -> str:
    """A number of days, whole where that is fine enough."""
    return f"{day:.0f}" if day >= 10.0 else f"{day:.2g}"


def _projection(drawn: Drawn, kind: str) -> bytes:
    found = drawn.projection
    with sheet(1, 1, (6, 4)) as (figure, places):
        axes = places[0, 0]
        if not found.get("day"):
            _without(axes, "no projection: it needs a live time, and unvetoed events")
            return saved(figure, drawn.warning, kind)
        axes.plot(found["days"], found["errors"], color="#0173B2", label="expected counts")
        axes.axhline(found["target"], color="black", linestyle="--", linewidth=0.8,
                     label=f"wanted: {found['target']:g}")  # fmt: skip
        axes.axvline(
            found["day"], color="#FF6600", linewidth=1.1, label=f"day {_day(found['day'])}"
        )
        band = found["day_16"], found["day_84"]
        label = f"16 to 84 %: {_day(band[0])} to {_day(band[1])}"
        axes.axvspan(*band, color="#FF6600", alpha=0.25, label=label)
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(_plain_number)
        axes.set_xlim(0.0, float(found["days"][-1]))
        axes.set_xlabel("days of wall time")
        axes.set_ylabel("error of the veto efficiency")
        axes.legend()
        return saved(figure, drawn.warning, kind)


FIGURES: Final[Mapping[str, Callable[[Drawn, str], bytes]]] = {
    "cut_flow": _cut_flow,
    "mom_windows": _grid_of(("mom_full", "mom_wide", "mom_ext", "mom_sig"), 2, 2, (9, 7)),
    "summary": _grid_of(
        ("mom_full", "mom_z", "t0", "trkqual", "nactive", "t0err", "d0", "maxr", "pitch_angle",
         "dT", "coinc_start_time", "coinc_end_time"), 4, 3, (13, 14),
    ),
    "mom_summary": _grid_of(("mom_z", "mom_T", "mom_err", "mom_res"), 2, 2, (9, 7)),
    "crv_z": _crv_z,
    "dT": _dT,
    "cosmic_parents": _cosmic_parents,
    "roc": _roc,
    "projection": _projection,
}  # fmt: skip
_NEEDS: Final = {"cosmic_parents": "parents", "roc": "dead_time_curve"}


def figures_of(drawn: Drawn) -> tuple[str, ...]:
    """The figures that can be drawn of some values."""
    absent = {n for n, table in _NEEDS.items() if not len(drawn.frames.get(table, ()))}
    # Where it takes no time there is nothing to be drawn.
    if not drawn.projection.get("day"):
        absent.add("projection")
    return tuple(n for n in FIGURES if n not in absent)


def drawn_figure(drawn: Drawn, name: str, kind: str = "png") -> bytes:
    """A figure by name as the content of a file, "png", "pdf" or "svg"."""
    return FIGURES[name](drawn, kind)
