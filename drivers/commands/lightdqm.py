"""``radiograph lightdqm``: verdicts on light files, and what they say together."""

from __future__ import annotations

import typer

from .lightdqm_check import check
from .lightdqm_import import import_lines
from .lightdqm_report import report
from .lightdqm_trend import trend
from .table import PlainGroup

lightdqm = typer.Typer(
    cls=PlainGroup,
    help="Light read-out data quality: verdicts, reports, trends.",
)
lightdqm.command("check")(check)
lightdqm.command("report")(report)
lightdqm.command("trend")(trend)
lightdqm.command("import")(import_lines)
