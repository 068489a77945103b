"""The report of a light file, made of that file alone: what it holds stands in for its nodes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pandas as pd

from ...nodes.hdf5_content import Content, opened_content
from ...schemas.lightdqm.config import LightDqmConfig
from ...schemas.lightdqm.frames import EARLIER_RUNS, TABLES
from ..config import LoadedConfig
from ..files import check_new_files, new_output
from ..graph import build_driver, dependencies
from ..hdf5_values import read_value
from ..registry import definition
from ..runfile.datasets import Datasets
from ..runfile.record import run_record
from ..runfile.report import write_run_report
from .html_report import PAGE_NODES, light_page, provenance_of
from .inputs import graph_values
from .output import BESIDE, EARLIER

_FIGURES, _PAGES = "light_figures", "main.pdf"


def write_report(source: Path, page: Path, *, pdf: bool, overwrite: bool) -> list[Path]:
    """Write the page, and the PDF of the run beside it; UsageError or InputError before any.

    The file of some targets has no verdict to show: its page is that of any run.
    """
    with opened_content(source) as content, ExitStack() as stack:
        if not all(place in content for place in (EARLIER, *BESIDE.values())):
            return write_run_report(source, page, pdf=pdf, overwrite=overwrite)
        paths = [page, *([page.with_suffix(".pdf")] if pdf else [])]
        check_new_files(paths, [source], overwrite=overwrite)
        record = run_record(Datasets(content.group, source))
        loaded = record.loaded(source, LightDqmConfig)
        nodes = (*PAGE_NODES, *([_FIGURES] if pdf else []))
        values = redrawn(content, loaded, record.inputs[0].path, nodes)
        nodes_then = {node.name: node for node in record.nodes}
        made = provenance_of(
            record.inputs[0], record.argv, record.versions, record.config_text or "", nodes_then
        )
        text = light_page(values, made)
        stack.enter_context(new_output(page)).write_text(text, "utf-8")
        for path in paths[1:]:
            stack.enter_context(new_output(path)).write_bytes(values[_FIGURES][_PAGES])
    return paths


def redrawn(
    content: Content, loaded: LoadedConfig[LightDqmConfig], source: str, wanted: Iterable[str]
) -> Mapping[str, Any]:
    """Nodes that need no more than a file of numbers holds."""
    wanted = tuple(wanted)
    flow = definition("lightdqm")
    dr = build_driver(flow, flow.choices_of(loaded.config))
    numbers = {name: f"numbers/{name}" for name in content.content("numbers")}
    places, given, left = {**numbers, **BESIDE}, dict[str, Any](), set(wanted)
    while left:
        name = left.pop()
        node = dr.graph.nodes[name]
        if name in places:
            table = TABLES.get(node.tags.get("schema", ""))
            given[name] = read_value(content, places[name], node.type, table)
        else:
            left |= {d for d in dependencies(dr, name) if not dr.graph.nodes[d].user_defined}
        left -= given.keys()
    values = graph_values(
        loaded.config, loaded.path.parent, earlier_runs(content), source=Path(source)
    )
    return dr.execute(list(wanted), inputs=dict(values), overrides=given)


def earlier_runs(content: Content) -> pd.DataFrame | None:
    """What the file was compared with; None if it does not say that."""
    if EARLIER not in content:
        return None
    found: pd.DataFrame = read_value(content, EARLIER, pd.DataFrame, EARLIER_RUNS)
    return found
