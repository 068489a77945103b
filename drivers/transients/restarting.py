"""The file of an earlier run as the source of a run: from where it goes on, and what it holds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from ...nodes.hdf5_content import opened_content
from ...nodes.hdf5_heaps import opened_hdf5
from ...nodes.transients.readers.earlier_runs import FEATURES, FOREIGN, TABLE, WINDOWS
from ...schemas.errors import InputError
from ...schemas.transients.config import TransientsConfig
from ...schemas.transients.layout import KEPT_IQ
from ..config import config_rows
from ..runfile.record import record_at

Start = Literal["samples", "windows", "features"]

# What of [transients] features do not depend on, and what windows do not depend on either.
_AFTER_FEATURES: Final = (
    "outliers", "maps", "labels", "truth", "max_unusable_fraction", "runs", "manifest", "logbook",
    "log_dir", "values", "retrieval",
)  # fmt: skip
_AFTER_WINDOWS: Final = ("fit", "demodulation.trigger_delay_s", "quality.hit_window_us")
_SECTION: Final = "transients."


@dataclass(frozen=True)
class Earlier:
    """An earlier run.

    Attributes
    ----------
    path
        Its file.
    start
        From where a run on it goes on: nothing, the windows, or the features are taken from it.
    count
        Its recordings.
    n_foreign
        Members of its source that were no recordings.
    has_samples
        Whether it keeps the samples.
    """

    path: Path
    start: Start
    count: int
    n_foreign: int
    has_samples: bool


def is_own(path: Path) -> bool:
    """Whether a file is HDF5 and of a run of radiograph."""
    try:
        with opened_hdf5(path) as file:
            return str(file.attrs.get("software", "")).startswith("radiograph")
    except (OSError, InputError):
        return False


def earlier_run(path: Path, config: TransientsConfig) -> Earlier:
    """An earlier run as far as it fits to settings; InputError where it does not."""
    record = record_at(path)
    if record.pipeline != "transients":
        msg = f"{path}: is of the pipeline {record.pipeline!r}, not of transients."
        raise InputError(msg, file=path, key="io.input_path")
    with opened_content(path) as file:
        if TABLE not in file or FOREIGN not in file:
            msg = (
                f"{path}: does not hold the recordings of a run (it was run for single quantities "
                "or sets); run it up to a stage."
            )
            raise InputError(msg, file=path, key="io.input_path", code="no_stage")
        held = {name: name in file for name in (FEATURES, WINDOWS, KEPT_IQ)}
        count = len(file[f"{TABLE}/number"])
        n_foreign = int(file[FOREIGN][()])
    stored: TransientsConfig = record.loaded(path, TransientsConfig).config
    changed = tuple(_changed(stored, config))
    start = _start(changed, whole=held[FEATURES] and held[WINDOWS])
    if start == "samples" and not held[KEPT_IQ]:
        if changed:
            why = f"{', '.join(changed)} differ from those it was made with"
        else:
            why = "it was not run up to its features"
        msg = (
            f'{path}: {why}, and it keeps no samples ([output] samples = "iq"). Set them as they '
            "were, or read the campaign itself."
        )
        raise InputError(msg, file=path, key="io.input_path", code="no_samples")
    return Earlier(path, start, count, n_foreign, held[KEPT_IQ])


def _changed(stored: TransientsConfig, config: TransientsConfig) -> Iterator[str]:
    """Settings that features depend on and that differ."""
    before, now = _settings(stored), _settings(config)
    for key in sorted(before.keys() | now.keys()):
        if before.get(key) != now.get(key) and not _begins(key, _AFTER_FEATURES):
            yield f"{_SECTION}{key}"


def _settings(config: TransientsConfig) -> Mapping[str, Any]:
    rows = ((key, json.loads(value)) for key, _, value in config_rows(config))
    return {k.removeprefix(_SECTION): v for k, v in rows if k.startswith(_SECTION)}


def _begins(key: str, names: Sequence[str]) -> bool:
    return any(key == name or key.startswith(f"{name}.") for name in names)


def _start(changed: Sequence[str], *, whole: bool) -> Start:
    if not whole:
        return "samples"
    if not changed:
        return "features"
    late = (_begins(key.removeprefix(_SECTION), _AFTER_WINDOWS) for key in changed)
    return "windows" if all(late) else "samples"
