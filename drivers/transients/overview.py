"""The page over the runs of a campaign, made of their files alone: a row and a map a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from ...nodes.transients.figure_overview import overview_picture
from ...schemas.arrays import F8
from ...schemas.errors import InputError
from ...schemas.transients.stored_run import StoredRun
from ..files import check_new_files, new_output
from ..html import parts
from ..html.page import Section, page_text
from .stored import read_run

_HEAD: Final = (
    "run",
    "device",
    "recordings",
    "usable",
    "scored",
    "outliers",
    "false alarms",
    "positions",
    "amplitude (ppm)",
    "largest (ppm)",
    "decay constant (1/s)",
    "note",
)
_CAPTION: Final = (
    "Amplitude and decay constant: median over the positions, outliers left out; largest: at one "
    "position. False alarms: the share that the run estimates."
)
_RUNS_A_PICTURE: Final = 12
_Row = tuple[str | int | float | None, ...]


def write_overview(folder: Path, page: Path, *, overwrite: bool) -> list[Path]:
    """Write the page over the run files of a folder and name it.

    A file that cannot be read is told on the page. InputError if the folder has none that can.
    """
    files = sorted(folder.glob("*.h5"))
    check_new_files([page], files, overwrite=overwrite)
    rows: list[_Row] = []
    pictures: list[str] = []
    some: list[StoredRun] = []
    faults: list[str] = []
    for path in files:
        try:
            run = read_run(path, with_windows=False)
        except InputError as error:
            faults.append(error.message)
            continue
        rows.append(_row(run))
        some.append(run)
        if len(some) == _RUNS_A_PICTURE:
            pictures += _pictures(some)
            some = []
    pictures += _pictures(some)
    if not rows:
        told = f" ({faults[0]})" if faults else ""
        msg = f"{folder}: holds no file of a run that can be read{told}."
        raise InputError(msg, file=folder, code="no_runs")
    runs = [
        *(parts.note(text, "bad") for text in faults),
        parts.table(_HEAD, rows, caption=_CAPTION),
    ]
    sections = [Section("Runs", runs), Section("Maps", pictures)]
    title = f"{folder.resolve().name}: {len(rows)} run{'s' * (len(rows) > 1)}"
    with new_output(page) as temporary:
        text = page_text(title, [s for s in sections if s.parts], wide=True)
        temporary.write_text(text, "utf-8")
    return [page]


def _pictures(runs: Sequence[StoredRun]) -> Iterator[str]:
    picture = overview_picture(runs)
    if picture:
        names = ", ".join(run.name for run in runs)
        yield parts.picture(picture, f"maps of {names}", "Amplitude by position, without outliers.")


def _row(run: StoredRun) -> _Row:
    counts = (
        {}
        if run.counts is None
        else dict(zip(run.counts["name"], run.counts["count"], strict=True))
    )
    scored = outliers = rate = None
    if run.outliers is not None:
        scored, outliers = int(run.outliers["scored"].sum()), int(run.outliers["outlier"].sum())
    if run.alarms is not None and len(run.alarms) and run.alarms["n"][0]:
        rate = float(run.alarms["rate"][0])
    amplitude, decay = _mapped(run, "amplitude_ppm"), _mapped(run, "lambda_per_s")
    return (
        run.name,
        run.dut,
        run.n_recordings,
        int(counts["usable"]) if "usable" in counts else None,
        scored,
        outliers,
        rate,
        amplitude.size,
        float(np.median(amplitude)) if amplitude.size else None,
        float(amplitude.max()) if amplitude.size else None,
        float(np.median(decay)) if decay.size else None,
        "incomplete" if run.incomplete else "",
    )


def _mapped(run: StoredRun, quantity: str) -> F8:
    """What the map without outliers holds of a quantity, positions without a value left out."""
    maps = run.filtered_maps
    if maps is None:
        return np.zeros(0)
    values: F8 = getattr(maps, run.config.transients.maps.statistic)[
        maps.quantities.index(quantity)
    ]
    return values[np.isfinite(values) & ~maps.filled[maps.quantities.index(quantity)]]
