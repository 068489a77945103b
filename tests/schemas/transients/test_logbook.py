"""The logbook of a campaign, as a workbook and as CSV."""

from __future__ import annotations

import io
import math
import zipfile
from pathlib import Path

import pytest
from campaign import shared_campaign
from radiograph.drivers.transients.simulated_logbook import write_workbook
from radiograph.schemas.errors import InputError
from radiograph.schemas.transients.logbook import read_logbook
from radiograph.schemas.transients.spreadsheet import Cell, day_text, read_rows, time_text

HEADER = "run_id,run_date,dut_name,sdr_data,sdr_info_cf,sdr_info_fs,sdr_info_len_pretrig,"
HEADER += "sdr_info_len_posttrig,scan_x_lsb_per_um,scan_hits_per_step"
ROW = "26,14.05.2022,ADPLL1,1,1.275e9,2e7,3000,9000.0,99.001,"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def book_of(tmp_path: Path, row: str = ROW) -> Path:
    path = tmp_path / "logbook.csv"
    path.write_text(f"{HEADER}\n{row}\n7,,,0,,,,,0,\n", "utf-8")
    return path


def test_a_row_is_what_it_says(tmp_path: Path) -> None:
    run = read_logbook(book_of(tmp_path)).run(26)
    assert (run.run_date, run.dut_name, run.sdr_data) == ("14.05.2022", "ADPLL1", True)
    assert (run.n_pre, run.n_post, run.sdr_info_cf) == (3000, 9000, 1.275e9)
    assert math.isnan(run.scan_hits_per_step)
    assert run.position_um(99.001, "x") == 1.0
    assert math.isnan(run.position_um(1.0, "y"))


def test_a_run_without_recordings_is_no_error(tmp_path: Path) -> None:
    run = read_logbook(book_of(tmp_path)).run(7)
    assert not run.sdr_data
    assert math.isnan(run.sdr_info_fs)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (ROW.replace("2e7", "0"), "sdr_info_fs = 0.0 must be above 0"),
        (ROW.replace("2e7", "-1"), "sdr_info_fs = -1.0 must be above 0"),
        (ROW.replace("2e7", ""), "sdr_info_fs = nan"),
        (ROW.replace("2e7", "fast"), "sdr_info_fs = 'fast'"),
        (ROW.replace("3000", "3000.5"), "whole number of samples"),
        (ROW.replace(",1,", ",maybe,"), "sdr_data = 'maybe'"),
    ],
)
def test_a_wrong_row_is_told_when_it_is_needed(tmp_path: Path, row: str, said: str) -> None:
    logbook = read_logbook(book_of(tmp_path, row))
    assert not logbook.run(7).sdr_data
    with pytest.raises(InputError) as caught:
        logbook.run(26)
    assert said in caught.value.message
    assert "logbook.csv, run 26" in caught.value.message


def test_recordings_must_hold_a_baseline_and_ten_windows(tmp_path: Path) -> None:
    logbook = read_logbook(book_of(tmp_path))
    run = logbook.run(26)
    numbers = {"guard": 200, "taps": 129, "window": 500, "step": 250}
    logbook.check_lengths(run, **numbers)
    # 2500 + 500 = 3000 leaves no sample; 129 + 500 + 10 * 838 = 9009.
    with pytest.raises(InputError, match="len_pretrig = 3000 must be above .* = 3000"):
        logbook.check_lengths(run, **{**numbers, "guard": 2500})
    with pytest.raises(InputError, match="len_posttrig = 9000 must be at least .* = 9009"):
        logbook.check_lengths(run, **{**numbers, "step": 838})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no column run_id"),
        ("run,date\n1,2\n", "no column run_id"),
        ("run_id\none\n", "run_id 'one' is no number"),
        ("run_id\n1\n1.0\n", "second row of run 1"),
    ],
)
def test_a_table_that_is_no_logbook(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "logbook.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        read_logbook(path)


def test_no_logbook_and_no_row(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no logbook"):
        read_logbook(tmp_path / "none.xlsx")
    with pytest.raises(InputError, match=r"no row with run_id 27 \(there is 7, 26\)"):
        read_logbook(book_of(tmp_path)).run(27)


TABLE: list[list[Cell]] = [
    ["run_id", "text <&>", "truth"],
    [26.0, "", True],
    ["", "", ""],
    [0.25, "a b", False],
]


def test_a_workbook_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    write_workbook(path, "log", TABLE)
    rows = read_rows(path, "log")
    assert rows == [["run_id", "text <&>", "truth"], [26.0, "", True], [0.25, "a b", False]]
    with pytest.raises(InputError, match="has no sheet 'other', only log"):
        read_rows(path, "other")


def _changed(path: Path, name: str, text: str) -> None:
    with zipfile.ZipFile(path) as book:
        files = {n: book.read(n).decode() for n in book.namelist()}
    files[name] = text
    with zipfile.ZipFile(path, "w") as book:
        for n, content in files.items():
            book.writestr(n, content)


def test_shared_texts_errors_and_gaps_of_a_workbook(tmp_path: Path) -> None:
    path = tmp_path / "log.xlsx"
    write_workbook(path, "log", TABLE)
    shared = (
        f'<sst xmlns="{MAIN}"><si><t>one</t></si><si><r><t>t</t></r><r><t>wo</t></r></si></sst>'
    )
    _changed(path, "xl/sharedStrings.xml", shared)
    cells = '<c r="B1" t="s"><v>1</v></c><c r="D1" t="e"><v>#N/A</v></c><c r="AA1"><v>3</v></c>'
    sheet = f'<worksheet xmlns="{MAIN}"><sheetData><row r="1">{cells}</row></sheetData></worksheet>'
    _changed(path, "xl/worksheets/sheet1.xml", sheet)
    assert read_rows(path, "log") == [["", "two", *[""] * 24, 3.0]]
    for bad in ('<c r="C1"/><c r="B1"/>', '<c r="A1" t="s"><v>9</v></c>', "<c"):
        _changed(path, "xl/worksheets/sheet1.xml", sheet.replace(cells, bad))
        with pytest.raises(InputError, match="no .xlsx workbook"):
            read_rows(path, "log")


def test_what_is_neither_workbook_nor_csv(tmp_path: Path) -> None:
    path = tmp_path / "logbook.xlsx"
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as book:
        book.writestr("other", "x")
    for content in (stream.getvalue(), stream.getvalue()[:30], b"\xff\xfe\x00"):
        path.write_bytes(content)
        with pytest.raises(InputError, match="no .xlsx workbook|neither"):
            read_rows(path, "log")


def test_dates_of_a_workbook() -> None:
    # 44695 days after 30 December 1899.
    assert day_text(44695.0) == "14.05.2022"
    assert time_text(0.4375) == "10:30:00"


@pytest.mark.parametrize("suffix", ["xlsx", "csv"])
def test_the_logbook_of_the_shared_campaign(suffix: str) -> None:
    logbook = read_logbook(shared_campaign() / f"logbook.{suffix}")
    run = logbook.run(24)
    assert sorted(logbook.rows) == [18, 24, 26]
    assert (run.dut_type, run.dut_into_vco_vtune, run.n_post) == ("LJPLL", 0.6, 100_000)
    assert (run.scan_type, run.scan_y_lsb_per_um, run.run_beam_active) == ("Y", 93.458, True)
