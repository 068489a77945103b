"""How every figure is drawn, whatever the user's matplotlib settings. Plain functions, no nodes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

_SETTINGS: Final[Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.monospace": ["DejaVu Sans Mono"],
    "font.size": 10.0,
    "text.parse_math": False,
    "pdf.fonttype": 42,
    "svg.hashsalt": "radiograph",
}
# What a format would else write of the day and the program.
METADATA: Final[dict[str, dict[str, Any]]] = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "svg": {"Date": None, "Creator": None},
}


@contextmanager
def figure_style(further: Any = None) -> Iterator[None]:
    """Matplotlib's own defaults, the settings of all figures and ``further`` ones, for a while."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)
        if further is not None:
            mpl.rcParams.update(further)
        yield
