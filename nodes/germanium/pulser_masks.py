"""Files that name the events of a pulser: {mask: [true, false, ...]}, a truth value a row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...schemas.arrays import Mask
from ...schemas.errors import InputError, Unfit
from ...schemas.sources import FileRef, FileRefs
from .parameter_files import content_of


def mask_of(files: FileRefs, channel: str, detectors: Mapping[str, str], n_rows: int) -> Mask:
    """The masks of all files one after the other, (n_rows,).

    A file holds one for all channels, or one by the name of a table or detector.

    Raises
    ------
    InputError
        If a file holds no mask.
    Unfit
        If they have another length.
    """
    names = (channel, detectors.get(channel, channel))
    masks = [_mask_in(file, names) for file in files.files]
    mask = np.concatenate(masks) if masks else np.empty(0, dtype=bool)
    if len(mask) != n_rows:
        paths = ", ".join(file.path for file in files.files)
        msg = (
            f"the pulser mask has {len(mask)} values, the channel {n_rows} rows ({paths}); give "
            "one file an input file, or one mask a channel"
        )
        numbers = {"n_mask": len(mask), "n_rows": n_rows}
        raise Unfit(code="mask_length", message=msg, numbers=numbers)
    return mask


def _mask_in(file: FileRef, names: tuple[str, ...]) -> Mask:
    content: Mapping[str, Any] = content_of(file.path, file.content_hash)
    own = next((content[name] for name in names if isinstance(content.get(name), Mapping)), content)
    values = own.get("mask")
    if not isinstance(values, list) or not all(value in (True, False) for value in values):
        msg = f"{file.path}: holds no mask of true and false; {{mask: [true, ...]}} is needed."
        raise InputError(msg, file=file.path, code="no_mask")
    return np.array(values, dtype=bool)
