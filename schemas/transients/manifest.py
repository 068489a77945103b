"""The manifest of a campaign: which archive of which run lies where, in how many parts.

A CSV file with a header: ``name,url,md5sum`` and, where known, ``size,sha256``; the local name of
a file is the last segment of its URL. A run that was cut (``split``) has a row a part
(``NAME.partaa``, ``NAME.partab`` ...) and a row for the whole whose URL begins
``DO_NOT_USE___USE_PARTS___``: that file is never fetched, its md5 is that of the joined parts.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from ..errors import InputError, UsageError
from .layout import run_number

NOT_TO_BE_USED: Final = "DO_NOT_USE___USE_PARTS___"
FPGA_DATA: Final = "glasgow_data"
"""The archive with the logs and hit lists of the FPGA of all runs."""

_COLUMNS: Final = ("name", "url", "md5sum")
_SCHEMES: Final = ("http", "https", "file")
_PART: Final = re.compile(r"(?P<whole>.+)\.part(?P<suffix>[a-z]+)")
_MD5: Final = re.compile(r"[0-9a-f]{32}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_RANGE: Final = re.compile(r"(\d+)(?:-(\d+))?")


@dataclass(frozen=True)
class RemoteFile:
    """A file on the server: an archive, or one part of it.

    Attributes
    ----------
    file
        Its name here, the last segment of ``url``.
    md5, sha256
        Lower-case hexadecimal; empty where the manifest has none.
    size
        Bytes; None where the manifest has none.
    """

    file: str
    url: str
    md5: str = ""
    size: int | None = None
    sha256: str = ""


@dataclass(frozen=True)
class Archive:
    """The archive of a run, or of the FPGA: its parts in the order in which they are joined.

    ``md5`` is that of the joined parts; empty where there is none. ``split`` says whether the
    archive was cut, be it into one part only.
    """

    name: str
    parts: tuple[RemoteFile, ...]
    md5: str = ""
    split: bool = False

    @property
    def number(self) -> int | None:
        """The number of the run; None for an archive that is not of one run."""
        return run_number(self.name)


@dataclass(frozen=True)
class Manifest:
    """The archives of a campaign, in the order of the file."""

    path: Path
    archives: tuple[Archive, ...]

    def of_run(self, number: int) -> Archive:
        """The archive of a run; UsageError with the nearest names if there is none."""
        return self.selected([str(number)])[0]

    def selected(self, runs: Iterable[str | int]) -> tuple[Archive, ...]:
        """The archives of runs: numbers (26, 026), ranges (24-26), names; none = all.

        Each once, in the order of the manifest; of a range only the runs that there are, at
        least one. UsageError for what is not in the manifest, with the nearest names.
        """
        wanted = [str(run).strip() for run in runs]
        if not wanted:
            return self.archives
        chosen = {archive.name for text in wanted for archive in self._meant(text)}
        return tuple(archive for archive in self.archives if archive.name in chosen)

    def _meant(self, text: str) -> list[Archive]:
        found = _RANGE.fullmatch(text)
        if found is None:
            meant = [archive for archive in self.archives if archive.name == text]
        else:
            first, last = int(found[1]), int(found[2] or found[1])
            numbered = [(a, a.number) for a in self.archives]
            meant = [a for a, number in numbered if number is not None and first <= number <= last]
        if meant:
            return meant
        msg = f"{self.path}: no run {text!r} in the manifest; nearest: {self._nearest(text)}."
        raise UsageError(msg, file=self.path, key="runs", code="unknown_run")

    def _nearest(self, text: str) -> str:
        names = [archive.name for archive in self.archives]
        digits = re.search(r"\d+", text)
        if digits is not None:
            asked = int(digits[0])
            numbered = ((a.name, a.number) for a in self.archives)
            far = [(abs(number - asked), name) for name, number in numbered if number is not None]
            near = [name for _, name in sorted(far)[:3]]
        else:
            near = get_close_matches(text, names, 3, 0.3)
        return ", ".join(near or names[:3])


def read_manifest(path: Path) -> Manifest:
    """The manifest in a file; InputError if it is absent, no such table, or contradicts itself."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        msg = (
            f"{path}: there is no manifest. Put the campaign's table of archives there "
            f"({','.join(_COLUMNS)}), or name it in [transients] manifest."
        )
        raise InputError(msg, file=path, code="no_manifest") from None
    except OSError as reason:
        msg = f"{path}: the manifest cannot be read ({reason.strerror or reason})."
        raise InputError(msg, file=path, code="no_manifest") from None
    except UnicodeDecodeError as reason:
        msg = (
            f"{path}: byte {reason.start} is no UTF-8 text; a manifest is a CSV file with the "
            f"columns {', '.join(_COLUMNS)}."
        )
        raise InputError(msg, file=path, code="manifest") from None
    return parse_manifest(text, path)


def parse_manifest(text: str, path: Path) -> Manifest:
    """The manifest in a text; ``path`` is what messages name."""
    reader = csv.DictReader(io.StringIO(text, newline=""), skipinitialspace=True)
    header = [(name or "").strip() for name in reader.fieldnames or ()]
    missing = [name for name in _COLUMNS if name not in header]
    if missing:
        msg = (
            f"the header is {','.join(header)[:80]!r}, which lacks {', '.join(missing)}; "
            f"it must be {','.join(_COLUMNS)}, optionally with size,sha256"
        )
        raise _fault(path, 1, msg)
    reader.fieldnames = header
    try:
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as reason:
        raise _fault(path, reader.line_num, f"no CSV ({reason})") from None
    return Manifest(path, tuple(_archives(rows, path)))


def _fault(path: Path, line: int, text: str) -> InputError:
    return InputError(f"{path}, line {line}: {text}.", file=path, code="manifest")


def _archives(rows: Sequence[tuple[int, Mapping[str, str]]], path: Path) -> Iterable[Archive]:
    of_run: dict[str, list[tuple[int, RemoteFile]]] = {}
    whole: dict[str, str] = {}
    lines: dict[str, int] = {}
    first_line: dict[str, int] = {}
    for line, row in rows:
        values = {k: (v or "").strip() for k, v in row.items() if isinstance(k, str)}
        if not any(values.values()):
            continue
        name = values["name"]
        if not name:
            raise _fault(path, line, f"no name in {','.join(values.values())[:80]!r}")
        first_line.setdefault(name, line)
        if values["url"].startswith(NOT_TO_BE_USED):
            if name in whole:
                raise _fault(path, line, f"a second row for the joined parts of {name}")
            whole[name] = _hexadecimal(values["md5sum"], _MD5, "md5sum", 32, path, line)
            continue
        part = _remote_file(values, path, line)
        earlier = lines.setdefault(part.file, line)
        if earlier != line:
            msg = f"{part.file} stands in line {earlier} already; remove one of the rows"
            raise _fault(path, line, msg)
        of_run.setdefault(name, []).append((line, part))
    for name, line in first_line.items():
        if name not in of_run:
            msg = f"{name} has a row {NOT_TO_BE_USED}... and none of a part; add those of its parts"
            raise _fault(path, line, msg)
        yield _archive(name, of_run[name], whole.get(name), path)


def _archive(
    name: str, rows: Sequence[tuple[int, RemoteFile]], joined: str | None, path: Path
) -> Archive:
    found = [_PART.fullmatch(part.file) for _, part in rows]
    if len(rows) == 1 and found[0] is None:
        ((_, part),) = rows
        return Archive(name, (part,), part.md5 if joined is None else joined)
    wholes = set()
    by_suffix: dict[str, RemoteFile] = {}
    for (line, part), match in zip(rows, found, strict=True):
        if match is None:
            msg = (
                f"{part.file} is one of {len(rows)} files of {name} and is not called "
                "NAME.partaa, NAME.partab, ...; the order of the parts cannot be known"
            )
            raise _fault(path, line, msg)
        wholes.add(match["whole"])
        by_suffix[match["suffix"]] = part
    line = rows[0][0]
    if len(wholes) > 1:
        msg = f"the parts of {name} are of several files: {', '.join(sorted(wholes))}"
        raise _fault(path, line, msg)
    suffixes = sorted(by_suffix)
    for expected, seen in zip(_suffixes(len(suffixes[0]), len(suffixes)), suffixes, strict=True):
        if seen != expected:
            msg = (
                f"the parts of {name} have a gap: .part{expected} is missing before "
                f".part{seen}; add its row"
            )
            raise _fault(path, line, msg)
    return Archive(name, tuple(by_suffix[s] for s in suffixes), joined or "", split=True)


def _suffixes(length: int, n: int) -> list[str]:
    """The first suffixes of the program split: aa, ab, .. az, ba, .."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    return [
        "".join(letters[k // 26**place % 26] for place in reversed(range(length))) for k in range(n)
    ]


def _remote_file(values: Mapping[str, str], path: Path, line: int) -> RemoteFile:
    url = values["url"]
    try:
        pieces = urlsplit(url)
        place_known = bool(pieces.hostname) or pieces.scheme == "file"
    except ValueError:
        pieces, place_known = urlsplit(""), False
    if pieces.scheme not in _SCHEMES or not place_known or re.search(r"\s", url):
        msg = f"{url[:80]!r} is no URL; write http://, https:// or file:// and the place"
        raise _fault(path, line, msg)
    file = unquote(pieces.path.rpartition("/")[2])
    if not file or file.startswith(".") or re.search(r"[/\\\x00-\x1f]", file):
        msg = f"the last segment of {url[:80]!r} is no file name"
        raise _fault(path, line, msg)
    size = values.get("size", "")
    if size and not re.fullmatch(r"[0-9]{1,18}", size):
        raise _fault(path, line, f"size {size[:40]!r} is no number of bytes")
    return RemoteFile(
        file,
        url,
        md5=_hexadecimal(values["md5sum"], _MD5, "md5sum", 32, path, line),
        size=int(size) if size else None,
        sha256=_hexadecimal(values.get("sha256", ""), _SHA256, "sha256", 64, path, line),
    )


def _hexadecimal(
    text: str, pattern: re.Pattern[str], column: str, n: int, path: Path, line: int
) -> str:
    value = text.lower()
    if value and not pattern.fullmatch(value):
        msg = (
            f"{column} {text[:80]!r} has {len(text)} characters; it must be {n} hexadecimal "
            "digits, or empty"
        )
        raise _fault(path, line, msg)
    return value
