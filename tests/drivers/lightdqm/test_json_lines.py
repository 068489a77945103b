"""The script's JSON-lines: what is written is read again; bad and duplicate lines are counted."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from radiograph.drivers.lightdqm.json_lines import lines_of, read_lines, write_lines
from radiograph.schemas.errors import InputError
from radiograph.schemas.lightdqm.stored_runs import ROI_MHZ
from radiograph.schemas.lightdqm.units import PER_ADC16

from .conftest import arrays

DEFAULT = {
    "noises.json",
    "baselines.json",
    "clipped_epcb_beam.json",
    "clipped_epcb_self.json",
    "negatives_tpc_beam.json",
    "negatives_tpc_self.json",
    *(
        f"noise_spectra_roi_{f}mhz.json"
        for f in ("0_5", "1_8", "4_6", "7_1", "8_5", "10_0", "11_5", "19_0", "20_0", "25_0", "30_0")
    ),
}


def varied() -> dict[str, Any]:
    """Arrays whose every entry differs, with a channel without data."""
    rng = np.random.default_rng(3)
    found = arrays()
    for name, array in found.items():
        if array.dtype.kind == "f":
            found[name] = array + rng.normal(size=array.shape) * abs(array).max() * 1e-3
        elif name.endswith(".k"):
            found[name] = rng.integers(0, 50, array.shape)
    for part in ("median", "p16", "p84"):
        found[f"baseline.{part}"][3, 7] = np.nan
    return found


def test_names_and_content_are_those_of_the_script() -> None:
    lines = lines_of(arrays(k=3, n=70), 12)
    assert lines.keys() == DEFAULT
    assert all(line["file_index"] == 12 for line in lines.values())
    noise = lines["noises.json"]
    assert list(noise) == ["file_index", "data_c", "data_l", "data_u"]
    assert np.shape(noise["data_c"]) == (8, 64)
    # Medians 12 with points at 11 and 14: the lower one is negative.
    assert (noise["data_c"][0][4], noise["data_l"][0][4], noise["data_u"][0][4]) == (12, -1, 2)
    assert list(lines["clipped_epcb_beam.json"]) == ["file_index", "pass", "totals"]
    assert lines["negatives_tpc_self.json"]["pass"][7][63] == 3
    assert lines["negatives_tpc_self.json"]["totals"][7][63] == 70
    assert list(lines["noise_spectra_roi_0_5mhz.json"]) == ["file_index", "spectra_roi"]


def test_extra_files_are_written_on_demand() -> None:
    lines = lines_of(arrays(), 0, all_clipped=True, all_negatives=True)
    extra = {f"{q}_{t}.json" for q in ("clipped_ch", "negatives_epcb") for t in ("beam", "self")}
    assert lines.keys() == DEFAULT | extra


def test_a_trigger_without_events_has_no_line() -> None:
    found = arrays()
    for name in found:
        if ".beam." in name:
            found[name] = np.zeros_like(found[name])
    assert not [name for name in lines_of(found, 0) if "beam" in name]
    # Events without light are events.
    found["clipped.beam.total.n"] = np.full((8, 64), 5)
    assert "clipped_epcb_beam.json" in lines_of(found, 0)


@pytest.mark.parametrize("unit", list(PER_ADC16))
def test_what_is_written_is_read_again(tmp_path: Path, unit: str) -> None:
    given = varied()
    scale = PER_ADC16[unit]
    lines = lines_of(given, 5, units_per_adc16=scale, all_clipped=True, all_negatives=True)
    write_lines(tmp_path, lines)
    read: dict[str, Any] = {}
    for name in lines:
        found = read_lines(tmp_path / name, 1.0 / scale)
        assert (found.n_lines, found.n_duplicates, found.n_bad) == (1, 0, 0)
        assert list(found.arrays) == [5]
        read |= found.arrays[5]
    for name, array in read.items():
        if name in ("noise.n", "baseline.n"):
            assert (array == -1).all()
        else:
            np.testing.assert_array_equal(array, given[name], err_msg=name)
    again = lines_of(read, 5, units_per_adc16=scale, all_clipped=True, all_negatives=True)
    assert json.dumps(again) == json.dumps(lines)


def test_a_line_replaces_that_of_the_same_index(tmp_path: Path) -> None:
    for index, noise in ((1, 10.0), (2, 11.0), (1, 12.0)):
        n = write_lines(tmp_path, lines_of(arrays(noise=noise), index))
        assert n == (len(DEFAULT) if noise == 12.0 else 0)
    found = read_lines(tmp_path / "noises.json")
    assert found.n_lines == 2
    assert found.arrays[1]["noise.median"][0, 0] == 12.0
    assert {p.name for p in tmp_path.iterdir()} == DEFAULT


def test_lines_that_cannot_be_read_are_kept_when_others_are_written(tmp_path: Path) -> None:
    path = tmp_path / "noises.json"
    path.write_text('{"file_index": 1, "da\n[]\n', encoding="utf-8")
    write_lines(tmp_path, lines_of(arrays(), 1))
    assert path.read_text(encoding="utf-8").splitlines()[:2] == ['{"file_index": 1, "da', "[]"]
    found = read_lines(path)
    assert (found.n_lines, found.n_bad, list(found.arrays)) == (3, 2, [1])


def test_bad_and_duplicate_lines_are_counted_with_reasons(tmp_path: Path) -> None:
    good = json.dumps(lines_of(arrays(noise=9.0), 4)["noises.json"])
    zeros = np.zeros((8, 64)).tolist()
    path = tmp_path / "noises.json"
    bad = [
        "{broken",
        "3",
        json.dumps({"file_index": -1}),
        json.dumps({"file_index": True}),
        json.dumps({"file_index": 3, "data_c": zeros}),
        json.dumps({"file_index": 3, "data_c": zeros, "data_l": [1], "data_u": zeros}),
        json.dumps({"file_index": 3, "data_c": zeros, "data_l": zeros[:2], "data_u": zeros}),
        json.dumps({"file_index": 3, "data_c": [["a"] * 64], "data_l": zeros, "data_u": zeros}),
    ]
    newer = json.dumps(lines_of(arrays(noise=8.0), 4)["noises.json"])
    path.write_text("\n".join([good, *bad, "", newer]), encoding="utf-8")
    found = read_lines(path)
    assert (found.n_lines, found.n_bad, found.n_duplicates) == (10, 8, 1)
    assert found.arrays[4]["noise.median"][0, 0] == 8.0
    reasons = dict(found.problems)
    assert list(reasons) == list(range(2, 10))
    assert "not JSON" in reasons[2]
    assert reasons[3] == "not a JSON object"
    assert reasons[4] == "file_index is -1, not a whole number from 0 on"
    assert reasons[6] == "no data_l"
    assert reasons[7] == "data_l has the shape (1,), not (ADCs, 64)"
    assert reasons[8] == "data_c, data_l and data_u differ in shape"
    assert reasons[9] == "data_c is not a table of numbers"


def test_channels_with_more_passed_than_there_are_left_out(tmp_path: Path) -> None:
    line = lines_of(arrays(k=1, n=5), 0)["clipped_epcb_self.json"]
    line["pass"][0][18] = 9
    path = tmp_path / "clipped_epcb_self.json"
    path.write_text(json.dumps(line), encoding="utf-8")
    found = read_lines(path)
    assert found.problems == ((1, "more passed than there are in 0/18; left out"),)
    assert found.n_bad == 0
    k, n = (found.arrays[0][f"clipped.self.epcb.{part}"] for part in ("k", "n"))
    assert (k[0, 18], n[0, 18], k[0, 19], n[0, 19]) == (0, 0, 1, 5)


@pytest.mark.parametrize("value", [-1, 0.5, 1e300, "NaN"])
def test_what_is_no_count_is_a_bad_line(tmp_path: Path, value: Any) -> None:
    line = lines_of(arrays(), 0)["clipped_epcb_self.json"]
    line["pass"][1][2] = float("nan") if value == "NaN" else value
    path = tmp_path / "clipped_epcb_self.json"
    path.write_text(json.dumps(line), encoding="utf-8")
    with pytest.raises(InputError, match="not a count"):
        read_lines(path)


def test_files_that_are_none_of_the_script(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="the name says what the lines mean") as error:
        read_lines(tmp_path / "other.json")
    assert error.value.exit_code == 3
    with pytest.raises(InputError, match="cannot be read"):
        read_lines(tmp_path / "noises.json")
    (tmp_path / "noises.json").touch()
    with pytest.raises(InputError, match="it is empty"):
        read_lines(tmp_path / "noises.json")


def _append(folder: str, first: int, start: Any) -> None:
    line = lines_of(arrays(n_adcs=1), 0)["noises.json"]
    start.wait()
    for index in range(first, first + 10):
        write_lines(Path(folder), {"noises.json": {**line, "file_index": index}})


def test_several_processes_append_without_losing_a_line(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    start = context.Barrier(4)
    writers = [
        context.Process(target=_append, args=(str(tmp_path), 10 * i, start)) for i in range(4)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 4
    assert sorted(read_lines(tmp_path / "noises.json").arrays) == list(range(40))


def test_every_frequency_of_the_script_has_a_file() -> None:
    assert len([n for n in DEFAULT if n.startswith("noise_spectra")]) == len(ROI_MHZ)
