"""Folders that nobody else may write, for what is trusted when it is read."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from stat import S_ISDIR
from typing import Final

_OTHERS_WRITE: Final = 0o022


def need_own_folder(folder: Path) -> None:
    """Make ``folder`` if it is absent; OSError if another user may have put something into it.

    One of ours that others may write, as a umask of 002 leaves them, is closed to them if all
    that is in it is ours.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    found, me = folder.lstat(), os.geteuid()
    fault = ""
    if not S_ISDIR(found.st_mode):
        fault = "is a symbolic link"
    elif found.st_uid != me:
        fault = f"belongs to another user, id {found.st_uid}"
    elif found.st_mode & _OTHERS_WRITE:
        folder.chmod(0o700)
        if folder.lstat().st_mode & _OTHERS_WRITE:
            fault = "may be written by others"
        elif any(path.lstat().st_uid != me for path in folder.rglob("*")):
            fault = "holds files of other users; remove it"
    if fault:
        msg = f"{folder} {fault}"
        raise PermissionError(msg)


def own_temporary_folder() -> Path:
    """The folder of this user among the temporary files; OSError if it is not ours alone.

    Its name is known to everybody and everybody may make it.
    """
    folder = Path(tempfile.gettempdir()) / f"radiograph-{os.geteuid()}"
    need_own_folder(folder)
    return folder
