"""What the FPGA saw of a run: its log as text, and the hits with the position of the beam."""

from __future__ import annotations

import numpy as np
from hamilton.function_modifiers import tag

from ...schemas.arrays import frozen
from ...schemas.sources import FileRefs
from ...schemas.transients.layout import FPGA_HITS, FPGA_LOG, fpga_path
from ...schemas.transients.recordings import HitLog
from .readers.earlier_runs import stored_hits, stored_log
from .readers.fpga_files import TICKS, file_content, parsed_hits


@tag(stage="structure", scope="run")
def run_log(fpga_files: FileRefs, earlier_files: FileRefs, run_number: int) -> str:
    """The log that the FPGA kept of the run; empty without one."""
    for earlier in earlier_files.files:
        return stored_log(earlier)
    found = file_content(fpga_files.files, fpga_path(run_number, FPGA_LOG))
    return "" if found is None else found.decode("utf-8", "replace")


@tag(stage="structure", scope="run")
def hit_log(fpga_files: FileRefs, earlier_files: FileRefs, run_number: int) -> HitLog:
    """The hits that the FPGA saw, every numeric column; without rows where there is no hit log."""
    for earlier in earlier_files.files:
        return stored_hits(earlier)
    name = fpga_path(run_number, FPGA_HITS)
    content = file_content(fpga_files.files, name)
    if content is None:
        return HitLog((TICKS,), frozen(np.empty((0, 1))))
    return parsed_hits(content.decode("utf-8", "replace"), name)
