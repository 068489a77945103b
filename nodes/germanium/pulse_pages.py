"""Pages of what is made of waveforms: the decay, and the search of the filters."""

from __future__ import annotations

import pandas as pd
from hamilton.function_modifiers import config, tag

from ...schemas.germanium.dsp import PoleZeroConstants
from ...schemas.germanium.pole_zero import TailSum
from ...schemas.sheets import Sheet
from .figure_pulses import decay_sheet, scan_sheet


@tag(stage="figures", scope="channel", helper="true")
@config.when(begins="raw", decay="fitted")
def decay_page__fitted(
    tail_sum: TailSum, pole_zero_constants_ns: PoleZeroConstants, channel: str
) -> Sheet:
    """The mean tail of pulses and the decay that was found."""
    return decay_sheet(tail_sum, pole_zero_constants_ns, channel)


@tag(stage="figures", scope="channel", helper="true")
@config.when(begins="raw", shaping="optimised")
def scan_page__optimised(
    filter_scan: pd.DataFrame, filter_optima: pd.DataFrame, channel: str
) -> Sheet:
    """Widths at Q_bb by shaping time, and the best of each filter."""
    return scan_sheet(filter_scan, filter_optima, channel)
