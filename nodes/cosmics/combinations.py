"""Stage studies: every time difference of the veto as a row, for studies elsewhere."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hamilton.function_modifiers import config, tag

from ...schemas.arrays import U4
from ...schemas.cosmics.cuts import TT_FRONT
from ...schemas.cosmics.frames import VETO_COMBINATIONS
from ...schemas.tables import rows_of
from .chains import first_of
from .quantities import momentum_MeV


@tag(stage="studies", schema="VetoCombinations")
@config.when(dt_table="no")
def veto_combinations__no() -> pd.DataFrame:
    """Nothing: the table is not asked for."""
    return VETO_COMBINATIONS.empty()


@tag(stage="studies", schema="VetoCombinations", rows="veto_times_ns")
@config.when(dt_table="yes")
def veto_combinations__yes(
    events: pd.DataFrame,
    segments: pd.DataFrame,
    coincidences: pd.DataFrame,
    veto_times_ns: pd.DataFrame,
    cut_bits: U4,
) -> pd.DataFrame:
    """Each time difference with its event, track and coincidence, whatever the cuts say.

    The momentum is that of the first segment at the front; NaN without one.
    """
    rows = veto_times_ns["track_row"].to_numpy()
    front = rows_of(segments, segments["sid"].to_numpy() == TT_FRONT)
    parents = front["track_row"].to_numpy()
    first = first_of(parents, np.arange(len(parents)), rows)
    momentum = np.full(len(rows), np.nan, np.float32)
    momentum[first >= 0] = momentum_MeV(front)[first[first >= 0]]
    numbers = events.iloc[veto_times_ns["event_row"].to_numpy()]
    hit = coincidences.iloc[veto_times_ns["coincidence_row"].to_numpy()]
    return VETO_COMBINATIONS.frame(
        {
            **{name: numbers[name].to_numpy() for name in ("run", "subrun", "event")},
            "dT_ns": veto_times_ns["dT_ns"],
            "p_MeV": momentum,
            **{name: hit[name].to_numpy() for name in ("time_ns", "z_mm", "pes", "nhits")},
            "cut_bits": cut_bits[rows],
        }
    )
