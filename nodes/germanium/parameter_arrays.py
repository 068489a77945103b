"""Arrays that parameter files name in LH5 files beside them: loadlh5('$_/FILE','PLACE').

No nodes.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from ...schemas.errors import InputError
from ...schemas.sources import FileRefs

_ARRAY: Final = re.compile(r"loadlh5\(\s*'\$_/([^'/]+)'\s*,\s*'([^']+)'\s*\)")


def named_arrays(path: str | Path) -> list[Path]:
    """The LH5 files that a parameter file names, in its folder."""
    try:
        text = Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return []
    names = dict.fromkeys(found.group(1) for found in _ARRAY.finditer(text))
    there = [Path(path).parent / name for name in names]
    return [file for file in there if file.is_file()]


def named_place(value: Any, arrays: FileRefs, what: str) -> tuple[str, str]:
    """The file that a value names, and the place in it; InputError if it is not there."""
    found = _ARRAY.fullmatch(str(value).strip())
    refs = {Path(ref.path).name: ref for ref in arrays.files}
    if found is None or Path(found.group(1)).name not in refs:
        msg = (
            f"{what} is {value!r}; loadlh5('$_/FILE', 'PLACE') of a file beside the parameter file "
            "is needed. Put it there."
        )
        raise InputError(msg, code="no_parameters")
    return refs[Path(found.group(1)).name].path, found.group(2)
