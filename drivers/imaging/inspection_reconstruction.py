"""What the file of a run says of pulls, budget and prior leakage: records, text, a picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from ...nodes.imaging.pull_fit import fitted_pulls
from ...schemas.errors import UsageError
from ...schemas.imaging.config import ImagingConfig
from ...schemas.imaging.sources import PRIOR_LEAKAGE
from ..graph_inputs import with_settings
from .report_uncertainty import draw_budget, draw_leakage, draw_pulls
from .restart import FORMAT
from .saved_reconstruction import saved_reconstruction

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .saved import SavedRun

LEAKAGE: Final = "prior-leakage"
# By option: the node whose frame it shows, and how that is drawn.
SHOWN: Final[Mapping[str, tuple[str, Callable[[pd.DataFrame, Figure], None]]]] = {
    "budget": ("position_budget", draw_budget),
    "pulls": ("cone_pulls", draw_pulls),
    LEAKAGE: ("prior_leakage", draw_leakage),
}
_SIZE: Final = (7.2, 4.4)
_DPI: Final = 150


def stored_frame(saved: SavedRun, option: str) -> pd.DataFrame:
    """The frame that an option shows; UsageError where the run did not make it."""
    node, _ = SHOWN[option]
    frame = saved_reconstruction(saved).frames.get(node)
    if frame is None:
        msg = (
            f"{saved.path}: holds no {node}, which --{option} shows; make it by "
            f"radiograph run with --target {node}"
        )
        if node == "cone_pulls":
            msg += " and [uncertainty] reference_source_cm"
        raise UsageError(msg, file=saved.path, key=option)
    return frame


def leakage_of(saved: SavedRun, shift_cm: float) -> pd.DataFrame:
    """prior_leakage of priors ``shift_cm`` away: as stored, or made of the events in the file.

    UsageError for a distance that is none, and for a file without settings or plane.
    """
    if not 0.0 < shift_cm < np.inf:
        msg = f"--prior-leakage {shift_cm:g}: give a distance above 0 in cm"
        raise UsageError(msg, key=LEAKAGE)
    stored = saved_reconstruction(saved).frames.get("prior_leakage")
    if stored is not None and np.isclose(stored["prior_u_cm"].max(), shift_cm, rtol=1e-9):
        return stored[PRIOR_LEAKAGE.names]
    loaded = saved.record.loaded(saved.path, ImagingConfig)
    if loaded.config.plane is None:
        msg = (
            f"{saved.path}: was run without [plane], on which --prior-leakage shows where the "
            "image goes; run it again with [plane]"
        )
        raise UsageError(msg, file=saved.path, key=LEAKAGE)
    from .session import open_session

    changed = {"io.input_format": FORMAT, "errors.prior_shift_cm": shift_cm}
    config = with_settings(loaded.config, changed)
    session = open_session(config, saved.path.absolute(), loaded.path.parent)
    found: pd.DataFrame = session.run(["prior_leakage"])["prior_leakage"]
    return found


def records_of(frame: pd.DataFrame, option: str) -> list[dict[str, Any]]:
    """The rows that are shown; of pulls the mixture that is fitted to them."""
    if option != "pulls":
        return [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")]
    scale, bias, share = fitted_pulls(frame)
    z = frame["pull"].to_numpy()
    return [
        {
            "hypotheses": len(frame),
            "median_pull": float(np.median(z)) if len(z) else float("nan"),
            "width": scale,
            "bias_deg": float(np.degrees(bias)),
            "share_of_source": share,
        }
    ]


def text_of(records: list[dict[str, Any]]) -> str:
    """Records as lines with a head, numbers to three digits after the point."""
    if not records:
        return "no row"
    heads = list(records[0])
    rows = [heads, *([_cell(record[name]) for name in heads] for record in records)]
    widths = [max(len(row[k]) for row in rows) for k in range(len(heads))]
    lines = (
        "  ".join(
            cell.rjust(width) if k else cell.ljust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def picture_of(frame: pd.DataFrame, option: str) -> bytes:
    """A PNG of the frame."""
    import io

    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from ...nodes.figure_style import METADATA, figure_style
    from ...nodes.imaging.drawing import AXES_STYLE

    with figure_style(AXES_STYLE):
        figure = Figure(figsize=_SIZE, dpi=_DPI, facecolor="white", layout="constrained")
        FigureCanvasAgg(figure)
        SHOWN[option][1](frame, figure)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=_DPI, metadata=METADATA["png"])
    return buffer.getvalue()


def _cell(value: Any) -> str:
    if isinstance(value, (float, np.floating)):
        return f"{value:.3f}" if np.isfinite(value) else "not evaluated"
    return str(value)
