"""The page of arguments: what was read, when it was taken, with which settings. No nodes."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Final

from ...schemas.sheets import Shape, Sheet, Words

_SIZE: Final = (8.5, 6.0)
_TEXT_SIZE: Final = 9.0
_LINE: Final = 0.19
_NAME_WIDTH: Final = 20
_VALUE_WIDTH: Final = 60


def arguments_sheet(name: str, facts: Iterable[tuple[str, str]]) -> Sheet:
    """Names and values below each other, values wrapped at 60; the page grows if it must."""
    texts = [line for fact in facts for line in _lines(*fact)]
    height = max(_SIZE[1], 1.0 + _LINE * len(texts))
    title = "Arguments"
    shapes: list[Shape] = [Words(0.4, height - 0.35, title, 14.0, bold=True)]
    shapes += [
        Words(0.4, height - 0.75 - _LINE * k, text, _TEXT_SIZE, fixed_pitch=True)
        for k, text in enumerate(texts)
    ]
    return Sheet(name, title, (_SIZE[0], height), tuple(shapes))


def _lines(name: str, value: str) -> list[str]:
    parts = textwrap.wrap(value, _VALUE_WIDTH, break_on_hyphens=False) or ["–"]
    heads = [name.ljust(_NAME_WIDTH), *[" " * _NAME_WIDTH] * (len(parts) - 1)]
    return [f"{head} {part}" for head, part in zip(heads, parts, strict=True)]
