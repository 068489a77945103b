"""Leaves that a file lacks, and who needs them."""

from __future__ import annotations

from collections.abc import Sequence

from ...schemas.cosmics.columns import AbsentLeaves
from ...schemas.errors import InputError

_SINCE = {"crvcoincs.timeStart": "v06_00", "crvcoincs.timeEnd": "v06_00"}


def lacks(absent: AbsentLeaves, leaves: Sequence[str]) -> bool:
    """Whether one of some leaves, or of those below a record, is absent."""
    return _first(absent, leaves) is not None


def check_leaves(absent: AbsentLeaves, leaves: Sequence[str], who: str) -> None:
    """InputError, that says which file lacks what and who needs it, if a leaf is absent."""
    leaf = _first(absent, leaves)
    if leaf is None:
        return
    since = f"; releases from {_SINCE[leaf]} on have it" if leaf in _SINCE else ""
    msg = (
        f"{absent.path}: has no leaf {leaf}, which {who} needs{since}. Leave that out, or give "
        "files that have it."
    )
    raise InputError(msg, file=absent.path or None, code="missing_leaf")


def _first(absent: AbsentLeaves, leaves: Sequence[str]) -> str | None:
    for leaf in leaves:
        found = [n for n in absent.names if n == leaf or n.startswith(f"{leaf}.")]
        if found:
            return found[0]
    return None
