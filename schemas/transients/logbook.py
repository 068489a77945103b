"""The logbook of a campaign: one row a run, what was scanned, and how it was recorded.

Keys and units are those of the file, the misspelt ``dut_into_vco_vtune`` too. An empty cell is NaN
or the empty text.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from ..errors import InputError
from .spreadsheet import Cell, day_text, read_rows, time_text

SHEET: Final = "log"
_SPACING: Final = 10


class RunMetadata(BaseModel):
    """A row of the logbook."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    run_id: int
    """Number of the run."""
    run_date: str = ""
    """Day, e.g. 14.05.2022."""
    run_time_appx: str = ""
    """Time, about."""
    run_comment: str = ""
    """Free text."""
    run_beam_active: bool = False
    """Whether there was a beam."""
    scan_type: Literal["S", "X", "Y", "XY", ""] = ""
    """A point, a line in x or in y, or an area."""
    scan_x_start: float = math.nan
    scan_x_stop: float = math.nan
    scan_x_steps: float = math.nan
    scan_y_start: float = math.nan
    scan_y_stop: float = math.nan
    scan_y_steps: float = math.nan
    scan_hits_per_step: float = math.nan
    scan_step_timeout: float = math.nan
    scan_unit: Literal["um", "LSB", ""] = ""
    """Unit of start and stop."""
    scan_x_lsb_per_um: float = 0.0
    scan_y_lsb_per_um: float = 0.0
    """Steps of the DAC a micrometre; 0 where it is not known."""
    dut_type: Literal["CAL", "ADPLL", "LJPLL", ""] = ""
    """Calibration, all-digital PLL, low-jitter PLL."""
    dut_name: str = ""
    dut_position: str = ""
    dut_info_dco_pvt: float = math.nan
    dut_info_dco_acq: float = math.nan
    dut_info_dco_ibias: float = math.nan
    dut_info_vco_capsel: float = math.nan
    dut_into_vco_vtune: float = math.nan
    """V."""
    dut_info_vco_ibias: float = math.nan
    sdr_data: bool = False
    """Whether there are recordings; without, there are metadata and data of the FPGA."""
    sdr_info_cf: float = math.nan
    """Frequency to which the receiver was tuned, Hz."""
    sdr_info_fs: float = math.nan
    """Sample rate, Hz."""
    sdr_info_len_pretrig: float = math.nan
    sdr_info_len_posttrig: float = math.nan
    """Samples of a recording before the trigger and from it on."""

    @field_validator("*", mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        return value.strip() if isinstance(value, str) else value

    @field_validator("run_id", mode="before")
    @classmethod
    def _whole(cls, value: Any) -> Any:
        number = float(value)
        if not number.is_integer():
            msg = "it must be a whole number"
            raise ValueError(msg)
        return int(number)

    @field_validator("run_beam_active", "sdr_data", mode="before")
    @classmethod
    def _truth(cls, value: Any) -> Any:
        return {"": False, "0.0": False, "1.0": True}.get(str(value), value)

    @field_validator("run_date", "run_time_appx", mode="before")
    @classmethod
    def _date_of_a_workbook(cls, value: Any, info: Any) -> Any:
        if isinstance(value, float):
            return day_text(value) if info.field_name == "run_date" else time_text(value)
        return value

    @field_validator("run_comment", "dut_name", "dut_position", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        if isinstance(value, float):
            return f"{value:g}"
        return str(value)

    @property
    def n_pre(self) -> int:
        """Samples before the trigger."""
        return int(self.sdr_info_len_pretrig)

    @property
    def n_post(self) -> int:
        """Samples from the trigger on."""
        return int(self.sdr_info_len_posttrig)

    def position_um(self, lsb: float, axis: Literal["x", "y"]) -> float:
        """A position in micrometres; NaN where the scale is not known."""
        scale = self.scan_x_lsb_per_um if axis == "x" else self.scan_y_lsb_per_um
        return lsb / scale if scale > 0 else math.nan


@dataclass(frozen=True)
class Logbook:
    """Rows by the number of the run, as they stand in the file; checked when asked for."""

    path: Path
    rows: Mapping[int, Mapping[str, Cell]]

    def run(self, number: int) -> RunMetadata:
        """The row of a run; InputError if there is none, or it is wrong."""
        if number not in self.rows:
            known = ", ".join(str(n) for n in sorted(self.rows)[:20]) or "none"
            msg = f"{self.path}: no row with run_id {number} (there is {known}); add it."
            raise InputError(msg, file=self.path, key="run_id", code="no_logbook_row")
        row = {key: value for key, value in self.rows[number].items() if value != ""}
        try:
            found = RunMetadata.model_validate(row)
        except ValidationError as failure:
            first = failure.errors()[0]
            text = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
            raise self._fault(number, str(first["loc"][0]), first["input"], text) from None
        if found.sdr_data:
            self._check_recording(found)
        return found

    def _check_recording(self, found: RunMetadata) -> None:
        for key in ("sdr_info_cf", "sdr_info_fs", "sdr_info_len_pretrig", "sdr_info_len_posttrig"):
            value = getattr(found, key)
            if not (math.isfinite(value) and value > 0):
                raise self._fault(found.run_id, key, value, "must be above 0 where sdr_data is 1")
            if key.startswith("sdr_info_len") and not float(value).is_integer():
                raise self._fault(found.run_id, key, value, "must be a whole number of samples")

    def check_lengths(
        self, found: RunMetadata, *, guard: int, taps: int, window: int, step: int
    ) -> None:
        """InputError if a recording is too short for a baseline or for ten windows after it."""
        least = guard + window
        if found.n_pre <= least:
            text = f"must be above guard + window = {least}; shorten them in the settings"
            raise self._fault(found.run_id, "sdr_info_len_pretrig", found.n_pre, text)
        least = taps + window + _SPACING * step
        if found.n_post < least:
            text = f"must be at least taps + window + 10 steps = {least}; shorten them"
            raise self._fault(found.run_id, "sdr_info_len_posttrig", found.n_post, text)

    def _fault(self, number: int, key: str, value: object, text: str) -> InputError:
        msg = f"{self.path}, run {number}: {key} = {value!r} {text}."
        return InputError(msg, file=self.path, key=key, code="logbook")


def read_logbook(path: Path) -> Logbook:
    """The logbook in an .xlsx file (sheet ``log``) or a CSV file; InputError if it is none."""
    if not path.exists():
        msg = (
            f"{path}: there is no logbook. Put the table of the runs there, or name it in "
            "[transients] logbook."
        )
        raise InputError(msg, file=path, code="no_logbook")
    table = read_rows(path, SHEET)
    header = [str(cell).strip() for cell in table[0]] if table else []
    if "run_id" not in header:
        msg = f"{path}: the first row has no column run_id, it is {','.join(header)[:80]!r}."
        raise InputError(msg, file=path, key="run_id", code="logbook")
    rows: dict[int, Mapping[str, Cell]] = {}
    for line, cells in enumerate(table[1:], 2):
        row = dict(zip(header, cells, strict=False))
        if row.get("run_id", "") == "":
            continue
        try:
            number = int(float(row["run_id"]))
        except ValueError:
            msg = f"{path}, row {line}: run_id {row['run_id']!r} is no number."
            raise InputError(msg, file=path, key="run_id", code="logbook") from None
        if number in rows:
            msg = f"{path}, row {line}: a second row of run {number}; remove one."
            raise InputError(msg, file=path, key="run_id", code="logbook")
        rows[number] = MappingProxyType(row)
    return Logbook(path, MappingProxyType(rows))
