"""The picture of a pipeline's graph as SVG text. Same graph, same text.

Colours: light qualitative scheme of P. Tol (SRON/EPS/TN/09-002, issue 3.2), made for black
text and safe for colour-blind readers; the stage also stands beside its band in words.
"""

from __future__ import annotations

import re
import textwrap
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from .dag import Dag, DagNode
from .dag_layout import (
    ARROW,
    NAME_SIZE,
    PILL_SIZE,
    Layout,
    Rectangle,
    Segment,
    placed,
)

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
)
_MARGIN: Final = 24.0
_TITLE_HEIGHT: Final = 52.0
_LEGEND_HEIGHT: Final = 52.0
_STAGE_COLUMN: Final = 86.0
_CAPTION_SIZE: Final = 11.5
_CAPTION_CHARACTERS: Final = 46
_CAPTION_COLUMN: Final = 300.0
_MONO: Final = "'DejaVu Sans Mono', Menlo, Consolas, 'Liberation Mono', monospace"
_SANS: Final = "'DejaVu Sans', Helvetica, Arial, sans-serif"
_STATUS_CLASSES: Final = {"": "", "executed": "", "hit": " known", "skipped": " unused"}
_INK: Final = "#1a1a1a"
_EDGE: Final = "#5b6570"
_PAPER: Final = "#ffffff"

_STYLE: Final = f"""
.name {{ font: {NAME_SIZE:g}px {_MONO}; fill: {_INK}; text-anchor: middle }}
.pill {{ font: {PILL_SIZE:g}px {_MONO}; fill: {_INK}; text-anchor: middle }}
.stage {{ font: 600 13px {_SANS}; fill: #4a525a }}
.caption {{ font: {_CAPTION_SIZE:g}px {_SANS}; fill: #3a4148 }}
.title {{ font: 600 17px {_SANS}; fill: {_INK} }}
.edge {{ fill: none; stroke: {_EDGE}; stroke-width: 1.4 }}
.box {{ stroke: {_INK}; stroke-width: 1.1 }}
.file {{ fill: {_PAPER}; stroke: {_INK}; stroke-width: 1.1 }}
.known {{ stroke-dasharray: 5 3 }}
.unused {{ fill-opacity: 0.3; stroke-opacity: 0.5 }}
.setting {{ fill: {_PAPER}; stroke: #6b747d; stroke-width: 1 }}
"""


def svg_text(dag: Dag, title: str, subtitle: str = "") -> str:
    """The picture of a graph; ``subtitle`` says of which run, where it shows one."""
    layout = placed(dag)
    captions = len(set(layout.rows.values())) == len(dag.nodes)
    left = _MARGIN + _STAGE_COLUMN
    width = left + layout.width + _MARGIN + (_CAPTION_COLUMN if captions else 0.0)
    height = _TITLE_HEIGHT + layout.height + _LEGEND_HEIGHT + _MARGIN
    colours = {s: STAGE_COLOURS[k % len(STAGE_COLOURS)] for k, s in enumerate(dag.stages)}
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(width)} {_n(height)}" '
            f'width="{_n(width)}" height="{_n(height)}" role="img" aria-label={quoteattr(title)}>'
        ),
        f"<title>{escape(title)}</title>",
        f"<style>{_STYLE}</style>",
        (
            '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6.5" '
            f'markerHeight="6.5" orient="auto"><path d="M0 0.6 L8 4 L0 7.4 Z" fill="{_EDGE}"/>'
            "</marker></defs>"
        ),
        f'<rect width="{_n(width)}" height="{_n(height)}" rx="8" fill="{_PAPER}"/>',
        f'<text class="title" x="{_n(_MARGIN)}" y="32">{escape(title)}</text>',
        *_subtitle(subtitle),
        f'<g transform="translate({_n(left)} {_n(_TITLE_HEIGHT)})">',
        *_bands(layout, colours, width),
        *(_edge(s) for s in layout.segments),
        *(part for node in dag.nodes for part in _node(node, layout, colours)),
    ]
    if captions:
        parts += [part for n in dag.nodes for part in _caption(n, layout)]
    parts += ["</g>", *_legend(height, with_run=any(n.status for n in dag.nodes)), "</svg>"]
    return "\n".join(parts) + "\n"


def _subtitle(text: str) -> list[str]:
    return [f'<text class="caption" x="{_n(_MARGIN)}" y="49">{escape(text)}</text>'] if text else []


def _bands(layout: Layout, colours: dict[str, str], width: float) -> list[str]:
    parts = []
    x = -_STAGE_COLUMN - 0.5 * _MARGIN
    for stage, (top, bottom) in layout.stages.items():
        if not stage:
            continue
        parts += [
            (
                f'<rect x="{_n(x)}" y="{_n(top)}" width="{_n(width - _MARGIN)}" '
                f'height="{_n(bottom - top)}" fill="{colours[stage]}" fill-opacity="0.13"/>'
            ),
            (
                f'<rect x="{_n(x)}" y="{_n(top)}" width="5" height="{_n(bottom - top)}" '
                f'fill="{colours[stage]}"/>'
            ),
            (
                f'<text class="stage" x="{_n(x + 14)}" y="{_n(0.5 * (top + bottom) + 4.5)}">'
                f"{escape(stage)}</text>"
            ),
        ]
    return parts


def _edge(s: Segment) -> str:
    turn = s.y1 + s.drop
    bend = 0.5 * (s.y2 - turn)
    path = f"M{_n(s.x1)} {_n(s.y1)}"
    if s.drop:
        path += f" V{_n(turn)}"
    path += f" C{_n(s.x1)} {_n(turn + bend)} {_n(s.x2)} {_n(s.y2 - bend)} {_n(s.x2)} {_n(s.y2)}"
    head = ' marker-end="url(#head)"' if s.arrow else ""
    return f'<path class="edge" d="{path}"{head}/>'


def _node(node: DagNode, layout: Layout, colours: dict[str, str]) -> list[str]:
    box = layout.boxes[node.name]
    parts = [f"<g id={quoteattr(node.name)}>", f"<title>{escape(_tooltip(node))}</title>"]
    if node.is_file:
        parts.append(_file_shape(box))
    else:
        kind = f"box{_STATUS_CLASSES[node.status]}"
        parts.append(f'<rect class="{kind}" {_at(box)} rx="3" fill="{colours[node.stage]}"/>')
    label = "input file" if node.is_file else node.name
    middle = box.y + 0.5 * box.height + (0.35 * NAME_SIZE if not node.note else -1.0)
    parts.append(f'<text class="name" x="{_n(box.center)}" y="{_n(middle)}">{escape(label)}</text>')
    if node.note:
        at = f'x="{_n(box.center)}" y="{_n(box.bottom - 6.0)}"'
        parts.append(f'<text class="pill" {at}>{escape(node.note)}</text>')
    parts.append("</g>")
    pills = layout.pills[node.name]
    if pills:
        y = box.y + 0.5 * box.height
        parts.append(
            f'<path class="edge" d="M{_n(box.x - ARROW)} {_n(y)} H{_n(box.x)}" '
            'marker-end="url(#head)"/>'
        )
    parts += [_pill(text, place) for text, place in pills]
    return parts


def _pill(text: str, place: Rectangle) -> str:
    return (
        f'<rect class="setting" {_at(place)} rx="{_n(0.5 * place.height)}"/>'
        f'<text class="pill" x="{_n(place.center)}" y="{_n(place.y + 10.8)}">{escape(text)}</text>'
    )


def _file_shape(box: Rectangle) -> str:
    fold = 10.0
    x, y, right, bottom = box.x, box.y, box.right, box.bottom
    return (
        f'<path class="file" d="M{_n(x)} {_n(y)} H{_n(right - fold)} L{_n(right)} {_n(y + fold)} '
        f'V{_n(bottom)} H{_n(x)} Z"/>'
        f'<path class="file" d="M{_n(right - fold)} {_n(y)} V{_n(y + fold)} H{_n(right)}"/>'
    )


def _tooltip(node: DagNode) -> str:
    unit = f" [{node.unit}]" if node.unit else ""
    helpers = [m for m in node.members if m != node.name]
    with_them = f" (with {', '.join(helpers)})" if node.note and helpers else ""
    return f"{node.name}{unit}: {node.summary}{with_them}"


def _caption(node: DagNode, layout: Layout) -> list[str]:
    box = layout.boxes[node.name]
    lines = _wrapped(node.summary, _CAPTION_CHARACTERS)
    x = layout.width + 18.0
    step = _CAPTION_SIZE + 3.0
    y = box.y + 0.5 * box.height + 0.36 * _CAPTION_SIZE - 0.5 * step * (len(lines) - 1)
    return [
        f'<text class="caption" x="{_n(x)}" y="{_n(y + k * step)}">{escape(line)}</text>'
        for k, line in enumerate(lines)
    ]


def _wrapped(text: str, width: int) -> list[str]:
    plain = re.sub(r" \(shape \([^)]*\)\)", "", text.replace("``", ""))
    return textwrap.wrap(plain, width, break_long_words=False)


def _legend(height: float, *, with_run: bool) -> list[str]:
    y = height - _MARGIN - 12.0
    x = _MARGIN
    parts = [f'<g transform="translate({_n(x)} {_n(y)})">']
    entries: tuple[tuple[str, str], ...] = (
        (_file_shape(Rectangle(0, -9, 26, 18)), "file"),
        ('<rect class="setting" x="0" y="-7.5" width="34" height="15" rx="7.5"/>', "settings"),
        (
            '<rect class="box" x="0" y="-9" width="34" height="18" rx="3" fill="#dddddd"/>',
            "quantity",
        ),
    )
    if with_run:
        entries += tuple(
            (f'<rect class="box{kind}" x="0" y="-9" width="34" height="18" fill="#dddddd"/>', word)
            for kind, word in ((" known", "from the cache"), (" unused", "not needed"))
        )
    at = 0.0
    for shape, word in entries:
        parts.append(f'<g transform="translate({_n(at)} 0)">{shape}')
        parts.append(f'<text class="caption" x="42" y="4">{word}</text></g>')
        at += 58.0 + 7.0 * len(word)
    parts.append("</g>")
    return parts


def _at(r: Rectangle) -> str:
    return f'x="{_n(r.x)}" y="{_n(r.y)}" width="{_n(r.width)}" height="{_n(r.height)}"'


def _n(value: float) -> str:
    """A number to a tenth of a pixel."""
    return f"{round(value, 1) + 0.0:g}" if abs(value) < 1e5 else f"{value:.1f}"
