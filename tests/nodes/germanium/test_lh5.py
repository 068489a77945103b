"""LH5 files: what they hold, filters, and what is said of bad ones."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from germanium_data import HALF_A, THREE_TIERS, reference
from radiograph.drivers.germanium.lh5_writing import (
    Lh5Column,
    Lh5Waveforms,
    new_lh5,
    write_array,
    write_table,
)
from radiograph.nodes.germanium.codecs import CODECS
from radiograph.nodes.germanium.lh5 import (
    layout_of,
    lh5_file,
    name_of,
    read_column,
    read_waveforms,
)
from radiograph.nodes.germanium.lh5_datasets import ZSTANDARD, rows_of_dataset
from radiograph.schemas.errors import InputError

SAMPLES = np.random.default_rng(5).normal(15000, 30, (50, 96)).astype(np.uint16)


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """A file with one channel: encoded and plain waveforms and two columns."""
    path = tmp_path / "x-p01-r002-cal-20250101T000000Z-tier_raw.lh5"
    with new_lh5(path) as file:
        columns = {
            "timestamp": Lh5Column(np.arange(50.0), {"units": "s"}),
            "is_good": Lh5Column(np.arange(50) % 2 == 0),
            "waveform_windowed": Lh5Waveforms(SAMPLES, 16.0, 42000.0, CODECS[1]),
            "waveform_presummed": Lh5Waveforms(SAMPLES.astype(np.int32) * 8, 128.0, 0.0, CODECS[0]),
            "waveform": Lh5Waveforms(SAMPLES, 16.0, 0.0),
        }
        write_table(file, "ch0000007/raw", columns)
    return path


def test_layout(raw: Path) -> None:
    layout = layout_of(raw)
    (table,) = layout.tables
    assert (table.path, table.channel, table.tier, table.n_rows) == (
        "ch0000007/raw", "ch0000007", "raw", 50,
    )  # fmt: skip
    assert table.columns[:2] == ("timestamp", "is_good")
    assert [(w.name, w.n_samples, w.dt_ns, w.t0_ns, w.codec) for w in table.waveforms] == [
        ("waveform_windowed", 96, 16.0, 42000.0, "radware_sigcompress"),
        ("waveform_presummed", 96, 128.0, 0.0, "uleb128_zigzag_diff"),
        ("waveform", 96, 16.0, 0.0, ""),
    ]


@pytest.mark.parametrize("dtype", ["f4", "f8", "u1", "i8", "?"])
def test_packed_columns_come_back(tmp_path: Path, dtype: str) -> None:
    """Two chunks, the second cut short, by HDF5's own filters; rows of numbers too."""
    rng = np.random.default_rng(3)
    values = (100 * rng.random(16_390)).astype(dtype)
    rows = (100 * rng.random((16_390, 3))).astype(dtype)
    with new_lh5(tmp_path / "a.lh5") as file:
        write_table(file, "ch0000007/dsp", {"one": Lh5Column(values)})
        write_array(file.create_group("arrays"), "many", rows)
    with h5py.File(tmp_path / "a.lh5") as file:
        column = file["ch0000007/dsp/one"]
        assert (column.compression, column.compression_opts, column.shuffle) == ("gzip", 4, True)
        assert np.array_equal(column[()], values)
        assert np.array_equal(file["arrays/many"][()], rows)


def test_written_as_the_format_says(raw: Path) -> None:
    with h5py.File(raw) as file:
        assert file.attrs["datatype"] == "struct{ch0000007}"
        assert file["ch0000007"].attrs["datatype"] == "struct{raw}"
        group = file["ch0000007/raw"]
        assert group.attrs["datatype"].startswith("table{timestamp,is_good,waveform_windowed")
        assert group["is_good"].dtype == np.uint8
        assert group["is_good"].attrs["datatype"] == "array<1>{bool}"
        assert group["timestamp"].attrs["units"] == "s"
        values = group["waveform_windowed/values"]
        assert values.attrs["datatype"] == "array_of_encoded_equalsized_arrays<1,1>{real}"


@pytest.mark.parametrize(("first", "n"), [(0, 50), (0, 1), (13, 20), (49, 1), (50, 0)])
def test_waveforms_of_any_rows(raw: Path, first: int, n: int) -> None:
    with lh5_file(raw) as file:
        group = file["ch0000007/raw"]
        for name, factor in (("waveform", 1), ("waveform_windowed", 1), ("waveform_presummed", 8)):
            found = read_waveforms(group, name, first, n, str(raw))
            assert np.array_equal(found, SAMPLES[first : first + n].astype(int) * factor)


def test_names() -> None:
    name = name_of("/a/l200-p03-r000-cal-20230311T235840Z-tier_dsp.lh5")
    assert (name.experiment, name.period, name.run, name.datatype, name.timestamp, name.tier) == (
        "l200", "p03", "r000", "cal", "20230311T235840Z", "dsp",
    )  # fmt: skip
    assert name.stem == "l200-p03-r000-cal-20230311T235840Z"
    assert name_of("any_geds_raw.lh5").stem == "any_geds"
    assert name_of("any.lh5").experiment == ""


def test_real_files() -> None:
    """A half of a calibration, and three tiers of three channels."""
    (table,) = layout_of(reference(HALF_A)).tables
    assert (table.channel, table.n_rows, len(table.columns)) == ("ch1104000", 19172, 22)
    for tier, n_columns in (("raw", 32), ("dsp", 59), ("hit", 27)):
        tables = layout_of(reference(THREE_TIERS.format(tier))).tables
        assert [t.channel for t in tables] == ["ch1084803", "ch1084804", "ch1121600"]
        assert {(t.n_rows, len(t.columns), t.tier) for t in tables} == {(10, n_columns, tier)}


def test_links_are_not_counted_twice(raw: Path) -> None:
    """Files of 2025 hold a table again under the name of its detector; other groups are told."""
    with h5py.File(raw, "a") as file:
        file["raw/V01"] = file["ch0000007/raw"]
        file["det1/raw"] = file["ch0000007/raw"]
        file.create_group("extra")
    layout = layout_of(raw)
    assert [t.path for t in layout.tables] == ["ch0000007/raw"]
    assert set(layout.others) == {"raw", "extra"}


def _zstandard(group: h5py.Group, name: str, values: Any, chunks: tuple[int, ...]) -> None:
    """A dataset stored with shuffle and Zstandard, chunk by chunk as HDF5 would."""
    import cramjam

    space = h5py.h5s.create_simple(values.shape)
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_chunk(chunks)
    plist.set_shuffle()
    plist.set_filter(ZSTANDARD, h5py.h5z.FLAG_OPTIONAL, (3,))
    kind = h5py.h5t.py_create(values.dtype)
    dataset = h5py.h5d.create(group.id, name.encode(), kind, space, plist)
    padded = np.zeros([-(-s // c) * c for s, c in zip(values.shape, chunks, strict=True)],
                      values.dtype)  # fmt: skip
    padded[tuple(slice(s) for s in values.shape)] = values
    for at in np.ndindex(*(p // c for p, c in zip(padded.shape, chunks, strict=True))):
        begin = [k * c for k, c in zip(at, chunks, strict=True)]
        chunk = padded[tuple(slice(b, b + c) for b, c in zip(begin, chunks, strict=True))]
        shuffled = np.ascontiguousarray(chunk).view(np.uint8).reshape(-1, values.itemsize).T
        raw = bytes(cramjam.zstd.compress(shuffled.tobytes()))
        dataset.write_direct_chunk(tuple(begin), raw)


@pytest.mark.parametrize("chunks", [(7, 96), (20, 40), (50, 96)])
def test_zstandard(tmp_path: Path, chunks: tuple[int, int]) -> None:
    """LEGEND's filter since 2025, without a plugin: any rows of chunks that do not fit."""
    with h5py.File(tmp_path / "z.lh5", "w") as file:
        _zstandard(file, "x", SAMPLES, chunks)
    with h5py.File(tmp_path / "z.lh5") as file:
        for first, n in ((0, 50), (3, 9), (48, 5), (50, 0)):
            found = rows_of_dataset(file["x"], first, n, "z.lh5")
            assert np.array_equal(found, SAMPLES[first : first + n])


def _one_more_row(group: h5py.Group) -> None:
    group["timestamp"].resize((51,))


def _other_codec(group: h5py.Group) -> None:
    group["waveform_windowed/values"].attrs["codec"] = "lzma"


def _mixed_dt(group: h5py.Group) -> None:
    group["waveform/dt"][3] = 8.0


def _unit(group: h5py.Group) -> None:
    group["waveform/dt"].attrs["units"] = "fortnight"


def _no_t0(group: h5py.Group) -> None:
    del group["waveform/t0"]


def _wrong_values(group: h5py.Group) -> None:
    del group["waveform/values"]
    group["waveform/values"] = np.array([b"a"] * 50)


@pytest.mark.parametrize(
    ("damage", "code", "words"),
    [
        (_one_more_row, "unequal_rows", "timestamp has 51 rows, other columns 50"),
        (_other_codec, "unknown_codec", "lzma"),
        (_mixed_dt, "mixed_sampling", "from 8.0 to 16.0 ns"),
        (_unit, "unknown_unit", "fortnight"),
        (_no_t0, "missing_column", "no t0"),
        (_wrong_values, "wrong_dtype", "rows of numbers are needed"),
    ],
)
def test_bad_tables(raw: Path, damage: Callable[[Any], None], code: str, words: str) -> None:
    with h5py.File(raw, "a") as file:
        damage(file["ch0000007/raw"])
    with pytest.raises(InputError, match=words) as raised:
        layout_of(raw)
    assert raised.value.code == code


def test_no_lh5(tmp_path: Path) -> None:
    path = tmp_path / "text.lh5"
    path.write_text("no HDF5")
    with pytest.raises(InputError, match=r"is no HDF5 file\. Give an LH5 file"):
        layout_of(path)
    with h5py.File(path, "w") as file:
        file.create_group("tcm")
    with pytest.raises(InputError, match="no table") as raised:
        layout_of(path)
    assert "tcm" in raised.value.message


def test_truncated_file(raw: Path) -> None:
    raw.write_bytes(raw.read_bytes()[:-4000])
    with pytest.raises(InputError, match=r"is cut off: .*Copy it again"):
        layout_of(raw)


def test_one_cause_one_sentence(raw: Path, tmp_path: Path) -> None:
    def locked(*_: Any) -> None:
        raise BlockingIOError(11, "unable to lock file, errno = 11, error message = 'Resource'")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(h5py, "File", locked)
        with pytest.raises(InputError, match="is locked: another program has it open"):
            layout_of(raw)
    content = raw.read_bytes()
    (tmp_path / "a.lh5").write_bytes(gzip.compress(content, 1, mtime=0))
    with pytest.raises(InputError, match=r"it is compressed \(gzip\)\. Unpack it first"):
        layout_of(tmp_path / "a.lh5")
    # No run of ours wrote a file of raw data.
    before, mark, after = content.rpartition(b"OHDR")
    assert mark
    raw.write_bytes(before + b"OHDX" + after)
    with pytest.raises(InputError, match=r"the file is damaged .*\. Copy it again, or give"):
        layout_of(raw)


def test_damaged_stream_names_the_row(raw: Path) -> None:
    with h5py.File(raw, "a") as file:
        ends = file["ch0000007/raw/waveform_windowed/values/encoded_data/cumulative_length"]
        ends[20] = ends[20] - 40
    with lh5_file(raw) as file, pytest.raises(InputError, match="row 20"):
        read_waveforms(file["ch0000007/raw"], "waveform_windowed", 0, 50, str(raw))


def test_missing_column(raw: Path) -> None:
    with lh5_file(raw) as file, pytest.raises(InputError, match="daqenergy, which the dsp tier"):
        read_column(file["ch0000007/raw"], "daqenergy", 0, 5, str(raw), tier="dsp")


def test_unknown_filter(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "u.lh5", "w") as file:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((4,))
        plist.set_filter(32999, h5py.h5z.FLAG_OPTIONAL, ())
        kind, space = h5py.h5t.NATIVE_INT32, h5py.h5s.create_simple((4,))
        h5py.h5d.create(file.id, b"x", kind, space, plist)
    with h5py.File(tmp_path / "u.lh5") as file, pytest.raises(InputError, match="32999") as raised:
        rows_of_dataset(file["x"], 0, 4, "u.lh5")
    assert raised.value.code == "unknown_filter"
