"""The generated parts of docs/: ``python -m radiograph.drivers.docs [FOLDER] [--check]``.

A page holds markers; what stands between them is written from the code: nodes, frames, codes
and datasets. The pictures of the graph are written beside them.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from enum import IntEnum
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from ..schemas.imaging import codes, images
from ..schemas.lightdqm import arrays as light_arrays
from .api import pipeline
from .dag import Dag
from .imaging.layout import FOOTPRINT_DATASETS, GROUPS
from .registry import definition

_MARKED = re.compile(r"(<!-- begin generated: (\w+) -->\n).*?(<!-- end generated -->)", re.DOTALL)
_ARRAYS: Final = (
    images.PlaneFrame,
    images.PixelGrid,
    images.BackProjection,
    images.Footprints,
    images.SummedImages,
    images.RegionOfInterest,
    images.Projections,
    images.ProjectionSet,
    images.AxisMetrics,
    images.ImageMetrics,
    images.Counts,
)
_LIGHT_ARRAYS: Final[tuple[type[Any], ...]] = tuple(
    cls
    for _, cls in inspect.getmembers(light_arrays, inspect.isclass)
    if cls.__module__ == light_arrays.__name__ and dataclasses.is_dataclass(cls)
)
_CODES: Final = (
    codes.HitFilter,
    codes.RawEventFate,
    codes.EventFilter,
    codes.EnergyStatus,
    codes.CandidateStatus,
    codes.Recoil,
    codes.ConeFilter,
)
_ROWS_OF: Final = {
    "hits": "hits",
    "raw_events": "runs",
    "hit_filter": "hits",
    "truth": "reactions or products",
    "events": "events",
    "event_hits": "events",
    "candidates": "hypotheses",
    "candidate_scores": "hypotheses",
    "candidate_directions": "hypotheses",
    "cones": "cones",
    "cone_filter": "events",
    "imaged": "cones",
}


def node_list(name: str = "imaging") -> str:
    """The quantities of a pipeline by stage."""
    page = definition(name).tables_page
    dag = pipeline(name).graph(everything=True).dag
    parts = []
    for stage in dict.fromkeys(n.stage for n in dag.nodes if not n.is_file):
        rows = [
            (
                f"`{n.name}`",
                _schema_or_unit(n.schema, n.unit, page),
                _cell(n.summary.replace("``", "`")),
                _code_list(a for a, b in dag.edges if b == n.name),
                _code_list(n.settings),
            )
            for n in dag.nodes
            if n.stage == stage
        ]
        parts.append(f"**{stage}**\n\n{_table('node|schema or unit|what|needs|settings', rows)}")
    return "\n".join(parts)


def frame_list(name: str = "imaging") -> str:
    """Every frame of a pipeline with its columns."""
    made_by = _made_by(pipeline(name).graph(everything=True).dag)
    parts = []
    for table in definition(name).frames().values():
        rows = [
            (
                f"`{c.name}`",
                c.dtype,
                c.unit,
                _cell(c.description),
                "NaN" if c.nullable else "",
            )
            for c in table.columns
        ]
        nodes = _code_list(made_by.get(table.name, ())) or "inputs and helpers only"
        parts.append(
            f"### {table.name}\n\nOne row is {table.row}. Nodes: {nodes}.\n\n"
            + _table("column|type|unit|meaning|may be", rows)
        )
    return "\n".join(parts)


def array_list(classes: Iterable[type[Any]] = _ARRAYS) -> str:
    """The frozen dataclasses that flow on the edges."""
    parts = []
    for cls in classes:
        rows = [(f"`{f.name}`", f"`{_cell(str(f.type))}`") for f in dataclasses.fields(cls)]
        text = _without_underlines(inspect.getdoc(cls) or "")
        parts.append(f"### {cls.__name__}\n\n{text}\n\n{_table('field|type', rows)}")
    return "\n".join(parts)


def code_list() -> str:
    """The small integers that stand in columns."""
    parts = []
    for cls in _CODES:
        members = ", ".join(f"{m.value} {m.name}" for m in _members(cls))
        parts.append(f"- **{cls.__name__}**: {_one_line(inspect.getdoc(cls) or '')} {members}.")
    orders = ", ".join("".join(map(str, order)) for order in codes.GAMMA_ORDERS)
    parts.append(f"- **Orders of the hits of a gamma event**, in this order: {orders}.")
    return "\n".join(parts) + "\n"


def row_datasets() -> str:
    """The datasets with one row a hit, event, hypothesis or cone."""
    parts = []
    for group in GROUPS:
        rows = [_dataset_row(d, _ROWS_OF[group.name]) for d in group.datasets]
        nodes = _code_list(group.nodes)
        parts.append(
            f"**{group.name}** (from {nodes}; stage `{group.stage}`)\n\n"
            + _table("dataset|type|shape|unit|meaning", rows)
        )
    rows = [_dataset_row(d, "lit pixels") for d in FOOTPRINT_DATASETS]
    parts.append(f"**list mode**\n\n{_table('dataset|type|shape|unit|meaning', rows)}")
    return "\n".join(parts)


PARTS: Final[Mapping[str, Callable[[], str]]] = MappingProxyType(
    {
        "nodes": node_list,
        "frames": frame_list,
        "arrays": array_list,
        "codes": code_list,
        "datasets": row_datasets,
        "light_nodes": partial(node_list, "lightdqm"),
        "light_frames": partial(frame_list, "lightdqm"),
        "light_arrays": partial(array_list, _LIGHT_ARRAYS),
    }
)
"""What may stand between markers."""


def filled(text: str) -> str:
    """A page with everything between its markers written anew."""
    return _MARKED.sub(lambda m: f"{m[1]}\n{PARTS[m[2]]()}\n{m[3]}", text)


def pictures() -> dict[str, str]:
    """The pictures of the graph by file name."""
    imaging, light = pipeline("imaging").graph, pipeline("lightdqm").graph
    return {
        "graph.svg": imaging().svg,
        "graph_all.svg": imaging(everything=True).svg,
        "graph_lightdqm.svg": light(everything=True).svg,
    }


def expected(folder: Path) -> dict[Path, str]:
    """Every generated file of a docs folder with the text that it must have now."""
    pages = {p: p.read_text("utf-8") for p in sorted(folder.glob("*.md"))}
    found = {p: filled(text) for p, text in pages.items() if _MARKED.search(text)}
    return found | {folder / name: text for name, text in pictures().items()}


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


def _dataset_row(dataset: Any, rows: str) -> tuple[str, ...]:
    shape = ", ".join([rows, *map(str, dataset.tail)])
    dtype = {"?": "bool", "category": "text"}.get(dataset.dtype, dataset.dtype)
    return (f"`{dataset.path}`", dtype, f"({shape})", dataset.unit, _cell(dataset.description))


def _cell(text: str) -> str:
    """Text that may stand in a cell of a table."""
    return text.replace("|", "\\|")


def _schema_or_unit(schema: str, unit: str, page: str) -> str:
    return f"[{schema}]({page}#{schema.lower()})" if schema else unit


def _table(head: str, rows: Iterable[tuple[str, ...]]) -> str:
    names = head.split("|")
    lines = [f"| {' | '.join(names)} |", f"|{' --- |' * len(names)}"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def _code_list(names: Iterable[str]) -> str:
    return ", ".join(f"`{n}`" for n in names)


def _members(cls: type[IntEnum]) -> list[IntEnum]:
    return list(cls)


def _one_line(text: str) -> str:
    return " ".join(text.replace("``", "`").split())


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
