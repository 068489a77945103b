"""Pages that come before the others: the verdict, and the file from event to event."""

from __future__ import annotations

import pandas as pd
from hamilton.function_modifiers import tag

from ...schemas.sheets import Shape, Sheet
from .figure_history import history_sheet
from .figure_masks import MaskGrid
from .figure_parts import Heading
from .figure_verdict import banner, other_failures, verdict_sheet


@tag(stage="figures", scope="run", helper="true")
def verdict_pages(
    dqm_verdict: pd.DataFrame, channel_history: pd.DataFrame, page_heading: Heading
) -> dict[str, Sheet]:
    """The verdict page and the page with the event as axis, first in the report."""
    return {
        "verdict": verdict_sheet("verdict", dqm_verdict, page_heading),
        "history": history_sheet("history", channel_history, page_heading),
    }


@tag(stage="figures", scope="run", helper="true")
def verdict_marks(
    dqm_verdict: pd.DataFrame, mask_grids: dict[str, MaskGrid], mask_pictures: dict[str, Sheet]
) -> dict[str, tuple[Shape, ...]]:
    """What the verdict adds to each mask: PASS or FAIL with the reason, and what else fails."""
    return {
        name: (
            *banner(dqm_verdict, *sheet.size),
            *other_failures(mask_grids[f"{name}_mask"], dqm_verdict),
        )
        for name, sheet in mask_pictures.items()
    }
