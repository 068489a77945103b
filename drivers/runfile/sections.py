"""Sections of a report page that follow from the record of a run: the same for every pipeline."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from markupsafe import Markup

from ..dag_record import STATUS_WORDS, time_text
from ..html.page import Section
from ..html.parts import (
    Cell,
    code,
    collapsible,
    definitions,
    drawing,
    note,
    paragraph,
    preformatted,
    table,
)
from .record import RunRecord

_MOST_PROBLEMS: Final = 200


def optional(title: str, parts: Sequence[Markup], anchor: str = "") -> list[Section]:
    """A section; none where there is nothing to show."""
    return [Section(title, parts, anchor)] if parts else []


def problem_notes(record: RunRecord, failures: Sequence[str]) -> Iterator[Markup]:
    """What is wrong with the input, or that nothing is; ``failures`` were told already."""
    problems = record.problems
    if problems:
        rows = [
            (p.get("kind", ""), p.get("count", 1), p.get("message", ""))
            for p in problems[:_MOST_PROBLEMS]
        ]
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        left = len(problems) - len(rows)
        more = [paragraph(f"{left} more stand in /provenance/problems.")] if left else []
        yield collapsible(f"{count} of the input", table(("kind", "count", "what"), rows), *more)
    elif record.is_ours and not failures:
        yield note("No problem was found in the input.", "good")


def graph_section(record: RunRecord, svg: str) -> list[Section]:
    """What the run did, as a picture and node by node; none without a picture."""
    if not svg:
        return []
    rows = [
        (
            code(n.name),
            STATUS_WORDS.get(n.status, n.status),
            Cell(time_text(n.seconds), n.seconds),
            n.calls,
            Cell(_bytes(n.n_bytes), n.n_bytes),
            n.reason,
        )
        for n in sorted(record.nodes, key=lambda n: -n.seconds)
    ]
    head = ("node", "what became of it", "time", "calls", "in the cache", "why it ran")
    words = "What the run did. Times are of what ran, its helpers included."
    nodes = collapsible(f"All {len(rows)} nodes, the slowest first", table(head, rows))
    return [Section("Graph", [paragraph(words), drawing(svg), nodes])]


def _bytes(count: int) -> str:
    if not count:
        return "–"
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} B"


def settings_section(record: RunRecord, texts: Iterable[tuple[str, str]] = ()) -> list[Section]:
    """The settings file, every setting in force, and further texts by name."""
    parts = []
    if record.config_text:
        parts.append(preformatted(record.config_text))
    elif record.is_ours:
        parts.append(paragraph("The settings file was left out ([hdf5] include_config = false)."))
    if record.settings:
        rows = [(code(key), json.dumps(value)) for key, value in record.settings.items()]
        title = f"Every setting in force ({len(rows)}), after command line and fast mode"
        parts.append(collapsible(title, table(("setting", "value"), rows)))
    parts += [collapsible(name, preformatted(text)) for name, text in texts]
    return optional("Settings", parts)


def provenance_section(record: RunRecord, facts: Iterable[tuple[str, Any]] = ()) -> Section:
    """Software, command, input files by content, versions; ``facts`` are told beside them."""
    command = code(record.run_command) if record.run_command else "not said"
    told = [
        ("Software", record.software or "not said"),
        ("Written", record.created_utc or "not said"),
        ("Command", command),
        ("Format", record.format_version or "not said"),
        *facts,
    ]
    parts = [definitions(told)]
    if record.inputs:
        rows = [
            (code(i.path), "–", f"left out: {i.failure}")
            if i.failure
            else (code(i.path), i.size, code(i.content_hash))
            for i in record.inputs
        ]
        parts.append(table(("input file", "bytes", "xxh3_128 of its content"), rows))
    if record.versions:
        versions = table(("library", "version"), list(record.versions.items()))
        parts.append(collapsible("Versions", versions))
    return Section("Provenance", parts)
