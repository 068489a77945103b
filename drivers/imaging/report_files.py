"""The report of an output file written: the page, and the PDF beside it."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from ..files import check_new_files, new_output
from .report import report_of
from .report_page import report_page
from .saved import open_run


def write_report(source: Path, page: Path, *, pdf: bool, overwrite: bool) -> list[Path]:
    """Write the files and name them; UsageError or InputError before any is written."""
    paths = [page, *([page.with_suffix(".pdf")] if pdf else [])]
    check_new_files(paths, [source], overwrite=overwrite)
    with open_run(source) as saved, ExitStack() as stack:
        report = report_of(saved)
        stack.enter_context(new_output(page)).write_text(report_page(report), "utf-8")
        for path in paths[1:]:
            from .report_pdf import write_report_pdf

            write_report_pdf(report, stack.enter_context(new_output(path)))
    return paths
