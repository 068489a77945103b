"""The file of a run as one HTML page: what went in, what ran, what came out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup

from ...nodes.hdf5_content import Content, opened_content
from ...schemas.errors import UsageError
from ..dag_record import time_text
from ..files import check_new_files, new_output
from ..html import parts
from ..html.page import Section, page_text
from .datasets import Datasets
from .exporting import stored_tables
from .last_run import graph_of_run_file
from .record import RunRecord, run_record
from .sections import graph_section, problem_notes, provenance_section, settings_section
from .summary import OF_MAKING, rows_of

_ROWS_SHOWN: Final = 20
_VALUES_SHOWN: Final = 8


def write_run_report(
    source: Path, page: Path, *, pdf: bool, overwrite: bool, first: Sequence[Section] = ()
) -> list[Path]:
    """Write the page and name it; UsageError or InputError before anything is written.

    ``first`` is what a pipeline puts before what is told of any run.
    """
    if pdf:
        msg = "--pdf: this pipeline has no PDF; print the HTML page from a browser"
        raise UsageError(msg, key="pdf")
    check_new_files([page], [source], overwrite=overwrite)
    text = run_page(source, first)
    with new_output(page) as temporary:
        temporary.write_text(text, "utf-8")
    return [page]


def run_page(path: Path, first: Sequence[Section] = ()) -> str:
    """The page of a file; InputError if something of it is absent or damaged."""
    picture = graph_of_run_file(path, None)
    with opened_content(path) as content:
        record = run_record(Datasets(content.group, path))
        sections = [
            *first,
            Section("Run", list(_facts(record, rows_of(content)))),
            Section("Tables", list(_tables(content))),
            Section("Values", [_values(content)]),
            *graph_section(record, picture.svg),
            *settings_section(record),
            provenance_section(record),
        ]
    subtitle = record.created_utc[:19].replace("T", " ")
    return page_text(f"{path.name}: {record.pipeline}", sections, subtitle=subtitle)


def _facts(record: RunRecord, rows: Mapping[str, int]) -> Iterator[Markup]:
    for failure in record.failed:
        where = ", ".join(f"{axis} {value}" for axis, value in failure["at"].items())
        yield parts.note(f"{where}: {failure['message']}", "bad")
    yield from problem_notes(record, [failure["message"] for failure in record.failed])
    yield parts.definitions([("took", time_text(record.seconds))])
    yield parts.table(("rows of", "number"), rows.items())


def _tables(file: Content) -> Iterator[str]:
    for table in stored_tables(file):
        frame = next(table.frames()).head(_ROWS_SHOWN)
        head = [str(column) for column in frame.columns]
        rows = [[_plain(value) for value in row] for row in frame.itertuples(index=False)]
        yield parts.collapsible(table.name, parts.table(head, rows, caption="first rows"))


def _values(file: Content) -> str:
    """Numbers and arrays that are no columns of a table, the first values of each."""
    frames = {table.name for table in stored_tables(file)}
    rows: list[tuple[str, str]] = []
    for stage in file:
        if stage in OF_MAKING or not file.is_group(stage):
            continue
        group = file.content(stage)
        for name in group.shapes():
            if name.partition("/")[0] in frames:
                continue
            values = group[name]
            if values.holds_texts:
                found: Any = values.texts()[:_VALUES_SHOWN]
            else:
                array = values[()].ravel()
                found = array[:_VALUES_SHOWN].tolist()
                found = [*found, "..."] if len(array) > _VALUES_SHOWN else found
            shown = found[0] if len(found) == 1 else json.dumps(found)
            rows.append((name, str(shown)))
    return parts.table(("value", "is"), rows)


def _plain(value: Any) -> Any:
    """A value of numpy as Python's own."""
    return value.item() if hasattr(value, "item") else value
