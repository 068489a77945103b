"""A node of a graph explained: what it is, where it is written, what it needs and feeds."""

from __future__ import annotations

import html
import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hamilton import driver

from ..schemas.errors import UsageError
from .dag import DagNode, Species, pipeline_dag
from .definition import Definition
from .graph import function_of, resolved_targets, visible_nodes


@dataclass(frozen=True)
class Written:
    """The node ``name`` and where its function begins."""

    name: str
    file: str
    line: int

    def __str__(self) -> str:
        return f"{_within_package(self.file)}:{self.line}"


@dataclass(frozen=True)
class Explanation:
    """What a node is, what it needs and what needs it.

    ``description`` is its docstring, ``file`` and ``line`` where its function begins,
    ``columns`` those of its frame, which ``tables_page`` of docs/ describes. ``made_of`` are the
    nodes that it only joins under its plain name: there the work is done.
    """

    node: DagNode
    inputs: tuple[str, ...]
    needed_by: tuple[str, ...]
    pipeline: str = ""
    description: str = ""
    file: str = ""
    line: int = 0
    columns: tuple[tuple[str, str, str, str], ...] = ()
    tables_page: str = ""
    made_of: tuple[Written, ...] = ()

    def __str__(self) -> str:
        node = self.node
        lines = [f"{node.name}: {node.summary}"]
        rest = self.description.partition("\n")[2].strip("\n")
        lines += [f"  {line}".rstrip() for line in ["", *rest.split("\n"), ""]] if rest else []
        lines += [f"  stage      {node.stage}"]
        lines += [f"  unit       {node.unit}"] if node.unit else []
        lines += [f"  schema     {node.schema} (docs/{self.tables_page})"] if node.schema else []
        for title, names in (
            ("needs", self.inputs),
            ("settings", node.keys),
            ("needed by", self.needed_by),
        ):
            lines.append(f"  {title:10} {', '.join(names) or 'nothing'}")
        if self.file:
            lines.append(f"  written in {Written(node.name, self.file, self.line)}")
        lines += _made_of_lines(self.made_of)
        lines += _column_lines(self.columns)
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"

    def as_json(self) -> dict[str, Any]:
        """The explanation as plain values."""
        node = self.node
        return {
            "pipeline": self.pipeline,
            "name": node.name,
            "stage": node.stage,
            "unit": node.unit,
            "schema": node.schema,
            "summary": node.summary,
            "description": self.description,
            "needs": list(self.inputs),
            "settings": list(node.keys),
            "needed_by": list(self.needed_by),
            "file": self.file,
            "line": self.line,
            "made_of": [{"name": m.name, "file": m.file, "line": m.line} for m in self.made_of],
            "columns": [
                dict(zip(("name", "type", "unit", "meaning"), c, strict=True)) for c in self.columns
            ],
        }


def explanation(
    dr: driver.Driver, pipeline: Definition, node: str, species: Species = "both"
) -> Explanation:
    """What a node of a driver is; UsageError for an unknown name or a helper."""
    (name,) = resolved_targets(dr, [node], pipeline.aliases)
    if name not in visible_nodes(dr):
        msg = f"{node} is a helper; radiograph nodes lists the quantities"
        raise UsageError(msg, key=node)
    of_one_species = name.partition("_")[0] in ("neutron", "gamma")
    dag = pipeline_dag(dr, pipeline, everything=True, species="both" if of_one_species else species)
    found = next(n for n in dag.nodes if n.name == name)
    table = pipeline.frames().get(found.schema)
    inputs = tuple(a for a, b in dag.edges if b == name)
    written = _written(dr, name)
    return Explanation(
        found,
        inputs,
        tuple(b for a, b in dag.edges if a == name),
        pipeline.name,
        inspect.getdoc(function_of(dr, name)) or "",
        written.file,
        written.line,
        () if table is None else tuple(
            (c.name, c.dtype, c.unit, c.description) for c in table.columns
        ),
        pipeline.tables_page,
        tuple(_written(dr, a) for a in inputs if a.endswith(f"_{name}")),
    )  # fmt: skip


def _written(dr: driver.Driver, name: str) -> Written:
    function = function_of(dr, name)
    file = str(Path(inspect.getsourcefile(function) or "").resolve())
    return Written(name, file, inspect.getsourcelines(function)[1])


def _made_of_lines(parts: tuple[Written, ...]) -> list[str]:
    width = max((len(p.name) for p in parts), default=0)
    titles = ["made of", *[""] * len(parts)]
    return [f"  {t:10} {p.name:{width}}  {p}" for t, p in zip(titles, parts, strict=False)]


def _column_lines(columns: tuple[tuple[str, str, str, str], ...]) -> list[str]:
    if not columns:
        return []
    width = max(len(name) for name, *_ in columns)
    return [
        "  columns",
        *(
            f"    {name:{width}}  {dtype:8}  {unit:5}  {meaning}".rstrip()
            for name, dtype, unit, meaning in columns
        ),
    ]


def _within_package(file: str) -> str:
    """A source file from the folder of the nodes on: the same wherever the package is."""
    parts = Path(file).parts
    last = len(parts) - 1 - parts[::-1].index("nodes") if "nodes" in parts else 0
    return str(Path(*parts[last:]))
