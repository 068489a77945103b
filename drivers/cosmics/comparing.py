"""Several runs against the first: as text, as one JSON object, as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from ...nodes.cosmics.comparison import dataset_comparison
from ...nodes.cosmics.comparison_drawings import drawn_comparison
from ...schemas.cosmics.comparison import DatasetComparison, RunResults
from ...schemas.errors import UsageError
from ..engine.plain_values import plain_value
from ..files import check_new_files, new_output
from .stored_results import stored_results

_SHOWN: Final = 10
_UNLIKELY: Final = 0.01
TABLES: Final = ("flow", "histograms", "survivors")


def read_runs(paths: Sequence[Path]) -> list[RunResults]:
    """The runs by their files, each by a name of its own; UsageError for fewer than two."""
    if len(paths) < 2:
        msg = f"{len(paths)} file: a comparison needs two or more; name another."
        raise UsageError(msg, key="files")
    names = [path.name for path in paths]
    if len(set(names)) < len(names):
        names = [str(path) for path in paths]
    return [stored_results(path, name) for path, name in zip(paths, names, strict=True)]


def compared(runs: Sequence[RunResults]) -> list[DatasetComparison]:
    """Each run but the first against the first."""
    return [dataset_comparison(runs[0], other) for other in runs[1:]]


def as_plain(found: Sequence[DatasetComparison]) -> dict[str, Any]:
    """Comparisons as plain values: tables are lists of records."""
    return {
        "comparisons": [
            {f.name: plain_value(getattr(item, f.name)) for f in fields(item)} for item in found
        ]
    }


def write_tables(
    found: Sequence[DatasetComparison], folder: Path, *, overwrite: bool
) -> list[Path]:
    """A CSV file for each table of each comparison, all or none of them overwritten."""
    texts = {
        folder / f"{Path(item.name_b).stem}_against_{Path(item.name_a).stem}_{name}.csv": table
        for item in found
        for name in TABLES
        if (table := getattr(item, name)) is not None
    }
    check_new_files(list(texts), (), overwrite=overwrite)
    for path, table in texts.items():
        with new_output(path) as temporary:
            table.to_csv(temporary, index=False)
    return list(texts)


FIGURE_KINDS: Final = ("png", "pdf", "svg")


def write_figure(runs: Sequence[RunResults], out: Path, *, overwrite: bool) -> Path:
    """Draw the second run against the first; UsageError for a name of another kind of file."""
    kind = out.suffix.lower().removeprefix(".")
    if kind not in FIGURE_KINDS:
        msg = f"{out}: a figure is named .{', .'.join(FIGURE_KINDS)}"
        raise UsageError(msg, file=out, key="figure")
    check_new_files([out], (), overwrite=overwrite)
    if not runs[0].histograms.keys() & runs[1].histograms.keys():
        msg = f"{runs[0].name} and {runs[1].name} have no histogram in common to be drawn"
        raise UsageError(msg, file=out, key="figure")
    content = drawn_comparison(runs[0], runs[1], kind=kind)
    with new_output(out) as temporary:
        temporary.write_bytes(content)
    return out


def lines_of(item: DatasetComparison, a: RunResults, b: RunResults) -> Iterator[str]:
    """A comparison for a person: whether the cuts are the same stands first."""
    same = f"the same cuts ({a.cutset}, {a.cutset_hash[:8]})"
    other = f"OTHER CUTS: {a.cutset} ({a.cutset_hash[:8]}) and {b.cutset} ({b.cutset_hash[:8]})"
    yield f"A = {item.name_a}, B = {item.name_b}: {same if item.same_cuts else other}"
    if item.common_inputs:
        yield (
            f"  both have read {item.common_inputs} of the same files: sigma, which is of "
            "independent samples, is too small"
        )
    for letter, run in (("A", a), ("B", b)):
        if run.verdict == "fail":
            yield f"{letter} HAS FAILED CHECKS: its rates are not those of a complete data set"
    for name, in_a, in_b in item.cut_differences:
        yield f"  cut {name}: A {in_a}; B {in_b}"
    for name, in_a, in_b in item.setting_differences:
        yield f"  setting {name}: A {_short(in_a)}; B {_short(in_b)}"
    yield ""
    yield from _flow_lines(item.flow)
    yield ""
    yield from _histogram_lines(item)
    yield from _survivor_lines(item.survivors)


def _rows(table: pd.DataFrame) -> Iterator[Any]:
    return iter(table.itertuples(index=False))


def _short(value: Any) -> str:
    text = "not there" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _flow_lines(flow: pd.DataFrame) -> Iterator[str]:
    yield (
        f"{'cut':<26}{'events A':>10}{'events B':>10}{'A %':>10}{'B %':>10}{'B-A %':>10}"
        f"{'sigma':>8}"
    )
    for row in _rows(flow):
        counts = "".join(f"{'off' if n < 0 else n:>10}" for n in (row.events_a, row.events_b))
        shares = "".join(
            f"{_number(x, '10.3f')}"
            for x in (row.absolute_a_pct, row.absolute_b_pct, row.difference_pct)
        )
        mark = " exact" if row.exact else ""
        yield f"{row.cut:<26}{counts}{shares}{_number(row.significance, '8.2f')}{mark}".rstrip()


def _number(value: float, form: str) -> str:
    width = int(form.partition(".")[0])
    return " " * width if np.isnan(value) else f"{value:{form}}"


def _histogram_lines(item: DatasetComparison) -> Iterator[str]:
    table = item.histograms
    tested = table[table["ndf"] > 0]
    unlike = tested[tested["chi2_p"] < _UNLIKELY].sort_values("chi2_p", kind="stable")
    expected = _UNLIKELY * len(tested)
    yield (
        f"{len(tested)} histograms with entries compared: {len(unlike)} with p < {_UNLIKELY:g} "
        f"(chance gives about {expected:.1f})"
    )
    for row in _rows(unlike.head(_SHOWN)):
        chi2 = f"chi2 {row.chi2:.1f} / {row.ndf}, p {row.chi2_p:.2g}"
        yield f"  {row.histogram}, {row.selection}: {chi2}; KS {row.ks:.3f}, p {row.ks_p:.2g}"
    if item.other_bins:
        yield f"  with other bins and not compared: {', '.join(item.other_bins)}"


def _survivor_lines(survivors: pd.DataFrame | None) -> Iterator[str]:
    if survivors is None:
        yield "unvetoed events: not stored by both"
        return
    counts = {where: survivors[survivors["survives"] == where] for where in ("A", "B", "both")}
    told = ", ".join(f"{len(rows)} in {_WORDS[where]}" for where, rows in counts.items())
    yield f"unvetoed events: {told}"
    for where in ("A", "B"):
        for row in _rows(counts[where].head(_SHOWN)):
            yield f"  {where} only: run {row.run}, subrun {row.subrun}, event {row.event}"
        if len(counts[where]) > _SHOWN:
            yield f"  {where} only: {len(counts[where]) - _SHOWN} more"


_WORDS: Final = {"A": "A only", "B": "B only", "both": "both"}
