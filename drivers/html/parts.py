"""Parts of a page: text, tables, lists, pictures. What is not ``Markup`` is escaped."""

from __future__ import annotations

import base64
import html
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

Kind = Literal["plain", "good", "warn", "bad"]
MISSING: Final = "–"
_MINUS: Final = "−"


class Markup(str):
    """A text that is HTML already."""

    __slots__ = ()


@dataclass(frozen=True)
class Cell:
    """A cell of a table: what it shows, and by which value it is sorted."""

    shown: str | Markup
    key: float | str


Value = str | Markup | Cell | int | float | None


def escaped(text: object) -> Markup:
    """The text as HTML; Markup stays what it is."""
    return text if isinstance(text, Markup) else Markup(html.escape(str(text)))


def joined(*parts: str) -> Markup:
    """Several parts as one, in order."""
    return Markup("\n".join(escaped(p) for p in parts))


def paragraph(text: str) -> Markup:
    """A paragraph."""
    return Markup(f"<p>{escaped(text)}</p>")


def heading(text: str) -> Markup:
    """A heading within a section."""
    return Markup(f"<h3>{escaped(text)}</h3>")


def note(text: str, kind: Kind = "plain") -> Markup:
    """A line that stands out: a warning, a problem, a good result."""
    return Markup(f'<div class="rg-note rg-{kind}">{escaped(text)}</div>')


def badge(text: str, kind: Kind = "plain") -> Markup:
    """A word in a coloured frame, e.g. a verdict; it never says anything by colour alone."""
    return Markup(f'<span class="rg-badge rg-{kind}">{escaped(text)}</span>')


def code(text: str) -> Markup:
    """A name or a path in a fixed-width font."""
    return Markup(f"<code>{escaped(text)}</code>")


def link(text: str, anchor: str) -> Markup:
    """A link to a section of the same page."""
    return Markup(f'<a href="#{html.escape(anchor)}">{escaped(text)}</a>')


def preformatted(text: str) -> Markup:
    """A text with its own lines, e.g. a settings file."""
    return Markup(f"<pre>{escaped(text)}</pre>")


def definitions(pairs: Iterable[tuple[str, Value]]) -> Markup:
    """Names and what they are, one below the other."""
    rows = (f"<dt>{escaped(name)}</dt><dd>{_shown(value)}</dd>" for name, value in pairs)
    return Markup(f'<dl class="rg-list">{"".join(rows)}</dl>')


def collapsible(summary: str, *parts: str, is_open: bool = False) -> Markup:
    """Parts that show when the summary is clicked."""
    opened = " open" if is_open else ""
    return Markup(
        f"<details{opened}><summary>{escaped(summary)}</summary>{joined(*parts)}</details>"
    )


def side_by_side(*parts: str) -> Markup:
    """Parts in a row where there is room, below each other elsewhere."""
    return Markup(f'<div class="rg-row">{"".join(f"<div>{escaped(p)}</div>" for p in parts)}</div>')


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
    kinds = [' class="rg-number"' if n else "" for n in numbers]
    heads = "".join(
        f'<th scope="col"{kind}>{_head(name, sortable)}</th>'
        for name, kind in zip(head, kinds, strict=True)
    )
    body = "".join(
        "<tr>" + "".join(_cell(v, k) for v, k in zip(row, kinds, strict=True)) + "</tr>"
        for row in listed
    )
    titled = f"<caption>{escaped(caption)}</caption>" if caption else ""
    kind = ' class="rg-sortable"' if sortable else ""
    return Markup(
        f'<div class="rg-scroll"><table{kind}>{titled}<thead><tr>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def picture(content: bytes | str, alt: str, caption: str = "") -> Markup:
    """A PNG or SVG picture as an image of its own, apart from the page's style."""
    data = content.encode() if isinstance(content, str) else content
    kind = "png" if data.startswith(b"\x89PNG") else "svg+xml"
    source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    shown = f'<img class="rg-picture" src="{source}" alt="{html.escape(alt)}">'
    return _figure(shown, caption)


def drawing(svg: str, caption: str = "") -> Markup:
    """An SVG of ours as a part of the page: its tooltips and its text work."""
    inner = re.sub(r"^\s*<\?xml.*?\?>|<!DOCTYPE.*?>", "", svg, flags=re.DOTALL)
    return _figure(f'<div class="rg-scroll">{inner}</div>', caption)


def _figure(content: str, caption: str) -> Markup:
    under = f"<figcaption>{escaped(caption)}</figcaption>" if caption else ""
    return Markup(f"<figure>{content}{under}</figure>")


def _head(name: str, sortable: bool) -> str:
    return f'<button type="button">{escaped(name)}</button>' if sortable else escaped(name)


def _cell(value: Value, kind: str) -> str:
    if isinstance(value, Cell):
        return f'<td{kind} data-key="{html.escape(str(value.key))}">{escaped(value.shown)}</td>'
    if isinstance(value, int | float | np.number) and not isinstance(value, bool):
        return f'<td{kind} data-key="{value}">{_shown(value)}</td>'
    return f"<td{kind}>{_shown(value)}</td>"


def _is_number(value: Value) -> bool:
    if isinstance(value, Cell):
        return isinstance(value.key, int | float)
    return value is None or (
        isinstance(value, int | float | np.number) and not isinstance(value, bool)
    )


def _shown(value: Value) -> Markup:
    if isinstance(value, Cell):
        return escaped(value.shown)
    if value is None or (isinstance(value, float | np.floating) and math.isnan(value)):
        return Markup(MISSING)
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return Markup(f"{int(value):,}".replace("-", _MINUS))
    if isinstance(value, float | np.floating):
        return Markup(f"{float(value):.6g}".replace("-", _MINUS))
    return escaped(value)
