"""What a file that should be an archive is, told by its first bytes."""

from __future__ import annotations

from typing import Final

_HTML: Final = (b"<!doctype html", b"<html", b"<head", b"<?xml")


def is_html(first_bytes: bytes) -> bool:
    """Whether a page was saved in place of an archive, as some servers answer an error."""
    return first_bytes.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(_HTML)
