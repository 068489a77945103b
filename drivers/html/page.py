"""The page itself: sections in, one HTML text out that needs no network and no other file.

A content security policy in the page forbids every request and every script but its own.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from .arrays import colour_maps_data
from .templates import filled, shipped


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
    package = "radiograph.drivers.html"
    script = shipped(f"{package}:page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    has_views = any('class="rg-view"' in part for s in sections for part in s.parts)
    page = filled(
        f"{package}:page.html",
        title=title,
        script_hash=f"sha256-{digest}",
        style=Markup(shipped(f"{package}:page.css")),
        subtitle=subtitle,
        sections=sections,
        footer=footer,
        wide=wide,
        colours=colour_maps_data() if has_views else "",
        script=Markup(script),
    )
    return str(page)
