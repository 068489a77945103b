"""A notebook that opens the file of a run and draws what is in it (nbformat 4).

Reference: the format of Jupyter notebooks, nbformat 4.5.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

from ..files import check_new_files, new_output
from .stored_results import stored_results

_OPEN: Final = """\
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from radiograph.drivers.cosmics.stored_results import stored_results, stored_studies

path = Path({path})
run = stored_results(path)
studies = stored_studies(path)
print(f"{{run.name}}: cut set {{run.cutset}} ({{run.cutset_hash[:8]}}), files {{run.verdict}}")"""

_FLOW: Final = """\
run.cut_flow[["cut", "group", "events", "tracks", "individual", "n_minus_one", "absolute_pct",
              "relative_pct", "description"]]"""

_CUTS: Final = """\
run.effective_cuts[["cut", "active", "lo", "hi", "source", "description"]]"""

_RATES: Final = """\
import pandas as pd

pd.DataFrame(run.window_rates).T"""

_DRAW: Final = """\
STYLE = {
    "All": dict(color="black", linestyle=":"),
    "Preselect": dict(color="black"),
    "Select": dict(color="#0173B2", fill=True, alpha=0.6),
    "Unvetoed": dict(color="#FF6600", fill=True, alpha=0.8),
}


def draw(name, ax, log=True):
    \"\"\"One histogram, a step a selection; `run.histograms[name].to_hist()` is a hist.Hist.\"\"\"
    histogram = run.histograms[name]
    axis, selections = histogram.axes
    for k, selection in enumerate(selections.categories):
        counts = histogram.counts[:, k]
        label = f"{selection}: {counts.sum():.0f}"
        ax.stairs(counts, axis.edges, label=label, **STYLE.get(selection, {}))
    unit = f" ({axis.unit})" if axis.unit else ""
    ax.set_xlabel(f"{axis.label or axis.name}{unit}", loc="right")
    ax.set_ylabel("entries", loc="top")
    if log and histogram.counts.any():
        ax.set_yscale("log")
        ax.set_ylim(bottom=0.5)
    ax.tick_params(direction="in", which="both", top=True, right=True)
    ax.legend(fontsize="small")"""

_MOMENTA: Final = """\
figure, panels = plt.subplots(2, 2, figsize=(11, 8), layout="constrained")
for name, ax in zip(["mom_full", "mom_wide", "mom_ext", "mom_sig"], panels.flat):
    draw(name, ax)"""

_OTHERS: Final = """\
names = [n for n in run.histograms if not n.startswith("mom_") or n in ("mom_z", "mom_err")]
figure, panels = plt.subplots(-(-len(names) // 3), 3, figsize=(14, 3.2 * -(-len(names) // 3)),
                              layout="constrained", squeeze=False)
for name, ax in zip(names, panels.flat):
    draw(name, ax, log=name != "crv_z")
for ax in panels.flat[len(names):]:
    ax.set_axis_off()"""

_FLOW_FIGURE: Final = """\
flow = run.cut_flow
figure, ax = plt.subplots(figsize=(9, 4.5), layout="constrained")
ax.bar(flow["cut"], flow["events"], color="#0173B2", alpha=0.6, label="events")
ax.step(flow["cut"], flow["n_minus_one"], where="mid", color="black", label="N-1")
ax.set_yscale("symlog")
ax.set_ylabel("events", loc="top")
ax.tick_params(axis="x", rotation=60)
ax.legend()"""

_VETO: Final = """\
study = studies.get("veto_study", {})
if study and study["selected_events"]:
    figure, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
    hi = np.asarray(study["hi_ns"])
    rows = (study["lo_ns"], study["fraction"], study["fraction_lo"], study["fraction_hi"])
    for lo, fraction, below, above in zip(*map(np.asarray, rows)):
        ax.errorbar(hi, fraction, [fraction - below, above - fraction], marker="o", ms=3,
                    capsize=2, label=f"from {lo:g} ns")
    ax.set_xlabel("upper edge of the veto window (ns)", loc="right")
    ax.set_ylabel("share of selected events that is vetoed", loc="top")
    ax.legend(fontsize="small")"""

_PROJECTION: Final = """\
projection = studies.get("efficiency_projection", {})
if "day" in projection:
    figure, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
    ax.plot(projection["days"], projection["errors"], color="#0173B2")
    ax.axhline(projection["target"], color="black", linestyle="--")
    ax.axvspan(projection["day_16"], projection["day_84"], color="#FF6600", alpha=0.3,
               label="16 to 84 % of fluctuating counts")
    ax.axvline(projection["day"], color="#FF6600", label=f"expected: day {projection['day']:.0f}")
    ax.set_yscale("log")
    ax.set_xlabel("days of wall time", loc="right")
    ax.set_ylabel("error of the veto efficiency", loc="top")
    ax.legend(fontsize="small")"""

_SURVIVORS: Final = """\
run.survivors"""

_CELLS: Final[tuple[tuple[str, str], ...]] = (
    ("code", _OPEN),
    ("markdown", "## Cut flow\nEvents with one track that passes every cut so far."),
    ("code", _FLOW),
    ("code", _FLOW_FIGURE),
    ("markdown", "## Cuts in effect"),
    ("code", _CUTS),
    ("markdown", "## Rates and efficiencies by momentum window"),
    ("code", _RATES),
    ("markdown", "## Histograms"),
    ("code", _DRAW),
    ("code", _MOMENTA),
    ("code", _OTHERS),
    ("markdown", "## Veto windows"),
    ("code", _VETO),
    ("markdown", "## Error of the veto efficiency over wall time"),
    ("code", _PROJECTION),
    ("markdown", "## Unvetoed events"),
    ("code", _SURVIVORS),
)


def write_notebook(source: Path, out: Path, *, overwrite: bool) -> Path:
    """Write the notebook of a run; UsageError or InputError before anything is written."""
    check_new_files([out], [source], overwrite=overwrite)
    run = stored_results(source)
    text = notebook_text(run.name, os.path.relpath(source, out.parent))
    with new_output(out) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return out


def notebook_text(name: str, path: str) -> str:
    """The notebook for the file at ``path``, seen from its folder, as JSON."""
    title = f"# {name}\nRead from the file alone: nothing is run again."
    cells = [("markdown", title), *_CELLS]
    document = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "cells": [
            _cell(k, kind, text.format(path=json.dumps(path)) if text is _OPEN else text)
            for k, (kind, text) in enumerate(cells)
        ],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _cell(k: int, kind: str, text: str) -> dict[str, Any]:
    cell: dict[str, Any] = {
        "cell_type": kind,
        "id": f"cell-{k:02d}",
        "metadata": {},
        "source": text.splitlines(keepends=True),
    }
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})
