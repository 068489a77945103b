"""The page of a run: counts, verdict, pictures, how it was made; the same numbers as its file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from ...nodes.transients.pictures import run_pictures
from ...schemas.errors import UsageError
from ...schemas.transients.stored_run import StoredRun
from ..files import check_new_files, new_output, replaced_file
from ..html import parts
from ..html.page import Section, page_text
from ..runfile.summary import described
from .stored import read_run

_CAPTIONS: Final = {
    "map_amplitude": "Amplitude by position; hatched: no recording that can be used.",
    "map_decay": "Decay constant of accepted fits; the colours end with what is known to a third.",
    "map_half_life": "Half life of accepted fits; colours as above.",
    "cross_sections": "Row and column through the map, mean and its error.",
    "gallery": "Recordings before (pale) and after the trigger, with fit and residual.",
    "baselines": "Frequency before the trigger over the run.",
    "amplitude_decay": "Accepted fits.",
    "quality_counts": "How many recordings have each mark.",
    "scores": "Local scores; dashed: the threshold.",
    "detection": "Outliers beside the truth, 68 % intervals.",
}


def write_report(source: Path, page: Path, *, pdf: bool, overwrite: bool) -> list[Path]:
    """Write the page of a run's file and name it; UsageError or InputError before any."""
    if pdf:
        msg = "--pdf: this pipeline has no PDF; print the HTML page from a browser"
        raise UsageError(msg, key="pdf")
    check_new_files([page], [source], overwrite=overwrite)
    run = read_run(source)
    text = run_page(source, run, dict(run_pictures(run)))
    with new_output(page) as temporary:
        temporary.write_text(text, "utf-8")
    return [page]


def write_page(source: Path, run: StoredRun, pictures: Mapping[str, bytes], page: Path) -> None:
    """Write the page with pictures that are drawn already."""
    with replaced_file(page) as temporary:
        temporary.write_text(run_page(source, run, pictures), "utf-8")


def run_page(source: Path, run: StoredRun, pictures: Mapping[str, bytes]) -> str:
    """The page as HTML."""
    summary, _ = described(source)
    figures = [parts.picture(p, name, _CAPTIONS[name]) for name, p in pictures.items()]
    facts = [
        ("command", summary["run_command"]),
        ("input", "; ".join(f"{i['path']} ({i['content_hash']})" for i in summary["inputs"][:20])),
        ("software", summary["software"]),
        ("seconds", f"{summary['seconds']:.2f}"),
    ]
    sections = [
        Section("Recordings", list(_counts(run))),
        Section("Pictures", figures),
        Section("How it was made", [parts.definitions(facts)]),
        Section("Settings", [parts.table(("setting", "is"), _settings(summary["settings"]))]),
    ]
    return page_text(run.title, [s for s in sections if s.parts], subtitle=source.name)


def _counts(run: StoredRun) -> Iterator[str]:
    if run.incomplete:
        yield parts.note(f"incomplete: {run.incomplete}", "bad")
    if run.counts is not None:
        rows = zip(run.counts["name"].astype(str), run.counts["count"].tolist(), strict=True)
        yield parts.table(("mark", "recordings"), list(rows))
    if run.outliers is not None:
        n, scored = len(run.outliers), int(run.outliers["scored"].sum())
        found = int(run.outliers["outlier"].sum())
        yield parts.paragraph(f"{found} outliers among {scored} scored of {n} recordings.")
    if run.alarms is not None and len(run.alarms):
        row = run.alarms.iloc[0]
        yield parts.paragraph(
            f"False alarms, estimated on the side that no anomaly reaches: {row['rate']:.3g} "
            f"({row['low']:.3g} to {row['high']:.3g}) of the recordings."
        )
    if run.detection is not None and len(run.detection):
        kinds = [
            (str(r["kind"]), int(r["n"]), int(r["found"]), f"{r['fraction']:.3f}",
             f"{r['low']:.3f} to {r['high']:.3f}")
            for _, r in run.detection.iterrows()
        ]  # fmt: skip
        yield parts.table(("kind", "scored", "found", "share", "68 %"), kinds)


def _settings(settings: Mapping[str, object]) -> list[tuple[str, str]]:
    return [(key, str(value)) for key, value in settings.items()]
