"""The files that a run writes beside its HDF5 file: LH5 tiers and LEGEND's parameter files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pandas as pd

from ...nodes.germanium.lh5 import name_of
from ...schemas.germanium.config import GermaniumConfig
from ...schemas.germanium.frames import DSP_COLUMNS
from ..engine.artifacts import Append, Artifact
from ..engine.parts import Part
from .lh5_writing import columns_of_frame, new_lh5, write_table

_SOFTWARE: Final = "radiograph"


def artifacts_of(config: GermaniumConfig) -> list[Artifact]:
    """What a config has written beside the run file."""
    wanted = []
    if "dsp" in config.germanium.tiers:
        wanted.append(Artifact("tier_dsp", ("dsp_tier",), _beside("tier_dsp.lh5"), opened=_dsp))
    return wanted


def _beside(ending: str) -> Callable[[Any, Path], Path]:
    """A name beside the run file: the input's up to its tier, and an ending."""

    def place(_config: Any, run_file: Path) -> Path:
        return run_file.with_name(f"{name_of(run_file.name).stem}-{ending}")

    return place


@contextmanager
def _dsp(path: Path) -> Iterator[Append]:
    """The dsp tier: one table a channel."""
    with new_lh5(path) as file:

        def append(part: Part, values: Mapping[str, Any]) -> None:
            frame = written_columns(values["dsp_tier"])
            (channel,) = part.place(("channel",))
            where = f"{channel}/dsp"
            write_table(file, where, columns_of_frame(frame, DSP_COLUMNS))

        yield append


def written_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """Without the columns that nothing was computed of: NaN, or -1, in every row."""
    if len(frame) == 0:
        return frame
    kept = [
        name for name in frame.columns
        if not (frame[name].isna().all() if frame[name].dtype.kind == "f" else
                (frame[name].dtype.kind == "i" and bool((frame[name] == -1).all())))
    ]  # fmt: skip
    return frame[kept]
