"""Parts of a page: text, tables, lists, pictures. What is not ``Markup`` is escaped."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from markupsafe import Markup, escape

from .templates import filled

Kind = Literal["plain", "good", "warn", "bad"]
MISSING: Final = "–"
_MINUS: Final = "−"


@dataclass(frozen=True)
class Cell:
    """A cell of a table: what it shows, and by which value it is sorted."""

    shown: str | Markup
    key: float | str


Value = str | Markup | Cell | int | float | None


def joined(*parts: str) -> Markup:
    """Several parts as one, in order."""
    return Markup("\n").join(parts)


def paragraph(text: str) -> Markup:
    """A paragraph."""
    return Markup("<p>{}</p>").format(text)


def heading(text: str) -> Markup:
    """A heading within a section."""
    return Markup("<h3>{}</h3>").format(text)


def note(text: str, kind: Kind = "plain") -> Markup:
    """A line that stands out: a warning, a problem, a good result."""
    return Markup('<div class="rg-note rg-{}">{}</div>').format(kind, text)


def badge(text: str, kind: Kind = "plain") -> Markup:
    """A word in a coloured frame, e.g. a verdict; it never says anything by colour alone."""
    return Markup('<span class="rg-badge rg-{}">{}</span>').format(kind, text)


def code(text: str) -> Markup:
    """A name or a path in a fixed-width font."""
    return Markup("<code>{}</code>").format(text)


def preformatted(text: str) -> Markup:
    """A text with its own lines, e.g. a settings file."""
    return Markup("<pre>{}</pre>").format(text)


def definitions(pairs: Iterable[tuple[str, Value]]) -> Markup:
    """Names and what they are, one below the other."""
    row = Markup("<dt>{}</dt><dd>{}</dd>")
    rows = Markup("").join(row.format(name, _shown(value)) for name, value in pairs)
    return Markup('<dl class="rg-list">{}</dl>').format(rows)


def collapsible(summary: str, *parts: str) -> Markup:
    """Parts that show when the summary is clicked."""
    made = Markup("<details><summary>{}</summary>{}</details>")
    return made.format(summary, joined(*parts))


def side_by_side(*parts: str) -> Markup:
    """Parts in a row where there is room, below each other elsewhere."""
    columns = Markup("").join(Markup("<div>{}</div>").format(part) for part in parts)
    return Markup('<div class="rg-row">{}</div>').format(columns)


def bar(share: float, *, lost: bool = False) -> Markup:
    """A bar filled to a share from 0 to 1."""
    percent = 100.0 * min(max(share, 0.0), 1.0) if math.isfinite(share) else 0.0
    kind = " rg-lost" if lost else ""
    return Markup(
        f'<span class="rg-bar{kind}" role="img" aria-label="{percent:.1f} %">'
        f'<span style="width:{percent:.2f}%"></span></span>'
    )


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[Value]],
    *,
    caption: str = "",
    sortable: bool = True,
) -> Markup:
    """A table. Whole numbers are grouped, others have six digits; None and NaN are a dash.

    With ``sortable`` a click on a head sorts by its column.
    """
    listed = [list(row) for row in rows]
    numbers = [bool(listed) and all(_is_number(row[k]) for row in listed) for k in range(len(head))]
    kinds = [Markup(' class="rg-number"') if is_number else "" for is_number in numbers]
    return filled(
        "radiograph.drivers.html:table.html",
        heads=list(zip(head, kinds, strict=True)),
        rows=[
            [(_key(value), _shown(value), kind) for value, kind in zip(row, kinds, strict=True)]
            for row in listed
        ],
        caption=caption,
        sortable=sortable,
    )


def picture(content: bytes | str, alt: str, caption: str = "") -> Markup:
    """A PNG or SVG picture as an image of its own, apart from the page's style."""
    data = content.encode() if isinstance(content, str) else content
    kind = "png" if data.startswith(b"\x89PNG") else "svg+xml"
    source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    image = Markup('<img class="rg-picture" src="{}" alt="{}">')
    return _figure(image.format(source, alt), caption)


def drawing(svg: str, caption: str = "") -> Markup:
    """An SVG of ours as a part of the page: its tooltips and its text work."""
    inner = re.sub(r"^\s*<\?xml.*?\?>|<!DOCTYPE.*?>", "", svg, flags=re.DOTALL)
    return _figure(Markup(f'<div class="rg-scroll">{inner}</div>'), caption)


def _figure(content: Markup, caption: str) -> Markup:
    under = Markup("<figcaption>{}</figcaption>").format(caption) if caption else ""
    return Markup("<figure>{}{}</figure>").format(content, under)


def _key(value: Value) -> float | str | None:
    """By what a cell is sorted; None = by what it shows."""
    if isinstance(value, Cell):
        return value.key
    return value if value is not None and _is_number(value) else None


def _is_number(value: Value) -> bool:
    number = value.key if isinstance(value, Cell) else value
    return number is None or (
        isinstance(number, int | float | np.number) and not isinstance(number, bool)
    )


def _shown(value: Value) -> Markup:
    if isinstance(value, Cell):
        return escape(value.shown)
    if value is None or (isinstance(value, float | np.floating) and math.isnan(value)):
        return Markup(MISSING)
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return Markup(f"{int(value):,}".replace("-", _MINUS))
    if isinstance(value, float | np.floating):
        return Markup(f"{float(value):.6g}".replace("-", _MINUS))
    return escape(value)
