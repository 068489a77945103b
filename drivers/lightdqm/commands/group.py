"""``radiograph lightdqm``: verdicts on light files, and what they say together."""

from __future__ import annotations

import typer

from ...command_places import PlainGroup
from .imported import import_lines
from .judge import check, judge
from .report import report
from .trend import trend

lightdqm = typer.Typer(
    cls=PlainGroup,
    help="Light read-out data quality: verdicts, reports, trends.",
)
lightdqm.command("judge")(judge)
lightdqm.command("check", hidden=True)(check)
lightdqm.command("report")(report)
lightdqm.command("trend")(trend)
lightdqm.command("import")(import_lines)
