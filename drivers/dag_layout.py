"""Where the boxes and edges of a graph's picture stand: Dag in, coordinates in pixels out.

Rows by longest path, stage after stage; order within a row by barycentres; positions by
weighted means with least distances. Method: K. Sugiyama et al., IEEE Trans. Syst. Man Cybern.
11 (1981) 109. Edges over several rows that end at one node share a trunk.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from .dag import Dag, DagNode

CHARACTER_WIDTH: Final = 0.602  # of a monospaced font, per font size
NAME_SIZE: Final = 13.0
PILL_SIZE: Final = 9.5
BOX_HEIGHT: Final = 34.0
PILL_HEIGHT: Final = 15.0
PILL_GAP: Final = 4.0
ARROW: Final = 16.0
ROW_GAP: Final = 28.0
STAGE_GAP: Final = 10.0
COLUMN_GAP: Final = 22.0
TRUNK_GAP: Final = 14.0
_ORDER_SWEEPS: Final = 24
_PLACE_SWEEPS: Final = 600
# How strongly a piece of an edge wants to be upright, by how many of its ends are boxes.
_UPRIGHT: Final = (20.0, 0.1, 200.0)


@dataclass(frozen=True)
class Rectangle:
    """Left, top, width and height."""

    x: float
    y: float
    width: float
    height: float

    @property
    def center(self) -> float:
        """Middle in x."""
        return self.x + 0.5 * self.width

    @property
    def right(self) -> float:
        """Right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """Lower edge."""
        return self.y + self.height


@dataclass(frozen=True)
class Segment:
    """A piece of an edge from one row to the next; ``arrow`` where it ends at a box.

    ``drop`` is how far it runs straight down before it turns: through the row of a trunk.
    """

    x1: float
    y1: float
    x2: float
    y2: float
    drop: float
    arrow: bool


@dataclass(frozen=True)
class Layout:
    """Places of everything, from (0, 0) at the left top of the graph itself."""

    boxes: Mapping[str, Rectangle]
    pills: Mapping[str, tuple[tuple[str, Rectangle], ...]]
    segments: tuple[Segment, ...]
    stages: Mapping[str, tuple[float, float]]
    rows: Mapping[str, int]
    width: float
    height: float


# A slot of a row: a node by name, or the trunk to a node: ("", target, row).
Slot = tuple[str, str, int]


def placed(dag: Dag) -> Layout:
    """Coordinates of a graph."""
    nodes = {n.name: n for n in dag.nodes}
    row_of = _rows(dag)
    rows, links = _with_trunks(dag, row_of)
    rows = _untangled(rows, links)
    x = _positions(rows, links, nodes)
    tops, stages, height = _tops(dag, row_of)
    boxes = {
        name: Rectangle(
            x[name, "", 0] - 0.5 * _box_width(node),
            tops[row_of[name]],
            _box_width(node),
            BOX_HEIGHT,
        )
        for name, node in nodes.items()
    }
    pills = {name: _pills(node, boxes[name]) for name, node in nodes.items()}
    segments = [
        Segment(
            x1=x[a],
            y1=tops[_row(a, row_of)] + (BOX_HEIGHT if a[0] else 0.0),
            x2=x[b],
            y2=tops[_row(b, row_of)],
            drop=0.0 if a[0] else BOX_HEIGHT,
            arrow=bool(b[0]),
        )
        for a, b in links
    ]
    width = max([b.right for b in boxes.values()] + [xs + TRUNK_GAP for xs in x.values()])
    return Layout(boxes, pills, tuple(segments), stages, row_of, width, height)


def _row(slot: Slot, row_of: Mapping[str, int]) -> int:
    return row_of[slot[0]] if slot[0] else slot[2]


def _rows(dag: Dag) -> dict[str, int]:
    """Row of each node: below all that it needs, and below every earlier stage."""
    needs: dict[str, list[str]] = {n.name: [] for n in dag.nodes}
    for a, b in dag.edges:
        needs[b].append(a)
    stages = list(dict.fromkeys(n.stage for n in dag.nodes))
    row_of: dict[str, int] = {}
    for stage in stages:
        first = max(row_of.values(), default=-1) + 1
        waiting = [n.name for n in dag.nodes if n.stage == stage]
        while waiting:
            ready = [n for n in waiting if all(a in row_of for a in needs[n])]
            if not ready:
                msg = f"the picture needs {waiting[0]} before something it depends on"
                raise ValueError(msg)
            for name in ready:
                row_of[name] = max([first, *(row_of[a] + 1 for a in needs[name])])
            waiting = [n for n in waiting if n not in row_of]
    return row_of


def _with_trunks(
    dag: Dag, row_of: Mapping[str, int]
) -> tuple[list[list[Slot]], list[tuple[Slot, Slot]]]:
    """(slots of each row, links between neighbouring rows)."""
    rows: list[list[Slot]] = [[] for _ in range(max(row_of.values()) + 1)]
    for node in dag.nodes:
        rows[row_of[node.name]].append((node.name, "", 0))
    links: dict[tuple[Slot, Slot], None] = {}
    for a, b in dag.edges:
        last: Slot = (a, "", 0)
        for row in range(row_of[a] + 1, row_of[b]):
            slot: Slot = ("", b, row)
            if slot not in rows[row]:
                rows[row].append(slot)
            links[last, slot] = None
            last = slot
        links[last, (b, "", 0)] = None
    return rows, list(links)


def _untangled(rows: list[list[Slot]], links: Sequence[tuple[Slot, Slot]]) -> list[list[Slot]]:
    """Rows in an order with few crossings: sweeps of barycentres, the best is kept."""
    above: dict[Slot, list[Slot]] = {}
    below: dict[Slot, list[Slot]] = {}
    for a, b in links:
        above.setdefault(b, []).append(a)
        below.setdefault(a, []).append(b)
    rows = [list(row) for row in rows]
    best, fewest = [list(row) for row in rows], _crossings(rows, below)
    for sweep in range(_ORDER_SWEEPS):
        down = sweep % 2 == 0
        for k in range(1, len(rows)) if down else range(len(rows) - 2, -1, -1):
            beside = rows[k - 1] if down else rows[k + 1]
            place = {s: i / max(len(beside) - 1, 1) for i, s in enumerate(beside)}
            own = {s: i / max(len(rows[k]) - 1, 1) for i, s in enumerate(rows[k])}
            linked = above if down else below
            # fsum: sum() rounds differently from one Python to another, and ties would fall so.
            center = {
                s: math.fsum(place[n] for n in linked[s]) / len(linked[s])
                if s in linked
                else own[s]
                for s in rows[k]
            }
            rows[k].sort(key=center.__getitem__)
        crossings = _crossings(rows, below)
        if crossings < fewest:
            best, fewest = [list(row) for row in rows], crossings
    return best


def _crossings(rows: Sequence[Sequence[Slot]], below: Mapping[Slot, list[Slot]]) -> int:
    """Crossings of edges; in a row with one box also each trunk on the side of its settings."""
    total = 0
    for row in rows:
        boxes = [i for i, slot in enumerate(row) if slot[0]]
        if len(boxes) == 1:
            total += 2 * boxes[0]
    for upper, lower in itertools.pairwise(rows):
        place = {s: i for i, s in enumerate(lower)}
        ends = [sorted(place[b] for b in below.get(a, [])) for a in upper]
        for i, left in enumerate(ends):
            for right in ends[i + 1 :]:
                total += sum(r < x for x in left for r in right)
    return total


def _positions(
    rows: Sequence[Sequence[Slot]],
    links: Sequence[tuple[Slot, Slot]],
    nodes: Mapping[str, DagNode],
) -> dict[Slot, float]:
    """Middle of every slot in x: near the mean of its neighbours, with the least distances."""
    linked: dict[Slot, list[tuple[Slot, float]]] = {}
    for a, b in links:
        weight = _UPRIGHT[bool(a[0]) + bool(b[0])]
        linked.setdefault(a, []).append((b, weight))
        linked.setdefault(b, []).append((a, weight))
    offsets = [_offsets(row, nodes) for row in rows]
    x = {
        s: o - 0.5 * offs[-1]
        for row, offs in zip(rows, offsets, strict=True)
        for s, o in zip(row, offs, strict=True)
    }
    for sweep in range(_PLACE_SWEEPS):
        order = range(len(rows)) if sweep % 2 == 0 else range(len(rows) - 1, -1, -1)
        for k in order:
            wanted, weights = [], []
            for slot in rows[k]:
                pulls = linked.get(slot, [])
                total = math.fsum(w for _, w in pulls)
                pull = math.fsum(x[n] * w for n, w in pulls)
                wanted.append(pull / total if pulls else x[slot])
                weights.append(total or 1.0)
            for slot, value in zip(rows[k], _apart(wanted, weights, offsets[k]), strict=True):
                x[slot] = value
    left = min(x[s] - _left_extent(s, nodes) for s in x)
    return {s: value - left for s, value in x.items()}


def _offsets(row: Sequence[Slot], nodes: Mapping[str, DagNode]) -> list[float]:
    """Middles of the slots of a row when they stand as close as they may."""
    offsets = [0.0]
    for a, b in itertools.pairwise(row):
        gap = COLUMN_GAP if a[0] and b[0] else TRUNK_GAP
        offsets.append(offsets[-1] + _right_extent(a, nodes) + gap + _left_extent(b, nodes))
    return offsets


def _apart(
    wanted: Sequence[float], weights: Sequence[float], offsets: Sequence[float]
) -> list[float]:
    """Closest positions to ``wanted`` that keep order and distances (pool adjacent violators)."""
    blocks: list[list[float]] = []  # mean, weight, size
    for value, weight, offset in zip(wanted, weights, offsets, strict=True):
        blocks.append([value - offset, weight, 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            mean, mass, size = blocks.pop()
            last = blocks[-1]
            last[0] = (last[0] * last[1] + mean * mass) / (last[1] + mass)
            last[1] += mass
            last[2] += size
    means = [mean for mean, _, size in blocks for _ in range(int(size))]
    return [m + o for m, o in zip(means, offsets, strict=True)]


def _tops(
    dag: Dag, row_of: Mapping[str, int]
) -> tuple[list[float], dict[str, tuple[float, float]], float]:
    """(top of each row, top and bottom of each stage, height of all)."""
    stage_of_row = {row_of[n.name]: n.stage for n in dag.nodes}
    tops: list[float] = []
    y = 0.0
    for row in range(len(stage_of_row)):
        if row and stage_of_row[row] != stage_of_row[row - 1]:
            y += STAGE_GAP
        tops.append(y)
        y += BOX_HEIGHT + ROW_GAP
    edge = 0.5 * (ROW_GAP + STAGE_GAP)
    stages: dict[str, tuple[float, float]] = {}
    for row, top in enumerate(tops):
        stage = stage_of_row[row]
        begin = stages[stage][0] if stage in stages else top - edge
        stages[stage] = (begin, top + BOX_HEIGHT + edge)
    return tops, stages, tops[-1] + BOX_HEIGHT


def _box_width(node: DagNode) -> float:
    return CHARACTER_WIDTH * max(len(node.name) * NAME_SIZE, len(node.note) * PILL_SIZE) + 24.0


def _pill_width(text: str) -> float:
    return len(text) * CHARACTER_WIDTH * PILL_SIZE + 12.0


def _pill_rows(node: DagNode) -> list[list[str]]:
    """The settings of a node in one row, or in two of about the same width."""
    names = list(node.settings)
    if len(names) < 2:
        return [names] if names else []
    widths = [_pill_width(n) for n in names]
    cut = min(range(1, len(names)), key=lambda k: (max(sum(widths[:k]), sum(widths[k:])), k))
    return [names[:cut], names[cut:]]


def _pills(node: DagNode, box: Rectangle) -> tuple[tuple[str, Rectangle], ...]:
    rows = _pill_rows(node)
    step = PILL_HEIGHT + PILL_GAP
    y = box.y + 0.5 * (box.height - len(rows) * step + PILL_GAP)
    pills = []
    for row in rows:
        x = box.x - ARROW
        for text in reversed(row):
            x -= _pill_width(text)
            pills.append((text, Rectangle(x, y, _pill_width(text), PILL_HEIGHT)))
            x -= PILL_GAP
        y += step
    return tuple(pills)


def _left_extent(slot: Slot, nodes: Mapping[str, DagNode]) -> float:
    if not slot[0]:
        return 0.0
    node = nodes[slot[0]]
    rows = [sum(_pill_width(t) + PILL_GAP for t in row) - PILL_GAP for row in _pill_rows(node)]
    return 0.5 * _box_width(node) + (max(rows) + ARROW if rows else 0.0)


def _right_extent(slot: Slot, nodes: Mapping[str, DagNode]) -> float:
    return 0.5 * _box_width(nodes[slot[0]]) if slot[0] else 0.0
