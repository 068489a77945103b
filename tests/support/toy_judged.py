"""The toy with counted files and a verdict on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import toy
from hamilton.function_modifiers import tag
from radiograph.drivers.definition import Source
from radiograph.drivers.engine.parts import Part
from radiograph.schemas.input_files import INPUT_FILES
from radiograph.schemas.sources import EventRange, FileRef
from radiograph.schemas.verdict import CHECKS, Check, checks_frame


@tag(stage="judge", schema="Checks", scope="run")
def complete(input_files: pd.DataFrame) -> pd.DataFrame:
    """Whether every file was read."""
    n = int((input_files["status"] == "read").sum())
    status = "pass" if n == len(input_files) else "fail"
    return checks_frame([Check("files", status, n, len(input_files), f"{n} were read")])


@tag(stage="judge", scope="run")
def lines_read(input_files: pd.DataFrame) -> int:
    """Lines of the files that were read."""
    return int(input_files["n_records"].sum())


def n_lines(path: Path, config: Any) -> int:
    """Lines of a file; each count leaves a line in a file beside it."""
    del config
    with path.with_name("counted.log").open("a") as log:
        log.write(f"{path.name}\n")
    return path.read_text().count("\n")


def _parts(config: Any, files: Mapping[str, Mapping[int, FileRef]]) -> Iterator[Part]:
    for number, ref in files["source"].items():
        events = EventRange(0, ref.n_records)
        inputs = {"source_file": ref, "event_range": events}
        yield Part({"file": number, "range": 0}, inputs, events.n_events)


JUDGED = replace(
    toy.TOY,
    modules=("toy", __name__),
    tables=(*toy.TOY.tables, INPUT_FILES, CHECKS),
    sources=(Source("source", "io.input_path", "text file of pulses", "*.txt", count=n_lines),),
    parts=_parts,
    home=f"{__name__}:JUDGED",
    outputs=("gains", "complete", "lines_read"),
    verdict_node="complete",
    summary_node="lines_read",
)
