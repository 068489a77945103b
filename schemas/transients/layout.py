"""Names of the files of a campaign: archives, recordings, the two files of the FPGA.

A recording is ``run_NNN/x_XXXXXX/y_YYYYYY/trig_NNNNNN.dat``: the position of the beam in steps of
the DAC, the sign inside the six characters, and the number of the trigger.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

UNKNOWN_POSITION: Final = 999_999
"""x or y of a recording whose beam position is not known."""
NOT_GIVEN: Final = -(2**63)
"""x or y of a label that gives the number alone: no step of a beam is there."""

HEADER_BYTES: Final = 24
"""uint64 hardware ticks at the sample rate, uint64 Unix seconds, uint64 microseconds."""

SAMPLE_BYTES: Final = 4
"""int16 I, int16 Q, little endian."""

FPGA_FOLDER: Final = "mcb2022_glasgow"
FPGA_LOG: Final = "run_log.txt"
FPGA_HITS: Final = "hit_log.csv"

KEPT_IQ: Final = "samples/iq"
"""Where the file of a run has the samples, if it keeps them."""

_RUN: Final = re.compile(r"run_(\d{3,})")
_LSB: Final = r"(?:\d{6}|-\d{5})"
_RECORDING: Final = re.compile(
    rf"run_(?P<run>\d{{3,}})/x_(?P<x>{_LSB})/y_(?P<y>{_LSB})/trig_(?P<number>\d{{6,}})\.dat",
    re.ASCII,
)
_FPGA: Final = re.compile(
    rf"{FPGA_FOLDER}/run_(?P<run>\d{{3,}})/(?P<file>{re.escape(FPGA_LOG)}|{re.escape(FPGA_HITS)})",
    re.ASCII,
)


class RecordingName(NamedTuple):
    """What the name of a recording says: run, position in LSB, number of the trigger."""

    run: int
    x_lsb: int
    y_lsb: int
    number: int


def run_name(number: int) -> str:
    """``run_026`` of 26."""
    return f"run_{number:03d}"


def run_number(name: str) -> int | None:
    """26 of ``run_026``; None for another name."""
    found = _RUN.fullmatch(name)
    return None if found is None else int(found[1])


def recording_path(name: RecordingName) -> str:
    """The path of a recording in the archive of its run."""
    return f"{run_name(name.run)}/x_{name.x_lsb:06d}/y_{name.y_lsb:06d}/trig_{name.number:06d}.dat"


def parsed_recording(path: str) -> RecordingName | None:
    """What the path of a recording says; None for a path that is not of this layout."""
    found = _RECORDING.fullmatch(path)
    if found is None:
        return None
    return RecordingName(int(found["run"]), int(found["x"]), int(found["y"]), int(found["number"]))


def is_fpga_file(path: str) -> bool:
    """Whether a path is that of the log or the hit list of a run in the archive of the FPGA."""
    return _FPGA.fullmatch(path) is not None


def fpga_path(run: int, file: str) -> str:
    """The path of a file of the FPGA (FPGA_LOG or FPGA_HITS) in its archive."""
    return f"{FPGA_FOLDER}/{run_name(run)}/{file}"
