"""Tables of text: a sheet of an .xlsx workbook, or a CSV file, as rows of plain values.

A workbook is a zip archive of XML files (ECMA-376); only cells are read, no formula, no style.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from ..errors import InputError

Cell = str | float | bool
"""Text, number or truth of a cell; an empty one is the empty text."""

_MAIN: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_OFFICE: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_PACKAGE: Final = "{http://schemas.openxmlformats.org/package/2006/relationships}"
_MOST_BYTES: Final = 1 << 26
_MOST_COLUMNS: Final = 16_384
# What zipfile, zlib and the XML parser raise for archives that are damaged or locked.
_DAMAGED: Final = (
    zipfile.BadZipFile,
    ElementTree.ParseError,
    zlib.error,
    LookupError,
    ValueError,
    EOFError,
    RuntimeError,
)
_REFERENCE: Final = re.compile(r"([A-Z]{1,3})\d+")
# Day 0 as Excel counts days, which takes 1900 for a leap year.
_DAY_0: Final = datetime(1899, 12, 30, tzinfo=UTC)


def read_rows(path: Path, sheet: str) -> list[list[Cell]]:
    """Rows of a table: of ``sheet`` of an .xlsx file, or of a CSV file, told by the first bytes.

    InputError if the file is absent, is neither, or has no such sheet.
    """
    try:
        content = path.read_bytes()
    except OSError as reason:
        msg = f"{path}: cannot be read ({reason.strerror or reason})."
        raise InputError(msg, file=path) from None
    if content[:4] == b"PK\x03\x04":
        try:
            return list(_sheet_rows(content, sheet, path))
        except _DAMAGED as why:
            msg = f"{path}: is a zip archive and no .xlsx workbook that can be read ({why})."
            raise InputError(msg, file=path) from None
    try:
        text = content.decode("utf-8-sig")
        return [list(row) for row in csv.reader(io.StringIO(text, newline="")) if any(row)]
    except (UnicodeDecodeError, csv.Error) as why:
        msg = f"{path}: is neither an .xlsx workbook nor a CSV file in UTF-8 ({why})."
        raise InputError(msg, file=path) from None


def _sheet_rows(content: bytes, sheet: str, path: Path) -> Iterator[list[Cell]]:
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        names = {
            node.attrib["name"]: node.attrib[f"{_OFFICE}id"]
            for node in _xml(book, "xl/workbook.xml").iter(f"{_MAIN}sheet")
        }
        if sheet not in names:
            msg = f"{path}: has no sheet {sheet!r}, only {', '.join(names) or 'none'}; rename it."
            raise InputError(msg, file=path)
        targets = {
            node.attrib["Id"]: node.attrib["Target"]
            for node in _xml(book, "xl/_rels/workbook.xml.rels").iter(f"{_PACKAGE}Relationship")
        }
        target = targets[names[sheet]]
        place = target[1:] if target.startswith("/") else f"xl/{target}"
        shared = _shared_texts(book)
        for row in _xml(book, place).iter(f"{_MAIN}row"):
            cells = _row(row, shared)
            if any(cell != "" for cell in cells):
                yield cells


def _xml(book: zipfile.ZipFile, name: str) -> ElementTree.Element:
    if book.getinfo(name).file_size > _MOST_BYTES:
        msg = f"{name} unpacks to more than {_MOST_BYTES} bytes"
        raise ValueError(msg)
    return ElementTree.fromstring(book.read(name))


def _shared_texts(book: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in book.namelist():
        return []
    return [_text(item) for item in _xml(book, "xl/sharedStrings.xml").iter(f"{_MAIN}si")]


def _text(item: ElementTree.Element) -> str:
    return "".join(node.text or "" for node in item.iter(f"{_MAIN}t"))


def _row(row: ElementTree.Element, shared: list[str]) -> list[Cell]:
    cells: list[Cell] = []
    for cell in row.iter(f"{_MAIN}c"):
        found = _REFERENCE.fullmatch(cell.attrib.get("r", ""))
        column = len(cells) if found is None else _column(found[1])
        if not len(cells) <= column < _MOST_COLUMNS:
            msg = f"cell {cell.attrib.get('r')} is out of order"
            raise ValueError(msg)
        cells += [""] * (column - len(cells))
        cells.append(_value(cell, shared))
    return cells


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - ord("A") + 1
    return number - 1


def _value(cell: ElementTree.Element, shared: list[str]) -> Cell:
    kind = cell.attrib.get("t", "n")
    if kind == "inlineStr":
        return _text(cell)
    text = cell.findtext(f"{_MAIN}v") or ""
    if not text:
        return ""
    match kind:
        case "n":
            return float(text)
        case "b":
            return text.strip() in ("1", "true")
        case "s":
            return shared[int(text)]
        case "e":
            return ""
        case _:
            return text


def day_text(serial: float) -> str:
    """``14.05.2022`` of a day as Excel counts days."""
    return f"{_DAY_0 + timedelta(days=serial):%d.%m.%Y}"


def time_text(fraction: float) -> str:
    """``10:00:00`` of a part of a day."""
    return f"{_DAY_0 + timedelta(seconds=round(86_400 * (fraction % 1))):%H:%M:%S}"
