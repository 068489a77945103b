"""The page itself: sections in, one HTML text out that needs no network and no other file.

A content security policy in the page forbids every request and every script but its own.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from string import Template

from .arrays import colour_maps_data
from .parts import Markup, escaped, joined


@dataclass(frozen=True)
class Section:
    """A part of the page with a title that the head of the page links to.

    ``anchor`` is its name in the address; without one it is made of the title.
    """

    title: str
    parts: Sequence[str]
    anchor: str = ""

    @property
    def name(self) -> str:
        """The anchor."""
        return self.anchor or re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")


def page_text(
    title: str,
    sections: Sequence[Section],
    *,
    subtitle: str = "",
    footer: str = "",
    wide: bool = False,
) -> str:
    """The whole page; ``wide`` for pictures and tables that need more room than text."""
    script = _shipped("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return Template(_shipped("page.html")).substitute(
        title=html.escape(title),
        script_hash=f"sha256-{digest}",
        style=_shipped("page.css"),
        subtitle=f'<p class="rg-sub">{escaped(subtitle)}</p>' if subtitle else "",
        contents="\n".join(f'<a href="#{s.name}">{escaped(s.title)}</a>' for s in sections),
        sections="\n".join(_section_text(s) for s in sections),
        footer=escaped(footer),
        body_class="rg-wide" if wide else "",
        data=_shared_data(sections),
        script=script,
    )


def _section_text(section: Section) -> Markup:
    return Markup(
        f'<section id="{section.name}"><h2>{escaped(section.title)}</h2>\n'
        f"{joined(*section.parts)}</section>"
    )


def _shared_data(sections: Sequence[Section]) -> Markup:
    """The colours, where the page shows an array."""
    has_views = any('class="rg-view"' in part for s in sections for part in s.parts)
    return colour_maps_data() if has_views else Markup("")


def _shipped(name: str) -> str:
    return resources.files("radiograph.drivers").joinpath("html", name).read_text("utf-8")
