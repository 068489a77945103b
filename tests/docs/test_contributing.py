"""What CONTRIBUTING.md names is there: files, folders, and names in them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
PATHS = sorted(set(re.findall(r"`((?:nodes|schemas|drivers|tests|configs|docs)/[^`\s]*)`", TEXT)))
NAMED = sorted(set(re.findall(r"`(\w+)`(?: or `\w+`)?,?\s+(?:of|in)\s+`([\w/]+\.\w+)`", TEXT)))


@pytest.mark.parametrize("path", PATHS)
def test_a_file_that_is_named_is_there(path: str) -> None:
    assert list(ROOT.glob(path.replace("<name>", "*")))


@pytest.mark.parametrize(("name", "path"), NAMED)
def test_a_name_in_a_file_is_there(name: str, path: str) -> None:
    assert re.search(rf"\b{name}\b", (ROOT / path).read_text("utf-8")), f"{name} in {path}"


def test_names_are_found_in_the_text() -> None:
    assert len(PATHS) >= 15
    assert ("TABLES", "schemas/imaging/frames.py") in NAMED
    assert ("_OWN", "drivers/registry.py") in NAMED
