"""The logbook of a simulated campaign, as CSV and as a workbook of one sheet."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from ...nodes.simulation.transient_strikes import X_LSB_PER_UM, Y_LSB_PER_UM
from ...schemas.transient_simulation import TransientSimulationSettings
from ...schemas.transients.logbook import RunMetadata
from ...schemas.transients.spreadsheet import Cell

_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_HEAD: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_WORKBOOK_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"
# The oldest time that a zip archive can tell: the same campaign gives the same bytes.
_ZIP_TIME: Final = (1980, 1, 1, 0, 0, 0)
_OSCILLATORS: Final[dict[str, dict[str, Cell]]] = {
    "ADPLL": {"dut_info_dco_pvt": 35.0, "dut_info_dco_acq": 19.0, "dut_info_dco_ibias": 8.0},
    "LJPLL": {
        "dut_info_vco_capsel": 3.0,
        "dut_into_vco_vtune": 0.6,
        "dut_info_vco_ibias": 12.0,
    },
}


def logbook_rows(several: Sequence[TransientSimulationSettings]) -> list[list[Cell]]:
    """The header, and a row a run."""
    header = list(RunMetadata.model_fields)
    rows: list[list[Cell]] = [list(header)]
    for settings in several:
        values = _values(settings)
        rows.append([values.get(key, "") for key in header])
    return rows


def _values(settings: TransientSimulationSettings) -> dict[str, Cell]:
    half = settings.half_width_um if settings.steps > 1 else 0.0
    steps = float(settings.steps)
    return {
        "run_id": float(settings.run),
        "run_date": "14.05.2022",
        "run_time_appx": "09:00:00",
        "run_comment": f"simulated, seed {settings.seed}",
        "run_beam_active": True,
        "scan_type": "XY" if settings.steps > 1 else "S",
        "scan_x_start": -half,
        "scan_x_stop": half,
        "scan_x_steps": steps,
        "scan_y_start": -half,
        "scan_y_stop": half,
        "scan_y_steps": steps,
        "scan_hits_per_step": float(settings.hits),
        "scan_step_timeout": 0.0,
        "scan_unit": "um",
        "scan_x_lsb_per_um": X_LSB_PER_UM,
        "scan_y_lsb_per_um": Y_LSB_PER_UM,
        "dut_type": settings.dut,
        "dut_name": f"{settings.dut}1",
        "dut_position": f"{settings.dut.lower()}1_pos1",
        **_OSCILLATORS[settings.dut],
        "sdr_data": 1.0,
        "sdr_info_cf": settings.cf_MHz * 1e6,
        "sdr_info_fs": settings.fs_MHz * 1e6,
        "sdr_info_len_pretrig": float(settings.n_pre),
        "sdr_info_len_posttrig": float(settings.n_post),
    }


def _text(value: Cell) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def write_csv(path: Path, rows: Sequence[Sequence[Cell]]) -> None:
    """Write a table as CSV."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerows([_text(v) for v in row] for row in rows)


def write_workbook(path: Path, sheet: str, rows: Sequence[Sequence[Cell]]) -> None:
    """Write a table as the one sheet of an .xlsx workbook (ECMA-376)."""
    lines = "".join(
        f'<row r="{r}">{"".join(_cell(r, c, value) for c, value in enumerate(row))}</row>'
        for r, row in enumerate(rows, 1)
    )
    files = {
        "[Content_Types].xml": (
            f'<Types xmlns="{_PACKAGE}/content-types">'
            '<Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_WORKBOOK_TYPE}.sheet.main+xml"/>'
            '<Override PartName="/xl/worksheets/sheet1.xml" '
            f'ContentType="{_WORKBOOK_TYPE}.worksheet+xml"/></Types>'
        ),
        "_rels/.rels": (
            f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
            f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
        ),
        "xl/workbook.xml": (
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
            f'<sheet name="{escape(sheet)}" sheetId="1" r:id="rId1"/></sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": (
            f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
            f'Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
        ),
        "xl/worksheets/sheet1.xml": (
            f'<worksheet xmlns="{_MAIN}"><sheetData>{lines}</sheetData></worksheet>'
        ),
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, text in files.items():
            info = zipfile.ZipInfo(name, _ZIP_TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            book.writestr(info, _HEAD + text)


def _cell(row: int, column: int, value: Cell) -> str:
    place = f'r="{_letters(column)}{row}"'
    if isinstance(value, bool):
        return f'<c {place} t="b"><v>{int(value)}</v></c>'
    if isinstance(value, float):
        return f"<c {place}><v>{_text(value)}</v></c>"
    if value == "":
        return ""
    return f'<c {place} t="inlineStr"><is><t>{escape(value)}</t></is></c>'


def _letters(column: int) -> str:
    """A, B, .. Z, AA, .. of a column counted from 0."""
    text = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(ord("A") + rest) + text
    return text
