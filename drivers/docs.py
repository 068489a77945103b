"""The generated parts of docs/: ``python -m radiograph.drivers.docs [FOLDER] [--check]``.

A page holds markers; what stands between them is written from the code: nodes, frames, codes
and datasets. The pictures of the graph are written beside them.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .api import pipeline
from .dag import Dag
from .registry import definition, names

_MARKED = re.compile(r"(<!-- begin generated: (\w+) -->\n).*?(<!-- end generated -->)", re.DOTALL)


def node_list(name: str) -> str:
    """The quantities of a pipeline by stage."""
    page = definition(name).tables_page
    dag = pipeline(name).graph(everything=True).dag
    parts = []
    for stage in dict.fromkeys(n.stage for n in dag.nodes if not n.is_file):
        rows = [
            (
                f"`{n.name}`",
                _schema_or_unit(n.schema, n.unit, page),
                cell(n.summary.replace("``", "`")),
                code_list(a for a, b in dag.edges if b == n.name),
                code_list(n.settings),
            )
            for n in dag.nodes
            if n.stage == stage
        ]
        parts.append(f"**{stage}**\n\n{table_of('node|schema or unit|what|needs|settings', rows)}")
    return "\n".join(parts)


def frame_list(name: str) -> str:
    """Every frame of a pipeline with its columns."""
    made_by = _made_by(pipeline(name).graph(everything=True).dag)
    parts = []
    for table in definition(name).frames().values():
        rows = [
            (
                f"`{c.name}`",
                c.dtype,
                c.unit,
                cell(c.description),
                "NaN" if c.nullable else "",
            )
            for c in table.columns
        ]
        nodes = code_list(made_by.get(table.name, ())) or "inputs and helpers only"
        parts.append(
            f"### {table.name}\n\nOne row is {table.row}. Nodes: {nodes}.\n\n"
            + table_of("column|type|unit|meaning|may be", rows)
        )
    return "\n".join(parts)


def array_list(classes: Iterable[type[Any]]) -> str:
    """The frozen dataclasses that flow on the edges."""
    parts = []
    for cls in classes:
        rows = [(f"`{f.name}`", f"`{cell(str(f.type))}`") for f in dataclasses.fields(cls)]
        text = _without_underlines(inspect.getdoc(cls) or "")
        parts.append(f"### {cls.__name__}\n\n{text}\n\n{table_of('field|type', rows)}")
    return "\n".join(parts)


def _pages() -> list[Mapping[str, Any]]:
    """What each pipeline has to say: its PARTS between markers, and its PICTURES of the graph."""
    modules = [definition(name).pages for name in names()]
    return [vars(importlib.import_module(module)) for module in modules if module]


def graph_picture(name: str, *, everything: bool = False) -> str:
    """The picture of the graph of a pipeline, SVG."""
    return pipeline(name).graph(everything=everything).svg


def filled(text: str) -> str:
    """A page with everything between its markers written anew."""
    parts = {n: part for pages in _pages() for n, part in pages["PARTS"].items()}
    return _MARKED.sub(lambda m: f"{m[1]}\n{parts[m[2]]()}\n{m[3]}", text)


def _pictures() -> dict[str, str]:
    return {name: made() for pages in _pages() for name, made in pages["PICTURES"].items()}


def expected(folder: Path) -> dict[Path, str]:
    """Every generated file of a docs folder with the text that it must have now."""
    pages = {p: p.read_text("utf-8") for p in sorted(folder.glob("*.md"))}
    found = {p: filled(text) for p, text in pages.items() if _MARKED.search(text)}
    return found | {folder / name: text for name, text in _pictures().items()}


def main(arguments: list[str]) -> int:
    """Write what differs, or with --check only say so."""
    only_check = "--check" in arguments
    folders = [a for a in arguments if a != "--check"] or ["docs"]
    stale = 0
    for path, text in expected(Path(folders[0])).items():
        if path.exists() and path.read_text("utf-8") == text:
            continue
        stale += 1
        sys.stdout.write(f"{path}: {'differs from the code' if only_check else 'written'}\n")
        if not only_check:
            path.write_text(text, "utf-8")
    return int(only_check and stale > 0)


def _made_by(dag: Dag) -> dict[str, list[str]]:
    made_by: dict[str, list[str]] = {}
    for node in dag.nodes:
        if node.schema:
            made_by.setdefault(node.schema, []).append(node.name)
    return made_by


def cell(text: str) -> str:
    """Text that may stand in a cell of a table."""
    return text.replace("|", "\\|")


def _schema_or_unit(schema: str, unit: str, page: str) -> str:
    return f"[{schema}]({page}#{schema.lower()})" if schema else unit


def table_of(head: str, rows: Iterable[tuple[str, ...]]) -> str:
    """A table of Markdown; ``head`` has its columns between bars."""
    names = head.split("|")
    lines = [f"| {' | '.join(names)} |", f"|{' --- |' * len(names)}"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def code_list(names: Iterable[str]) -> str:
    """Names in the type of code."""
    return ", ".join(f"`{n}`" for n in names)


def _without_underlines(text: str) -> str:
    """A numpydoc text as Markdown: its attributes become list items."""
    head, _, attributes = text.partition("\nAttributes\n----------\n")
    items: list[str] = []
    for line in attributes.splitlines():
        if line.startswith(" "):
            items[-1] += f" {line.strip()}"
        elif line.strip():
            items.append(f"- `{line.strip()}`:")
    return "\n\n".join(p for p in (_paragraphs(head), "\n".join(items)) if p).replace("``", "`")


def _paragraphs(text: str) -> str:
    return "\n\n".join(" ".join(p.split()) for p in text.strip().split("\n\n"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
