"""The picture of a pipeline's graph as SVG text. Same graph, same text.

Colours: light qualitative scheme of P. Tol (SRON/EPS/TN/09-002, issue 3.2), made for black
text and safe for colour-blind readers; the stage also stands beside its band in words.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from typing import Final

from .dag import Dag, DagNode
from .dag_layout import ARROW, NAME_SIZE, PILL_SIZE, Layout, Rectangle, Segment, placed
from .html.templates import filled

STAGE_COLOURS: Final = (
    "#77aadd",
    "#99ddff",
    "#44bb99",
    "#bbcc33",
    "#eedd88",
    "#ee8866",
    "#ffaabb",
    "#dddddd",
    "#aaaa00",
    "#ccbbdd",
    "#bbddcc",
    "#ddccaa",
)
# The margins, the title and the names of the stages stand in graph.svg at these sizes.
_MARGIN: Final = 24.0
_TITLE_HEIGHT: Final = 52.0
_LEGEND_HEIGHT: Final = 52.0
_STAGE_COLUMN: Final = 86.0
_CAPTION_SIZE: Final = 11.5
_CAPTION_CHARACTERS: Final = 46
_CAPTION_COLUMN: Final = 300.0
_STATUS_CLASSES: Final = {
    "": "",
    "failed": " failed",
    "executed": "",
    "hit": " known",
    "skipped": " unused",
}
_LEGEND: Final = {"file": "file", "settings": "setting", "quantity": ""}
_LEGEND_OF_RUN: Final = {"from the cache": " known", "not needed": " unused"}
_LEGEND_OF_FAILED: Final = {"failed": " failed"}


def svg_text(dag: Dag, title: str, subtitle: str = "") -> str:
    """The picture of a graph; ``subtitle`` says of which run, where it shows one."""
    layout = placed(dag)
    with_captions = len(set(layout.rows.values())) == len(dag.nodes)
    left = _MARGIN + _STAGE_COLUMN
    statuses = {n.status for n in dag.nodes}
    legend = _LEGEND | (_LEGEND_OF_RUN if statuses - {""} else {})
    legend |= _LEGEND_OF_FAILED if "failed" in statuses else {}
    picture = filled(
        "radiograph.drivers.html:graph.svg",
        title=title,
        subtitle=subtitle,
        nodes=dag.nodes,
        layout=layout,
        left=left,
        width=left + layout.width + _MARGIN + (_CAPTION_COLUMN if with_captions else 0.0),
        height=_TITLE_HEIGHT + layout.height + _LEGEND_HEIGHT + _MARGIN,
        colours={s: STAGE_COLOURS[k % len(STAGE_COLOURS)] for k, s in enumerate(dag.stages)},
        edges=[(_path(s), s.arrow) for s in layout.segments],
        captions=[c for n in dag.nodes for c in _caption(n, layout)] if with_captions else [],
        legend=list(_legend_places(legend)),
        legend_box=Rectangle(0, -9, 26, 18),
        status_classes=_STATUS_CLASSES,
        tooltip=_tooltip,
        arrow=ARROW,
        n=_n,
        name_size=NAME_SIZE,
        pill_size=PILL_SIZE,
        caption_size=_CAPTION_SIZE,
    )
    return str(picture)


def _path(s: Segment) -> str:
    turn = s.y1 + s.drop
    bend = 0.5 * (s.y2 - turn)
    path = f"M{_n(s.x1)} {_n(s.y1)}"
    if s.drop:
        path += f" V{_n(turn)}"
    return (
        f"{path} C{_n(s.x1)} {_n(turn + bend)} {_n(s.x2)} {_n(s.y2 - bend)} {_n(s.x2)} {_n(s.y2)}"
    )


def _tooltip(node: DagNode) -> str:
    unit = f" [{node.unit}]" if node.unit else ""
    helpers = [m for m in node.members if m != node.name]
    with_them = f" (with {', '.join(helpers)})" if node.note and helpers else ""
    return f"{node.name}{unit}: {node.summary}{with_them}"


def _caption(node: DagNode, layout: Layout) -> list[tuple[str, float]]:
    """Lines of what a node is, and where they stand beside its box."""
    box = layout.boxes[node.name]
    plain = re.sub(r" \(shape \([^)]*\)\)", "", node.summary.replace("``", ""))
    lines = textwrap.wrap(plain, _CAPTION_CHARACTERS, break_long_words=False)
    step = _CAPTION_SIZE + 3.0
    y = box.y + 0.5 * box.height + 0.36 * _CAPTION_SIZE - 0.5 * step * (len(lines) - 1)
    return [(line, y + k * step) for k, line in enumerate(lines)]


def _legend_places(legend: dict[str, str]) -> Iterator[tuple[str, str, float]]:
    """Word, kind and place of each entry."""
    x = 0.0
    for word, kind in legend.items():
        yield word, kind, x
        x += 58.0 + 7.0 * len(word)


def _n(value: float) -> str:
    """A number to a tenth of a pixel."""
    return f"{round(value, 1) + 0.0:g}" if abs(value) < 1e5 else f"{value:.1f}"
