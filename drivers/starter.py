"""A folder to begin with: what the starters of all pipelines do."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Final

from ..schemas.errors import UsageError
from .files import check_new_files, new_output

_ELSEWHERE: Final = "another folder"


def make_starter_folder(folder: Path, files: Sequence[Path], *, overwrite: bool) -> None:
    """Make a folder if it is absent; UsageError if it cannot be, or if it holds such files."""
    if folder.exists() and not folder.is_dir():
        msg = f"{folder}: is a file; name a folder"
        raise UsageError(msg, file=folder)
    check_new_files(files, (), overwrite=overwrite, elsewhere=_ELSEWHERE)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as reason:
        msg = f"{folder}: cannot be made ({reason.strerror or reason}); name another folder"
        raise UsageError(msg, file=folder) from None


def write_shipped(settings: Path) -> None:
    """Write the file of the package's configs/ that has this name."""
    text = shipped_text(settings.name)
    with new_output(settings, elsewhere=_ELSEWHERE) as temporary:
        temporary.write_text(text, "utf-8")


def shipped_text(name: str) -> str:
    """A file of the package's configs/."""
    return resources.files("radiograph.configs").joinpath(name).read_text("utf-8")
